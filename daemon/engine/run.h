/* A batch on its way: which of its items are left, who hears of those that have ended, and when it
 * is over before its time.
 *
 * The engine starts and ends the items; what they have in common is here. A gather is a run of one
 * piece that is there from the start. The run of a stored job is fed: it begins with what the job
 * says of all its items, and is brought pieces while it has room; items that have ended before
 * (in the life of another daemon) count as if they had in this run.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/admission.h"
#include "daemon/engine/run_piece.h"
#include "daemon/engine/stats.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

struct engine;

/* Who owns a batch hears what becomes of it. What is not marked must not block. */
struct run_owner {
    /* An item has ended. */
    void (*finished)(void *arg, struct run_piece *piece, uint32_t item,
                     const struct result *result);

    /* Nothing is left of a piece: its place is free, and it may be freed, with its spec. It comes
     * once for each piece that was taken, at the latest while run_execute() or run_close() ends,
     * in any task. Not the place for run_add_piece(). NULL is fine. */
    void (*piece_ended)(void *arg, struct run_piece *piece);

    /* An item has its place and will be sent for the first time: called in its own task, and as
     * long as it takes the item waits.
     *
     * returns    0: it is sent, unless the run has been stopped; -ECANCELED: the caller has been
     *            cancelled; -EAGAIN: not now: the item gives its place back, and the owner is asked
     *            again when it has another; other: it ends unsent, as a transport_error
     *            (resource_exhausted)
     */
    CO_BLOCKS int (*before_sending)(void *arg, struct run_piece *piece, uint32_t item);
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
    struct co_event *may_go_on;  /* wakes the engine */
    const struct job_spec *spec; /* of a run that is fed: of the job, without its items */
    struct run_owner owner;
    struct run_piece whole; /* of a run that is not fed */
    struct admission_batch batch;
    struct co_http_jar *jar; /* NULL: the items have no cookies */
    struct co_group group;
    struct co_event over;
    co_time accepted;
    co_time deadline; /* CO_NEVER: none */
    enum run_stop stop;
    bool is_fed;
    bool is_admitted; /* batch is in admission */
    size_t n_left;
    size_t n_done;
    size_t n_successes; /* of these */
};

/* Ends a run early, from any task, or before it has begun; run_execute() returns soon. */
void run_cancel(struct run *run);
void run_end(struct run *run, enum run_stop why);

/* Items that are being fetched. */
static inline size_t run_n_running(const struct run *run)
{
    return run->batch.n_running;
}

/* --- Feeding ---------------------------------------------------------------------------------- */

/* Adds a piece to a run that has been opened: its items go when it is their turn. They are those
 * after the items of pieces before, or any others; none is in two pieces. spec and piece stay
 * borrowed until piece_ended().
 *
 * returns    0; 1: all its items are left out: nothing was added, nothing will be heard of it;
 *            -EAGAIN: there is no free place; -ECANCELED: the run has been stopped, or is over
 */
int run_add_piece(struct run *run, struct run_piece *piece);

/* Whether there is a place for another piece. */
bool run_has_room(const struct run *run);

/* Items that are there and can go soon: those that wait, of each host no more than it can use soon,
 * and none that backs off or is due later. */
size_t run_n_ready(const struct run *run);

/* Whether it has room, and not enough to do for twice the items it may run and `ahead` more. That
 * is counted for each run, so slow hosts of one do not keep others from being fed; how many pieces
 * there are of all runs is the owner's matter. */
bool run_wants_piece(const struct run *run, size_t ahead);

/* Counts an item that has ended and never was in a piece: interrupted by a crash, say, or given up.
 * What becomes of the result is the owner's matter. */
void run_count(struct run *run, const struct result *result);

/* --- For the engine --------------------------------------------------------------------------- */

/* Prepares the result of an item whose next attempt begins, or does not: with the attempts before
 * it, and how long it has waited by now. */
void run_begin_result(struct run *run, struct run_piece *piece, uint32_t item,
                      struct result *ret_result);

/* Keeps the attempts of an item that will be tried again.
 *
 * ret_at    when it is due
 * returns   0; -ENOMEM, -ETIME: the run is over by then. Then the result is final
 */
int run_keep_attempt(struct run *run, struct run_piece *piece, uint32_t item, struct result *result,
                     int64_t pause_us, co_time *ret_at);

/* Gives the reason of a cancellation its name: the fetch only knows that it was given up. */
void run_name_stop(const struct run *run, struct result *result);

/* Tells the owner of an item that has ended. */
void run_report(struct run *run, struct run_piece *piece, uint32_t item,
                const struct result *result);

/* The same of one that is not fetched, or not any more. Its phase is "queue". */
void run_report_not_started(struct run *run, struct run_piece *piece, uint32_t item,
                            enum outcome outcome, const struct result_error *error);

/* The same of one that was waiting when the run was stopped. */
void run_report_waiting(struct run *run, struct run_piece *piece, uint32_t item);

/* An item has been reported, or dropped, and needs its piece no more. */
void run_leave_piece(struct run *run, struct run_piece *piece);

/* Nothing is left of a piece, or will ever be done about it. */
void run_end_piece(struct run *run, struct run_piece *piece);

/* Whether the policy of the batch is satisfied by what has ended so far. */
bool run_is_satisfied(const struct run *run);
