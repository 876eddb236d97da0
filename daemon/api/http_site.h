/* The names this server goes by, to one client: whether a Host is ours, an Origin to be trusted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/setting.h"

struct http_site {
    const char
        *address; /* what the client connected to, "127.0.0.1" or "[::1]"; NULL: unix socket */
    uint16_t port;
    const struct string_list *hosts;   /* further names: "name" with any port, or "name:port" */
    const struct string_list *origins; /* of pages of others that may use us: "https://name" */
};

/* Whether authority, "name:port" or "name", is what we listen on, a loopback name with our port (on
 * a unix socket: with any), or one of hosts. Case does not count. */
bool http_site_has_host(const struct http_site *site, const char *authority, size_t length);

/* Whether a page of this origin may use us: one we have served, under a host that
 * http_site_has_host(), or one of origins.
 *
 * host  the request's Host, or NULL
 */
bool http_site_trusts_origin(const struct http_site *site, const char *origin, const char *host);
