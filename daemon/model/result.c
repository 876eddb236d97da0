#include "daemon/model/result.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[N_OUTCOMES] = {
        [OUTCOME_SUCCESS] = "success",
        [OUTCOME_HTTP_ERROR] = "http_error",
        [OUTCOME_ASSERTION_FAILED] = "assertion_failed",
        [OUTCOME_TRANSPORT_ERROR] = "transport_error",
        [OUTCOME_BLOCKED] = "blocked",
        [OUTCOME_INTERRUPTED] = "interrupted",
        [OUTCOME_CANCELED] = "canceled",
        [OUTCOME_SKIPPED] = "skipped",
    };

    return names[outcome];
}

const char outcome_names[] =
    "success, http_error, assertion_failed, transport_error, blocked, interrupted, canceled or "
    "skipped";

int outcome_from_name(const char *name, enum outcome *ret_outcome)
{
    for (enum outcome outcome = 0; outcome < N_OUTCOMES; outcome++) {
        if (strcmp(outcome_name(outcome), name) == 0) {
            *ret_outcome = outcome;
            return 0;
        }
    }
    return -EINVAL;
}

void result_init(struct result *result)
{
    *result = (struct result){.redirect_us = -1};
    for (int i = 0; i < CO_HTTP_N_PHASES; i++)
        result->phase_us[i] = -1;
}

void result_fail(struct result *result, enum outcome outcome, const char *code, const char *phase,
                 const char *message)
{
    result->outcome = outcome;
    result->error = (struct result_error){.code = code, .phase = phase, .message = message};
}

int64_t result_elapsed_us(const struct result *result)
{
    int64_t elapsed_us = result->queue_us + result->total_us;

    for (unsigned i = 0; i < result->n_attempts; i++)
        elapsed_us += result->attempts[i].total_us + result->attempts[i].backoff_us;
    return elapsed_us;
}

unsigned result_n_attempts(const struct result *result)
{
    return result->n_attempts + (result->attempt_started_at != 0);
}

const char *const result_timing_names[] = {"queue_ms",    "dns_ms",     "connect_ms", "tls_ms",
                                           "send_ms",     "wait_ms",    "receive_ms", "total_ms",
                                           "redirect_ms", "elapsed_ms", NULL};

/* Where they are, in the same order; the last one is computed. */
static const size_t timing_offsets[] = {
    offsetof(struct result, queue_us),
    offsetof(struct result, phase_us[CO_HTTP_DNS]),
    offsetof(struct result, phase_us[CO_HTTP_CONNECT]),
    offsetof(struct result, phase_us[CO_HTTP_TLS]),
    offsetof(struct result, phase_us[CO_HTTP_SEND]),
    offsetof(struct result, phase_us[CO_HTTP_WAIT]),
    offsetof(struct result, phase_us[CO_HTTP_RECEIVE]),
    offsetof(struct result, total_us),
    offsetof(struct result, redirect_us),
};

enum { N_TIMINGS = sizeof(timing_offsets) / sizeof(timing_offsets[0]) };

int64_t result_timing_us(const struct result *result, const char *name)
{
    size_t i = 0;

    while (i < N_TIMINGS && strcmp(result_timing_names[i], name) != 0)
        i++;
    return i < N_TIMINGS ? *(const int64_t *)((const char *)result + timing_offsets[i])
                         : result_elapsed_us(result);
}

int64_t result_tls_expires_in_us(const struct result *result)
{
    const struct co_http_tls *tls = result->response.tls;

    if (tls == NULL)
        return -1;
    return tls->not_after_at > result->finished_at ? tls->not_after_at - result->finished_at : 0;
}

void result_done(struct result *result)
{
    for (unsigned i = 0; i < result->n_hops; i++)
        co_url_done(&result->hops[i].url);
    free(result->hops);
    free(result->attempts);
    expect_verdict_done(&result->verdict);
    free(result->error_text);
    co_url_done(&result->final_url);
    co_http_response_done(&result->response);
}
