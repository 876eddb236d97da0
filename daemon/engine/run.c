#include "daemon/engine/run.h"

#include <errno.h>

#include "daemon/base/instant.h"

/* What an item is told that the run's end has cut off, or kept from starting. */
static const struct {
    enum outcome running, waiting;
    struct result_error error;
} stops[] = {
    [RUN_SATISFIED] = {OUTCOME_CANCELED,
                       OUTCOME_SKIPPED,
                       {.code = "canceled",
                        .message = "the gather's policy was satisfied before this had ended"}},
    [RUN_DEADLINE] = {OUTCOME_TRANSPORT_ERROR,
                      OUTCOME_SKIPPED,
                      {.code = "deadline_exceeded",
                       .message = "the deadline of the whole batch (deadline_ms) passed",
                       .retryable = true}},
    [RUN_CANCELED] = {OUTCOME_CANCELED,
                      OUTCOME_SKIPPED,
                      {.code = "canceled", .message = "the job was canceled"}},
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

static bool is_satisfied(const struct run *run, const struct result *result)
{
    const struct job_spec *spec = run->spec;

    if (spec->until == UNTIL_FIRST_COMPLETED)
        return true;
    if (spec->until == UNTIL_SUCCESSES && run->n_successes >= spec->n_successes)
        return true;
    return spec->cancel_rest_on_failure && result->outcome != OUTCOME_SUCCESS;
}

/* --- Waiting, and trying again ---------------------------------------------------------------- */

/* All of an item's time, from when it was due, that was neither an attempt nor a pause was waiting.
 * A pause that was cut short is as long as it was. */
static void share_out_time(const struct run *run, size_t index, struct result *result)
{
    /* Attempts are measured within turns, so the turn's own time may lie before their end. */
    co_time now = result->n_attempts > 0 ? co_clock_now() : co_now();
    int64_t rest_us = (now - run->accepted) / CO_MICROSECOND - job_spec_delay_us(run->spec, index);

    for (unsigned i = 0; i < result->n_attempts; i++)
        rest_us -= result->attempts[i].total_us + result->attempts[i].backoff_us;
    result->queue_us = rest_us > 0 ? rest_us : 0;
    if (rest_us < 0 && result->n_attempts > 0) {
        int64_t *pause_us = &result->attempts[result->n_attempts - 1].backoff_us;
        *pause_us = *pause_us + rest_us > 0 ? *pause_us + rest_us : 0;
    }
}

void run_begin_result(struct run *run, size_t index, struct result *ret_result)
{
    result_init(ret_result);
    history_take(&run->history, index, ret_result);
    share_out_time(run, index, ret_result);
}

int run_keep_attempt(struct run *run, size_t index, struct result *result, int64_t pause_us,
                     co_time *ret_at)
{
    co_time at = co_clock_now() + pause_us * CO_MICROSECOND;

    if (at >= run->deadline || run->batch.is_stopped)
        return -ETIME;
    int rc = history_keep(&run->history, run->spec->n_items, index, result, pause_us);
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
    result->error = stops[run->stop].error;
    result->error.phase = phase;
}

void run_report(struct run *run, size_t index, const struct result *result)
{
    stats_count_item(run->stats, result);
    run->owner.finished(run->owner.arg, index, result);
    run->n_successes += result->outcome == OUTCOME_SUCCESS;
    if (--run->n_left == 0)
        co_event_set(&run->over);
    else if (is_satisfied(run, result))
        run_end(run, RUN_SATISFIED);
}

/* Reports a result that run_begin_result() has prepared, and nothing has come of. */
static void report_ended(struct run *run, size_t index, enum outcome outcome,
                         const struct result_error *error, struct result *result)
{
    result->outcome = outcome;
    result->error = *error;
    result->error.phase = "queue";
    result->finished_at = instant_now();
    if (result->n_attempts == 0)
        result->started_at = result->finished_at;
    run_report(run, index, result);
    result_done(result);
}

void run_report_not_started(struct run *run, size_t index, enum outcome outcome,
                            const struct result_error *error)
{
    struct result result;

    run_begin_result(run, index, &result);
    report_ended(run, index, outcome, error, &result);
}

void run_report_waiting(struct run *run, size_t index)
{
    struct result result;

    run_begin_result(run, index, &result);
    bool was_tried = result.n_attempts > 0;
    report_ended(run, index, was_tried ? stops[run->stop].running : stops[run->stop].waiting,
                 &stops[run->stop].error, &result);
}
