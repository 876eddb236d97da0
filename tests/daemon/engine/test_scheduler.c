/* Schedules that are run: by a wall clock that the test winds, against an origin that is asked for
 * real. */
#include "daemon/engine/scheduler.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/engine/schedule_start.h"
#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"

#define SECOND INT64_C(1000000)
#define EPOCH  (INT64_C(1800000000) * SECOND)

/* Long enough that nothing is due by itself while a test takes its time, and short enough that some
 * of them are no timeout of a request. */
#define STEP    (60 * SECOND)
#define CO_STEP (STEP * CO_MICROSECOND)

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct scheduler *scheduler;
static int64_t clock_was_set_by, n_passed_us;

/* Not that of the loop, which stands still within a turn. */
static int64_t wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return EPOCH + clock_was_set_by + n_passed_us + now.tv_sec * SECOND + now.tv_nsec / 1000;
}

static void pass(co_time time)
{
    n_passed_us += time / CO_MICROSECOND;
    wind(time);
}

static void start(struct jobs_fixture *fixture)
{
    const struct scheduler_options options = {
        .jobs = fixture->jobs,
        .store = fixture->store,
        .parse = &fixture->parse,
        .max_schedules = 1000,
        .now = wall,
    };

    assert_ok(scheduler_new(&scheduler, &options));
}

static void stop(void)
{
    scheduler_free(scheduler);
    scheduler = NULL;
}

#define SCHEDULE_TEST(name)                                                                        \
    static void name##_at(struct jobs_fixture *fixture, struct net *net);                          \
    JOBS_TEST(name)                                                                                \
    {                                                                                              \
        clock_was_set_by = n_passed_us = 0;                                                        \
        start(fixture);                                                                            \
        name##_at(fixture, net);                                                                   \
        stop();                                                                                    \
    }                                                                                              \
    static void name##_at(CK_ATTRIBUTE_UNUSED struct jobs_fixture *fixture,                        \
                          CK_ATTRIBUTE_UNUSED struct net *net)

/* --- Schedules -------------------------------------------------------------------------------- */

static struct schedule *made(const char *name)
{
    struct schedule *schedule = schedule_new();

    ck_assert_ptr_nonnull(schedule);
    schedule->name = strdup(name);
    schedule->tenant = strdup("");
    schedule->every_us = STEP;
    return schedule;
}

static void add_with(struct schedule *schedule, const char *job)
{
    const struct store_schedule_document document = {.job = job, .job_length = strlen(job)};

    assert_ok(scheduler_add(scheduler, schedule, &document));
}

/* Adds it, with a job that asks the origin for a path. */
static void add(struct jobs_fixture *fixture, struct schedule *schedule, const char *path)
{
    char job[128];

    sprintf(job, "[\"http://127.0.0.1:%u%s\"]", fixture->net->origin.port, path);
    add_with(schedule, job);
}

static struct schedule *every_minute(struct jobs_fixture *fixture, const char *path)
{
    struct schedule *schedule = made("mine");

    add(fixture, schedule, path);
    return schedule;
}

static struct schedule_run runs[16]; /* the newest first */

static int read_runs(struct jobs_fixture *fixture, const struct schedule *schedule)
{
    bool more;
    int n = store_schedule_runs(fixture->store, schedule->number, 0, N_ELEMENTS(runs), runs, &more);

    ck_assert_int_ge(n, 0);
    return n;
}

/* Until there are n runs of which the last is in that state. */
static void wait_for_runs(struct jobs_fixture *fixture, const struct schedule *schedule, int n,
                          enum schedule_run_state state)
{
    int there;

    while ((there = read_runs(fixture, schedule)) < n || runs[there - n].state != state) {
        ck_assert_int_le(there, n);
        assert_ok(co_sleep(0));
    }
}

/* Until the last run has come to stand for n due instants. */
static void wait_for_due(struct jobs_fixture *fixture, const struct schedule *schedule, uint64_t n)
{
    while (read_runs(fixture, schedule) == 0 || runs[0].n_due < n)
        assert_ok(co_sleep(0));
}

