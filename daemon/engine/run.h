/* A batch on its way: which of its items are left, who hears of those that have ended, and when it
 * is over before its time.
 *
 * The engine starts and ends the items; what they have in common is here.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/admission.h"
#include "daemon/engine/history.h"
#include "daemon/engine/stats.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

struct engine;

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
    struct admission *admission;
    struct stats *stats;
    const struct job_spec *spec;
    struct run_owner owner;
    struct admission_batch batch;
    struct history history;
    struct co_http_jar *jar; /* NULL: the items have no cookies */
    struct co_group group;
    struct co_event over;
    co_time accepted;
    co_time deadline; /* CO_NEVER: none */
    enum run_stop stop;
    bool is_admitted; /* batch is in admission */
    size_t n_left;
    size_t n_successes;
};

/* Ends a run early, from any task, or before it has begun; run_execute() returns soon. */
void run_cancel(struct run *run);
void run_end(struct run *run, enum run_stop why);

/* Items that are being fetched. */
static inline size_t run_n_running(const struct run *run)
{
    return run->batch.n_running;
}

/* Prepares the result of an item whose next attempt begins, or does not: with the attempts before
 * it, and how long it has waited by now. */
void run_begin_result(struct run *run, size_t index, struct result *ret_result);

/* Keeps the attempts of an item that will be tried again.
 *
 * ret_at    when it is due
 * returns   0; -ENOMEM, -ETIME: the run is over by then. Then the result is final
 */
int run_keep_attempt(struct run *run, size_t index, struct result *result, int64_t pause_us,
                     co_time *ret_at);

/* Gives the reason of a cancellation its name: the fetch only knows that it was given up. */
void run_name_stop(const struct run *run, struct result *result);

/* Tells the owner of an item that has ended. */
void run_report(struct run *run, size_t index, const struct result *result);

/* The same of one that is not fetched, or not any more. Its phase is "queue". */
void run_report_not_started(struct run *run, size_t index, enum outcome outcome,
                            const struct result_error *error);

/* The same of one that was waiting when the run was stopped. */
void run_report_waiting(struct run *run, size_t index);
