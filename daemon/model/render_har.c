#include "daemon/model/render_har.h"

#include <string.h>
#include <strings.h>

#include "daemon/base/utf8.h"
#include "daemon/model/render_response.h"

/* One exchange of a result: a hop that led on, or the last one. */
struct entry {
    const struct result_place *place;
    const struct request *request;
    const struct result *result;
    const char *method;
    const char *url;
    int64_t started_at;
    int64_t blocked_us; /* -1: it is not known */
    int64_t phase_us[CO_HTTP_N_PHASES];
    int status;
    const char *redirect_url;                /* "": none */
    const struct co_http_response *response; /* NULL: only the status is known */
};

/* --- Times ------------------------------------------------------------------------------------ */

static void write_time(struct json_writer *w, int64_t us)
{
    if (us < 0)
        jw_int(w, -1);
    else
        jw_ms(w, us);
}

static int64_t not_negative(int64_t us)
{
    return us > 0 ? us : 0;
}

/* -1 if neither happened. */
static int64_t both(int64_t a_us, int64_t b_us)
{
    return a_us < 0 && b_us < 0 ? -1 : not_negative(a_us) + not_negative(b_us);
}

static int64_t total_of(const struct entry *entry)
{
    int64_t total_us = not_negative(entry->blocked_us);

    for (int i = 0; i < CO_HTTP_N_PHASES; i++)
        total_us += not_negative(entry->phase_us[i]);
    return total_us;
}

static void write_timings(struct json_writer *w, const struct entry *entry)
{
    const int64_t *phase_us = entry->phase_us;

    jw_key(w, "timings");
    jw_object_begin(w);
    jw_key(w, "blocked");
    write_time(w, entry->blocked_us);
    jw_key(w, "dns");
    write_time(w, phase_us[CO_HTTP_DNS]);
    jw_key(w, "connect");
    write_time(w, both(phase_us[CO_HTTP_CONNECT], phase_us[CO_HTTP_TLS]));
    jw_key(w, "ssl");
    write_time(w, phase_us[CO_HTTP_TLS]);
    jw_key(w, "send");
    write_time(w, not_negative(phase_us[CO_HTTP_SEND]));
    jw_key(w, "wait");
    write_time(w, not_negative(phase_us[CO_HTTP_WAIT]));
    jw_key(w, "receive");
    write_time(w, not_negative(phase_us[CO_HTTP_RECEIVE]));
    jw_object_end(w);
}

/* --- Headers ---------------------------------------------------------------------------------- */

/* By what is in its name. */
static bool is_secret(const char *name)
{
    static const char *const marks[] = {"auth",   "cookie",  "-key", "password",
                                        "secret", "session", "token"};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (strcasestr(name, marks[i]) != NULL)
            return true;
    return false;
}

static void write_pair_begin(struct json_writer *w, const char *name, size_t length)
{
    jw_object_begin(w);
    jw_key(w, "name");
    jw_string(w, name, length);
    jw_key(w, "value");
}

static void write_header(struct json_writer *w, const char *name, const char *value)
{
    write_pair_begin(w, name, strlen(name));
    if (is_secret(name))
        jw_text(w, "***");
    else if (strcasecmp(name, "location") == 0)
        render_location(w, value);
    else
        jw_text(w, value);
    jw_object_end(w);
}

static void write_request_headers(struct json_writer *w, const struct entry *entry)
{
    const struct fetch_options *options = entry->request->options;

    jw_key(w, "headers");
    jw_array_begin(w);
    for (size_t i = 0; i < options->n_headers; i++)
        write_header(w, options->headers[i].name, options->headers[i].value);
    if (options->auth != NULL)
        write_header(w, "Authorization", "");
    jw_array_end(w);
}

static void write_response_headers(struct json_writer *w, const struct entry *entry)
{
    const struct co_http_response *response = entry->response;

    jw_key(w, "headers");
    jw_array_begin(w);
    for (size_t i = 0; response != NULL && i < response->n_headers; i++)
        if (render_keeps_header(entry->request->options, response->headers[i].name))
            write_header(w, response->headers[i].name, response->headers[i].value);
    jw_array_end(w);
}

/* --- The request ------------------------------------------------------------------------------ */

static const char *version_of(const struct entry *entry)
{
    switch (entry->response != NULL ? entry->response->http_version : 0) {
    case 10:
        return "HTTP/1.0";
    case 11:
        return "HTTP/1.1";
    case 20:
        return "HTTP/2.0";
    default:
        return "";
    }
}

