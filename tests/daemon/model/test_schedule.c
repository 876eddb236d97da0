/* When a schedule is due, and how its runs end. */
#include "daemon/model/schedule.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define START  (INT64_C(1800000000) * SECOND + 123456) /* 2027-01-15T08:00:00.123456Z */

static struct schedule every(int64_t every_us, int64_t jitter_us)
{
    return (struct schedule){
        .id = "schedule_01JZ9M4T6Q3W8KX2B7V5N0RCFE",
        .every_us = every_us,
        .jitter_us = jitter_us,
        .created_at = START,
    };
}

static struct schedule by(const char *cron, int64_t jitter_us)
{
    struct schedule schedule = every(0, jitter_us);

    ck_assert_int_eq(cron_parse(cron, &schedule.times, NULL), 0);
    return schedule;
}

/* What is after `due`, as a sum of it all. */
struct caught {
    int64_t missed, next;
    uint64_t n;
};

static struct caught catch_up(const struct schedule *schedule, int64_t due, int64_t now)
{
    struct caught caught;

    schedule_catch_up(schedule, due, now, &caught.missed, &caught.n, &caught.next);
    return caught;
}

/* --- Due instants ----------------------------------------------------------------------------- */

START_TEST(interval_is_counted_from_the_beginning)
{
    struct schedule schedule = every(7 * SECOND, 0);

    ck_assert_int_eq(schedule_due_after(&schedule, START), START + 7 * SECOND);
    ck_assert_int_eq(schedule_due_after(&schedule, START + 7 * SECOND - 1), START + 7 * SECOND);
    ck_assert_int_eq(schedule_due_after(&schedule, START + 7 * SECOND), START + 14 * SECOND);
    /* The clock may have been wrong when it was created. */
    ck_assert_int_eq(schedule_due_after(&schedule, START - 1), START);
    ck_assert_int_eq(schedule_due_after(&schedule, START - 7 * SECOND), START);
    ck_assert_int_eq(schedule_due_after(&schedule, START - 7 * SECOND - 1), START - 7 * SECOND);
}
END_TEST

/* However late each of them is dealt with. */
START_TEST(nothing_drifts_in_ten_thousand_runs)
{
    struct schedule schedule = every(1500 * INT64_C(1000), 0);
    struct random random = {(uint64_t)_i};
    int64_t due = schedule_due_after(&schedule, START);

    for (int64_t k = 1; k <= 10000; k++) {
        ck_assert_int_eq(due, START + k * schedule.every_us);
        int64_t now = due + random_below(&random, 1400000);
        struct caught caught = catch_up(&schedule, due, now);
        ck_assert_uint_eq(caught.n, 0);
        due = caught.next;
    }
}
END_TEST

START_TEST(jitter_is_the_same_again_and_never_as_large_as_the_interval)
{
    struct schedule schedule = every(10 * SECOND, 10 * SECOND - 1), other = schedule;
    int64_t before = START, sum = 0;

    other.id[SCHEDULE_ID_SIZE - 2] = 'F';
    bool differs = false;
    for (int k = 1; k <= 1000; k++) {
        int64_t due = START + k * 10 * SECOND, time = schedule_time_of(&schedule, due);
        ck_assert_int_eq(time, schedule_time_of(&schedule, due));
        ck_assert(time >= due && time < due + 10 * SECOND);
        ck_assert_int_gt(time, before);
        differs |= time != schedule_time_of(&other, due);
        before = time;
        sum += time - due;
    }
    ck_assert(differs);
    ck_assert(sum / 1000 > 4 * SECOND && sum / 1000 < 6 * SECOND);
    ck_assert_int_eq(schedule_time_of(&schedule, JOB_NEVER), JOB_NEVER);
}
END_TEST

START_TEST(jitter_is_the_same_in_every_process)
{
    struct schedule schedule = every(10 * SECOND, 9 * SECOND);

    ck_assert_int_eq(schedule_time_of(&schedule, START) - START, 808578);
}
END_TEST

/* --- Catching up ------------------------------------------------------------------------------ */

