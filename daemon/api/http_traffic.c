#include "daemon/api/http_traffic.h"

#include <errno.h>
#include <stdlib.h>

int http_traffic_init(struct http_traffic *traffic, const struct http_route *routes,
                      size_t n_routes)
{
    *traffic = (struct http_traffic){.n = n_routes + 1};
    traffic->by_route = calloc(traffic->n, sizeof(*traffic->by_route));
    if (traffic->by_route == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_routes; i++)
        traffic->by_route[i].route = &routes[i];
    return 0;
}

void http_traffic_done(struct http_traffic *traffic)
{
    free(traffic->by_route);
    *traffic = (struct http_traffic){0};
}

void http_traffic_connections(struct http_traffic *traffic, int change)
{
    if (traffic != NULL)
        traffic->n_connections += (uint64_t)(int64_t)change;
}

static struct http_route_traffic *traffic_of(struct http_traffic *traffic,
                                             const struct http_route *route)
{
    struct http_route_traffic *last = &traffic->by_route[traffic->n - 1];

    return route == NULL ? last : &traffic->by_route[route - traffic->by_route[0].route];
}

void http_traffic_count(struct http_traffic *traffic, const struct http_route *route, int status)
{
    size_t i = 0;

    if (traffic == NULL)
        return;
    struct http_route_traffic *of = traffic_of(traffic, route);
    while (i < HTTP_TRAFFIC_STATUSES - 1 && of->answers[i].n > 0 && of->answers[i].status != status)
        i++;
    of->answers[i].status = i < HTTP_TRAFFIC_STATUSES - 1 ? status : 0;
    of->answers[i].n++;
}

void http_traffic_time(struct http_traffic *traffic, const struct http_route *route, int64_t us)
{
    if (traffic != NULL)
        duration_buckets_add(&traffic_of(traffic, route)->took, us);
}
