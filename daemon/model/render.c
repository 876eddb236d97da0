#include "daemon/model/render.h"

#include <string.h>
#include <strings.h>

#include "daemon/base/utf8.h"

static void render_request(struct json_writer *w, const struct request *request,
                           const struct result *result)
{
    jw_key(w, "request");
    jw_object_begin(w);
    jw_key(w, "method");
    jw_text(w, request->options->method);
    jw_key(w, "url");
    jw_text(w, request->defect != NULL ? request->url_text : request->url.text);
    jw_key(w, "sent_bytes");
    jw_uint(w, result->sent_bytes);
    jw_object_end(w);
}

static const char *http_version_name(int version)
{
    switch (version) {
    case 10:
        return "1.0";
    case 11:
        return "1.1";
    case 20:
        return "2";
    default:
        return NULL;
    }
}

static bool is_kept(const struct fetch_options *options, const char *name)
{
    if (options->kept_headers == NULL)
        return true;
    for (size_t i = 0; i < options->n_kept_headers; i++)
        if (strcasecmp(options->kept_headers[i], name) == 0)
            return true;
    return false;
}

/* Header bytes are Latin-1 to HTTP; jw_text() keeps them valid JSON, whatever they are. */
static void render_headers(struct json_writer *w, const struct fetch_options *options,
                           const struct co_http_response *response)
{
    jw_key(w, "headers");
    jw_array_begin(w);
    for (size_t i = 0; i < response->n_headers; i++) {
        if (!is_kept(options, response->headers[i].name))
            continue;
        jw_array_begin(w);
        jw_text(w, response->headers[i].name);
        jw_text(w, response->headers[i].value);
        jw_array_end(w);
    }
    jw_array_end(w);
}

static void render_peer(struct json_writer *w, const struct co_http_response *response)
{
    bool connected = response->remote.family != AF_UNSPEC;
    char text[CO_ADDRESS_TEXT_SIZE];

    jw_key(w, "remote_ip");
    jw_text(w, connected ? co_address_format(&response->remote, text) : NULL);
    jw_key(w, "remote_port");
    if (connected)
        jw_uint(w, response->remote.port);
    else
        jw_null(w);
    jw_key(w, "connection");
    if (connected) {
        jw_object_begin(w);
        jw_key(w, "reused");
        jw_bool(w, response->reused);
        jw_key(w, "proxy");
        jw_null(w);
        jw_object_end(w);
    } else {
        jw_null(w);
    }
}

/* Of a response that was to be captured there is always data, be it empty. */
static void render_captured(struct json_writer *w, const struct co_http_response *response)
{
    const char *bytes = response->body != NULL ? response->body : "";
    bool is_text = utf8_is_valid(bytes, response->body_length);

    jw_key(w, "encoding");
    jw_text(w, is_text ? "utf-8" : "base64");
    jw_key(w, "data");
    if (is_text)
        jw_string(w, bytes, response->body_length);
    else
        jw_base64(w, bytes, response->body_length);
}

static void render_body(struct json_writer *w, const struct fetch_options *options,
                        const struct co_http_response *response, bool with_body)
{
    bool is_captured = options->capture_body && response->status > 0;
    bool is_left_out = !with_body && response->body_length > 0;

    jw_key(w, "body");
    jw_object_begin(w);
    if (is_captured && !is_left_out) {
        render_captured(w, response);
    } else {
        jw_key(w, "encoding");
        jw_text(w, "none");
    }
    jw_key(w, "encoded_bytes");
    jw_uint(w, response->encoded_bytes);
    jw_key(w, "decoded_bytes");
    jw_uint(w, response->decoded_bytes);
    jw_key(w, "truncated");
    jw_bool(w, response->body_truncated || is_left_out);
    jw_key(w, "sha256");
    jw_null(w);
    jw_object_end(w);
}

