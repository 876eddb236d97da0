#include "daemon/model/render_course.h"

#include "daemon/model/render_response.h"

static void render_phases(struct json_writer *w, const int64_t phase_us[CO_HTTP_N_PHASES])
{
    jw_key(w, "dns_ms");
    jw_ms(w, phase_us[CO_HTTP_DNS]);
    jw_key(w, "connect_ms");
    jw_ms(w, phase_us[CO_HTTP_CONNECT]);
    jw_key(w, "tls_ms");
    jw_ms(w, phase_us[CO_HTTP_TLS]);
    jw_key(w, "send_ms");
    jw_ms(w, phase_us[CO_HTTP_SEND]);
    jw_key(w, "wait_ms");
    jw_ms(w, phase_us[CO_HTTP_WAIT]);
    jw_key(w, "receive_ms");
    jw_ms(w, phase_us[CO_HTTP_RECEIVE]);
}

static void render_hop(struct json_writer *w, const struct result_hop *hop)
{
    jw_object_begin(w);
    jw_key(w, "method");
    jw_text(w, hop->method);
    jw_key(w, "url");
    jw_text(w, hop->url.text);
    render_status(w, hop->status);
    render_phases(w, hop->phase_us);
    jw_key(w, "total_ms");
    jw_ms(w, hop->total_us);
    jw_object_end(w);
}

static void render_redirects(struct json_writer *w, const struct result *result)
{
    if (result->n_hops == 0) {
        jw_literal(w, "\"redirects\":{\"count\":0,\"hops\":[]},");
        return;
    }
    jw_key(w, "redirects");
    jw_object_begin(w);
    jw_key(w, "count");
    jw_uint(w, result->n_hops);
    jw_key(w, "hops");
    jw_array_begin(w);
    for (unsigned i = 0; i < result->n_hops; i++)
        render_hop(w, &result->hops[i]);
    jw_array_end(w);
    jw_object_end(w);
}

static void render_attempt(struct json_writer *w, unsigned n, const struct result_attempt *attempt)
{
    jw_object_begin(w);
    jw_key(w, "n");
    jw_uint(w, n);
    jw_key(w, "outcome");
    jw_text(w, outcome_name(attempt->outcome));
    render_status(w, attempt->status);
    jw_key(w, "started_at");
    jw_instant(w, attempt->started_at);
    jw_key(w, "total_ms");
    jw_ms(w, attempt->total_us);
    jw_key(w, "error");
    jw_text(w, attempt->error_code);
    jw_key(w, "backoff_ms");
    jw_ms(w, attempt->backoff_us);
    jw_object_end(w);
}

static void render_attempts(struct json_writer *w, const struct result *result)
{
    const struct result_attempt last = {
        .outcome = result->outcome,
        .status = result->response.status,
        .error_code = result->error.code,
        .started_at = result->attempt_started_at,
        .total_us = result->total_us,
        .backoff_us = -1,
    };
    unsigned n_attempts = result_n_attempts(result);

    jw_key(w, "attempts");
    jw_array_begin(w);
    for (unsigned i = 0; i < n_attempts; i++)
        render_attempt(w, i + 1, i < result->n_attempts ? &result->attempts[i] : &last);
    jw_array_end(w);
}

static void render_timings(struct json_writer *w, const struct result *result)
{
    jw_key(w, "timings");
    jw_object_begin(w);
    jw_key(w, "queue_ms");
    jw_ms(w, result->queue_us);
    render_phases(w, result->phase_us);
    jw_key(w, "total_ms");
    jw_ms(w, result->total_us);
    jw_key(w, "redirect_ms");
    jw_ms(w, result->redirect_us);
    jw_key(w, "elapsed_ms");
    jw_ms(w, result_elapsed_us(result));
    jw_object_end(w);
}

void render_course(struct json_writer *w, const struct result *result)
{
    render_redirects(w, result);
    render_attempts(w, result);
    render_timings(w, result);
    jw_key(w, "started_at");
    jw_instant(w, result->started_at);
    jw_key(w, "finished_at");
    jw_instant(w, result->finished_at);
}