START_TEST(what_was_missed_is_counted_and_not_run)
{
    struct schedule schedule = every(SECOND, 0);
    int64_t due = START + SECOND;
    struct caught caught = catch_up(&schedule, due, due + 10 * SECOND + 1);

    ck_assert_int_eq(caught.missed, due + SECOND);
    ck_assert_uint_eq(caught.n, 10);
    ck_assert_int_eq(caught.next, due + 11 * SECOND);
}
END_TEST

START_TEST(ten_years_of_missed_runs_are_passed_over_at_once)
{
    struct schedule intervals = every(SECOND, SECOND / 2), minutes = by("* * * * *", 30 * SECOND);
    int64_t now = START + INT64_C(3653) * 24 * HOUR;

    struct caught caught = catch_up(&intervals, START + SECOND, now);
    ck_assert_uint_eq(caught.n, SCHEDULE_MISSES_COUNTED);
    ck_assert_int_gt(schedule_time_of(&intervals, caught.next), now);
    ck_assert_int_le(caught.next, now + SECOND);
    ck_assert_int_eq((caught.next - START) % SECOND, 0);
    caught = catch_up(&minutes, START, now);
    ck_assert_uint_eq(caught.n, SCHEDULE_MISSES_COUNTED);
    ck_assert_int_gt(schedule_time_of(&minutes, caught.next), now);
    ck_assert_int_le(caught.next, now + MINUTE);
}
END_TEST

/* The one before may be so late by its jitter that the next is due already, but never has come. */
START_TEST(jitter_makes_nobody_miss_anything)
{
    struct schedule schedule = by("* * * * *", MINUTE - 1);
    int64_t due = schedule_due_after(&schedule, START);

    for (int i = 0; i < 1000; i++) {
        struct caught caught = catch_up(&schedule, due, schedule_time_of(&schedule, due));
        ck_assert_uint_eq(caught.n, 0);
        ck_assert_int_eq(caught.next, due + MINUTE);
        due = caught.next;
    }
}
END_TEST

/* After its clock was set back. */
START_TEST(nothing_is_due_again)
{
    struct schedule schedule = every(SECOND, 0);
    struct caught caught = catch_up(&schedule, START + 60 * SECOND, START - HOUR);

    ck_assert_uint_eq(caught.n, 0);
    ck_assert_int_eq(caught.next, START + 61 * SECOND);
}
END_TEST

/* Of a store that somebody has damaged. */
START_TEST(rule_that_is_none_is_never_due)
{
    struct schedule schedule = every(0, SECOND);
    struct caught caught = catch_up(&schedule, START, START + HOUR);

    ck_assert_int_eq(caught.next, INT64_MAX);
    ck_assert_uint_eq(caught.n, 0);
    ck_assert_int_eq(schedule_time_of(&schedule, INT64_MAX), INT64_MAX);
}
END_TEST

/* --- Ends ------------------------------------------------------------------------------------- */

static struct job_record *job_with(enum job_status status, enum job_rest rest, size_t n_items)
{
    struct job_record *job = job_record_new();
    struct tally_entry entry = {.total_us = 2000, .outcome = OUTCOME_SUCCESS};

    ck_assert_ptr_nonnull(job);
    job->status = status;
    job->rest = rest;
    job->ended_at = START;
    tally_init(&job->tally, n_items);
    tally_add_entry(&job->tally, &entry);
    return job;
}

START_TEST(run_ends_as_its_job_has)
{
    struct job_record *job = job_with(JOB_DONE, REST_NONE, 1);
    struct schedule_run run = {.number = 1};

    schedule_run_end(&run, job, START + HOUR);
    ck_assert_int_eq(run.state, RUN_STATE_DONE);
    ck_assert_int_eq(run.ended_at, START);
    ck_assert_uint_eq(run.n_items, 1);
    ck_assert_uint_eq(run.n_success, 1);
    ck_assert_int_ge(run.p50_us, 1960);
    ck_assert_ptr_nonnull(strstr(run.counts, "\"success\":1,"));
    job_record_unref(job);
}
END_TEST

START_TEST(what_was_never_started_is_no_success)
{
    struct job_record *job = job_with(JOB_CANCELED, REST_CANCELED, 4);
    struct schedule_run run = {.number = 1};

    schedule_run_end(&run, job, START + HOUR);
    ck_assert_int_eq(run.state, RUN_STATE_CANCELED);
    ck_assert_uint_eq(run.n_items, 4);
    ck_assert_uint_eq(run.n_success, 1);
    ck_assert_ptr_nonnull(strstr(run.counts, "\"skipped\":3,"));
    job_record_unref(job);
}
END_TEST

