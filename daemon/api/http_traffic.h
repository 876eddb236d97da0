/* What the HTTP server has answered: how often which status, and how long it took, by route.
 *
 * The routes are a table, and handlers choose from few statuses, so this is bounded whatever
 * clients do; whatever has no route (nothing is there, the method is wrong, it is no proper
 * request) is counted together.
 */
#pragma once

#include "daemon/api/router.h"
#include "daemon/base/duration_buckets.h"

enum { HTTP_TRAFFIC_STATUSES = 24 }; /* of a route; should there be more, the rest counts as 0 */

struct http_route_traffic {
    const struct http_route *route; /* NULL: of what has none */
    struct {
        int status; /* 0: any other; n is 0: the place is free */
        uint64_t n;
    } answers[HTTP_TRAFFIC_STATUSES];
    struct duration_buckets took; /* of those that a handler has answered: from their head */
};

struct http_traffic {
    size_t n; /* routes, and one more */
    struct http_route_traffic *by_route;
    uint64_t n_connections; /* open now */
};

/* routes is borrowed. Owed one http_traffic_done(). returns 0, -ENOMEM */
int http_traffic_init(struct http_traffic *traffic, const struct http_route *routes,
                      size_t n_routes);
void http_traffic_done(struct http_traffic *traffic);

/* A connection has come or gone: +1, -1. */
void http_traffic_connections(struct http_traffic *traffic, int change);

/* route: of that table, or NULL. traffic may be NULL: nobody wants to know. */
void http_traffic_count(struct http_traffic *traffic, const struct http_route *route, int status);
void http_traffic_time(struct http_traffic *traffic, const struct http_route *route, int64_t us);