/* As they stand in the URL. */
static void write_query(struct json_writer *w, const char *url)
{
    const char *at = strchr(url, '?');

    jw_key(w, "queryString");
    jw_array_begin(w);
    while (at != NULL && *++at != '\0') {
        size_t length = strcspn(at, "&"), name_length = strcspn(at, "=&");
        size_t separator = name_length < length;
        write_pair_begin(w, at, name_length);
        jw_string(w, at + name_length + separator, length - name_length - separator);
        jw_object_end(w);
        at = at[length] == '&' ? at + length : NULL;
    }
    jw_array_end(w);
}

static const char *content_type_of(const struct fetch_options *options)
{
    for (size_t i = 0; i < options->n_headers; i++)
        if (strcasecmp(options->headers[i].name, "content-type") == 0)
            return options->headers[i].value;
    return "";
}

static void write_post_data(struct json_writer *w, const struct request *request)
{
    jw_key(w, "postData");
    jw_object_begin(w);
    jw_key(w, "mimeType");
    jw_text(w, content_type_of(request->options));
    jw_literal(w, "\"text\":\"\",\"comment\":\"bodies of requests are not shown\",");
    jw_object_end(w);
}

static void write_request(struct json_writer *w, const struct entry *entry, bool is_first)
{
    bool has_body = is_first && entry->request->body != NULL;

    jw_key(w, "request");
    jw_object_begin(w);
    jw_key(w, "method");
    jw_text(w, entry->method);
    jw_key(w, "url");
    jw_text(w, entry->url);
    jw_key(w, "httpVersion");
    jw_text(w, version_of(entry));
    jw_literal(w, "\"cookies\":[],");
    write_request_headers(w, entry);
    write_query(w, entry->url);
    if (has_body)
        write_post_data(w, entry->request);
    jw_literal(w, "\"headersSize\":-1,\"bodySize\":");
    if (is_first)
        jw_uint(w, has_body ? entry->request->body_length : 0);
    else
        jw_int(w, -1);
    jw_object_end(w);
}

/* --- The response ----------------------------------------------------------------------------- */

static void write_text(struct json_writer *w, const struct co_http_response *response)
{
    if (response->body == NULL)
        return;
    jw_key(w, "text");
    if (utf8_is_valid(response->body, response->body_length)) {
        jw_string(w, response->body, response->body_length);
    } else {
        jw_base64(w, response->body, response->body_length);
        jw_literal(w, "\"encoding\":\"base64\",");
    }
    if (response->body_truncated)
        jw_literal(w, "\"comment\":\"only the beginning was kept\",");
}

static void write_content(struct json_writer *w, const struct entry *entry)
{
    const struct co_http_response *response = entry->response;
    const char *type = response != NULL ? co_http_response_header(response, "content-type") : NULL;

    jw_key(w, "content");
    jw_object_begin(w);
    jw_key(w, "size");
    jw_uint(w, response != NULL ? response->decoded_bytes : 0);
    jw_key(w, "mimeType");
    jw_text(w, type != NULL ? type : "x-unknown");
    if (response != NULL && entry->request->options->capture_body)
        write_text(w, response);
    jw_object_end(w);
}

static void write_response(struct json_writer *w, const struct entry *entry)
{
    jw_key(w, "response");
    jw_object_begin(w);
    jw_key(w, "status");
    jw_int(w, entry->status);
    jw_literal(w, "\"statusText\":\"\",\"httpVersion\":");
    jw_text(w, version_of(entry));
    jw_literal(w, "\"cookies\":[],");
    write_response_headers(w, entry);
    write_content(w, entry);
    jw_key(w, "redirectURL");
    render_location(w, entry->redirect_url);
    jw_literal(w, "\"headersSize\":-1,\"bodySize\":");
    if (entry->response != NULL && entry->status > 0)
        jw_uint(w, entry->response->encoded_bytes);
    else
        jw_int(w, -1);
    jw_object_end(w);
}

/* --- The entry -------------------------------------------------------------------------------- */

static void write_server(struct json_writer *w, const struct co_http_response *response)
{
    char ip[CO_ADDRESS_TEXT_SIZE];

    if (response == NULL || response->remote.family == AF_UNSPEC)
        return;
    jw_key(w, "serverIPAddress");
    jw_text(w, co_address_format(&response->remote, ip));
}

