/* Jobs of which something in the store is damaged: they come to an end, and the others do not
 * notice.
 */
#include <check.h>
#include <errno.h>

#include "daemon/store/store_callbacks.h"
#include "tests/daemon/engine/jobs_fixture.h"

#define ALL_PLACES   "{\"requests\": [{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 100}]}"
#define HALF_OF_THEM "{\"requests\": [{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 50}]}"
#define UNREADABLE   "UPDATE job SET status = 99;"
#define ONLY_OVERDUE "UPDATE job SET deadline_at = 1; DELETE FROM turn; DELETE FROM chunk;"

static const char *const beyond_the_end[] = {
    "UPDATE chunk SET first = 50",          "UPDATE chunk SET first = 4294967295",
    "UPDATE chunk SET n_items = 51",        "UPDATE chunk SET first = -1",
    "UPDATE chunk SET first = 1, data = 0", "UPDATE chunk SET first = 1 << 40",
};

static void wait_until_given_up(struct jobs_fixture *fixture)
{
    while (query_store(fixture, "SELECT count(*) FROM job WHERE ended_at IS NULL") > 0)
        assert_ok(co_sleep(0));
}

/* The fixture's engine counts over restarts, so only differences tell something. */
static uint64_t n_queued(struct jobs_fixture *fixture)
{
    struct jobs_stats stats;

    jobs_get_stats(fixture->jobs, &stats);
    return stats.n_queued;
}

static uint64_t n_pending_items(struct jobs_fixture *fixture)
{
    struct jobs_stats stats;

    jobs_get_stats(fixture->jobs, &stats);
    return stats.n_items;
}

static void expect_damaged(struct jobs_fixture *fixture, const struct job_record *job)
{
    struct job_record *found;
    bool more;

    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &found), -EBADMSG);
    ck_assert_int_eq(jobs_list(fixture->jobs, &(struct store_query){0}, 1, &found, &more), 0);
    assert_ok(jobs_delete_damaged(fixture->jobs, "", job->id));
    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &found), -ENOENT);
    ck_assert_int_eq(jobs_delete_damaged(fixture->jobs, "", job->id), -ENOENT);
}

static void given_up_with(struct jobs_fixture *fixture, const char *sql)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, ALL_PLACES), 100);

    restart_damaged(fixture, sql);
    uint64_t n_before = n_queued(fixture);
    wait_until_given_up(fixture);
    settle();
    ck_assert_uint_eq(engine_n_running(fixture->engine), 0);
    ck_assert_int_eq(store_health(fixture->store), STORE_OK);
    ck_assert_uint_eq(n_queued(fixture), n_before - 1);
    expect_damaged(fixture, job);
    restart(fixture);
    ck_assert_uint_eq(n_queued(fixture), n_before - 1);
    job_record_unref(job);
}

JOBS_TEST(job_with_a_damaged_record_is_given_up_when_it_is_claimed)
{
    given_up_with(fixture, UNREADABLE);
}

JOBS_TEST(job_with_a_damaged_record_is_given_up_when_it_is_overdue)
{
    given_up_with(fixture, UNREADABLE ONLY_OVERDUE);
}

JOBS_TEST(job_with_a_damaged_record_that_is_deleted_is_not_queued_any_more)
{
    struct job_record *job = submit(fixture, ALL_PLACES);
    struct job_record *other = submit(fixture, ALL_PLACES);

    restart_damaged(fixture, UNREADABLE "DELETE FROM turn; DELETE FROM chunk;");
    uint64_t n_before = n_queued(fixture);
    assert_ok(jobs_delete_damaged(fixture->jobs, "", job->id));
    ck_assert_uint_eq(n_queued(fixture), n_before - 1);
    restart(fixture);
    ck_assert_uint_eq(n_queued(fixture), n_before - 1);
    job_record_unref(job);
    job_record_unref(other);
}

/* The fixture's engine has counted all that were accepted before the restart. */
JOBS_TEST(items_of_a_job_that_is_given_up_are_not_pending_any_more)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, ALL_PLACES), 100);

    ck_assert_uint_eq(n_pending_items(fixture), 100);
    restart_damaged(fixture, "UPDATE head SET text = x'00'");
    ck_assert_uint_eq(n_pending_items(fixture), 100 + 100);
    wait_until_given_up(fixture);
    settle();
    ck_assert_uint_eq(n_pending_items(fixture), 100);
    job_record_unref(job);
}

