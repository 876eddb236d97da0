/* Who may: the token that a request shows, the right that its route takes, and the token's quota.
 *
 * Only "Authorization: Bearer TOKEN" counts: what is in a URL ends up in logs. Where there are no
 * tokens everybody who can connect may do everything, so the daemon then listens on this machine
 * only.
 *
 * source  RFC 6750 sections 2.1, 3
 */
#pragma once

#include "daemon/api/http_dispatch.h"
#include "daemon/api/http_exchange.h"
#include "daemon/api/quota.h"
#include "daemon/base/json_writer.h"
#include "daemon/base/tokens.h"

struct access {
    struct tokens *tokens; /* borrowed; NULL: there are none */
};

/* The http_gate of the API; arg is the access. */
int access_check(void *arg, struct http_exchange *exchange, const struct http_route *route);

/* Whose jobs the request is about. */
const char *access_tenant(const struct http_exchange *exchange);

/* How many items its tenant's jobs may have that have not ended; 0: any number. */
uint64_t access_max_queued(const struct http_exchange *exchange);

/* The request's token as an object, without the token itself; null if there are none. */
void access_render(const struct http_exchange *exchange, struct json_writer *w);
