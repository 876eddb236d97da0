/* No new work while the daemon ends: routes that start some are answered with 503, and the others
 * served as ever, so that clients can still see what becomes of what they have. */
#pragma once

#include "daemon/api/api.h"

/* The http_gate of the API; arg is the struct api. What is let through is for access_check(). */
int drain_check(void *arg, struct http_exchange *exchange, const struct http_route *route);