static struct schedule *look_up(struct jobs_fixture *fixture, const struct schedule *schedule)
{
    struct schedule *found;

    assert_ok(store_schedule_find(fixture->store, schedule->tenant, schedule->id, &found));
    return found;
}

static void cancel_job(struct jobs_fixture *fixture, const struct schedule_run *run)
{
    struct job_record *job;

    assert_ok(jobs_find(fixture->jobs, "", run->job_id, &job));
    assert_ok(jobs_cancel(fixture->jobs, job));
    job_record_unref(job);
}

static int n_jobs(struct jobs_fixture *fixture)
{
    return (int)query_store(fixture, "SELECT count(*) FROM job");
}

/* --- Time ------------------------------------------------------------------------------------- */

SCHEDULE_TEST(run_comes_when_it_is_due)
{
    struct schedule *schedule = every_minute(fixture, "/");

    pass(CO_STEP / 2);
    for (int i = 0; i < 20; i++)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(read_runs(fixture, schedule), 0);
    pass(CO_STEP / 2);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + STEP);
    ck_assert_int_ge(runs[0].started_at, runs[0].due_at);
    ck_assert_uint_eq(runs[0].n_items, 1);
    ck_assert_uint_eq(runs[0].n_success, 1);
    ck_assert_int_eq(runs[0].number, 1);
    schedule_free(schedule);
}

SCHEDULE_TEST(runs_are_an_interval_apart_however_late_they_come)
{
    struct schedule *schedule = every_minute(fixture, "/");

    pass(CO_STEP / 4);
    for (int k = 1; k <= 8; k++) {
        pass(CO_STEP);
        wait_for_runs(fixture, schedule, k, RUN_STATE_DONE);
        ck_assert_int_eq(runs[0].due_at, schedule->created_at + k * STEP);
    }
    schedule_free(schedule);
}

SCHEDULE_TEST(calendar_is_kept)
{
    struct schedule *schedule = made("calendar");

    schedule->every_us = 0;
    schedule->cron = strdup("*/10 * * * *");
    assert_ok(cron_parse(schedule->cron, &schedule->times, NULL));
    add(fixture, schedule, "/");
    int64_t due = cron_next(&schedule->times, wall());
    pass((due - wall()) * CO_MICROSECOND);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    ck_assert_int_eq(runs[0].due_at, due);
    schedule_free(schedule);
}

SCHEDULE_TEST(jitter_delays_and_is_no_part_of_the_due_instant)
{
    struct schedule *schedule = made("mine");

    schedule->jitter_us = STEP - 1;
    add(fixture, schedule, "/");
    int64_t due = schedule->created_at + STEP, time = schedule_time_of(schedule, due);
    ck_assert_int_gt(time, due);
    pass(CO_STEP);
    pass((time - due) * CO_MICROSECOND);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    ck_assert_int_eq(runs[0].due_at, due);
    ck_assert_int_ge(runs[0].started_at, time);
    schedule_free(schedule);
}

SCHEDULE_TEST(clock_that_is_set_forward_makes_no_burst)
{
    struct schedule *schedule = every_minute(fixture, "/");

    clock_was_set_by = 3600 * SECOND;
    pass(11 * CO_SECOND); /* it is looked at every ten seconds, if nothing is due before */
    wait_for_runs(fixture, schedule, 2, RUN_STATE_MISSED);
    ck_assert_int_eq(runs[1].due_at, schedule->created_at + STEP);
    ck_assert_uint_eq(runs[0].n_due, 59);
    ck_assert_int_eq(n_jobs(fixture), 1);
    schedule_free(schedule);
}

SCHEDULE_TEST(clock_that_is_set_back_makes_nothing_due_again)
{
    struct schedule *schedule = every_minute(fixture, "/");

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    clock_was_set_by = -5 * STEP;
    pass(5 * CO_STEP);
    for (int i = 0; i < 50; i++)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(read_runs(fixture, schedule), 1);
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_DONE);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 2 * STEP);
    schedule_free(schedule);
}

