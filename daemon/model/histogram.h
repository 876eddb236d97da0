/* Percentiles of many durations in little memory: counts in buckets of equal relative width.
 *
 * A value is kept with five binary digits after its first, so a percentile read back is at most 1.6
 * % off; the smallest and largest value and the mean are exact.
 *
 * source  Gil Tene: HdrHistogram; the bucket arithmetic is that of log-linear histograms
 */
#pragma once

#include <stdint.h>

enum {
    HISTOGRAM_DIGITS = 5,
    HISTOGRAM_MAX_BITS = 40, /* values are capped at 2^40 - 1: 12 days in microseconds */
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_DIGITS + 1) << HISTOGRAM_DIGITS,
};

struct histogram {
    uint64_t n;
    uint64_t sum;
    uint64_t min, max; /* meaningless while n is 0 */
    uint32_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that `share` (0 to 1) of all values are not above; n must not be 0. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);
