#include "daemon/engine/jobs.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/engine/active_job.h"
#include "daemon/store/sqlite_private.h"

#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"
#include "tests/support/scale.h"

static size_t count(const struct job_record *record, enum outcome outcome)
{
    return record->tally.n_outcomes[outcome];
}

static size_t n_rest(const struct job_record *record)
{
    return record->tally.n_items - record->tally.n_finished;
}

#define ONE "[\"http://127.0.0.1:@/\"]"
#define TWO_OF_THREE                                                                               \
    "{\"limits\": {\"concurrency\": 2}, \"requests\": [{\"url\": \"http://127.0.0.1:@/hang\", "    \
    "\"repeat\": 3}]}"

/* --- Running ---------------------------------------------------------------------------------- */

JOBS_TEST(job_runs_to_its_end)
{
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/\", \"http://10.0.0.1/\"]");

    ck_assert_int_eq(job->status, JOB_QUEUED);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_int_eq(job->rest, REST_NONE);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_BLOCKED), 1);
    ck_assert(job->created_at <= job->started_at && job->started_at <= job->ended_at);
    ck_assert_int_gt(job->expires_at, job->ended_at);
    ck_assert_int_eq(outcome_of(fixture, job, 0), OUTCOME_SUCCESS);
    ck_assert_int_eq(outcome_of(fixture, job, 1), OUTCOME_BLOCKED);
    job_record_unref(job);
}

JOBS_TEST(jobs_run_beside_each_other)
{
    struct job_record *first = submit(fixture, TWO_OF_THREE);
    struct job_record *second = submit(fixture, "[\"http://127.0.0.1:@/\"]");

    second = wait_for_end(fixture, second);
    first = wait_until_running(fixture, first, 2);
    ck_assert_int_eq(first->status, JOB_RUNNING);
    job_record_unref(first);
    job_record_unref(second);
}

JOBS_TEST(policy_that_ends_a_job_makes_it_done)
{
    struct job_record *job = submit(
        fixture, "{\"gather\": {\"until\": \"first_success\"}, \"limits\": {\"concurrency\": 2}, "
                 "\"urls\": [\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\", "
                 "\"http://127.0.0.1:@/hang\"]}");

    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_CANCELED), 1);
    ck_assert_int_eq(job->rest, REST_SATISFIED);
    ck_assert_uint_eq(n_rest(job), 1);
    ck_assert_int_eq(outcome_of(fixture, job, 2), -1);
    job_record_unref(job);
}

/* --- Giving up -------------------------------------------------------------------------------- */

JOBS_TEST(canceled_job_keeps_what_it_has)
{
    struct job_record *job =
        submit(fixture, "{\"limits\": {\"concurrency\": 1}, \"urls\": [\"http://127.0.0.1:@/\", "
                        "\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\"]}");

    job = wait_until_finished(fixture, job, 1);
    job = wait_until_running(fixture, job, 1);
    assert_ok(jobs_cancel(fixture->jobs, job));
    ck_assert(job->status == JOB_CANCELING || job->status == JOB_CANCELED);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    ck_assert_int_eq(job->rest, REST_CANCELED);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_CANCELED), 1);
    ck_assert_uint_eq(n_rest(job), 1);
    job_record_unref(job);
}

JOBS_TEST(job_can_be_canceled_before_it_starts)
{
    struct job_record *job = submit(fixture, TWO_OF_THREE);

    assert_ok(jobs_cancel(fixture->jobs, job));
    ck_assert_int_eq(job->status, JOB_CANCELED);
    ck_assert_uint_eq(n_rest(job), 3);
    ck_assert_uint_eq(net->origin.n_connections, 0);
    job_record_unref(job);
}

JOBS_TEST(canceling_again_changes_nothing)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, TWO_OF_THREE), 2);

    assert_ok(jobs_cancel(fixture->jobs, job));
    assert_ok(jobs_cancel(fixture->jobs, job));
    job = wait_for_end(fixture, job);
    uint64_t version = job->version;
    assert_ok(jobs_cancel(fixture->jobs, job));
    ck_assert_uint_eq(job->version, version);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    job_record_unref(job);
}

JOBS_TEST(job_may_be_deleted_while_it_runs)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, TWO_OF_THREE), 2);
    struct job_record *again;

    assert_ok(jobs_delete(fixture->jobs, job));
    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &again), -ENOENT);
    ck_assert_int_eq(jobs_delete(fixture->jobs, job), -ENOENT);
    job_record_unref(job);
}