static void run_with_a_clock_set_back(struct jobs_fixture *fixture, void (*pass_some)(void))
{
    struct schedule *schedule = every_minute(fixture, "/");

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    clock_was_set_by = -1000 * 24 * 3600 * SECOND; /* to before it was made */
    pass_some();
    for (int i = 0; i < 50; i++)
        assert_ok(co_sleep(0));
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_DONE);
    ck_assert_int_lt(runs[0].due_at, schedule->created_at);
    ck_assert_int_eq((schedule->created_at - runs[0].due_at) % STEP, 0);
    schedule_free(schedule);
}

static void pass_until_it_looks(void)
{
    pass(11 * CO_SECOND);
}

SCHEDULE_TEST(clock_that_is_set_back_by_far_stops_nothing)
{
    run_with_a_clock_set_back(fixture, pass_until_it_looks);
}

static struct jobs_fixture *the_fixture;

static void stop_and_start(void)
{
    stop();
    start(the_fixture);
}

SCHEDULE_TEST(clock_that_was_wrong_by_far_before_the_start_stops_nothing)
{
    the_fixture = fixture;
    run_with_a_clock_set_back(fixture, stop_and_start);
}

/* --- Overlap ---------------------------------------------------------------------------------- */

SCHEDULE_TEST(what_is_due_during_a_run_is_skipped_and_counted)
{
    struct schedule *schedule = every_minute(fixture, "/hang");

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    for (uint64_t n = 1; n <= 5; n++) {
        pass(CO_STEP);
        wait_for_runs(fixture, schedule, 2, RUN_STATE_SKIPPED);
        wait_for_due(fixture, schedule, n);
    }
    ck_assert_int_eq(n_jobs(fixture), 1);
    cancel_job(fixture, &runs[1]);
    while (read_runs(fixture, schedule) < 2 || runs[1].state != RUN_STATE_CANCELED)
        assert_ok(co_sleep(0));
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 3, RUN_STATE_RUNNING);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 7 * STEP);
    schedule_free(schedule);
}

SCHEDULE_TEST(one_that_is_due_during_a_run_waits_for_its_end)
{
    struct schedule *schedule = made("mine");

    schedule->overlap = OVERLAP_QUEUE;
    add(fixture, schedule, "/hang");
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    struct schedule_run first = runs[0];
    pass(CO_STEP);
    for (bool waits = false; !waits;) {
        struct schedule *now = look_up(fixture, schedule);
        waits = now->waiting == schedule->created_at + 2 * STEP;
        schedule_free(now);
    }
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_SKIPPED); /* there is one that waits */
    cancel_job(fixture, &first);
    wait_for_runs(fixture, schedule, 3, RUN_STATE_RUNNING);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 2 * STEP);
    ck_assert_int_eq(runs[2].state, RUN_STATE_CANCELED);
    ck_assert_int_eq(n_jobs(fixture), 2);
    schedule_free(schedule);
}

/* --- Clients ---------------------------------------------------------------------------------- */

SCHEDULE_TEST(paused_schedule_is_not_run)
{
    struct schedule *schedule = every_minute(fixture, "/"), *now;
    struct scheduler_stats stats;

    assert_ok(scheduler_pause(scheduler, "", schedule->id, true, &now));
    ck_assert(now->is_paused && now->next_due == JOB_NEVER);
    schedule_free(now);
    scheduler_get_stats(scheduler, &stats);
    ck_assert(stats.n_active == 0 && stats.n_paused == 1);
    pass(5 * CO_STEP);
    for (int i = 0; i < 50; i++)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(read_runs(fixture, schedule), 0);
    assert_ok(scheduler_pause(scheduler, "", schedule->id, false, &now));
    ck_assert_int_eq(now->next_due, schedule_due_after(schedule, wall()));
    schedule_free(now);
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    ck_assert_int_ge(runs[0].due_at, schedule->created_at + 6 * STEP);
    schedule_free(schedule);
}

