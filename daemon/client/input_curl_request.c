#include "daemon/client/input_curl_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/json_writer.h"
#include "daemon/base/utf8.h"

void curl_request_init(struct curl_request *request)
{
    *request = (struct curl_request){.max_redirects = -1, .n_retries = -1};
    buffer_init(&request->urls, CURL_BYTES_MAX);
    buffer_init(&request->body, CURL_BYTES_MAX);
}

void curl_request_done(struct curl_request *request)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        free(request->headers[i].name);
        free(request->headers[i].value);
    }
    for (size_t i = 0; i < request->n_resolve; i++)
        free(request->resolve[i]);
    free(request->method);
    free(request->user);
    free(request->bearer);
    free(request->proxy);
    buffer_done(&request->urls);
    buffer_done(&request->body);
}

/* --- URLs ------------------------------------------------------------------------------------- */

int curl_request_add_url(struct curl_request *request, const char *url, size_t length)
{
    struct buffer *urls = &request->urls;
    int rc = buffer_reserve(urls, sizeof(request->line) + length + 1);

    if (rc < 0)
        return rc;
    (void)buffer_append(urls, &request->line, sizeof(request->line));
    (void)buffer_append(urls, url, length);
    (void)buffer_append_byte(urls, '\0');
    return 0;
}

bool curl_request_next_url(const struct curl_request *request, size_t *at, const char **ret_url,
                           unsigned long *ret_line)
{
    if (*at == request->urls.len)
        return false;
    memcpy(ret_line, request->urls.data + *at, sizeof(*ret_line));
    *ret_url = request->urls.data + *at + sizeof(*ret_line);
    *at += sizeof(*ret_line) + strlen(*ret_url) + 1;
    return true;
}

/* --- Headers ---------------------------------------------------------------------------------- */

static bool has_header(const struct curl_request *request, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* Takes both texts over; NULL: there was no memory for it. */
static int keep_header(struct curl_request *request, char *name, char *value, bool is_removal)
{
    bool is_full = request->n_headers == CURL_HEADERS_MAX;

    if (name == NULL || (value == NULL && !is_removal) || is_full) {
        free(name);
        free(value);
        return is_full ? -EMSGSIZE : -ENOMEM;
    }
    request->headers[request->n_headers++] = (struct curl_header){name, value};
    return 0;
}

int curl_request_set_header(struct curl_request *request, const char *name, const char *value,
                            bool is_default)
{
    if (is_default && has_header(request, request->n_headers, name))
        return 0;
    return keep_header(request, strdup(name), value != NULL ? strdup(value) : NULL, value == NULL);
}

int curl_request_add_header(struct curl_request *request, const char *text)
{
    size_t n = strcspn(text, ":;");
    const char *value = text + n + (text[n] != '\0');
    char mark = text[n]; /* NUL: there is none */

    value += strspn(value, " \t");
    if (n == 0 || mark == '\0' || (mark == ';' && *value != '\0'))
        return -EINVAL;
    bool is_removal = mark == ':' && *value == '\0';
    return keep_header(request, strndup(text, n), is_removal ? NULL : strdup(value), is_removal);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void write_values(const struct curl_request *request, const char *name,
                         struct json_writer *w)
{
    jw_array_begin(w);
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct curl_header *header = &request->headers[i];
        if (header->value != NULL && strcasecmp(header->name, name) == 0)
            jw_text(w, header->value);
    }
    jw_array_end(w);
}

/* Whether something takes it away, and nothing sends it. */
static bool is_removed(const struct curl_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (request->headers[i].value != NULL && strcasecmp(request->headers[i].name, name) == 0)
            return false;
    return true;
}

static void write_headers(const struct curl_request *request, struct json_writer *w)
{
    if (request->n_headers == 0)
        return;
    jw_key(w, "headers");
    jw_object_begin(w);
    for (size_t i = 0; i < request->n_headers; i++) {
        const char *name = request->headers[i].name;
        if (has_header(request, i, name))
            continue;
        jw_name(w, name, strlen(name));
        if (is_removed(request, name))
            jw_null(w);
        else
            write_values(request, name, w);
    }
    jw_object_end(w);
}

static void write_body(const struct curl_request *request, struct json_writer *w)
{
    const struct buffer *body = &request->body;

    if (request->body_kind == CURL_NO_BODY)
        return;
    if (utf8_is_valid(body->data, body->len)) {
        jw_key(w, "body");
        jw_string(w, body->data, body->len);
    } else {
        jw_key(w, "body_base64");
        jw_base64(w, body->data, body->len);
    }
}

static void write_auth(const struct curl_request *request, struct json_writer *w)
{
    const char *user = request->user;

    if (user == NULL && request->bearer == NULL)
        return;
    jw_key(w, "auth");
    jw_object_begin(w);
    jw_key(w, "type");
    if (user == NULL) {
        jw_literal(w, "\"bearer\",\"token\":");
        jw_text(w, request->bearer);
    } else {
        size_t length = strcspn(user, ":");
        jw_text(w, request->auth == CURL_AUTH_DIGEST ? "digest" : "basic");
        jw_key(w, "username");
        jw_string(w, user, length);
        jw_key(w, "password");
        jw_text(w, user[length] == ':' ? user + length + 1 : "");
    }
    jw_object_end(w);
}

static void write_connection(const struct curl_request *request, struct json_writer *w)
{
    if (request->http_version != NULL) {
        jw_key(w, "http_version");
        jw_text(w, request->http_version);
    }
    if (request->ip_version != NULL) {
        jw_key(w, "ip_version");
        jw_text(w, request->ip_version);
    }
    if (request->proxy != NULL) {
        jw_key(w, "proxy");
        jw_text(w, request->proxy);
    }
    if (request->is_insecure)
        jw_literal(w, "\"tls\":{\"verify\":false},");
    if (request->n_resolve > 0) {
        jw_key(w, "resolve");
        jw_array_begin(w);
        for (size_t i = 0; i < request->n_resolve; i++)
            jw_text(w, request->resolve[i]);
        jw_array_end(w);
    }
}

static void write_limits(const struct curl_request *request, struct json_writer *w)
{
    if (request->timeout_ms > 0) {
        jw_key(w, "timeout_ms");
        jw_uint(w, request->timeout_ms);
    }
    if (request->connect_timeout_ms > 0) {
        jw_key(w, "connect_timeout_ms");
        jw_uint(w, request->connect_timeout_ms);
    }
    if (!request->follows_redirects)
        jw_literal(w, "\"follow_redirects\":false,");
    if (request->max_redirects >= 0) {
        jw_key(w, "max_redirects");
        jw_int(w, request->max_redirects);
    }
    if (request->n_retries >= 0) {
        jw_key(w, "retry");
        jw_object_begin(w);
        jw_key(w, "max_attempts");
        jw_int(w, request->n_retries + 1);
        jw_object_end(w);
    }
}

int curl_request_render(const struct curl_request *request, struct buffer *out)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object_begin(&w);
    if (request->method != NULL) {
        jw_key(&w, "method");
        jw_text(&w, request->method);
    }
    write_headers(request, &w);
    write_body(request, &w);
    write_auth(request, &w);
    write_connection(request, &w);
    write_limits(request, &w);
    jw_object_end(&w);
    return jw_finish(&w);
}
