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

/* What the engine counts, of all its runs. */
struct stats *engine_stats(struct engine *engine);

/* Items of all runs that are being fetched, and those that wait for that, again or for the first
 * time. */
size_t engine_n_running(const struct engine *engine);
size_t engine_n_waiting(const struct engine *engine);

/* Prepares a run; spec and what owner points to are borrowed until it has been executed. */
void run_init(struct run *run, struct engine *engine, const struct job_spec *spec,
              const struct run_owner *owner);

/* Runs all items. Every item is reported to the owner exactly once, unless the caller is cancelled
 * itself: then what is not yet reported is dropped.
 *
 * returns    0, also when there was no memory for some or all items: that is their result;
 *            -ECANCELED
 * suspends   until every item has ended
 */
CO_BLOCKS int run_execute(struct run *run);
