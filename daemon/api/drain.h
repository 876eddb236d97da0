/* No new work while the daemon ends: routes that start some are answered with 503, and the others
 * served as ever, so that clients can still see what becomes of what they have. If those who come
 * are left to the next daemon, there are but few that can still ask, and nothing is refused. */
#pragma once

#include "daemon/api/api.h"

/* The http_gate of the API; arg is the struct api. What is let through is for access_check(). */
int drain_check(void *arg, struct http_exchange *exchange, const struct http_route *route);
