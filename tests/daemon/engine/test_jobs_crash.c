/* Jobs across crashes and restarts, and on a disk that is full or fails. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault_vfs.h"

static size_t count(const struct job_record *record, enum outcome outcome)
{
    return record->tally.n_outcomes[outcome];
}

#define OK_AND_HANG                                                                                \
    "{\"urls\": [\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\", "  \
    "\"http://127.0.0.1:@/hang\"]}"

#define POST(path) "{\"url\": \"http://127.0.0.1:@" path "\", \"method\": \"POST\"}"

/* --- Restarts --------------------------------------------------------------------------------- */

JOBS_TEST(job_goes_on_after_a_restart)
{
    struct job_record *job = wait_until_finished(fixture, submit(fixture, OK_AND_HANG), 2);

    job = wait_until_running(fixture, job, 2);
    restart(fixture);
    job = wait_until_running(fixture, job, 2);
    ck_assert_uint_eq(job->tally.n_finished, 2);
    ck_assert_int_eq(job->status, JOB_RUNNING);
    while (net->origin.n_requests < 6)
        assert_ok(co_sleep(0));
    job_record_unref(job);
}

JOBS_TEST(job_that_has_not_begun_runs_after_a_restart)
{
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/\"]");

    restart(fixture);
    job = wait_for_end(fixture, job);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    job_record_unref(job);
}

JOBS_TEST(unsafe_request_under_way_at_the_stop_is_interrupted)
{
    struct job_record *job = submit(
        fixture,
        "{\"limits\": {\"concurrency\": 1}, \"requests\": [" POST("/hang") ", " POST("/") "]}");

    job = wait_until_running(fixture, job, 1);
    while (net->origin.n_requests == 0)
        assert_ok(co_sleep(0));
    restart(fixture);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(outcome_of(fixture, job, 0), OUTCOME_INTERRUPTED);
    ck_assert_int_eq(outcome_of(fixture, job, 1), OUTCOME_SUCCESS);
    ck_assert_uint_eq(net->origin.n_requests, 2);
    job_record_unref(job);
}

/* --- Crashes ---------------------------------------------------------------------------------- */

JOBS_TEST(job_goes_on_after_a_crash)
{
    struct job_record *job = wait_until_finished(fixture, submit(fixture, OK_AND_HANG), 2);

    job = wait_until_running(fixture, job, 2);
    crash(fixture);
    job = wait_until_running(fixture, job, 2);
    ck_assert_uint_eq(job->tally.n_finished, 2);
    while (net->origin.n_requests < 6)
        assert_ok(co_sleep(0));
    job_record_unref(job);
}

JOBS_TEST(unsafe_request_is_not_sent_again_after_a_crash)
{
    struct job_record *job = submit(fixture, "{\"requests\": [" POST("/hang") ", " POST("/") "]}");

    job = wait_until_finished(fixture, job, 1);
    crash(fixture);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(outcome_of(fixture, job, 0), OUTCOME_INTERRUPTED);
    ck_assert_int_eq(outcome_of(fixture, job, 1), OUTCOME_SUCCESS);
    ck_assert_uint_eq(net->origin.n_requests, 2);
    job_record_unref(job);
}

/* Whoever claims it, or nobody. */
JOBS_TEST(canceled_job_says_what_may_have_been_sent_before_the_crash)
{
    struct job_record *job = submit(
        fixture, "{\"requests\": [" POST("/hang") ", " POST("/hang") ", " POST("/hang") "]}");

    while (net->origin.n_requests < 3)
        assert_ok(co_sleep(0));
    crash(fixture);
    job = renew(fixture, job);
    assert_ok(jobs_cancel(fixture->jobs, job));
    job = wait_for_end(fixture, job);
    ck_assert_uint_eq(count(job, OUTCOME_INTERRUPTED), 3);
    ck_assert_uint_eq(net->origin.n_requests, 3);
    job_record_unref(job);
}

JOBS_TEST(policy_counts_what_was_before_the_crash)
{
    struct job_record *job = submit(
        fixture, "{\"gather\": {\"until\": {\"successes\": 3}}, \"limits\": {\"concurrency\": "
                 "3}, \"urls\": [\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\", "
                 "\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\", "
                 "\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\"]}");

    job = wait_until_finished(fixture, job, 2);
    crash(fixture);
    net->origin.talk = fake_origin_answer_all;
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_ge(count(job, OUTCOME_SUCCESS), 3);
    ck_assert_int_eq(job->rest, REST_SATISFIED);
    job_record_unref(job);
}