SCHEDULE_TEST(paused_schedule_can_be_run_by_hand)
{
    struct schedule *schedule = made("mine");
    struct schedule_run run;

    schedule->is_paused = true;
    add(fixture, schedule, "/hang");
    assert_ok(scheduler_run_now(scheduler, "", schedule->id, &run));
    ck_assert_int_eq(run.state, RUN_STATE_RUNNING);
    ck_assert_int_eq(scheduler_run_now(scheduler, "", schedule->id, &run), -EBUSY);
    ck_assert_int_eq(scheduler_run_now(scheduler, "others", schedule->id, &run), -ENOENT);
    cancel_job(fixture, &run);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_CANCELED);
    assert_ok(scheduler_run_now(scheduler, "", schedule->id, &run));
    ck_assert_int_eq(run.number, 2);
    schedule_free(schedule);
}

SCHEDULE_TEST(forgotten_schedule_leaves_its_job_alone)
{
    struct schedule *schedule = every_minute(fixture, "/hang");
    struct job_record *job;

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    struct schedule_run run = runs[0];
    ck_assert_int_eq(scheduler_forget(scheduler, "others", schedule->id), -ENOENT);
    assert_ok(scheduler_forget(scheduler, "", schedule->id));
    ck_assert_int_eq(scheduler_forget(scheduler, "", schedule->id), -ENOENT);
    assert_ok(jobs_find(fixture->jobs, "", run.job_id, &job));
    ck_assert(!job_record_has_ended(job));
    job_record_unref(job);
    cancel_job(fixture, &run);
    pass(3 * CO_STEP);
    for (int i = 0; i < 50; i++)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(n_jobs(fixture), 1);
    ck_assert_int_eq(query_store(fixture, "SELECT (SELECT count(*) FROM schedule_run) +"
                                          " (SELECT count(*) FROM schedule_job) +"
                                          " (SELECT count(*) FROM schedule_tally)"),
                     0);
    schedule_free(schedule);
}

static void damage(struct jobs_fixture *fixture)
{
    stop();
    restart_damaged(fixture, "UPDATE schedule_run SET state = 99");
    start(fixture);
}

SCHEDULE_TEST(damaged_schedule_can_be_forgotten)
{
    struct schedule *schedule = every_minute(fixture, "/"), *found;
    struct scheduler_stats stats;

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    damage(fixture);
    ck_assert_int_eq(scheduler_pause(scheduler, "", schedule->id, true, &found), -EBADMSG);
    ck_assert_int_eq(scheduler_forget(scheduler, "others", schedule->id), -ENOENT);
    assert_ok(scheduler_forget(scheduler, "", schedule->id));
    ck_assert_int_eq(scheduler_pause(scheduler, "", schedule->id, true, &found), -ENOENT);
    scheduler_get_stats(scheduler, &stats);
    ck_assert_uint_eq(stats.n_active, 0);
    schedule_free(schedule);
}

/* --- What cannot be started ------------------------------------------------------------------- */

SCHEDULE_TEST(quota_that_is_used_up_is_said)
{
    struct schedule *schedule = made("mine");
    struct schedule_run run;

    schedule->max_queued = 1;
    schedule->is_paused = true;
    add(fixture, schedule, "/");
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/hang\"]");
    assert_ok(scheduler_run_now(scheduler, "", schedule->id, &run));
    ck_assert_int_eq(run.state, RUN_STATE_FAILED);
    ck_assert_str_eq(run.code, "quota_exceeded");
    ck_assert_int_eq(run.job, 0);
    ck_assert_int_eq(run.started_at, JOB_NEVER);
    job_record_unref(job);
    schedule_free(schedule);
}

