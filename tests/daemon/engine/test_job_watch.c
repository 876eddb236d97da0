#include "daemon/engine/job_watch.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { MANY = 5000, JOB = 7, OTHER_JOB = JOB + JOB_WATCH_BUCKETS };

static struct job_watches watches;

static void begin(void)
{
    watches = (struct job_watches){0};
}

/* As if something had been committed to the job. */
static void commit(int64_t number, bool is_its_end)
{
    struct job_record *record = job_record_new();

    record->number = number;
    record->ended_at = is_its_end ? 1 : JOB_NEVER;
    job_watches_wake(&watches, number, record);
    job_record_unref(record);
}

/* --- Watches ---------------------------------------------------------------------------------- */

/* Whether the watch has been woken since it was asked last. */
static bool is_woken(struct job_watch *watch)
{
    bool is_woken = watch->changed.is_set;

    if (is_woken)
        assert_ok(job_watch_wait(watch));
    return is_woken;
}

CO_TEST(watch_is_woken_once_for_what_was_committed_since)
{
    struct job_watch watch;

    job_watch_begin(&watches, &watch, JOB);
    ck_assert(!is_woken(&watch));
    commit(JOB, false);
    commit(JOB, false);
    ck_assert(is_woken(&watch));
    ck_assert(!is_woken(&watch));
    job_watch_end(&watch);
}

CO_TEST(watch_has_the_record_that_was_committed_last)
{
    struct job_watch watch;

    job_watch_begin(&watches, &watch, JOB);
    ck_assert_ptr_null(watch.record);
    commit(JOB, false);
    commit(JOB, true);
    ck_assert(job_record_has_ended(watch.record));
    job_watches_wake(&watches, JOB, NULL);
    ck_assert_ptr_null(watch.record);
    ck_assert(is_woken(&watch));
    job_watch_end(&watch);
}

CO_TEST(jobs_of_one_bucket_are_told_apart)
{
    struct job_watch watch, other;

    job_watch_begin(&watches, &watch, JOB);
    job_watch_begin(&watches, &other, OTHER_JOB);
    commit(JOB, false);
    ck_assert(is_woken(&watch));
    ck_assert(!is_woken(&other));
    commit(OTHER_JOB, false);
    ck_assert(!is_woken(&watch));
    ck_assert(is_woken(&other));
    job_watch_end(&watch);
    commit(OTHER_JOB, false);
    ck_assert(is_woken(&other));
    job_watch_end(&other);
}

CO_TEST(watch_for_the_end_is_not_woken_before)
{
    struct job_watch watch;

    job_watch_begin_for_end(&watches, &watch, JOB);
    commit(JOB, false);
    ck_assert(!is_woken(&watch));
    commit(JOB, true);
    ck_assert(is_woken(&watch));
    job_watch_end(&watch);
}

CO_TEST(nobody_is_woken_for_a_job_that_nobody_watches)
{
    struct job_watch watch;

    commit(JOB, true);
    job_watch_begin(&watches, &watch, JOB);
    ck_assert(!is_woken(&watch));
    job_watch_end(&watch);
    commit(JOB, true);
    ck_assert_uint_eq(watches.n_watches, 0);
}

CO_TEST(closing_ends_all_waiting_now_and_later)
{
    struct job_watch now, later;

    job_watch_begin_for_end(&watches, &now, JOB);
    job_watches_close(&watches);
    ck_assert_int_eq(job_watch_wait(&now), -ESHUTDOWN);
    job_watch_begin(&watches, &later, OTHER_JOB);
    ck_assert_int_eq(job_watch_wait(&later), -ESHUTDOWN);
    ck_assert_int_eq(job_watch_wait(&later), -ESHUTDOWN);
    job_watch_end(&now);
    job_watch_end(&later);
}

/* --- Crowds ----------------------------------------------------------------------------------- */