static void damage_queue(struct jobs_fixture *fixture, const char *sql)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, HALF_OF_THEM), 50);

    restart_damaged(fixture, sql);
    struct job_record *other = wait_for_end(fixture, submit(fixture, "[\"http://127.0.0.1:@/\"]"));
    ck_assert_uint_eq(other->tally.n_outcomes[OUTCOME_SUCCESS], 1);
    ck_assert_int_eq(store_health(fixture->store), STORE_OK);
    ck_assert_int_eq(query_store(fixture, "SELECT count(*) FROM result WHERE idx >= 50"), 0);
    job = renew(fixture, job);
    assert_ok(jobs_delete(fixture->jobs, job));
    job_record_unref(other);
    job_record_unref(job);
}

JOBS_TEST(queue_that_names_what_its_job_has_not_costs_that_job_alone)
{
    for (size_t i = 0; i < sizeof(beyond_the_end) / sizeof(beyond_the_end[0]); i++)
        damage_queue(fixture, beyond_the_end[i]);
}

JOBS_TEST(job_with_a_damaged_record_has_nothing_to_send)
{
    struct store_callback callback;
    struct job_record *job =
        submit(fixture, "{\"urls\": [\"http://127.0.0.1:@/hang\"],"
                        " \"callback\": {\"url\": \"http://127.0.0.1:@/hook\"}}");

    restart_damaged(fixture, UNREADABLE);
    wait_until_given_up(fixture);
    assert_ok(store_callback_find(fixture->store, "", job->id, &callback));
    ck_assert_int_eq(callback.state, CALLBACK_FAILED);
    store_callback_done(&callback);
    assert_ok(jobs_delete_damaged(fixture->jobs, "", job->id));
    ck_assert_int_eq(query_store(fixture, "SELECT count(*) FROM callback"), 0);
    job_record_unref(job);
}

JOBS_TEST(job_with_a_damaged_record_does_not_hold_up_others)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, ALL_PLACES), 100);

    restart_damaged(fixture, UNREADABLE);
    struct job_record *other = wait_for_end(fixture, submit(fixture, "[\"http://127.0.0.1:@/\"]"));
    ck_assert_uint_eq(other->tally.n_outcomes[OUTCOME_SUCCESS], 1);
    job_record_unref(other);
    job_record_unref(job);
}

static void expect_no_retry(struct jobs_fixture *fixture, const char *sql)
{
    struct job_record *again,
        *job = wait_for_end(
            fixture, submit(fixture, "[{\"url\": \"http://127.0.0.1:@/busy\", \"repeat\": 300}]"));

    restart_damaged(fixture, sql);
    job = renew(fixture, job);
    ck_assert_int_eq(jobs_retry(fixture->jobs, job, &(struct job_owner){0}, &again), -EBADMSG);
    ck_assert_int_eq(store_health(fixture->store), STORE_OK);
    job_record_unref(job);
}

JOBS_TEST(job_with_a_damaged_chunk_is_not_tried_again)
{
    expect_no_retry(fixture, "UPDATE chunk_data SET lines = x'61' WHERE first = 0");
}

JOBS_TEST(job_with_a_lost_chunk_is_not_tried_again)
{
    expect_no_retry(fixture, "DELETE FROM chunk_data WHERE first > 0");
}

Suite *suite_jobs_damage(void);

Suite *suite_jobs_damage(void)
{
    Suite *suite = suite_create("daemon/engine/jobs_damage");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, job_with_a_damaged_record_is_given_up_when_it_is_claimed);
    tcase_add_test(tcase, job_with_a_damaged_record_is_given_up_when_it_is_overdue);
    tcase_add_test(tcase, items_of_a_job_that_is_given_up_are_not_pending_any_more);
    tcase_add_test(tcase, job_with_a_damaged_record_that_is_deleted_is_not_queued_any_more);
    tcase_add_test(tcase, queue_that_names_what_its_job_has_not_costs_that_job_alone);
    tcase_add_test(tcase, job_with_a_damaged_record_has_nothing_to_send);
    tcase_add_test(tcase, job_with_a_damaged_record_does_not_hold_up_others);
    tcase_add_test(tcase, job_with_a_damaged_chunk_is_not_tried_again);
    tcase_add_test(tcase, job_with_a_lost_chunk_is_not_tried_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
