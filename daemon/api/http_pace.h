/* How fast the bytes of a client move, in either direction: whether it crawls. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/base.h"

/* From when on bytes are counted. */
struct http_pace {
    co_time began;
    uint64_t n_bytes; /* that had moved before */
};

void http_pace_begin(struct http_pace *pace, uint64_t n_bytes);

/* n_bytes   that have moved by now, those before included
 * grace     within it nobody is slow
 * returns   whether fewer than 500 a second have moved since it began
 * source    RequestReadTimeout's MinRate of Apache's mod_reqtimeout */
bool http_pace_is_slow(const struct http_pace *pace, uint64_t n_bytes, co_time grace);

#define HTTP_PACE_UNKNOWN UINT64_MAX

/* The bytes the other end of a TCP connection has acknowledged so far, without those that wait
 * in our kernel; HTTP_PACE_UNKNOWN, as of a unix socket. */
uint64_t http_pace_n_acknowledged(int fd);