JOBS_TEST(deadline_ends_a_job_that_runs)
{
    struct job_record *job =
        submit(fixture,
               "{\"deadline_ms\": 6000, \"limits\": {\"concurrency\": 2}, \"requests\": [{\"url\": "
               "\"http://127.0.0.1:@/hang\", \"repeat\": 3}]}");

    job = wait_until_running(fixture, job, 2);
    wind(6 * CO_SECOND);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_int_eq(job->rest, REST_DEADLINE);
    ck_assert_uint_eq(count(job, OUTCOME_TRANSPORT_ERROR), 2);
    ck_assert_uint_eq(n_rest(job), 1);
    job_record_unref(job);
}

#define ALL_PLACES "{\"requests\": [{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 100}]}"

JOBS_TEST(deadline_ends_a_job_that_waits_for_its_turn)
{
    struct job_record *blocker = submit(fixture, ALL_PLACES);
    blocker = wait_until_running(fixture, blocker, FIXTURE_CONCURRENCY);
    struct job_record *job =
        submit(fixture, "{\"deadline_ms\": 1, \"urls\": [\"http://127.0.0.1:@/\"]}");

    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_int_eq(job->rest, REST_DEADLINE);
    ck_assert_uint_eq(n_rest(job), 1);
    job_record_unref(job);
    job_record_unref(blocker);
}

JOBS_TEST(overdue_jobs_end_however_many_there_are)
{
    enum { N = 300 };
    const struct stats *stats = engine_stats(fixture->engine);

    for (int i = 0; i < N; i++)
        job_record_unref(submit(fixture, "{\"deadline_ms\": 3600000, \"urls\": "
                                         "[\"http://127.0.0.1:@/hang\"]}"));
    query_store(fixture, "UPDATE job SET deadline_at = 1");
    job_record_unref(submit(fixture, "{\"deadline_ms\": 1, \"urls\": [\"http://10.0.0.1/\"]}"));
    while (stats->n_jobs_done <= N)
        assert_ok(co_sleep(0));
}

/* --- Waiting to be tried again ---------------------------------------------------------------- */

static struct job_record *submit_what_backs_off(struct jobs_fixture *fixture)
{
    struct job_record *job =
        submit(fixture, "{\"requests\": [{\"url\": \"http://127.0.0.1:@/busy\", \"retry\": "
                        "{\"backoff_ms\": 5000, \"jitter\": 0}}, \"http://127.0.0.1:@/\"]}");

    job = wait_until_finished(fixture, job, 1);
    while (engine_n_running(fixture->engine) > 0)
        assert_ok(co_sleep(0));
    ck_assert_uint_eq(engine_n_waiting(fixture->engine), 1);
    return job;
}

JOBS_TEST(job_goes_on_when_its_items_have_backed_off)
{
    struct job_record *job = submit_what_backs_off(fixture);

    ck_assert_int_eq(job->status, JOB_RUNNING);
    while (!job_record_has_ended(job = renew(fixture, job))) {
        if (engine_n_running(fixture->engine) == 0)
            wind(CO_SECOND);
        assert_ok(co_sleep(0));
    }
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(count(job, OUTCOME_HTTP_ERROR), 1);
    ck_assert_uint_eq(job->tally.n_retried, 1);
    job_record_unref(job);
}

JOBS_TEST(job_can_be_canceled_while_its_items_back_off)
{
    struct job_record *job = submit_what_backs_off(fixture);

    assert_ok(jobs_cancel(fixture->jobs, job));
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_CANCELED), 1);
    job_record_unref(job);
}

/* --- Many ------------------------------------------------------------------------------------- */

JOBS_TEST(many_small_jobs_all_end)
{
    enum { N = 300 };
    struct job_record *jobs[N];

    for (int i = 0; i < N; i++)
        jobs[i] = submit(fixture, "[\"http://127.0.0.1:@/\"]");
    for (int i = 0; i < N; i++) {
        jobs[i] = wait_for_end(fixture, jobs[i]);
        ck_assert_uint_eq(count(jobs[i], OUTCOME_SUCCESS), 1);
        job_record_unref(jobs[i]);
    }
    ck_assert_uint_eq(engine_stats(fixture->engine)->n_jobs_accepted, N);
    ck_assert_uint_eq(engine_stats(fixture->engine)->n_jobs_done, N);
    ck_assert_uint_eq(net->origin.n_requests, N);
}

