/* Handlers of http_front.h that make their answers while they are sent; byte i of each is
 * front_byte(i).
 *
 *     GET  /flow/{bytes}    so many bytes, in pieces of 10 000
 *     GET  /drip/{n}        n pieces of 10 bytes, one a second
 *     GET  /break/{bytes}   so many bytes, then fails
 *     GET  /endless         a piece of 10 bytes, then waits, and may be cut by the server's stop
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/api/http_exchange.h"

/* What they saw. */
struct answers_seen {
    unsigned n_started;
    unsigned n_ended;
    uint64_t n_written; /* bytes */
    int rc;             /* of what they waited for last */
};

extern struct answers_seen answers_seen;

int front_flow(struct http_exchange *exchange, void *arg);
int front_drip(struct http_exchange *exchange, void *arg);
int front_break(struct http_exchange *exchange, void *arg);
int front_endless(struct http_exchange *exchange, void *arg);
