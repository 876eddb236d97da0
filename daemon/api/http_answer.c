/* Answering: what http_exchange.h offers handlers for it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/http_accept.h"
#include "daemon/api/http_exchange_private.h"
#include "daemon/api/http_gzip.h"
#include "daemon/api/http_gzip_source.h"

/* --- Headers ---------------------------------------------------------------------------------- */

bool http_answer_next_field(const struct http_answer *answer, const char **name, const char **value)
{
    const char *next = *name != NULL ? *value + strlen(*value) + 1 : answer->fields.data;

    if (next == NULL || next == answer->fields.data + answer->fields.len)
        return false;
    *name = next;
    *value = next + strlen(next) + 1;
    return true;
}

static bool has_field(const struct http_answer *answer, const char *wanted)
{
    const char *name = NULL;
    const char *value;

    while (http_answer_next_field(answer, &name, &value))
        if (strcasecmp(name, wanted) == 0)
            return true;
    return false;
}

int http_answer_header(struct http_exchange *exchange, const char *name, const char *value)
{
    struct buffer *fields = &exchange->answer.fields;
    size_t name_size = strlen(name) + 1;
    size_t value_size = strlen(value) + 1;

    assert(exchange->answer.status == 0);
    assert(value[0] != '\0' && strpbrk(value, "\r\n\t") == NULL);
    int rc = buffer_reserve(fields, name_size + value_size);
    if (rc < 0)
        return rc;
    buffer_append(fields, name, name_size);
    buffer_append(fields, value, value_size);
    return 0;
}

/* Answers are about this moment and for this client alone, and never a page unless a handler says
 * so: a browser that is led to one must not run or frame anything that an origin has sent us. */
static int add_default_fields(struct http_exchange *exchange)
{
    static const char *const defaults[][2] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]) && rc == 0; i++)
        if (!has_field(&exchange->answer, defaults[i][0]))
            rc = http_answer_header(exchange, defaults[i][0], defaults[i][1]);
    return rc;
}

/* Compressed bytes are others, so a strong tag would not be true of them.
 *
 * source  RFC 9110 section 8.8.3.3 */
static int weaken_etag(struct http_answer *answer)
{
    struct buffer *fields = &answer->fields;
    const char *name = NULL;
    const char *value;

    while (http_answer_next_field(answer, &name, &value))
        if (strcasecmp(name, "ETag") == 0 && *value == '"') {
            size_t at = (size_t)(value - fields->data);
            int rc = buffer_reserve(fields, 2);
            if (rc < 0)
                return rc;
            memmove(fields->data + at + 2, fields->data + at, fields->len - at);
            memcpy(fields->data + at, "W/", 2);
            fields->len += 2;
            return 0;
        }
    return 0;
}

static int add_gzip_fields(struct http_exchange *exchange)
{
    int rc = http_answer_header(exchange, "Content-Encoding", "gzip");

    return rc < 0 ? rc : http_answer_header(exchange, "Vary", "Accept-Encoding");
}

static int add_fields(struct http_exchange *exchange, const char *content_type, bool is_gzipped)
{
    size_t length = exchange->answer.fields.len;
    int rc = 0;

    if (content_type != NULL)
        rc = http_answer_header(exchange, "Content-Type", content_type);
    if (rc == 0 && is_gzipped)
        rc = add_gzip_fields(exchange);
    if (rc == 0)
        rc = add_default_fields(exchange);
    if (rc == 0 && is_gzipped)
        rc = weaken_etag(&exchange->answer); /* last, as it moves what was there before */
    if (rc < 0)
        exchange->answer.fields.len = length;
    return rc;
}

/* --- Compression ------------------------------------------------------------------------------ */

/* What fits into a few packets is not worth it. */
enum { LEAST_GZIPPED_BYTES = 8 * 1024 };

static bool is_gzipped(const struct http_exchange *exchange, int status, const char *content_type,
                       uint64_t length)
{
    return length >= LEAST_GZIPPED_BYTES && status == 200 && content_type != NULL &&
           http_gzip_suits(content_type) && http_accept_gzip(exchange);
}