JOBS_TEST(large_job_is_in_memory_bit_by_bit)
{
    struct job_record *job =
        submit(fixture, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 12000}]");

    while (!job_record_has_ended(job = renew(fixture, job))) {
        ck_assert_uint_le(engine_n_waiting(fixture->engine), 36 * CHUNK_ITEMS);
        assert_ok(co_sleep(0));
    }
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 12000);
    ck_assert_uint_eq(net->origin.n_requests, 12000);
    job_record_unref(job);
}

JOBS_TEST(small_job_does_not_wait_for_a_large_one)
{
    struct job_record *large =
        submit(fixture, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 20000}]");
    large = wait_until_finished(fixture, large, 1);
    struct job_record *small = submit(fixture, "[\"http://127.0.0.1:@/\"]");

    small = wait_for_end(fixture, small);
    large = renew(fixture, large);
    ck_assert(!job_record_has_ended(large));
    ck_assert_uint_lt(large->tally.n_finished, 5000);
    job_record_unref(small);
    job_record_unref(large);
}

/* --- What clients see ------------------------------------------------------------------------- */

JOBS_TEST(jobs_are_listed_by_their_status)
{
    struct job_record *running = wait_until_running(fixture, submit(fixture, TWO_OF_THREE), 2);
    struct job_record *done = wait_for_end(fixture, submit(fixture, "[\"http://127.0.0.1:@/\"]"));
    const struct store_query query = {.by_status = true, .status = JOB_RUNNING};
    struct job_record *found[2];
    bool more;

    ck_assert_int_eq(jobs_list(fixture->jobs, &query, 2, found, &more), 1);
    ck_assert_str_eq(found[0]->id, running->id);
    ck_assert_uint_eq(jobs_n_running(found[0]), 2);
    ck_assert(!more);
    job_record_unref(found[0]);
    ck_assert_int_eq(jobs_list(fixture->jobs, &(struct store_query){0}, 2, found, &more), 2);
    ck_assert_str_eq(found[0]->id, done->id);
    job_record_unref(found[0]);
    job_record_unref(found[1]);
    job_record_unref(running);
    job_record_unref(done);
}

JOBS_TEST(jobs_are_counted)
{
    struct job_record *first = submit(fixture, "[\"http://127.0.0.1:@/\"]");
    struct job_record *second = submit(fixture, TWO_OF_THREE);
    const struct stats *stats = engine_stats(fixture->engine);
    struct jobs_stats now;

    first = wait_for_end(fixture, first);
    second = wait_until_running(fixture, second, 2);
    jobs_get_stats(fixture->jobs, &now);
    ck_assert_uint_eq(now.n_queued, 0);
    ck_assert_uint_eq(now.n_running, 1);
    ck_assert_uint_eq(now.n_canceling, 0);
    ck_assert_uint_eq(now.n_items, 3);
    ck_assert_uint_eq(stats->n_jobs_accepted, 2);
    ck_assert_uint_eq(stats->n_jobs_done, 1);
    assert_ok(jobs_cancel(fixture->jobs, second));
    second = wait_for_end(fixture, second);
    ck_assert_uint_eq(stats->n_jobs_canceled, 1);
    ck_assert_uint_eq(stats->n_finished[OUTCOME_SUCCESS], 1);
    jobs_get_stats(fixture->jobs, &now);
    ck_assert_uint_eq(now.n_items, 0);
    job_record_unref(first);
    job_record_unref(second);
}

JOBS_TEST(what_drains_starts_nothing_more_and_ends_what_runs)
{
    struct job_record *running = submit(fixture, TWO_OF_THREE);
    struct jobs_stats now;

    running = wait_until_running(fixture, running, 2);
    jobs_drain(fixture->jobs);
    struct job_record *late = submit(fixture, "[\"http://127.0.0.1:@/\"]");
    settle();
    late = renew(fixture, late);
    ck_assert_uint_eq(jobs_n_running(late), 0);
    ck_assert(!job_record_has_ended(late));
    running = renew(fixture, running);
    ck_assert_uint_eq(jobs_n_running(running), 2);
    jobs_get_stats(fixture->jobs, &now);
    ck_assert_uint_eq(now.n_queued + now.n_running, 2);
    job_record_unref(running);
    job_record_unref(late);
}

JOBS_TEST(jobs_that_nobody_works_on_are_counted_after_a_start)
{
    struct job_record *job = submit(fixture, "{\"urls\": [\"http://127.0.0.1:@/hang\"]}");
    struct jobs_stats now;

    job = wait_until_running(fixture, job, 1);
    restart(fixture);
    jobs_get_stats(fixture->jobs, &now);
    ck_assert_uint_ge(now.n_queued + now.n_running, 1);
    job_record_unref(job);
}

