#include "daemon/engine/schedule_runner.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"

#define RETRY (CO_SECOND) /* after a write that did not work */

struct runner {
    struct schedule_runners *runners;
    struct co_list link;       /* while it follows */
    struct schedule *schedule; /* that is due; NULL: it only follows */
    int64_t number;            /* of the schedule */
    struct schedule_run run;
};

void schedule_runners_init(struct schedule_runners *runners)
{
    for (size_t i = 0; i < SCHEDULE_BUCKETS; i++)
        co_list_init(&runners->following[i]);
    co_event_init(&runners->dealt);
}

static struct co_list *bucket(struct schedule_runners *runners, int64_t number)
{
    return &runners->following[(uint64_t)number % SCHEDULE_BUCKETS];
}

static void runner_free(struct runner *runner)
{
    co_list_remove(&runner->link);
    schedule_free(runner->schedule);
    free(runner);
}

static struct runner *runner_new(struct schedule_runners *runners, int64_t number)
{
    struct runner *runner = calloc(1, sizeof(*runner));

    if (runner == NULL)
        return NULL;
    runner->runners = runners;
    runner->number = number;
    co_list_init(&runner->link);
    return runner;
}

/* --- Following a run -------------------------------------------------------------------------- */

/* Waits until the job has ended.
 *
 * ret_job    owed one job_record_unref(); NULL: it has been forgotten
 * returns    0; -ESHUTDOWN, -ECANCELED; as the store
 */
static CO_BLOCKS int wait_for_job(struct runner *runner, struct job_watch *watch,
                                  struct job_record **ret_job)
{
    int rc = store_find_number(runner->runners->start.store, runner->run.job, ret_job);

    while (rc == 0 && *ret_job != NULL && !job_record_has_ended(*ret_job)) {
        rc = job_watch_wait(watch);
        if (rc < 0)
            break;
        job_record_unref(*ret_job);
        *ret_job = watch->record != NULL ? job_record_ref(watch->record) : NULL;
    }
    return rc == -ENOENT || rc == -EBADMSG ? 0 : rc;
}

static CO_BLOCKS int watch_job(struct runner *runner, struct job_record **ret_job)
{
    struct job_watch watch;

    job_watch_begin_for_end(jobs_watches(runner->runners->start.jobs), &watch, runner->run.job);
    int rc = wait_for_job(runner, &watch, ret_job);
    job_watch_end(&watch);
    return rc;
}

/* returns 0; -EIO, -ECANCELED */
static CO_BLOCKS int write_end(struct runner *runner)
{
    struct store *store = runner->runners->start.store;
    int rc;

    while ((rc = store_schedule_end_run(store, runner->number, &runner->run)) < 0) {
        if (rc == -ENOENT)
            return 0;
        rc = rc == -EIO ? rc : co_sleep(RETRY);
        if (rc < 0)
            break;
    }
    return rc;
}

static CO_BLOCKS int follow_job(struct runner *runner)
{
    struct schedule_runners *runners = runner->runners;
    CO_CLEANUP(job_record_unrefp) struct job_record *job = NULL;
    int rc = watch_job(runner, &job);

    if (rc < 0)
        return rc;
    schedule_run_end(&runner->run, job, runners->now());
    job_record_unref(co_take(job)); /* it may take long to write that */
    rc = write_end(runner);
    if (rc == 0) {
        runners->stats->n_runs[runner->run.state]++;
        due_by(runners->due, runners->now()); /* another one may have waited for it */
    }
    return rc;
}

static CO_BLOCKS int follow_run(struct runner *runner)
{
    struct schedule_runners *runners = runner->runners;

    co_list_append(bucket(runners, runner->number), &runner->link);
    runners->stats->n_runs[RUN_STATE_RUNNING]++;
    int rc = follow_job(runner);
    runners->stats->n_runs[RUN_STATE_RUNNING]--;
    co_list_remove(&runner->link);
    return rc;
}

/* What could not be followed to its end is so later, or after the next start. Only a store that has
 * failed ends them all. */
static int end_of(struct schedule_runners *runners, int rc)
{
    if (rc == -EIO || rc == -ECANCELED)
        return rc;
    if (rc == -ENOMEM || rc == -ENOSPC) {
        runners->has_unfollowed = true;
        due_by(runners->due, runners->now() + SCHEDULE_RETRY_US);
    }
    return 0;
}

static int follow(void *arg, void **ret_result)
{
    struct runner *runner = arg;
    struct schedule_runners *runners = runner->runners;
    int rc = follow_run(runner);

    (void)ret_result;
    runner_free(runner);
    return end_of(runners, rc);
}

static bool is_followed(struct schedule_runners *runners, int64_t number)
{
    const struct co_list *same = bucket(runners, number);

    for (struct co_list *at = same->next; at != same; at = at->next)
        if (co_container_of(at, struct runner, link)->number == number)
            return true;
    return false;
}

int schedule_runner_follow(struct schedule_runners *runners, int64_t schedule,
                           const struct schedule_run *run)
{
    if (is_followed(runners, schedule))
        return 0;
    struct runner *runner = runner_new(runners, schedule);
    if (runner == NULL)
        return -ENOMEM;
    runner->run = *run;
    int rc = co_group_spawn(runners->group, "schedule", follow, runner, NULL);
    if (rc < 0)
        runner_free(runner);
    return rc;
}

