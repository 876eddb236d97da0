#include "daemon/api/http_exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/http_exchange_private.h"
#include "daemon/api/http_target.h"

enum {
    MAX_ANSWER_FIELDS_BYTES = 8 * 1024,
};

void http_exchange_init(struct http_exchange *exchange)
{
    *exchange = (struct http_exchange){.method = "", .path = "", .query = "", .query_end = ""};
    exchange->query_end = exchange->query;
    buffer_init(&exchange->body, 0);
    http_body_stream_init(&exchange->stream, 0);
    buffer_init(&exchange->answer.fields, MAX_ANSWER_FIELDS_BYTES);
    buffer_init(&exchange->answer.body, 0);
    http_answer_stream_init(&exchange->answer.stream);
}

void http_exchange_done(struct http_exchange *exchange)
{
    http_answer_reset(exchange);
    buffer_done(&exchange->body);
    http_body_stream_done(&exchange->stream);
    if (exchange->token != NULL)
        refcount_unref(exchange->token->owner);
    free(exchange->texts);
}

static char *put(char **at, const char *text, size_t length)
{
    char *copy = *at;

    memcpy(copy, text, length);
    copy[length] = '\0';
    *at += length + 1;
    return copy;
}

static size_t fields_size(const struct http_head *head)
{
    size_t size = head->n_fields * sizeof(struct http_field);

    for (size_t i = 0; i < head->n_fields; i++)
        size += head->fields[i].name_length + 1 + head->fields[i].value_length + 1;
    return size;
}

/* Into fields, which are followed by room for their texts. */
static char *copy_fields(struct http_exchange *exchange, const struct http_head *head,
                         struct http_field *fields)
{
    char *at = (char *)(fields + head->n_fields);

    exchange->fields = fields;
    exchange->n_fields = head->n_fields;
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct http_field *field = &head->fields[i];
        fields[i] = *field;
        fields[i].name = put(&at, field->name, field->name_length);
        fields[i].value = put(&at, field->value, field->value_length);
    }
    return at;
}

static char *decode_pair(const char *pair, size_t length, char *out)
{
    const char *equals = memchr(pair, '=', length);
    size_t name_length = equals != NULL ? (size_t)(equals - pair) : length;
    size_t skipped = equals != NULL ? name_length + 1 : length;

    out += http_percent_decode(pair, name_length, out) + 1;
    return out + http_percent_decode(pair + skipped, length - skipped, out) + 1;
}

static void replace_plus(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '+')
            *text = ' ';
}

/* "a=b&c" as it is, and decoded as "a\0b\0c\0\0". */
static size_t query_size(size_t length)
{
    return length + 1 + 2 * (length + 1);
}

static void copy_query(struct http_exchange *exchange, const char *text, char *at)
{
    const char *query = at;

    replace_plus(put(&at, text, strlen(text)));
    exchange->query = at;
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        if (length > 0)
            at = decode_pair(query, length, at);
        query += length;
        query += *query == '&';
    }
    exchange->query_end = at;
}

int http_exchange_set_head(struct http_exchange *exchange, const struct http_head *head)
{
    size_t method_length = strlen(head->method);
    struct http_target target;

    http_target_split(head->target, &target);
    size_t path_size = target.path_length + 1; /* that of all parameters in it is not larger */
    exchange->texts = malloc(fields_size(head) + method_length + 1 + 2 * path_size +
                             query_size(strlen(target.query)));
    if (exchange->texts == NULL)
        return -ENOMEM;

    char *at = copy_fields(exchange, head, exchange->texts);
    exchange->method = put(&at, head->method, method_length);
    exchange->path = put(&at, target.path, target.path_length);
    exchange->param_room = at;
    copy_query(exchange, target.query, at + path_size);
    return 0;
}

void http_exchange_set_route(struct http_exchange *exchange, const struct route_match *match)
{
    char *at = exchange->param_room;

    for (size_t i = 0; i < match->n_params; i++) {
        exchange->params[i] = at;
        at += http_percent_decode(match->params[i].text, match->params[i].length, at) + 1;
    }
    exchange->route = match->route;
}

const char *http_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

const char *http_path_param(const struct http_exchange *exchange, size_t i)
{
    assert(i < ROUTE_MAX_PARAMS && exchange->params[i] != NULL);
    return exchange->params[i];
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->n_fields; i++)
        if (strcasecmp(exchange->fields[i].name, name) == 0)
            return exchange->fields[i].value;
    return NULL;
}

const char *http_header_next(const struct http_exchange *exchange, const char *name,
                             const char *after)
{
    bool is_behind = after == NULL;

    for (size_t i = 0; i < exchange->n_fields; i++) {
        const struct http_field *field = &exchange->fields[i];
        if (is_behind && strcasecmp(field->name, name) == 0)
            return field->value;
        is_behind |= field->value == after;
    }
    return NULL;
}

struct token *http_token(const struct http_exchange *exchange)
{
    return exchange->token;
}

void http_set_token(struct http_exchange *exchange, struct token *token)
{
    refcount_ref(token->owner);
    exchange->token = token;
}

uint64_t http_exchange_body_length(const struct http_exchange *exchange)
{
    const char *length = http_header(exchange, "Content-Length");

    return length != NULL ? strtoull(length, NULL, 10) : 0;
}

bool http_exchange_expects_body(const struct http_exchange *exchange)
{
    return http_exchange_body_length(exchange) > 0 ||
           http_header(exchange, "Transfer-Encoding") != NULL;
}

void http_body(const struct http_exchange *exchange, const char **ret_bytes, size_t *ret_length)
{
    *ret_bytes = exchange->body.len > 0 ? exchange->body.data : "";
    *ret_length = exchange->body.len;
}

ssize_t http_body_read(struct http_exchange *exchange, const char **ret_bytes)
{
    assert(exchange->route->streams_body);
    return http_body_stream_read(&exchange->stream, ret_bytes);
}

int http_query_each(const struct http_exchange *exchange,
                    int (*each)(void *arg, const char *name, const char *value), void *arg)
{
    int rc = 0;

    for (const char *name = exchange->query; name < exchange->query_end && rc == 0;) {
        const char *value = name + strlen(name) + 1;
        rc = each(arg, name, value);
        name = value + strlen(value) + 1;
    }
    return rc;
}
