#include "daemon/engine/scheduler.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/engine/schedule_clock.h"
#include "daemon/engine/schedule_runner.h"

enum {
    BATCH = 64,             /* schedules dealt with at a time: their writes share commits */
    LOOK_US = 10 * 1000000, /* at least as often, if any is to be due: the clock may be set */
};

struct scheduler {
    struct scheduler_options options;
    struct schedule_runners runners;
    struct scheduler_stats stats;
    struct due_time due;
    int64_t seen_at;          /* what the clock said when it was last looked at */
    struct co_semaphore turn; /* held by who changes what is due, and by who deals with it */
    struct co_group group;
    bool is_draining;
    struct co_task *task;
};

/* --- What a crash has left -------------------------------------------------------------------- */

static int follow_all(struct scheduler *scheduler, struct schedule *const *schedules, int n)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < n; i++)
        rc = schedule_runner_follow(&scheduler->runners, schedules[i]->number, &schedules[i]->last);
    return rc;
}

static void free_all(struct schedule **schedules, int n)
{
    for (int i = 0; i < n; i++)
        schedule_free(schedules[i]);
}

/* Follows the runs that have not ended. */
static CO_BLOCKS int resume(struct scheduler *scheduler)
{
    struct schedule *schedules[BATCH];
    int64_t after = 0;
    int n;

    scheduler->runners.has_unfollowed = false;
    do {
        n = store_schedules_running(scheduler->options.store, after, BATCH, schedules);
        int rc = n < 0 ? n : follow_all(scheduler, schedules, n);
        if (n > 0)
            after = schedules[n - 1]->number;
        free_all(schedules, n);
        if (rc < 0) {
            scheduler->runners.has_unfollowed = true;
            return rc;
        }
    } while (n == BATCH);
    return 0;
}

/* --- What is due ------------------------------------------------------------------------------ */

/* Hands each to a task, which takes it over. */
static int deal_all(struct scheduler *scheduler, struct schedule **schedules, int n)
{
    int rc = 0;

    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = schedule_runner_deal(&scheduler->runners, schedules[i]);
        if (rc < 0)
            schedule_free(schedules[i]);
    }
    return rc;
}

/* Also if it is cancelled: then they are, too. */
static CO_BLOCKS int wait_until_dealt(struct schedule_runners *runners)
{
    int rc = 0;

    while (rc == 0 && runners->n_dealing > 0) {
        co_event_clear(&runners->dealt);
        rc = co_event_wait(&runners->dealt);
    }
    return rc;
}

static CO_BLOCKS int deal_with_some(struct scheduler *scheduler)
{
    struct schedule *schedules[BATCH];
    int64_t next;
    int n = store_schedules_due(scheduler->options.store, scheduler->options.now(), BATCH,
                                schedules, &next);

    if (n < 0)
        return n;
    due_by(&scheduler->due, next);
    scheduler->runners.has_failed = false;
    int rc = deal_all(scheduler, schedules, n);
    int dealt = wait_until_dealt(&scheduler->runners);
    return dealt < 0 ? dealt : rc < 0 ? rc : scheduler->runners.has_failed ? -EAGAIN : 0;
}

static CO_BLOCKS int heed_clock(struct scheduler *scheduler)
{
    int64_t now = scheduler->options.now();
    int rc = now < scheduler->seen_at ? schedule_clock_set_back(scheduler->options.store, now) : 0;

    if (rc == 0)
        scheduler->seen_at = now;
    return rc;
}

/* returns 0; -EIO, -ECANCELED */
static CO_BLOCKS int look(struct scheduler *scheduler)
{
    int rc = co_semaphore_acquire(&scheduler->turn);

    if (rc < 0)
        return rc;
    scheduler->due.at = JOB_NEVER;
    rc = heed_clock(scheduler);
    if (rc == 0 && scheduler->runners.has_unfollowed)
        rc = resume(scheduler);
    if (rc == 0)
        rc = deal_with_some(scheduler);
    co_semaphore_release(&scheduler->turn);
    if (rc == 0 || rc == -EIO || rc == -ECANCELED)
        return rc;
    scheduler->due.at = scheduler->options.now() + SCHEDULE_RETRY_US;
    return 0;
}

