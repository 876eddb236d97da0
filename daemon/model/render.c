#include "daemon/model/render.h"

#include "daemon/model/render_course.h"
#include "daemon/model/render_response.h"

static void render_place(struct json_writer *w, const struct result_place *place)
{
    const struct item *item = &place->spec->items[place->index];
    const struct request *request = job_spec_request(place->spec, place->index);

    jw_literal(w, "\"object\":\"result\",");
    if (place->job_id != NULL) {
        jw_key(w, "job_id");
        jw_text(w, place->job_id);
    }
    jw_key(w, "index");
    jw_uint(w, place->first + place->index);
    jw_key(w, "id");
    jw_text(w, request->id);
    if (request->n_repeats > 1) {
        jw_key(w, "repetition");
        jw_uint(w, item->repetition);
    }
}

static void render_seq(struct json_writer *w, uint64_t seq)
{
    jw_key(w, "seq");
    if (seq > 0)
        jw_uint(w, seq);
    else
        jw_null(w);
}

static void render_outcome(struct json_writer *w, enum outcome outcome)
{
    if (outcome == OUTCOME_SUCCESS) {
        jw_literal(w, "\"state\":\"finished\",\"outcome\":\"success\",\"ok\":true,");
        return;
    }
    jw_literal(w, "\"state\":\"finished\",\"outcome\":");
    jw_text(w, outcome_name(outcome));
    jw_literal(w, "\"ok\":false,");
}

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
    jw_key(w, "effective_url");
    jw_text(w, result->final_url.text != NULL ? result->final_url.text : request->url.text);
}

static void render_error(struct json_writer *w, const struct result_error *error)
{
    if (error->code == NULL) {
        jw_literal(w, "\"error\":null,");
        return;
    }
    jw_key(w, "error");
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

void render_result(struct json_writer *w, const struct result_place *place,
                   const struct result *result, bool with_body)
{
    const struct request *request = job_spec_request(place->spec, place->index);
    size_t start = w->out->len;

    jw_object_begin(w);
    render_place(w, place);
    render_seq(w, place->seq);
    render_outcome(w, result->outcome);
    render_request(w, request, result);
    render_response(w, request->options, result, with_body);
    render_course(w, result);
    expect_render(w, request->options->expect, &result->verdict);
    render_error(w, &result->error);
    jw_object_end(w);
    result_fields_cut(&place->fields, w, start);
}

void render_pending(struct json_writer *w, const struct result_place *place)
{
    size_t start = w->out->len;

    jw_object_begin(w);
    render_place(w, place);
    jw_literal(w, "\"state\":\"pending\",");
    jw_object_end(w);
    result_fields_cut(&place->fields, w, start);
}