/* They go in any order, also the one that the bucket has. */
CO_TEST(any_of_many_watches_of_a_job_may_go)
{
    struct job_watch *many = calloc(MANY, sizeof(*many));

    for (size_t i = 0; i < MANY; i++)
        job_watch_begin(&watches, &many[i], i % 5 == 0 ? OTHER_JOB : JOB);
    for (size_t i = 0; i < MANY; i++)
        if (i % 3 == 0)
            job_watch_end(&many[i]);
    commit(JOB, false);
    for (size_t i = 0; i < MANY; i++)
        if (i % 3 != 0)
            ck_assert_int_eq(many[i].changed.is_set, i % 5 != 0);
    for (size_t i = MANY; i-- > 0;)
        if (i % 3 != 0)
            job_watch_end(&many[i]);
    ck_assert_uint_eq(watches.n_watches, 0);
    ck_assert_ptr_null(watches.buckets[JOB]);
    free(many);
}

static size_t n_woken;

static int wait_for_change(void *arg, void **ret_result)
{
    struct job_watch watch;

    (void)arg;
    (void)ret_result;
    job_watch_begin(&watches, &watch, JOB);
    int rc = job_watch_wait(&watch);
    n_woken += rc == 0;
    job_watch_end(&watch);
    return rc;
}

CO_TEST(thousands_of_waiters_are_woken_together)
{
    struct co_group group;

    n_woken = 0;
    co_group_enter(&group, CO_NEVER);
    for (size_t i = 0; i < MANY; i++)
        assert_ok(co_group_spawn(&group, "waiter", wait_for_change, NULL, NULL));
    settle();
    ck_assert_uint_eq(watches.n_watches, MANY);
    commit(JOB, false);
    assert_ok(co_group_exit(&group, 0));
    ck_assert_uint_eq(n_woken, MANY);
    ck_assert_uint_eq(watches.n_watches, 0);
}

CO_TEST(waiter_that_is_cancelled_leaves_the_others)
{
    struct co_task *tasks[3];

    n_woken = 0;
    for (size_t i = 0; i < 3; i++)
        assert_ok(co_create_task("waiter", wait_for_change, NULL, &tasks[i]));
    settle();
    co_task_stop(tasks[0], "its client has gone");
    ck_assert_uint_eq(watches.n_watches, 2);
    commit(JOB, false);
    for (size_t i = 1; i < 3; i++) {
        assert_ok(co_task_await(tasks[i], NULL));
        co_task_unref(tasks[i]);
    }
    ck_assert_uint_eq(n_woken, 2);
}

CO_TEST(what_came_while_the_waiter_was_cancelled_is_not_lost)
{
    struct job_watch watch;
    struct co_scope scope;

    job_watch_begin(&watches, &watch, JOB);
    commit(JOB, false);
    co_scope_enter(&scope, CO_NEVER);
    co_scope_cancel(&scope, -ECANCELED, "a test");
    ck_assert_int_eq(job_watch_wait(&watch), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ECANCELED);
    ck_assert(is_woken(&watch));
    job_watch_end(&watch);
}

/* --- Jobs ------------------------------------------------------------------------------------- */

#define ONE_THAT_HANGS "[\"http://127.0.0.1:@/hang\"]"

JOBS_TEST(results_wake_who_watches_their_job)
{
    struct job_record *job =
        submit(fixture, "{\"limits\": {\"concurrency\": 1}, \"urls\": ["
                        "\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\"]}");
    struct job_watch watch;

    job_watch_begin(jobs_watches(fixture->jobs), &watch, job->number);
    while ((job = renew(fixture, job))->tally.n_finished == 0)
        assert_ok(job_watch_wait(&watch));
    ck_assert(!job_record_has_ended(job));
    job_watch_end(&watch);
    job_record_unref(job);
}

JOBS_TEST(end_wakes_who_waits_for_it)
{
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/\"]");
    struct job_watch watch;

    job_watch_begin_for_end(jobs_watches(fixture->jobs), &watch, job->number);
    assert_ok(job_watch_wait(&watch));
    job = renew(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    job_watch_end(&watch);
    job_record_unref(job);
}

JOBS_TEST(cancellation_is_seen_at_once_by_who_watches)
{
    struct job_record *job = wait_until_running(fixture, submit(fixture, ONE_THAT_HANGS), 1);
    struct job_watch watch;

    job_watch_begin_for_end(jobs_watches(fixture->jobs), &watch, job->number);
    assert_ok(jobs_cancel(fixture->jobs, job));
    assert_ok(job_watch_wait(&watch));
    job = renew(fixture, job);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    job_watch_end(&watch);
    job_record_unref(job);
}

