/* A set of HTTP statuses: "2xx", 304. Origins do answer with such as 999, which no RFC knows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STATUS_MIN = 100, STATUS_MAX = 999 };

struct status_set {
    uint64_t bits[(STATUS_MAX + 1 - STATUS_MIN + 63) / 64];
};

/* first and last: from STATUS_MIN to STATUS_MAX */
static inline void status_set_add(struct status_set *set, int first, int last)
{
    for (int status = first - STATUS_MIN; status <= last - STATUS_MIN; status++)
        set->bits[status / 64] |= UINT64_C(1) << status % 64;
}

/* Any number may be asked for. */
static inline bool status_set_has(const struct status_set *set, int status)
{
    unsigned at = (unsigned)(status - STATUS_MIN);

    return at <= STATUS_MAX - STATUS_MIN && (set->bits[at / 64] >> at % 64 & 1) != 0;
}