static int set_source(struct http_exchange *exchange, const struct http_body_source *source)
{
    struct http_body_source *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return -ENOMEM;
    *copy = *source;
    exchange->answer.source = copy;
    return 0;
}

/* returns as set_source(): on failure the source is the caller's */
static int set_gzipped_source(struct http_exchange *exchange, const struct http_body_source *source)
{
    int rc = set_source(exchange, source);

    if (rc == 0)
        rc = http_gzip_source_init(exchange->answer.source, source);
    if (rc < 0)
        free(co_take(exchange->answer.source));
    return rc;
}

static int set_gzipped_body(struct http_exchange *exchange, struct buffer *body)
{
    const struct http_body_source source = {
        .bytes = body->data,
        .done = free,
        .arg = body->data,
        .length = body->len,
    };
    int rc = set_gzipped_source(exchange, &source);

    if (rc == 0)
        buffer_init(body, body->max);
    return rc;
}

/* --- The answer ------------------------------------------------------------------------------- */

static int set_body(struct http_exchange *exchange, struct buffer *body)
{
    if (body != NULL) {
        exchange->answer.body = *body;
        buffer_init(body, body->max);
    }
    return 0;
}

/* Keeps the answer if its body could be set, or forgets its last fields. */
static int settle(struct http_exchange *exchange, int status, size_t fields_before, int rc)
{
    if (rc < 0)
        exchange->answer.fields.len = fields_before;
    else
        exchange->answer.status = status;
    return rc;
}

int http_answer(struct http_exchange *exchange, int status, const char *content_type,
                struct buffer *body)
{
    size_t before = exchange->answer.fields.len;
    bool gzipped = is_gzipped(exchange, status, content_type, body != NULL ? body->len : 0);
    int rc = add_fields(exchange, content_type, gzipped);

    if (rc == 0)
        rc = gzipped ? set_gzipped_body(exchange, body) : set_body(exchange, body);
    return settle(exchange, status, before, rc);
}

static bool has_read_all(const struct http_exchange *exchange)
{
    return exchange->route == NULL || !exchange->route->streams_body ||
           exchange->stream.is_complete;
}

int http_answer_source(struct http_exchange *exchange, int status, const char *content_type,
                       const struct http_body_source *source)
{
    size_t before = exchange->answer.fields.len;
    bool gzipped = is_gzipped(exchange, status, content_type, source->length);
    int rc = add_fields(exchange, content_type, gzipped);

    assert(has_read_all(exchange));
    if (rc == 0)
        rc = gzipped ? set_gzipped_source(exchange, source) : set_source(exchange, source);
    return settle(exchange, status, before, rc);
}

/* --- A stream --------------------------------------------------------------------------------- */

int http_answer_stream(struct http_exchange *exchange, int status, const char *content_type)
{
    size_t before = exchange->answer.fields.len;
    bool gzipped = is_gzipped(exchange, status, content_type, HTTP_LENGTH_UNKNOWN);
    bool is_head = strcmp(exchange->method, "HEAD") == 0;
    int rc = add_fields(exchange, content_type, gzipped);

    assert(has_read_all(exchange));
    if (rc == 0)
        rc = http_answer_stream_begin(&exchange->answer.stream, gzipped && !is_head);
    rc = settle(exchange, status, before, rc);
    return rc == 0 && is_head ? 1 : rc;
}

int http_answer_write(struct http_exchange *exchange, const void *bytes, size_t n)
{
    return http_answer_stream_write(&exchange->answer.stream, bytes, n);
}

void http_cancel_when_stopping(struct http_exchange *exchange)
{
    exchange->ends_with_server = true;
}

void http_answer_reset(struct http_exchange *exchange)
{
    struct http_answer *answer = &exchange->answer;

    if (answer->source != NULL) {
        answer->source->done(answer->source->arg);
        free(answer->source);
    }
    buffer_done(&answer->fields);
    buffer_done(&answer->body);
    http_answer_stream_done(&answer->stream);
    answer->source = NULL;
    answer->status = 0;
}