START_TEST(job_that_is_gone_was_canceled_as_far_as_is_known)
{
    struct schedule_run run = {.number = 1};

    schedule_run_end(&run, NULL, START + HOUR);
    ck_assert_int_eq(run.state, RUN_STATE_CANCELED);
    ck_assert_int_eq(run.ended_at, START + HOUR);
    ck_assert_uint_eq(run.n_items, 0);
    ck_assert_str_eq(run.counts, "");
}
END_TEST

/* All of them as large as they get. */
START_TEST(counts_have_room)
{
    struct job_record *job = job_with(JOB_DONE, REST_NONE, UINT32_MAX);
    struct schedule_run run = {.number = 1};

    job->tally.n_finished = job->tally.n_retried = UINT32_MAX;
    for (enum outcome i = 0; i < N_OUTCOMES; i++)
        job->tally.n_outcomes[i] = UINT32_MAX;
    schedule_run_end(&run, job, START);
    ck_assert_ptr_nonnull(strstr(run.counts, "\"retried\":4294967295}"));
    job_record_unref(job);
}
END_TEST

/* --- Clients ---------------------------------------------------------------------------------- */

static char *render(const struct schedule *schedule, const struct schedule_share *shares)
{
    struct buffer text;
    struct json_writer w;

    buffer_init(&text, 10000);
    jw_init(&w, &text);
    schedule_render(schedule, shares, &w);
    ck_assert_int_eq(jw_finish(&w), 0);
    ck_assert_int_eq(buffer_append_byte(&text, '\0'), 0);
    return buffer_take(&text, &(size_t){0});
}

START_TEST(availability_is_one_only_if_all_was_a_success)
{
    const struct schedule_share shares[] = {{0, 0}, {1000000001, 1000000000}, {3, 2}, {5, 5}};
    struct schedule schedule = every(SECOND, 0);
    char *text = render(&schedule, shares);

    ck_assert_msg(strstr(text, "\"availability\":{\"1h\":null,\"24h\":0.999999,\"7d\":0.666666,"
                               "\"30d\":1.000000}") != NULL,
                  "%s", text);
    free(text);
}
END_TEST

START_TEST(list_has_no_availability)
{
    struct schedule schedule = every(SECOND, 0);
    char *text = render(&schedule, NULL);

    ck_assert_ptr_null(strstr(text, "availability"));
    ck_assert_ptr_nonnull(strstr(text, "\"last_run\":null"));
    ck_assert_ptr_nonnull(strstr(text, "\"every_ms\":1000.000,\"cron\":null"));
    free(text);
}
END_TEST

Suite *suite_schedule(void);

Suite *suite_schedule(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tcase = tcase_create("schedule");

    tcase_add_test(tcase, interval_is_counted_from_the_beginning);
    tcase_add_loop_test(tcase, nothing_drifts_in_ten_thousand_runs, 0, 3);
    tcase_add_test(tcase, jitter_is_the_same_again_and_never_as_large_as_the_interval);
    tcase_add_test(tcase, jitter_is_the_same_in_every_process);
    tcase_add_test(tcase, what_was_missed_is_counted_and_not_run);
    tcase_add_test(tcase, ten_years_of_missed_runs_are_passed_over_at_once);
    tcase_add_test(tcase, jitter_makes_nobody_miss_anything);
    tcase_add_test(tcase, nothing_is_due_again);
    tcase_add_test(tcase, rule_that_is_none_is_never_due);
    tcase_add_test(tcase, run_ends_as_its_job_has);
    tcase_add_test(tcase, what_was_never_started_is_no_success);
    tcase_add_test(tcase, job_that_is_gone_was_canceled_as_far_as_is_known);
    tcase_add_test(tcase, counts_have_room);
    tcase_add_test(tcase, availability_is_one_only_if_all_was_a_success);
    tcase_add_test(tcase, list_has_no_availability);
    suite_add_tcase(suite, tcase);
    return suite;
}
