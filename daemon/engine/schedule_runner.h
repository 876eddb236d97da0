/* What is done for one schedule: a due instant is dealt with, and a run is followed to its end.
 * Each in a task; the scheduler says which.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/due_time.h"
#include "daemon/engine/schedule_start.h"
#include "daemon/engine/scheduler.h"

enum {
    SCHEDULE_RETRY_US = 1000 * 1000, /* after what did not work */
    SCHEDULE_BUCKETS = 256,
};

/* All of them. */
struct schedule_runners {
    struct schedule_start start;
    int64_t (*now)(void);
    struct due_time *due; /* when the scheduler is to look for what is due */
    struct scheduler_stats *stats;
    struct co_group *group;                     /* of their tasks */
    struct co_list following[SCHEDULE_BUCKETS]; /* those with a run that has not ended, by number */
    size_t n_dealing;                           /* with what is due */
    struct co_event dealt;                      /* one less is */
    bool has_failed;                            /* one could not write what has become of it */
    bool has_unfollowed;                        /* a run that should be followed may not be */
};

void schedule_runners_init(struct schedule_runners *runners);

/* Deals with a schedule that is due: what waits is run, or what has come; not while a run has not
 * ended. The schedule is taken over when this succeeds. returns 0, -ENOMEM */
int schedule_runner_deal(struct schedule_runners *runners, struct schedule *schedule);

/* Starts a run now, and writes that.
 *
 * ret_run    what has become of it
 * returns    as schedule_start(), store_schedule_note()
 */
CO_BLOCKS int schedule_runner_run_now(struct schedule_runners *runners, struct schedule *schedule,
                                      struct schedule_run *ret_run);

/* Follows a run of a schedule that has not ended; one that is followed already is left alone.
 * returns 0, -ENOMEM */
int schedule_runner_follow(struct schedule_runners *runners, int64_t schedule,
                           const struct schedule_run *run);