SCHEDULE_TEST(store_without_room_is_said_and_the_next_time_comes)
{
    struct schedule *schedule = every_minute(fixture, "/");

    stop();
    fixture->options.max_jobs = 1;
    restart(fixture);
    start(fixture);
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/hang\"]");
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_FAILED);
    ck_assert_str_eq(runs[0].code, "store_full");
    pass(CO_STEP);
    wait_for_due(fixture, schedule, 2);
    assert_ok(jobs_delete(fixture->jobs, job));
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_DONE);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 3 * STEP);
    job_record_unref(job);
    schedule_free(schedule);
}

SCHEDULE_TEST(document_that_is_not_taken_any_more_is_said)
{
    struct schedule *schedule = made("mine");
    struct schedule_run run;

    schedule->is_paused = true;
    add_with(schedule, "[\"http://a/\",\"http://b/\"]");
    fixture->parse.max_items = 1;
    assert_ok(scheduler_run_now(scheduler, "", schedule->id, &run));
    ck_assert_int_eq(run.state, RUN_STATE_FAILED);
    ck_assert_str_eq(run.code, "too_many_items");
    schedule_free(schedule);
}

/* --- Stops and crashes ------------------------------------------------------------------------ */

SCHEDULE_TEST(what_was_missed_runs_once)
{
    struct schedule *schedule = every_minute(fixture, "/");

    stop();
    pass(10 * CO_STEP + CO_STEP / 2);
    start(fixture);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_MISSED);
    wait_for_due(fixture, schedule, 9);
    while (read_runs(fixture, schedule) < 2 || runs[1].state != RUN_STATE_DONE)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(runs[1].due_at, schedule->created_at + STEP);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 2 * STEP);
    ck_assert_int_eq(n_jobs(fixture), 1);
    pass(CO_STEP / 2);
    wait_for_runs(fixture, schedule, 3, RUN_STATE_DONE);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 11 * STEP);
    schedule_free(schedule);
}

SCHEDULE_TEST(run_is_followed_after_a_crash)
{
    struct schedule *schedule = every_minute(fixture, "/hang");

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    struct schedule_run run = runs[0];
    stop();
    crash(fixture);
    start(fixture);
    ck_assert_int_eq(read_runs(fixture, schedule), 1);
    ck_assert_int_eq(runs[0].state, RUN_STATE_RUNNING);
    cancel_job(fixture, &run);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_CANCELED);
    schedule_free(schedule);
}

SCHEDULE_TEST(run_of_which_the_job_has_ended_meanwhile_ends)
{
    struct schedule *schedule = every_minute(fixture, "/hang");

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    stop();
    cancel_job(fixture, &runs[0]);
    start(fixture);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_CANCELED);
    ck_assert_uint_eq(runs[0].n_items, 1);
    schedule_free(schedule);
}

/* Its time was up before anybody looked. */
SCHEDULE_TEST(run_of_which_the_job_has_expired_meanwhile_has_its_counts)
{
    struct schedule *schedule = every_minute(fixture, "/hang");
    int64_t next;

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    stop();
    cancel_job(fixture, &runs[0]);
    assert_ok(store_sweep(fixture->store, INT64_MAX, &next));
    start(fixture);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_CANCELED);
    ck_assert_uint_eq(runs[0].n_items, 1);
    assert_ok(store_sweep(fixture->store, INT64_MAX, &next));
    ck_assert_int_eq(n_jobs(fixture), 0);
    schedule_free(schedule);
}

SCHEDULE_TEST(run_of_which_the_job_is_gone_ends)
{
    struct schedule *schedule = every_minute(fixture, "/hang");
    struct job_record *job;

    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    stop();
    assert_ok(jobs_find(fixture->jobs, "", runs[0].job_id, &job));
    assert_ok(jobs_delete(fixture->jobs, job));
    job_record_unref(job);
    start(fixture);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_CANCELED);
    ck_assert_uint_eq(runs[0].n_items, 0);
    schedule_free(schedule);
}

