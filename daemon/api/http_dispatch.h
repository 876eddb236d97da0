/* What becomes of a request once its head is known: the route whose handler it is for, or an answer
 * that takes no handler (404, 405, OPTIONS, a body that is not taken). */
#pragma once

#include <stdint.h>

#include "daemon/api/http_exchange.h"
#include "daemon/api/router.h"

/* How large bodies may be. */
struct http_body_limits {
    uint64_t max_body_bytes;   /* those that are kept in memory: api.max_body_bytes */
    uint64_t max_stream_bytes; /* those that are streamed: api.max_job_bytes */
};

/* Decides whether a client may use a route, before a body is taken: if not, check() answers. NULL:
 * everybody may. */
struct http_gate {
    int (*check)(void *arg, struct http_exchange *exchange, const struct http_route *route);
    void *arg;
};

/* Afterwards the exchange has either an answer, or a route and a body that may grow up to its
 * limit.
 *
 * returns  0, -ENOMEM
 */
int http_dispatch(struct http_exchange *exchange, const struct http_route *routes, size_t n_routes,
                  const struct http_gate *gate, const struct http_body_limits *limits);

/* Answers for a body that has grown beyond its limit without having been announced. */
int http_dispatch_body_too_large(struct http_exchange *exchange,
                                 const struct http_body_limits *limits);