/* --- What is due ------------------------------------------------------------------------------ */

static void say_failed(const struct schedule *schedule, const struct schedule_run *run)
{
    bool is_known = schedule->has_last && schedule->last.state == RUN_STATE_FAILED;

    if (run->state == RUN_STATE_FAILED && !is_known)
        log_event(EVENT_SCHEDULE_FAILED,
                  LOG_FIELDS({"schedule_id", schedule->id}, {"error", run->code}),
                  "schedule %s cannot start its job: %s", schedule->id, run->code);
}

/* Notes what was not run. */
static void note_other(struct schedule_runners *runners, struct schedule_note *note,
                       enum schedule_run_state state, int64_t due, uint64_t n)
{
    note->runs[note->n_runs++] = (struct schedule_run){
        .due_at = due,
        .n_due = n,
        .started_at = JOB_NEVER,
        .ended_at = runners->now(),
        .state = state,
    };
}

/* returns as schedule_start() */
static CO_BLOCKS int start_run(struct schedule_runners *runners, const struct schedule *schedule,
                               int64_t due, struct schedule_note *note)
{
    struct schedule_run *run = &note->runs[note->n_runs++];

    *run = (struct schedule_run){
        .due_at = due, .n_due = 1, .started_at = runners->now(), .ended_at = JOB_NEVER};
    int rc = schedule_start(&runners->start, schedule, run);
    if (rc == 0)
        say_failed(schedule, run);
    return rc;
}

static CO_BLOCKS int write_note(struct schedule_runners *runners, struct schedule_note *note)
{
    int rc = store_schedule_note(runners->start.store, note);

    if (rc < 0)
        return rc;
    crash_point("after_note_of_run");
    for (size_t i = 0; i < note->n_runs; i++)
        if (note->runs[i].state != RUN_STATE_RUNNING)
            runners->stats->n_runs[note->runs[i].state] += note->runs[i].n_due;
    due_by(runners->due, schedule_time_of(note->schedule, note->schedule->next_due));
    return 0;
}

/* The next due instant has come. What comes while its job is made is not missed. */
static CO_BLOCKS int take_due(struct schedule_runners *runners, struct schedule *schedule,
                              struct schedule_note *note)
{
    int64_t due = schedule->next_due, now = runners->now(), missed;
    uint64_t n_missed;
    int rc = 0;

    if (schedule->running == 0)
        rc = start_run(runners, schedule, due, note);
    else if (schedule->overlap == OVERLAP_QUEUE && schedule->waiting == JOB_NEVER)
        schedule->waiting = due;
    else
        note_other(runners, note, RUN_STATE_SKIPPED, due, 1);
    schedule_catch_up(schedule, due, now, &missed, &n_missed, &schedule->next_due);
    if (n_missed > 0)
        note_other(runners, note, RUN_STATE_MISSED, missed, n_missed);
    return rc;
}

static CO_BLOCKS int take_waiting(struct schedule_runners *runners, struct schedule *schedule,
                                  struct schedule_note *note)
{
    int64_t due = schedule->waiting;

    schedule->waiting = JOB_NEVER;
    return start_run(runners, schedule, due, note);
}

/* ret_run    that was started: RUN_STATE_RUNNING; else any other */
static CO_BLOCKS int deal_with(struct schedule_runners *runners, struct schedule *schedule,
                               struct schedule_run *ret_run)
{
    struct schedule_note note = {.schedule = schedule};
    bool waits = schedule->waiting != JOB_NEVER && schedule->running == 0;
    int rc = waits ? take_waiting(runners, schedule, &note) : take_due(runners, schedule, &note);

    if (rc == 0)
        rc = write_note(runners, &note);
    if (rc == 0)
        *ret_run = note.runs[0];
    return rc;
}

static void end_dealing(struct schedule_runners *runners, int rc)
{
    runners->n_dealing--;
    runners->has_failed |= rc < 0 && rc != -ENOENT;
    co_event_set(&runners->dealt);
}

static int deal(void *arg, void **ret_result)
{
    struct runner *runner = arg;
    struct schedule_runners *runners = runner->runners;
    int rc = deal_with(runners, runner->schedule, &runner->run);

    (void)ret_result;
    schedule_free(co_take(runner->schedule));
    end_dealing(runners, rc);
    if (rc == 0 && runner->run.job != 0)
        rc = follow_run(runner);
    runner_free(runner);
    return end_of(runners, rc);
}

int schedule_runner_deal(struct schedule_runners *runners, struct schedule *schedule)
{
    struct runner *runner = runner_new(runners, schedule->number);

    if (runner == NULL)
        return -ENOMEM;
    int rc = co_group_spawn(runners->group, "schedule", deal, runner, NULL);
    if (rc < 0) {
        runner_free(runner);
        return rc;
    }
    runner->schedule = schedule;
    runners->n_dealing++;
    return 0;
}

int schedule_runner_run_now(struct schedule_runners *runners, struct schedule *schedule,
                            struct schedule_run *ret_run)
{
    struct schedule_note note = {.schedule = schedule};
    int rc = start_run(runners, schedule, runners->now(), &note);

    if (rc == 0)
        rc = write_note(runners, &note);
    if (rc == 0)
        *ret_run = note.runs[0];
    return rc;
}