static void render_redirects(struct json_writer *w, const struct result *result)
{
    jw_key(w, "redirects");
    jw_object_begin(w);
    jw_key(w, "count");
    jw_uint(w, result->n_hops);
    jw_key(w, "hops");
    jw_array_begin(w);
    for (unsigned i = 0; i < result->n_hops; i++) {
        const struct result_hop *hop = &result->hops[i];
        jw_object_begin(w);
        jw_key(w, "url");
        jw_text(w, hop->url.text);
        jw_key(w, "status_code");
        jw_int(w, hop->status);
        jw_key(w, "total_ms");
        jw_ms(w, hop->total_us);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

static void render_status(struct json_writer *w, const struct result *result)
{
    jw_key(w, "status_code");
    if (result->response.status > 0)
        jw_int(w, result->response.status);
    else
        jw_null(w);
}

static void render_error(struct json_writer *w, const struct result_error *error)
{
    jw_key(w, "error");
    if (error->code == NULL) {
        jw_null(w);
        return;
    }
    jw_object_begin(w);
    jw_key(w, "code");
    jw_text(w, error->code);
    jw_key(w, "phase");
    jw_text(w, error->phase);
    jw_key(w, "curl_code");
    if (error->curl_code != 0)
        jw_int(w, error->curl_code);
    else
        jw_null(w);
    jw_key(w, "curl_name");
    jw_text(w, error->curl_name);
    jw_key(w, "message");
    jw_text(w, error->message);
    jw_key(w, "retryable");
    jw_bool(w, error->retryable);
    if (error->rule != NULL) {
        jw_key(w, "rule");
        jw_text(w, error->rule);
    }
    jw_object_end(w);
}

/* One for what was started, none for what was not. */
static void render_attempts(struct json_writer *w, const struct result *result)
{
    jw_key(w, "attempts");
    jw_array_begin(w);
    if (result->total_us > 0) {
        jw_object_begin(w);
        jw_key(w, "n");
        jw_uint(w, 1);
        jw_key(w, "outcome");
        jw_text(w, outcome_name(result->outcome));
        render_status(w, result);
        jw_key(w, "started_at");
        jw_instant(w, result->started_at);
        jw_key(w, "total_ms");
        jw_ms(w, result->total_us);
        jw_key(w, "error");
        jw_text(w, result->error.code);
        jw_key(w, "backoff_ms");
        jw_null(w);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void render_timings(struct json_writer *w, const struct result *result)
{
    jw_key(w, "timings");
    jw_object_begin(w);
    jw_key(w, "queue_ms");
    jw_ms(w, result->queue_us);
    jw_key(w, "dns_ms");
    jw_ms(w, result->phase_us[CO_HTTP_DNS]);
    jw_key(w, "connect_ms");
    jw_ms(w, result->phase_us[CO_HTTP_CONNECT]);
    jw_key(w, "tls_ms");
    jw_ms(w, result->phase_us[CO_HTTP_TLS]);
    jw_key(w, "send_ms");
    jw_ms(w, result->phase_us[CO_HTTP_SEND]);
    jw_key(w, "wait_ms");
    jw_ms(w, result->phase_us[CO_HTTP_WAIT]);
    jw_key(w, "receive_ms");
    jw_ms(w, result->phase_us[CO_HTTP_RECEIVE]);
    jw_key(w, "total_ms");
    jw_ms(w, result->total_us);
    jw_key(w, "redirect_ms");
    jw_ms(w, result->redirect_us);
    jw_key(w, "elapsed_ms");
    jw_ms(w, result->queue_us + result->total_us);
    jw_object_end(w);
    jw_key(w, "started_at");
    jw_instant(w, result->started_at);
    jw_key(w, "finished_at");
    jw_instant(w, result->finished_at);
}

static void render_place(struct json_writer *w, const struct result_place *place)
{
    const struct item *item = &place->spec->items[place->index];
    const struct request *request = job_spec_request(place->spec, place->index);

    jw_key(w, "object");
    jw_text(w, "result");
    if (place->job_id != NULL) {
        jw_key(w, "job_id");
        jw_text(w, place->job_id);
    }
    jw_key(w, "index");
    jw_uint(w, place->index);
    jw_key(w, "id");
    jw_text(w, request->id);
    if (request->n_repeats > 1) {
        jw_key(w, "repetition");
        jw_uint(w, item->repetition);
    }
}

void render_result(struct json_writer *w, const struct result_place *place,
                   const struct result *result, bool with_body)
{
    const struct request *request = job_spec_request(place->spec, place->index);
    const struct co_http_response *response = &result->response;

    jw_object_begin(w);
    render_place(w, place);
    jw_key(w, "seq");
    jw_uint(w, place->seq);
    jw_key(w, "state");
    jw_text(w, "finished");
    jw_key(w, "outcome");
    jw_text(w, outcome_name(result->outcome));
    jw_key(w, "ok");
    jw_bool(w, result->outcome == OUTCOME_SUCCESS);
    render_request(w, request, result);
    jw_key(w, "effective_url");
    jw_text(w, result->final_url.text != NULL ? result->final_url.text : request->url.text);
    render_status(w, result);
    jw_key(w, "http_version");
    jw_text(w, http_version_name(response->http_version));
    render_headers(w, request->options, response);
    render_peer(w, response);
    jw_key(w, "tls");
    jw_null(w);
    render_body(w, request->options, response, with_body);
    render_redirects(w, result);
    render_attempts(w, result);
    render_timings(w, result);
    jw_key(w, "expect");
    jw_null(w);
    render_error(w, &result->error);
    jw_object_end(w);
}

void render_pending(struct json_writer *w, const struct result_place *place)
{
    jw_object_begin(w);
    render_place(w, place);
    jw_key(w, "state");
    jw_text(w, "pending");
    jw_object_end(w);
}
