/* Runs schedules when they are due.
 *
 * One task sleeps until the first is; then each that is due gets a task of its own, which makes the
 * job, writes what has become of the due instant, and waits for the job's end to write that. Until
 * all that were due have been dealt with nothing else is looked at, so there is nothing to remember
 * that is not in the store: what a crash interrupts is found due again, or as a run that has not
 * ended.
 *
 * A due instant that passes while gatherd is not there, or the clock is set forward over it, is run
 * once it can be; of several only the first, and the others are written as one run that was missed.
 * If the clock is set back, nothing is due again that was before, unless that would stop schedules
 * for more than an hour.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/jobs.h"
#include "daemon/store/store_schedules.h"

struct scheduler;

struct scheduler_options {
    struct jobs *jobs; /* all of this is borrowed */
    struct store *store;
    const struct parse_settings *parse; /* for the documents of jobs */
    uint64_t max_schedules;             /* of a tenant */
    int64_t (*now)(void);               /* the wall clock; NULL: instant_now() */
};

/* Starts its task in the caller's loop.
 *
 * returns    0, -ENOMEM; as the store
 */
CO_BLOCKS int scheduler_new(struct scheduler **ret_scheduler,
                            const struct scheduler_options *options);

/* Before the jobs are freed. NULL is fine. suspends; is not disturbed by cancellation */
void scheduler_free(struct scheduler *scheduler);

/* How many schedules a tenant may have, from now on. */
void scheduler_set_max(struct scheduler *scheduler, uint64_t max_schedules);

/* The end is near: nothing more is started. NULL is fine. */
void scheduler_drain(struct scheduler *scheduler);

struct scheduler_stats {
    uint64_t n_active, n_paused;   /* schedules */
    uint64_t n_runs[N_RUN_STATES]; /* since the start, as they have ended; running: now */
};

void scheduler_get_stats(const struct scheduler *scheduler, struct scheduler_stats *ret_stats);

/* --- For clients ------------------------------------------------------------------------------ */

/* Makes a schedule: sets what is not the client's to say. returns as store_schedule_add() */
CO_BLOCKS int scheduler_add(struct scheduler *scheduler, struct schedule *schedule,
                            const struct store_schedule_document *document);

/* Pauses it, or lets it go on: then it is due as if nothing had been in between. A run that goes on
 * is left alone.
 *
 * ret_schedule   as it is then; owed one schedule_free()
 * returns        0, -ENOENT; as the store
 */
CO_BLOCKS int scheduler_pause(struct scheduler *scheduler, const char *tenant, const char *id,
                              bool is_paused, struct schedule **ret_schedule);

/* Runs it now, beside what is due, also if it is paused.
 *
 * returns    0: also if it could not be started, see its state; -ENOENT; -EBUSY: there is a run
 *            that has not ended; as the store
 */
CO_BLOCKS int scheduler_run_now(struct scheduler *scheduler, const char *tenant, const char *id,
                                struct schedule_run *ret_run);

/* Also one that is damaged. returns 0, -ENOENT; as the store */
CO_BLOCKS int scheduler_forget(struct scheduler *scheduler, const char *tenant, const char *id);