static void write_own(struct json_writer *w, const struct entry *entry)
{
    const struct result *result = entry->result;

    jw_key(w, "_gatherd");
    jw_object_begin(w);
    jw_key(w, "index");
    jw_uint(w, entry->place->first + entry->place->index);
    jw_key(w, "id");
    jw_text(w, entry->request->id);
    jw_key(w, "outcome");
    jw_text(w, outcome_name(result->outcome));
    jw_key(w, "attempts");
    jw_uint(w, result_n_attempts(result));
    jw_key(w, "error");
    jw_text(w, entry->response != NULL ? result->error.code : NULL);
    jw_object_end(w);
}

static void write_entry(struct json_writer *w, const struct entry *entry, bool is_first)
{
    jw_object_begin(w);
    jw_key(w, "pageref");
    jw_text(w, entry->place->job_id);
    jw_key(w, "startedDateTime");
    jw_instant(w, entry->started_at - not_negative(entry->blocked_us));
    jw_key(w, "time");
    jw_ms(w, total_of(entry));
    write_request(w, entry, is_first);
    write_response(w, entry);
    jw_literal(w, "\"cache\":{},");
    write_timings(w, entry);
    write_server(w, entry->response);
    write_own(w, entry);
    jw_object_end(w);
}

/* --- From a result ---------------------------------------------------------------------------- */

static const char *final_url(const struct result_place *place, const struct result *result)
{
    return result->final_url.text != NULL ? result->final_url.text
                                          : job_spec_request(place->spec, place->index)->url.text;
}

static const char *url_after(const struct entry *entry, unsigned hop)
{
    const struct result *result = entry->result;

    return hop + 1 < result->n_hops ? result->hops[hop + 1].url.text
                                    : final_url(entry->place, result);
}

static void fill_from_hop(struct entry *entry, unsigned i)
{
    const struct result_hop *hop = &entry->result->hops[i];

    entry->method = hop->method;
    entry->url = hop->url.text;
    entry->status = hop->status;
    entry->redirect_url = url_after(entry, i);
    memcpy(entry->phase_us, hop->phase_us, sizeof(entry->phase_us));
}

static bool is_of_opening(int phase)
{
    return phase <= CO_HTTP_TLS;
}

/* What the hops before have left of the sums. A reused connection was not opened in no time. */
static void subtract_hops(struct entry *entry)
{
    const struct result *result = entry->result;

    memcpy(entry->phase_us, result->phase_us, sizeof(entry->phase_us));
    for (unsigned i = 0; i < result->n_hops; i++)
        for (int phase = 0; phase < CO_HTTP_N_PHASES; phase++)
            entry->phase_us[phase] -= not_negative(result->hops[i].phase_us[phase]);
    for (int phase = 0; phase < CO_HTTP_N_PHASES && result->n_hops > 0; phase++)
        if (entry->phase_us[phase] == 0 && is_of_opening(phase))
            entry->phase_us[phase] = -1;
}

/* RFC 9110 section 15.4: what a redirect makes of a method. */
static const char *method_after(const struct result_hop *hop)
{
    bool becomes_get = hop->status == 303 ? strcmp(hop->method, "HEAD") != 0
                                          : hop->status < 303 && strcmp(hop->method, "POST") == 0;

    return becomes_get ? "GET" : hop->method;
}

static void fill_from_end(struct entry *entry)
{
    const struct result *result = entry->result;
    const struct co_http_response *response = &result->response;
    const char *location = co_http_response_header(response, "location");

    entry->method = result->n_hops > 0 ? method_after(&result->hops[result->n_hops - 1])
                                       : entry->request->options->method;
    entry->url = final_url(entry->place, result);
    entry->status = response->status;
    entry->redirect_url = location != NULL && response->status / 100 == 3 ? location : "";
    entry->response = response;
    subtract_hops(entry);
}

void render_har_entries(struct json_writer *w, const struct result_place *place,
                        const struct result *result)
{
    struct entry entry = {
        .place = place,
        .request = job_spec_request(place->spec, place->index),
        .result = result,
        .started_at = result->attempt_started_at,
        .blocked_us = result->n_attempts == 0 ? result->queue_us : -1,
    };

    if (result_n_attempts(result) == 0)
        return;
    for (unsigned i = 0; i < result->n_hops; i++) {
        fill_from_hop(&entry, i);
        write_entry(w, &entry, i == 0);
        entry.started_at += result->hops[i].total_us;
        entry.blocked_us = -1;
    }
    fill_from_end(&entry);
    write_entry(w, &entry, result->n_hops == 0);
}