/* --- Sleeping --------------------------------------------------------------------------------- */

static CO_BLOCKS int sleep_for(struct due_time *due, int64_t us)
{
    struct co_scope scope;

    co_event_clear(&due->sooner);
    co_scope_enter(&scope, us * CO_MICROSECOND);
    int rc = co_scope_exit(&scope, co_event_wait(&due->sooner));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static CO_BLOCKS int sleep_on(struct due_time *due)
{
    co_event_clear(&due->sooner);
    return co_event_wait(&due->sooner);
}

/* returns how long it is until something is due; 0: it is, or the clock was set back */
static int64_t time_left(struct scheduler *scheduler)
{
    int64_t now = scheduler->options.now(), left = scheduler->due.at - now;

    if (now < scheduler->seen_at)
        return 0;
    scheduler->seen_at = now;
    return left > 0 ? left : 0;
}

/* The clock that counts is the one on the wall, which others set. */
static CO_BLOCKS int sleep_until_due(struct scheduler *scheduler)
{
    const struct due_time *due = &scheduler->due;
    int rc = co_sleep(0);

    while (rc == 0) {
        int64_t left = due->at != JOB_NEVER ? time_left(scheduler) : 0;
        if (due->at == JOB_NEVER || scheduler->is_draining)
            rc = sleep_on(&scheduler->due);
        else if (left > 0)
            rc = sleep_for(&scheduler->due, left < LOOK_US ? left : LOOK_US);
        else
            break;
    }
    return rc;
}

static CO_BLOCKS int serve(struct scheduler *scheduler)
{
    int rc;

    do {
        rc = look(scheduler);
        if (rc == 0)
            rc = sleep_until_due(scheduler);
    } while (rc == 0);
    return rc;
}

static int schedule(void *arg, void **ret_result)
{
    struct scheduler *scheduler = arg;

    (void)ret_result;
    co_group_enter(&scheduler->group, CO_NEVER);
    int rc = co_group_exit(&scheduler->group, serve(scheduler));
    return rc == -EIO ? 0 : rc; /* the jobs have told everybody */
}

/* --- From beginning to end -------------------------------------------------------------------- */

static CO_BLOCKS int count(struct scheduler *scheduler)
{
    struct store_schedule_numbers numbers;
    int rc = store_schedule_count(scheduler->options.store, &numbers);

    if (rc < 0)
        return rc;
    scheduler->stats.n_active = numbers.n_active;
    scheduler->stats.n_paused = numbers.n_paused;
    return 0;
}

static void init(struct scheduler *scheduler, const struct scheduler_options *options)
{
    scheduler->options = *options;
    if (scheduler->options.now == NULL)
        scheduler->options.now = instant_now;
    co_semaphore_init(&scheduler->turn, 1);
    due_time_init(&scheduler->due);
    scheduler->seen_at = INT64_MAX; /* it may have been set back while we were not there */
    scheduler->runners = (struct schedule_runners){
        .start = {options->jobs, options->store, options->parse},
        .now = scheduler->options.now,
        .due = &scheduler->due,
        .stats = &scheduler->stats,
        .group = &scheduler->group,
        .has_unfollowed = true,
    };
    schedule_runners_init(&scheduler->runners);
}

int scheduler_new(struct scheduler **ret_scheduler, const struct scheduler_options *options)
{
    struct scheduler *scheduler = calloc(1, sizeof(*scheduler));

    if (scheduler == NULL)
        return -ENOMEM;
    init(scheduler, options);
    int rc = count(scheduler);
    if (rc == 0)
        rc = co_create_task("scheduler", schedule, scheduler, &scheduler->task);
    if (rc == 0)
        rc = co_sleep(0); /* it makes the group */
    if (rc < 0) {
        scheduler_free(scheduler);
        return rc;
    }
    *ret_scheduler = scheduler;
    return 0;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    co_task_stop(scheduler->task, "the daemon is stopping");
    free(scheduler);
}

void scheduler_set_max(struct scheduler *scheduler, uint64_t max_schedules)
{
    scheduler->options.max_schedules = max_schedules;
}

void scheduler_drain(struct scheduler *scheduler)
{
    if (scheduler != NULL)
        scheduler->is_draining = true;
}

void scheduler_get_stats(const struct scheduler *scheduler, struct scheduler_stats *ret_stats)
{
    *ret_stats = scheduler->stats;
}

/* --- For clients ------------------------------------------------------------------------------ */

/* Of those that are so. */
static uint64_t *number_of(struct scheduler *scheduler, bool is_paused)
{
    return is_paused ? &scheduler->stats.n_paused : &scheduler->stats.n_active;
}

int scheduler_add(struct scheduler *scheduler, struct schedule *schedule,
                  const struct store_schedule_document *document)
{
    schedule->created_at = scheduler->options.now();
    schedule->next_due =
        schedule->is_paused ? JOB_NEVER : schedule_due_after(schedule, schedule->created_at);
    int rc = store_schedule_add(scheduler->options.store, schedule, document,
                                scheduler->options.max_schedules);
    if (rc < 0)
        return rc;
    ++*number_of(scheduler, schedule->is_paused);
    due_by(&scheduler->due, schedule_time_of(schedule, schedule->next_due));
    return 0;
}

static CO_BLOCKS int write_paused(struct scheduler *scheduler, struct schedule *schedule,
                                  bool is_paused)
{
    if (schedule->is_paused == is_paused)
        return 0;
    schedule->is_paused = is_paused;
    schedule->next_due =
        is_paused ? JOB_NEVER : schedule_due_after(schedule, scheduler->options.now());
    if (is_paused)
        schedule->waiting = JOB_NEVER;
    int rc = store_schedule_pause(scheduler->options.store, schedule);
    if (rc < 0)
        return rc;
    --*number_of(scheduler, !is_paused);
    ++*number_of(scheduler, is_paused);
    due_by(&scheduler->due, schedule_time_of(schedule, schedule->next_due));
    return 0;
}

/* Nobody else deals with it meanwhile. returns 0: the turn is to be released; as
 * store_schedule_find() */
static CO_BLOCKS int find_in_turn(struct scheduler *scheduler, const char *tenant, const char *id,
                                  struct schedule **ret_schedule)
{
    int rc = co_semaphore_acquire(&scheduler->turn);

    if (rc < 0)
        return rc;
    rc = store_schedule_find(scheduler->options.store, tenant, id, ret_schedule);
    if (rc < 0)
        co_semaphore_release(&scheduler->turn);
    return rc;
}

int scheduler_pause(struct scheduler *scheduler, const char *tenant, const char *id, bool is_paused,
                    struct schedule **ret_schedule)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    int rc = find_in_turn(scheduler, tenant, id, &schedule);

    if (rc < 0)
        return rc;
    rc = write_paused(scheduler, schedule, is_paused);
    co_semaphore_release(&scheduler->turn);
    if (rc == 0)
        *ret_schedule = co_take(schedule);
    return rc;
}

