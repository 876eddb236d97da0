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

struct engine;

/* fetcher is copied; what it points to is borrowed. Starts the pump in the caller's loop.
 *
 * returns    0, -ENOMEM
 */
int engine_new(struct engine **ret_engine, const struct fetcher *fetcher, unsigned max_running,
               unsigned max_running_per_host);

/* No run may be going on. NULL is fine. suspends until the pump has ended */
void engine_free(struct engine *engine);

/* Who owns a batch hears of each item that has ended; must not block. */
struct run_owner {
    void (*finished)(void *arg, size_t index, const struct result *result);
    void *arg;
};

/* Why a run ends before all its items have been fetched. */
enum run_stop {
    RUN_GOES_ON,
    RUN_SATISFIED, /* gather.until or on_failure decided it */
    RUN_DEADLINE,
    RUN_CANCELED,
};

struct run {
    struct engine *engine;
    const struct job_spec *spec;
    struct run_owner owner;
    struct admission_batch batch;
    struct co_group group;
    struct co_event over;
    co_time accepted;
    enum run_stop stop;
    bool is_admitted; /* batch is in admission */
    size_t n_left;
    size_t n_successes;
};

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

/* Ends a run early, from any task, or before it has begun; run_execute() returns soon. */
void run_cancel(struct run *run);

/* Items that are being fetched. */
static inline size_t run_n_running(const struct run *run)
{
    return run->batch.n_running;
}
