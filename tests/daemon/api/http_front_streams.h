/* Handlers of http_front.h that read bodies while they come, and bodies for them: byte i of each is
 * front_byte(i).
 *
 *     POST /stream          says how many bytes there were
 *     POST /tardy/{ms}      the same, taking its time for each slice
 *     POST /taste           says hello behind the first slice
 *     POST /glance          says hello without reading
 *     POST /refuse          wants nothing to do with it: answers at length without reading
 *     POST /mirror          gives the body back
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/api/http_exchange.h"

enum { MAX_STREAM_BYTES = 4 * 1024 * 1024, LONG_ANSWER_BYTES = 5000 };

/* What they saw. */
struct stream_seen {
    unsigned n_started;
    unsigned n_ended;
    unsigned n_whole; /* bodies read to their ends */
    uint64_t n_bytes;
    ssize_t largest; /* slice */
    ssize_t rc;      /* of the last read: 0 at the end */
    bool is_spoilt;  /* a byte was not what it should be */
};

extern struct stream_seen stream_seen;

int front_stream(struct http_exchange *exchange, void *arg);
int front_tardy(struct http_exchange *exchange, void *arg);
int front_taste(struct http_exchange *exchange, void *arg);
int front_glance(struct http_exchange *exchange, void *arg);
int front_refuse(struct http_exchange *exchange, void *arg);
int front_mirror(struct http_exchange *exchange, void *arg);

/* Bytes first..first + n - 1 of a body; valid until the next call. */
const char *stream_bytes(uint64_t first, size_t n);