/* The job was accepted, and then we died before that was written. */
static void start_unnoted(struct jobs_fixture *fixture, const struct schedule *schedule,
                          struct schedule_run *run)
{
    const struct schedule_start options = {fixture->jobs, fixture->store, &fixture->parse};

    stop();
    assert_ok(schedule_start(&options, schedule, run));
    crash(fixture);
    pass(CO_STEP);
    start(fixture);
}

SCHEDULE_TEST(job_that_was_made_before_the_crash_is_not_made_again)
{
    struct schedule *schedule = every_minute(fixture, "/");
    struct schedule_run run = {.due_at = schedule->next_due};

    start_unnoted(fixture, schedule, &run);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    ck_assert_str_eq(runs[0].job_id, run.job_id);
    ck_assert_int_eq(n_jobs(fixture), 1);
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_DONE);
    ck_assert_int_eq(n_jobs(fixture), 2);
    schedule_free(schedule);
}

/* Made by hand then: what runs next is another run, with a job of its own. */
SCHEDULE_TEST(job_of_a_run_that_was_never_noted_is_not_that_of_the_next)
{
    struct schedule *schedule = every_minute(fixture, "/");
    struct schedule_run run = {.due_at = schedule->created_at + 1};

    start_unnoted(fixture, schedule, &run);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_DONE);
    ck_assert_str_ne(runs[0].job_id, run.job_id);
    ck_assert_int_eq(n_jobs(fixture), 2);
    schedule_free(schedule);
}

SCHEDULE_TEST(waiting_run_comes_after_a_crash)
{
    struct schedule *schedule = made("mine");

    schedule->overlap = OVERLAP_QUEUE;
    add(fixture, schedule, "/hang");
    pass(CO_STEP);
    wait_for_runs(fixture, schedule, 1, RUN_STATE_RUNNING);
    struct schedule_run first = runs[0];
    pass(CO_STEP);
    while (query_store(fixture, "SELECT count(*) FROM schedule WHERE waiting IS NOT NULL") == 0)
        assert_ok(co_sleep(0));
    stop();
    crash(fixture);
    cancel_job(fixture, &first);
    start(fixture);
    wait_for_runs(fixture, schedule, 2, RUN_STATE_RUNNING);
    ck_assert_int_eq(runs[0].due_at, schedule->created_at + 2 * STEP);
    schedule_free(schedule);
}

/* --- Many ------------------------------------------------------------------------------------- */

SCHEDULE_TEST(many_that_are_due_at_once_are_all_run)
{
    enum { N = 80 };
    struct scheduler_stats stats;

    for (int i = 0; i < N; i++)
        schedule_free(every_minute(fixture, "/"));
    scheduler_get_stats(scheduler, &stats);
    ck_assert_uint_eq(stats.n_active, N);
    pass(CO_STEP);
    while (stats.n_runs[RUN_STATE_DONE] < N) {
        assert_ok(co_sleep(0));
        scheduler_get_stats(scheduler, &stats);
    }
    ck_assert_int_eq(n_jobs(fixture), N);
}

SCHEDULE_TEST(nothing_is_done_while_nothing_is_due)
{
    struct store_stats before, after;
    struct schedule *schedule = made("mine");

    schedule->every_us = 3600 * SECOND;
    add(fixture, schedule, "/");
    store_get_stats(fixture->store, &before);
    for (int i = 0; i < 30; i++) {
        pass(100 * CO_SECOND);
        assert_ok(co_sleep(0));
    }
    store_get_stats(fixture->store, &after);
    ck_assert_uint_eq(after.n_commits, before.n_commits);
    schedule_free(schedule);
}