/* What cannot be followed now is as after a crash. */
static CO_BLOCKS int run_and_follow(struct scheduler *scheduler, struct schedule *schedule,
                                    struct schedule_run *ret_run)
{
    int rc = schedule_runner_run_now(&scheduler->runners, schedule, ret_run);

    if (rc < 0 || ret_run->job == 0)
        return rc;
    if (schedule_runner_follow(&scheduler->runners, schedule->number, ret_run) < 0) {
        scheduler->runners.has_unfollowed = true;
        due_by(&scheduler->due, scheduler->options.now());
    }
    return 0;
}

int scheduler_run_now(struct scheduler *scheduler, const char *tenant, const char *id,
                      struct schedule_run *ret_run)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    int rc = find_in_turn(scheduler, tenant, id, &schedule);

    if (rc < 0)
        return rc;
    rc = schedule->running != 0 ? -EBUSY : run_and_follow(scheduler, schedule, ret_run);
    co_semaphore_release(&scheduler->turn);
    return rc;
}

int scheduler_forget(struct scheduler *scheduler, const char *tenant, const char *id)
{
    bool was_paused;
    int rc = co_semaphore_acquire(&scheduler->turn);

    if (rc < 0)
        return rc;
    rc = store_schedule_forget(scheduler->options.store, tenant, id, &was_paused);
    if (rc == 0)
        --*number_of(scheduler, was_paused);
    co_semaphore_release(&scheduler->turn);
    return rc;
}
