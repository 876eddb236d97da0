#include "daemon/engine/run.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/instant.h"
#include "daemon/model/job_record.h"

/* What an item is told that the run's end has cut off. What was kept from starting is of the rest.
 */
static const struct {
    enum job_rest rest;
    enum outcome running;
} stops[] = {
    [RUN_SATISFIED] = {REST_SATISFIED, OUTCOME_CANCELED},
    [RUN_DEADLINE] = {REST_DEADLINE, OUTCOME_TRANSPORT_ERROR},
    [RUN_CANCELED] = {REST_CANCELED, OUTCOME_CANCELED},
};

/* --- Ending ----------------------------------------------------------------------------------- */

void run_end(struct run *run, enum run_stop why)
{
    if (run->stop != RUN_GOES_ON)
        return;
    run->stop = why;
    if (run->is_admitted)
        admission_stop(run->admission, &run->batch);
    co_event_set(&run->over);
}

void run_cancel(struct run *run)
{
    run_end(run, RUN_CANCELED);
}

bool run_is_satisfied(const struct run *run)
{
    const struct job_spec *spec = run->spec;

    if (spec->until == UNTIL_FIRST_COMPLETED && run->n_done > 0)
        return true;
    if (spec->until == UNTIL_SUCCESSES && run->n_successes >= spec->n_successes)
        return true;
    return spec->cancel_rest_on_failure && run->n_done > run->n_successes;
}

/* --- Pieces ----------------------------------------------------------------------------------- */

int run_add_piece(struct run *run, struct run_piece *piece)
{
    if (run->batch.is_stopped || run->stop != RUN_GOES_ON)
        return -ECANCELED;
    int rc = admission_feed(run->admission, &run->batch, piece, co_now());
    if (rc == 0)
        co_event_set(run->may_go_on);
    return rc;
}

bool run_has_room(const struct run *run)
{
    return !run->batch.is_stopped && run->stop == RUN_GOES_ON && admission_has_room(&run->batch);
}

size_t run_n_ready(const struct run *run)
{
    return run->batch.is_stopped ? 0 : admission_n_ready(&run->batch);
}

bool run_wants_piece(const struct run *run, size_t ahead)
{
    unsigned max = run->admission->max_running, limit = run->spec->limits.concurrency;

    if (limit != 0 && limit < max)
        max = limit;
    return run_has_room(run) && run_n_ready(run) < (size_t)2 * max + ahead;
}

void run_end_piece(struct run *run, struct run_piece *piece)
{
    history_done(&piece->history);
    if (run->owner.piece_ended != NULL)
        run->owner.piece_ended(run->owner.arg, piece);
}

void run_leave_piece(struct run *run, struct run_piece *piece)
{
    if (admission_end_item(piece))
        run_end_piece(run, piece);
}

/* --- Waiting, and trying again ---------------------------------------------------------------- */

/* All of an item's time, from when it was due, that was neither an attempt nor a pause was waiting.
 * A pause that was cut short is as long as it was. */
static void share_out_time(const struct run *run, const struct run_piece *piece, uint32_t item,
                           struct result *result)
{
    /* Attempts are measured within turns, so the turn's own time may lie before their end. */
    co_time now = result->n_attempts > 0 ? co_clock_now() : co_now();
    int64_t rest_us = (now - run->accepted) / CO_MICROSECOND -
                      job_spec_delay_us(piece->spec, piece->offset + item);

    for (unsigned i = 0; i < result->n_attempts; i++)
        rest_us -= result->attempts[i].total_us + result->attempts[i].backoff_us;
    result->queue_us = rest_us > 0 ? rest_us : 0;
    if (rest_us < 0 && result->n_attempts > 0) {
        int64_t *pause_us = &result->attempts[result->n_attempts - 1].backoff_us;
        *pause_us = *pause_us + rest_us > 0 ? *pause_us + rest_us : 0;
    }
}

void run_begin_result(struct run *run, struct run_piece *piece, uint32_t item,
                      struct result *ret_result)
{
    result_init(ret_result);
    history_take(&piece->history, item, ret_result);
    share_out_time(run, piece, item, ret_result);
}

int run_keep_attempt(struct run *run, struct run_piece *piece, uint32_t item, struct result *result,
                     int64_t pause_us, co_time *ret_at)
{
    co_time at = co_clock_now() + pause_us * CO_MICROSECOND;

    if (at >= run->deadline || run->batch.is_stopped)
        return -ETIME;
    int rc = history_keep(&piece->history, piece->n_items, item, result, pause_us);
    if (rc == 0)
        *ret_at = at;
    return rc;
}

/* --- Reporting -------------------------------------------------------------------------------- */

void run_name_stop(const struct run *run, struct result *result)
{
    if (result->outcome != OUTCOME_CANCELED || run->stop == RUN_GOES_ON)
        return;
    const char *phase = result->error.phase;
    result->outcome = stops[run->stop].running;
    result->error = *job_rest_error(stops[run->stop].rest);
    result->error.phase = phase;
}

void run_count(struct run *run, const struct result *result)
{
    assert(run->n_left > 0);
    stats_count_item(run->stats, result);
    run->n_done++;
    run->n_successes += result->outcome == OUTCOME_SUCCESS;
    if (--run->n_left == 0)
        co_event_set(&run->over);
    else if (run_is_satisfied(run))
        run_end(run, RUN_SATISFIED);
}

void run_report(struct run *run, struct run_piece *piece, uint32_t item,
                const struct result *result)
{
    run->owner.finished(run->owner.arg, piece, item, result);
    run_count(run, result);
}

/* Reports a result that run_begin_result() has prepared, and nothing has come of. */
static void report_ended(struct run *run, struct run_piece *piece, uint32_t item,
                         enum outcome outcome, const struct result_error *error,
                         struct result *result)
{
    result->outcome = outcome;
    result->error = *error;
    result->error.phase = "queue";
    result->finished_at = instant_now();
    if (result->n_attempts == 0)
        result->started_at = result->finished_at;
    run_report(run, piece, item, result);
    result_done(result);
}

void run_report_not_started(struct run *run, struct run_piece *piece, uint32_t item,
                            enum outcome outcome, const struct result_error *error)
{
    struct result result;

    run_begin_result(run, piece, item, &result);
    report_ended(run, piece, item, outcome, error, &result);
}

void run_report_waiting(struct run *run, struct run_piece *piece, uint32_t item)
{
    struct result result;

    run_begin_result(run, piece, item, &result);
    bool was_tried = result.n_attempts > 0;
    enum job_rest rest = stops[run->stop].rest;
    report_ended(run, piece, item, was_tried ? stops[run->stop].running : job_rest_outcome(rest),
                 job_rest_error(rest), &result);
}
