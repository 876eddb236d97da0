#include "daemon/api/drain.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/api/problem.h"

/* By then the daemon has ended, and another one may have started. */
static int say_when_to_come_back(struct http_exchange *exchange, uint64_t drain_ms)
{
    char seconds[24];

    snprintf(seconds, sizeof(seconds), "%" PRIu64, (drain_ms + 999) / 1000 + 1);
    return http_answer_header(exchange, "Retry-After", seconds);
}

int drain_check(void *arg, struct http_exchange *exchange, const struct http_route *route)
{
    struct api *api = arg;

    if (!api->refuses_work || !route->starts_work)
        return access_check(&api->access, exchange, route);
    return say_when_to_come_back(exchange, api->config->api.drain_timeout_ms)
               ?: http_answer_problem(exchange, 503, "draining",
                                      "The daemon is ending and takes no new work.");
}
