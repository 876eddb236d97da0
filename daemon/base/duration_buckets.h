/* How many durations there were of which length: counts in buckets that are the same everywhere, so
 * that those of several daemons, or of several moments, can be added up and subtracted.
 *
 * For percentiles of one batch there is model/histogram.h, which is finer and larger.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { DURATION_N_BOUNDS = 17 };

/* Microseconds, growing: from half a millisecond to two minutes. */
extern const uint32_t duration_bounds_us[DURATION_N_BOUNDS];

struct duration_buckets {
    uint64_t counts[DURATION_N_BOUNDS + 1]; /* up to that bound and above the one before; the last:
                                               above all */
    uint64_t sum_us;
};

/* us: not negative */
void duration_buckets_add(struct duration_buckets *buckets, int64_t us);