JOBS_TEST(deleting_a_job_wakes_who_watches_it)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, "[\"http://10.0.0.1/\"]"));
    struct job_watch watch;

    job_watch_begin_for_end(jobs_watches(fixture->jobs), &watch, job->number);
    assert_ok(jobs_delete(fixture->jobs, job));
    ck_assert(is_woken(&watch));
    job_watch_end(&watch);
    job_record_unref(job);
}

JOBS_TEST(sweep_wakes_who_watches_what_it_forgets)
{
    struct job_record *job = wait_for_end(
        fixture, submit(fixture, "{\"ttl_ms\": 1000, \"urls\": [\"http://10.0.0.1/\"]}"));
    struct job_record *found;
    struct job_watch watch;

    job_watch_begin(jobs_watches(fixture->jobs), &watch, job->number);
    wind(2 * CO_SECOND);
    assert_ok(job_watch_wait(&watch));
    ck_assert_int_eq(jobs_find(fixture->jobs, "", job->id, &found), -ENOENT);
    job_watch_end(&watch);
    job_record_unref(job);
}

JOBS_TEST(job_that_makes_room_for_another_wakes_who_watches_it)
{
    struct job_record *job, *other;
    struct job_watch watch;

    fixture->options.max_jobs = 1;
    restart(fixture);
    job = wait_for_end(fixture, submit(fixture, "[\"http://10.0.0.1/\"]"));
    job_watch_begin(jobs_watches(fixture->jobs), &watch, job->number);
    other = submit(fixture, "[\"http://10.0.0.1/\"]");
    ck_assert(is_woken(&watch));
    job_watch_end(&watch);
    job_record_unref(job);
    job_record_unref(wait_for_end(fixture, other));
}

/* Without memory a job is not forgotten unheard. */
JOBS_TEST(forgetting_fails_rather_than_to_wake_nobody)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, "[\"http://10.0.0.1/\"]"));
    struct job_watch watch;
    int rc = -ENOMEM;

    job_watch_begin(jobs_watches(fixture->jobs), &watch, job->number);
    for (size_t n = 1; rc != 0; n++) {
        fault_arm(n);
        rc = jobs_delete(fixture->jobs, job);
        ck_assert(fault_disarm() || rc == 0);
        ck_assert_int_eq(is_woken(&watch), rc == 0);
    }
    job_watch_end(&watch);
    job_record_unref(job);
}

Suite *suite_job_watch(void);

Suite *suite_job_watch(void)
{
    Suite *suite = suite_create("daemon/engine/job_watch");
    TCase *tcase = tcase_create("watches");

    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, watch_is_woken_once_for_what_was_committed_since);
    tcase_add_test(tcase, watch_has_the_record_that_was_committed_last);
    tcase_add_test(tcase, jobs_of_one_bucket_are_told_apart);
    tcase_add_test(tcase, watch_for_the_end_is_not_woken_before);
    tcase_add_test(tcase, nobody_is_woken_for_a_job_that_nobody_watches);
    tcase_add_test(tcase, closing_ends_all_waiting_now_and_later);
    tcase_add_test(tcase, any_of_many_watches_of_a_job_may_go);
    tcase_add_test(tcase, thousands_of_waiters_are_woken_together);
    tcase_add_test(tcase, waiter_that_is_cancelled_leaves_the_others);
    tcase_add_test(tcase, what_came_while_the_waiter_was_cancelled_is_not_lost);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("jobs");
    tcase_add_test(tcase, results_wake_who_watches_their_job);
    tcase_add_test(tcase, end_wakes_who_waits_for_it);
    tcase_add_test(tcase, cancellation_is_seen_at_once_by_who_watches);
    tcase_add_test(tcase, deleting_a_job_wakes_who_watches_it);
    tcase_add_test(tcase, sweep_wakes_who_watches_what_it_forgets);
    tcase_add_test(tcase, job_that_makes_room_for_another_wakes_who_watches_it);
    tcase_add_test(tcase, forgetting_fails_rather_than_to_wake_nobody);
    suite_add_tcase(suite, tcase);
    return suite;
}
