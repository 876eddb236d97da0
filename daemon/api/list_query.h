/* The query parameters of lists: how much, from where, and which. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/base/buffer.h"

/* One parameter a list understands. A name that ends in a dot is the beginning of names, "label.";
 * of "url+" there can be several. */
struct list_param {
    const char *name;
    /* returns 0, -EINVAL: the value makes no sense, -ENOMEM. name is what follows a dot */
    int (*take)(void *query, const char *name, const char *value);
    const char *expects; /* for people: "queued, running, ..." */
};

enum { LIST_MAX_PARAMS = 32 };
enum { LIST_DEFAULT_LIMIT = 100, LIST_MAX_LIMIT = 1000 };

/* Reads a decimal number of 1 to 18 digits. returns 0, -EINVAL */
int list_take_number(const char *value, uint64_t *number);

/* What the `take` of every list's "limit" uses. returns 0, -EINVAL */
int list_take_limit(const char *value, size_t *limit);

/* The `take` of "fields" where the query is a struct result_fields, and what it expects. */
int list_take_fields(void *fields, const char *name, const char *value);
#define LIST_FIELDS_EXPECTED                                                                       \
    "members of results with commas between them, such as status_code,timings.total_ms"

/* Hands each parameter to the one in the table it belongs to; the table ends with a NULL name, and
 * has LIST_MAX_PARAMS at most.
 *
 * returns    0; 1: one is wrong, and a problem has been answered; -errno
 */
int list_query_read(struct http_exchange *exchange, const struct list_param *params, void *query);

/* For a handler that has none. returns as list_query_read() */
int list_query_none(struct http_exchange *exchange);

/* Adds the Link header to the next page: this request with another cursor. */
int list_answer_next(struct http_exchange *exchange, const char *cursor);
