/* Where to listen, as text:
 *
 *     127.0.0.1:7480        one address, IPv4
 *     [::1]:7480            one address, IPv6
 *     localhost:7480        127.0.0.1
 *     unix:/run/x.sock      a socket in the file system
 *     fd:3                  a socket that listens already: the descriptor this process has of it
 *
 * Names are not looked up, and port 0 is one that is free.
 */
#pragma once

#include <stddef.h>

#include "lib/net/address.h"

#include "daemon/base/err.h"

struct endpoint {
    struct co_address address; /* AF_UNSPEC of the others */
    const char *path;          /* of a unix socket: within the text; else NULL */
    int fd;                    /* -1: none */
};

/* returns    0; -EINVAL, and err says what an endpoint looks like */
int endpoint_parse(const char *text, struct endpoint *ret_endpoint, struct err *err);

/* Whether only this machine can reach them all: whoever can reach the API can make us fetch, and
 * without tokens that is all it takes.
 *
 * returns    0; -EINVAL, and err says which one others can reach, and what can be done about it */
int endpoints_check_local(const char *const *listen, size_t n, struct err *err);