SCHEDULE_TEST(draining_scheduler_starts_nothing)
{
    struct schedule *schedule = every_minute(fixture, "/");

    scheduler_drain(scheduler);
    pass(5 * CO_STEP);
    for (int i = 0; i < 50; i++)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(read_runs(fixture, schedule), 0);
    schedule_free(schedule);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* The run fails, or the call does, maybe when its job has been made; no job belongs to two runs. */
SCHEDULE_TEST(lack_of_memory_costs_a_run_at_most)
{
    struct schedule *schedule = made("mine");
    struct schedule_run run;
    int n_failed = 0;

    schedule->is_paused = true;
    add(fixture, schedule, "/");
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = scheduler_run_now(scheduler, "", schedule->id, &run);
        if (!fault_disarm()) {
            assert_ok(rc);
            break;
        }
        n_failed++;
        ck_assert_msg(rc == 0 || rc == -ENOMEM, "%zu: %d", n, rc);
        if (rc < 0)
            continue;
        while (query_store(fixture, "SELECT running FROM schedule") != 0)
            assert_ok(co_sleep(0));
    }
    ck_assert_int_gt(n_failed, 10);
    while (query_store(fixture, "SELECT running FROM schedule") != 0)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(
        query_store(fixture, "SELECT count(DISTINCT job) FROM schedule_run WHERE job > 0"),
        query_store(fixture, "SELECT count(*) FROM schedule_run WHERE job > 0"));
    ck_assert_int_ge(query_store(fixture, "SELECT count(*) FROM job"),
                     query_store(fixture, "SELECT count(*) FROM schedule_run WHERE job > 0"));
    schedule_free(schedule);
}

Suite *suite_scheduler(void);

Suite *suite_scheduler(void)
{
    Suite *suite = suite_create("scheduler");
    TCase *tcase = tcase_create("scheduler");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, run_comes_when_it_is_due);
    tcase_add_test(tcase, runs_are_an_interval_apart_however_late_they_come);
    tcase_add_test(tcase, calendar_is_kept);
    tcase_add_test(tcase, jitter_delays_and_is_no_part_of_the_due_instant);
    tcase_add_test(tcase, clock_that_is_set_forward_makes_no_burst);
    tcase_add_test(tcase, clock_that_is_set_back_makes_nothing_due_again);
    tcase_add_test(tcase, clock_that_is_set_back_by_far_stops_nothing);
    tcase_add_test(tcase, clock_that_was_wrong_by_far_before_the_start_stops_nothing);
    tcase_add_test(tcase, what_is_due_during_a_run_is_skipped_and_counted);
    tcase_add_test(tcase, one_that_is_due_during_a_run_waits_for_its_end);
    tcase_add_test(tcase, paused_schedule_is_not_run);
    tcase_add_test(tcase, paused_schedule_can_be_run_by_hand);
    tcase_add_test(tcase, forgotten_schedule_leaves_its_job_alone);
    tcase_add_test(tcase, damaged_schedule_can_be_forgotten);
    tcase_add_test(tcase, quota_that_is_used_up_is_said);
    tcase_add_test(tcase, store_without_room_is_said_and_the_next_time_comes);
    tcase_add_test(tcase, document_that_is_not_taken_any_more_is_said);
    tcase_add_test(tcase, what_was_missed_runs_once);
    tcase_add_test(tcase, run_is_followed_after_a_crash);
    tcase_add_test(tcase, run_of_which_the_job_has_ended_meanwhile_ends);
    tcase_add_test(tcase, run_of_which_the_job_has_expired_meanwhile_has_its_counts);
    tcase_add_test(tcase, run_of_which_the_job_is_gone_ends);
    tcase_add_test(tcase, job_that_was_made_before_the_crash_is_not_made_again);
    tcase_add_test(tcase, job_of_a_run_that_was_never_noted_is_not_that_of_the_next);
    tcase_add_test(tcase, waiting_run_comes_after_a_crash);
    tcase_add_test(tcase, many_that_are_due_at_once_are_all_run);
    tcase_add_test(tcase, nothing_is_done_while_nothing_is_due);
    tcase_add_test(tcase, draining_scheduler_starts_nothing);
    tcase_add_test(tcase, lack_of_memory_costs_a_run_at_most);
    suite_add_tcase(suite, tcase);
    return suite;
}