JOBS_TEST(every_change_makes_a_new_version)
{
    struct job_record *job = submit(fixture, TWO_OF_THREE);
    uint64_t queued = job_record_version(job);

    job = wait_until_running(fixture, job, 2);
    while ((job = renew(fixture, job))->status != JOB_RUNNING)
        assert_ok(co_sleep(0));
    uint64_t running = job_record_version(job);
    assert_ok(jobs_cancel(fixture->jobs, job));
    job = wait_for_end(fixture, job);
    ck_assert_uint_lt(queued, running);
    ck_assert_uint_lt(running, job_record_version(job));
    job_record_unref(job);
}

static int wait_for_a_result(void *arg, void **ret_result)
{
    struct job_record *record = arg;
    int rc = 0;

    (void)ret_result;
    while (rc == 0 && record->tally.n_finished == 0)
        rc = co_event_wait(&record->active->changed);
    return rc;
}

JOBS_TEST(who_waits_for_a_change_of_a_job_is_woken)
{
    struct job_record *job =
        submit(fixture, "[\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\"]");
    struct co_task *task;

    job = wait_until_running(fixture, job, 1);
    ck_assert_ptr_nonnull(job->active);
    assert_ok(co_create_task("wait", wait_for_a_result, job, &task));
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    ck_assert_uint_eq(job->tally.n_finished, 1);
    job_record_unref(job);
}

JOBS_TEST(ended_job_is_forgotten_when_its_time_has_come)
{
    struct job_record *job =
        submit(fixture, "{\"ttl_ms\": 0.001, \"urls\": [\"http://127.0.0.1:@/\"]}");
    struct job_record *found;
    int rc;

    while ((rc = jobs_find(fixture->jobs, "", job->id, &found)) == 0) {
        job_record_unref(found);
        assert_ok(co_sleep(0));
    }
    ck_assert_int_eq(rc, -ENOENT);
    job_record_unref(job);
}

JOBS_TEST(ended_job_is_read_from_the_store_once)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, ONE));
    struct job_record *again, *nobodys;

    job = renew(fixture, job);
    assert_ok(jobs_find(fixture->jobs, "", job->id, &again));
    ck_assert_ptr_eq(again, job);
    ck_assert_int_eq(jobs_find(fixture->jobs, "them", job->id, &nobodys), -ENOENT);
    job_record_unref(again);
    job_record_unref(job);
}

JOBS_TEST(ended_job_that_was_read_can_be_deleted)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, ONE));
    struct job_record *again;

    job = renew(fixture, job);
    assert_ok(jobs_delete(fixture->jobs, job));
    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &again), -ENOENT);
    job_record_unref(job);
}

struct looking {
    struct jobs *jobs;
    char id[JOB_ID_SIZE];
};

static int look_for(void *arg, void **ret_result)
{
    struct looking *looking = arg;
    struct job_record *record;
    int rc = jobs_find(looking->jobs, "", looking->id, &record);

    (void)ret_result;
    if (rc == 0)
        job_record_unref(record);
    return 0;
}

JOBS_TEST(ended_job_that_is_deleted_while_it_is_read_is_gone)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, ONE));
    struct looking looking = {.jobs = fixture->jobs};
    struct job_record *again;
    struct co_task *task;

    memcpy(looking.id, job->id, sizeof(looking.id));
    assert_ok(co_create_task("look", look_for, &looking, &task));
    assert_ok(jobs_delete(fixture->jobs, job));
    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &again), -ENOENT);
    assert_ok(co_task_await(task, NULL));
    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &again), -ENOENT);
    co_task_unref(task);
    job_record_unref(job);
}

JOBS_TEST(running_job_is_not_forgotten_however_long_it_takes)
{
    struct job_record *job =
        submit(fixture, "{\"ttl_ms\": 0.001, \"urls\": [\"http://127.0.0.1:@/hang\"]}");

    job = wait_until_running(fixture, job, 1);
    settle();
    job_record_unref(renew(fixture, job));
}

/* --- Without memory --------------------------------------------------------------------------- */

JOBS_TEST(jobs_there_is_no_memory_for_are_not_started)
{
    const struct jobs_options options = {
        .engine = fixture->engine,
        .store = fixture->store,
        .parse = &fixture->parse,
        .max_running = FIXTURE_CONCURRENCY,
    };
    struct jobs *other;

    jobs_free(fixture->jobs);
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = jobs_new(&other, &options);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
    fixture->jobs = other;
}

