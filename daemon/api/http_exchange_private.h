/* What an exchange is made of: for the files of the HTTP server, which makes one of a request's
 * head and sends what it holds in the end. Nothing here knows of sockets. */
#pragma once

#include <stdbool.h>

#include "daemon/api/http_answer_stream.h"
#include "daemon/api/http_body_stream.h"
#include "daemon/api/http_exchange.h"
#include "daemon/api/http_guard.h"
#include "daemon/api/router.h"
#include "daemon/base/buffer.h"

struct http_answer {
    int status;           /* 0: none yet */
    struct buffer fields; /* "name\0value\0" for each header */
    struct buffer body;
    struct http_body_source *source;  /* instead of body; NULL: none */
    struct http_answer_stream stream; /* instead of both, if it is begun */
};

struct http_exchange {
    void *texts; /* the fields, and all texts of the request */
    const char *method;
    const char *path;
    const char *query; /* "name\0value\0" for each parameter, decoded */
    const char *query_end;
    struct http_field *fields;
    size_t n_fields;
    const struct http_route *route;
    struct token *token; /* held */
    const char *params[ROUTE_MAX_PARAMS];
    char *param_room; /* in texts */
    struct buffer body;
    struct http_body_stream stream; /* instead of body, if the route streams it */
    struct http_answer answer;
    bool ends_with_server; /* http_cancel_when_stopping() */
};

/* An exchange of a request of which nothing is known. */
void http_exchange_init(struct http_exchange *exchange);
void http_exchange_done(struct http_exchange *exchange);

/* Copies a head that the guard has let pass. returns 0, -ENOMEM */
int http_exchange_set_head(struct http_exchange *exchange, const struct http_head *head);

/* Takes a match of the exchange's path, and decodes its parameters. */
void http_exchange_set_route(struct http_exchange *exchange, const struct route_match *match);

/* Whether the head says that a body follows. */
uint64_t http_exchange_body_length(const struct http_exchange *exchange); /* if announced */
bool http_exchange_expects_body(const struct http_exchange *exchange);

/* Forgets what an answer was begun with. */
void http_answer_reset(struct http_exchange *exchange);

/* Steps through the headers of the answer; *name is NULL before the first.
 *
 * returns  false: there are no more
 */
bool http_answer_next_field(const struct http_answer *answer, const char **name,
                            const char **value);
