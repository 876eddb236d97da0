/* Runs batches: starts their items in fair order as the gates let them through, each as a task, and
 * hands every result to the batch's owner.
 *
 * One pump task takes items out of admission and starts them in their run's group; an item's end
 * gives its place back and wakes the pump. So what waits costs no task and no stack.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/admission.h"
#include "daemon/engine/fetch.h"
#include "daemon/engine/run.h"

struct engine;

/* fetcher is copied; what it points to is borrowed. Starts the pump in the caller's loop.
 *
 * returns    0, -ENOMEM
 */
int engine_new(struct engine **ret_engine, const struct fetcher *fetcher, unsigned max_running,
               unsigned max_running_per_host);

/* No run may be going on. NULL is fine. suspends until the pump has ended */
void engine_free(struct engine *engine);

/* Changes what attempts that begin from now on go by, in the session and policy that there are. */
void engine_set_fetcher(struct engine *engine, const struct fetcher *fetcher);

/* What it fetches with. */
const struct fetcher *engine_fetcher(const struct engine *engine);

/* What the engine counts, of all its runs. */
struct stats *engine_stats(struct engine *engine);

/* Items of all runs that are being fetched, and those that wait for that, again or for the first
 * time. */
size_t engine_n_running(const struct engine *engine);
size_t engine_n_waiting(const struct engine *engine);

/* While paused, nothing more of runs that are fed is started; what is being fetched goes on, and so
 * do gathers. */
void engine_pause(struct engine *engine, bool is_paused);

/* --- Runs ------------------------------------------------------------------------------------- */

/* Prepares a run of all items of a spec, as one piece; spec and what owner points to are borrowed
 * until it has been executed. */
void run_init(struct run *run, struct engine *engine, const struct job_spec *spec,
              const struct run_owner *owner);

/* What a run that is fed begins with. */
struct run_job {
    const struct job_spec *head; /* what the job says of all its items; borrowed */
    uint32_t n_items;
    uint32_t n_done;      /* items that have ended before */
    uint32_t n_successes; /* of these */
    unsigned n_places;    /* pieces that may be there at the same time: one slow item holds a place,
                             and a place that was never used costs nothing */
    int64_t accepted_at;  /* an instant: deadline, delays and queue timeouts count from it */
};

/* Opens a run that is fed: pieces can be added from now on, and will go when it is executed. Owed
 * one run_execute() or run_close().
 *
 * returns    0, -ENOMEM
 */
int run_open(struct run *run, struct engine *engine, const struct run_job *job,
             const struct run_owner *owner);

/* Ends a run that was opened, and is not executed. */
void run_close(struct run *run);

/* Runs all items. Every item is reported to the owner exactly once, unless the caller is cancelled
 * itself: then what is not yet reported is dropped.
 *
 * A run that is fed goes on until all items of the job have ended; when it is stopped before, those
 * that are not there have no result.
 *
 * returns    0, also when there was no memory for some or all items: that is their result;
 *            -ECANCELED
 * suspends   until every item has ended
 */
CO_BLOCKS int run_execute(struct run *run);
