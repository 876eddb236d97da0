/* URLs that are canonical as they stand: nearly all that are ever sent.
 *
 *     http[s]://host[:port]/path[?query]
 *
 * with the scheme and host in lower case, a host of letters, digits, '-', '_' and single dots (or a
 * dotted IPv4 address), no default port, and in path and query only what RFC 3986 lets stand there
 * unencoded; no segment of the path is empty or begins with a dot. This is no parser of URLs: what
 * is the least bit unusual is not plain and left to libcurl's, and of what is plain libcurl's makes
 * the same text again. A test holds that on random URLs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/address.h"

struct co_url_plain {
    size_t host_start;
    size_t host_end;
    size_t path_start;         /* where the authority ends */
    struct co_address address; /* of a host that is one, with port; else AF_UNSPEC */
    uint16_t port;
    bool is_https;
};

/* returns false: it is not plain, which says nothing about whether it is a URL */
bool co_url_plain_read(const char *text, size_t length, struct co_url_plain *ret_plain);
