/* The host of a URL in its one canonical form.
 *
 * Two hosts that lead to the same place have the same text, and a text that anything further down
 * could take for an IP address, in whatever notation, is one: a host that is still a name has
 * nothing but DNS to go to.
 */
#pragma once

#include "lib/net/address.h"

#define CO_HOST_MAX_LENGTH 253

struct co_host {
    char text[CO_HOST_MAX_LENGTH + 1]; /* lower case, no brackets, no final dot */
    struct co_address address;         /* what text says; AF_UNSPEC if it is a name */
};

/* Read a host as it stands in a URL: a name in ASCII, or an IPv6 address in brackets.
 *
 * A name is of letters, digits, '-' and '_', and loses one final dot, because every name is looked
 * up as an absolute one. If its last part is a number it must be an IPv4 address, in any notation
 * of inet_aton(): "127.1", "0x7f.0.0.1" and "2130706433" become "127.0.0.1".
 *
 * returns    0, or an enum co_url_problem
 * source     RFC 1123 section 2.1, RFC 3986 section 3.2.2; WHATWG URL, "ends in a number"
 */
int co_host_parse(const char *text, struct co_host *ret_host);