/* Whatever fails, every item has a result in the end. */
JOBS_TEST(job_ends_whatever_there_is_no_memory_for)
{
    for (size_t n = 1; n < 400; n += every(20)) {
        struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/\", \"http://10.0.0.1/\"]");
        fault_arm(n);
        while (fixture->jobs != NULL && co_sleep(0) == 0) {
            struct job_record *now;
            if (jobs_find(fixture->jobs, "", job->id, &now) < 0)
                continue;
            bool has_ended = job_record_has_ended(now);
            job_record_unref(now);
            if (has_ended)
                break;
        }
        fault_disarm();
        job = wait_for_end(fixture, job);
        ck_assert_uint_eq(job->tally.n_finished, 2);
        job_record_unref(job);
    }
}

/* Of 20000 bytes, where values may have 19000. */
JOBS_TEST(body_that_the_store_cannot_take_is_left_out_and_the_rest_recorded)
{
    const struct store_read_options all = {
        .n_items = 2, .max_rows = 2, .max_bytes = SIZE_MAX, .with_bodies = true};
    struct store_page page;

    sqlite3_limit(fixture->store->writer.connection.database, SQLITE_LIMIT_LENGTH, 19000);
    struct job_record *job =
        submit(fixture, "{\"defaults\": {\"capture\": {\"body\": \"full\"}},"
                        " \"urls\": [\"http://127.0.0.1:@/large\", \"http://127.0.0.1:@/\"]}");
    job = wait_for_end(fixture, job);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 2);
    ck_assert_int_eq(store_health(fixture->store), STORE_OK);
    ck_assert_int_eq(store_read(fixture->store, job->number, &all, &page), 0);
    ck_assert_uint_eq(page.n_rows, 2);
    ck_assert(!page.rows[0].has_body);
    ck_assert_uint_eq(page.rows[1].body_length, 2);
    store_page_done(&page);
    job_record_unref(job);
}

Suite *suite_jobs(void);

Suite *suite_jobs(void)
{
    Suite *suite = suite_create("daemon/engine/jobs");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, job_runs_to_its_end);
    tcase_add_test(tcase, jobs_run_beside_each_other);
    tcase_add_test(tcase, policy_that_ends_a_job_makes_it_done);
    tcase_add_test(tcase, canceled_job_keeps_what_it_has);
    tcase_add_test(tcase, job_can_be_canceled_before_it_starts);
    tcase_add_test(tcase, canceling_again_changes_nothing);
    tcase_add_test(tcase, job_may_be_deleted_while_it_runs);
    tcase_add_test(tcase, deadline_ends_a_job_that_runs);
    tcase_add_test(tcase, deadline_ends_a_job_that_waits_for_its_turn);
    tcase_add_test(tcase, overdue_jobs_end_however_many_there_are);
    tcase_add_test(tcase, job_goes_on_when_its_items_have_backed_off);
    tcase_add_test(tcase, job_can_be_canceled_while_its_items_back_off);
    tcase_add_test(tcase, many_small_jobs_all_end);
    tcase_add_test(tcase, large_job_is_in_memory_bit_by_bit);
    tcase_add_test(tcase, small_job_does_not_wait_for_a_large_one);
    tcase_add_test(tcase, jobs_are_listed_by_their_status);
    tcase_add_test(tcase, jobs_are_counted);
    tcase_add_test(tcase, what_drains_starts_nothing_more_and_ends_what_runs);
    tcase_add_test(tcase, jobs_that_nobody_works_on_are_counted_after_a_start);
    tcase_add_test(tcase, every_change_makes_a_new_version);
    tcase_add_test(tcase, who_waits_for_a_change_of_a_job_is_woken);
    tcase_add_test(tcase, ended_job_is_forgotten_when_its_time_has_come);
    tcase_add_test(tcase, ended_job_is_read_from_the_store_once);
    tcase_add_test(tcase, ended_job_that_was_read_can_be_deleted);
    tcase_add_test(tcase, ended_job_that_is_deleted_while_it_is_read_is_gone);
    tcase_add_test(tcase, running_job_is_not_forgotten_however_long_it_takes);
    tcase_add_test(tcase, jobs_there_is_no_memory_for_are_not_started);
    tcase_add_test(tcase, job_ends_whatever_there_is_no_memory_for);
    tcase_add_test(tcase, body_that_the_store_cannot_take_is_left_out_and_the_rest_recorded);
    suite_add_tcase(suite, tcase);
    return suite;
}