JOBS_TEST(overdue_job_ends_after_a_crash)
{
    struct job_record *job =
        submit(fixture,
               "{\"deadline_ms\": 1500, \"limits\": {\"concurrency\": 2}, \"requests\": [{\"url\": "
               "\"http://127.0.0.1:@/hang\", \"repeat\": 5}]}");

    job = wait_until_running(fixture, job, 2);
    crash(fixture);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_int_eq(job->rest, REST_DEADLINE);
    job_record_unref(job);
}

/* Until something is under way, or given up. */
static struct job_record *wait_for_work(struct jobs_fixture *fixture, struct job_record *job)
{
    while (engine_n_running(fixture->engine) == 0 && count(job, OUTCOME_TRANSPORT_ERROR) == 0) {
        assert_ok(co_sleep(0));
        job = renew(fixture, job);
    }
    return job;
}

/* returns how many crashes it took */
static int crash_until_given_up(struct jobs_fixture *fixture, struct job_record **job)
{
    int n = 0;

    *job = wait_for_work(fixture, *job);
    for (; count(*job, OUTCOME_TRANSPORT_ERROR) == 0 && n < 20; n++) {
        crash(fixture);
        *job = wait_for_work(fixture, renew(fixture, *job));
    }
    return n;
}

JOBS_TEST(request_that_kills_us_is_given_up_and_no_other)
{
    struct job_record *job =
        submit(fixture, "[\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/hang\", "
                        "\"http://127.0.0.1:@/hang\"]");

    ck_assert_int_ge(crash_until_given_up(fixture, &job), STORE_TRIES_MAX);
    net->origin.talk = fake_origin_answer_all;
    crash(fixture);
    job = wait_for_end(fixture, job);
    ck_assert_int_eq(outcome_of(fixture, job, 0), OUTCOME_TRANSPORT_ERROR);
    ck_assert_str_eq(job->tally.errors[0].code, "internal");
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 2);
    job_record_unref(job);
}

/* --- The disk --------------------------------------------------------------------------------- */

static void start_with_faults(struct jobs_fixture *fixture)
{
    fault_vfs_install();
    restart(fixture);
}

JOBS_TEST(results_wait_until_there_is_space)
{
    start_with_faults(fixture);
    struct job_record *job = submit(fixture, OK_AND_HANG);
    fault_vfs_fill_at(1);
    while (store_health(fixture->store) != STORE_FULL)
        assert_ok(co_sleep(0));
    settle();
    fault_vfs_fill_at(0);
    job = wait_until_finished(fixture, job, 2);
    ck_assert_int_eq(store_health(fixture->store), STORE_OK);
    job_record_unref(job);
    fault_vfs_remove();
}

JOBS_TEST(failed_store_is_the_end)
{
    start_with_faults(fixture);
    struct job_record *job = submit(fixture, OK_AND_HANG);
    fault_vfs_arm(1);
    assert_ok(co_event_wait(jobs_failed(fixture->jobs)));
    ck_assert(fault_vfs_disarm());
    ck_assert_int_eq(store_health(fixture->store), STORE_FAILED);
    restart(fixture);
    job = wait_until_finished(fixture, job, 2);
    job_record_unref(job);
    fault_vfs_remove();
}

Suite *suite_jobs_crash(void);

Suite *suite_jobs_crash(void)
{
    Suite *suite = suite_create("daemon/engine/jobs_crash");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, job_goes_on_after_a_restart);
    tcase_add_test(tcase, job_that_has_not_begun_runs_after_a_restart);
    tcase_add_test(tcase, unsafe_request_under_way_at_the_stop_is_interrupted);
    tcase_add_test(tcase, job_goes_on_after_a_crash);
    tcase_add_test(tcase, unsafe_request_is_not_sent_again_after_a_crash);
    tcase_add_test(tcase, canceled_job_says_what_may_have_been_sent_before_the_crash);
    tcase_add_test(tcase, policy_counts_what_was_before_the_crash);
    tcase_add_test(tcase, overdue_job_ends_after_a_crash);
    tcase_add_test(tcase, request_that_kills_us_is_given_up_and_no_other);
    tcase_add_test(tcase, results_wait_until_there_is_space);
    tcase_add_test(tcase, failed_store_is_the_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
