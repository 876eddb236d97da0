/* Points of wall clock time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    INSTANT_TEXT_LEN = 27,
};

int64_t instant_now(void);

/* Write an instant as RFC 3339 does, "2026-01-31T12:00:00.000213Z", without a NUL.
 *
 * returns    INSTANT_TEXT_LEN; 0, and nothing is written, for years that do not have four digits
 * source     Howard Hinnant: chrono-Compatible Low-Level Date Algorithms (for days to dates) */
size_t instant_format(int64_t instant, char out[INSTANT_TEXT_LEN]);
