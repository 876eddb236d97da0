#include "daemon/model/render_response.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/co.h"

#include "daemon/base/utf8.h"

/* --- The head --------------------------------------------------------------------------------- */

void render_status(struct json_writer *w, int status)
{
    if (status > 0) {
        jw_key(w, "status_code");
        jw_int(w, status);
    } else {
        jw_literal(w, "\"status_code\":null,");
    }
}

static void render_http_version(struct json_writer *w, int version)
{
    switch (version) {
    case 10:
        jw_literal(w, "\"http_version\":\"1.0\",");
        break;
    case 11:
        jw_literal(w, "\"http_version\":\"1.1\",");
        break;
    case 20:
        jw_literal(w, "\"http_version\":\"2\",");
        break;
    default:
        jw_literal(w, "\"http_version\":null,");
    }
}

bool render_keeps_header(const struct fetch_options *options, const char *name)
{
    if (options->kept_headers == NULL)
        return true;
    for (size_t i = 0; i < options->n_kept_headers; i++)
        if (strcasecmp(options->kept_headers[i], name) == 0)
            return true;
    return false;
}

/* Finds the userinfo in the authority of a URL or reference: from *ret_start to the '@' that is
 * returned; NULL: there is none. */
static const char *find_userinfo(const char *url, const char **ret_start)
{
    const char *slashes = strstr(url, "//");

    if (slashes == NULL)
        return NULL;
    *ret_start = slashes + 2;
    return memrchr(*ret_start, '@', strcspn(*ret_start, "/?#"));
}

static void free_text(char **text)
{
    free(*text);
}

/* strcmp() is not called for what the first letter tells. */
static bool is_location(const char *name)
{
    return name[0] == 'l' && strcmp(name, "location") == 0;
}

void render_location(struct json_writer *w, const char *url)
{
    CO_CLEANUP(free_text) char *text = NULL;
    const char *start;
    const char *at_sign = find_userinfo(url, &start);

    if (at_sign == NULL)
        jw_text(w, url);
    else if (asprintf(&text, "%.*s***%s", (int)(start - url), url, at_sign) >= 0)
        jw_text(w, text);
    else
        jw_fail(w, -ENOMEM);
}

/* Header bytes are Latin-1 to HTTP; jw_text() keeps them valid JSON, whatever they are. */
static void render_headers(struct json_writer *w, const struct fetch_options *options,
                           const struct co_http_response *response)
{
    jw_key(w, "headers");
    jw_array_begin(w);
    for (size_t i = 0; i < response->n_headers; i++) {
        const struct co_http_header *header = &response->headers[i];
        if (!render_keeps_header(options, header->name))
            continue;
        jw_array_begin(w);
        jw_text(w, header->name);
        if (is_location(header->name))
            render_location(w, header->value);
        else
            jw_text(w, header->value);
        jw_array_end(w);
    }
    jw_array_end(w);
}

/* --- The connection --------------------------------------------------------------------------- */

static void render_connection(struct json_writer *w, const struct fetch_options *options,
                              const struct co_http_response *response)
{
    char ip[CO_ADDRESS_TEXT_SIZE];

    if (response->remote.family == AF_UNSPEC) {
        jw_literal(w, "\"remote_ip\":null,\"remote_port\":null,\"connection\":null,");
        return;
    }
    jw_key(w, "remote_ip");
    jw_text(w, co_address_format(&response->remote, ip));
    jw_key(w, "remote_port");
    jw_uint(w, response->remote.port);
    jw_key(w, "connection");
    jw_object_begin(w);
    jw_key(w, "reused");
    jw_bool(w, response->reused);
    jw_key(w, "proxy");
    jw_text(w, options->proxy != NULL ? options->proxy->origin : NULL);
    jw_object_end(w);
}

static void render_tls(struct json_writer *w, const struct result *result)
{
    const struct co_http_tls *tls = result->response.tls;

    if (tls == NULL) {
        jw_literal(w, "\"tls\":null,");
        return;
    }
    jw_key(w, "tls");
    jw_object_begin(w);
    jw_key(w, "version");
    jw_text(w, tls->version);
    jw_key(w, "cipher");
    jw_text(w, tls->cipher);
    jw_key(w, "verified");
    jw_bool(w, tls->is_verified);
    jw_key(w, "subject");
    jw_text(w, tls->subject);
    jw_key(w, "issuer");
    jw_text(w, tls->issuer);
    jw_key(w, "not_after_at");
    jw_instant(w, tls->not_after_at);
    jw_key(w, "expires_in_ms");
    jw_ms(w, result_tls_expires_in_us(result));
    jw_object_end(w);
}

/* --- The body --------------------------------------------------------------------------------- */

/* Of a response that was to be captured there is always data, be it empty. */
static void render_captured(struct json_writer *w, const struct co_http_response *response)
{
    const char *bytes = response->body != NULL ? response->body : "";

    if (utf8_is_valid(bytes, response->body_length)) {
        jw_literal(w, "\"encoding\":\"utf-8\",\"data\":");
        jw_string(w, bytes, response->body_length);
    } else {
        jw_literal(w, "\"encoding\":\"base64\",\"data\":");
        jw_base64(w, bytes, response->body_length);
    }
}

static void render_hash(struct json_writer *w, const struct result *result)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * sizeof(result->hash)];

    if (!result->has_hash) {
        jw_literal(w, "\"sha256\":null,");
        return;
    }
    for (size_t i = 0; i < sizeof(result->hash); i++) {
        text[2 * i] = digits[result->hash[i] >> 4];
        text[2 * i + 1] = digits[result->hash[i] & 15];
    }
    jw_key(w, "sha256");
    jw_string(w, text, sizeof(text));
}

static void render_body(struct json_writer *w, const struct fetch_options *options,
                        const struct result *result, bool with_body)
{
    const struct co_http_response *response = &result->response;
    bool is_captured = options->capture_body && response->status > 0;
    bool is_left_out = !with_body && response->body_length > 0;
    bool is_dropped = is_captured && response->body_length == 0 && response->decoded_bytes > 0;

    jw_key(w, "body");
    jw_object_begin(w);
    if (is_captured && !is_left_out)
        render_captured(w, response);
    else
        jw_literal(w, "\"encoding\":\"none\",");
    jw_key(w, "encoded_bytes");
    jw_uint(w, response->encoded_bytes);
    jw_key(w, "decoded_bytes");
    jw_uint(w, response->decoded_bytes);
    jw_key(w, "truncated");
    jw_bool(w, response->body_truncated || is_left_out || is_dropped);
    render_hash(w, result);
    jw_object_end(w);
}

void render_response(struct json_writer *w, const struct fetch_options *options,
                     const struct result *result, bool with_body)
{
    const struct co_http_response *response = &result->response;

    render_status(w, response->status);
    render_http_version(w, response->http_version);
    render_headers(w, options, response);
    render_connection(w, options, response);
    render_tls(w, result);
    render_body(w, options, result, with_body);
}
