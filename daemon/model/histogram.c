#include "daemon/model/histogram.h"

/* Values below 2^DIGITS have a bucket each. Above, the bucket is the number of the highest bit and
 * the DIGITS bits after it. */
static unsigned bucket_of(uint64_t value)
{
    if (value < 1u << HISTOGRAM_DIGITS)
        return (unsigned)value;
    if (value >= (uint64_t)1 << HISTOGRAM_MAX_BITS)
        return HISTOGRAM_BUCKETS - 1;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_DIGITS;
    return ((shift + 1) << HISTOGRAM_DIGITS) + (unsigned)(value >> shift) -
           (1u << HISTOGRAM_DIGITS);
}

static uint64_t middle_of(unsigned bucket)
{
    if (bucket < 1u << HISTOGRAM_DIGITS)
        return bucket;
    unsigned shift = (bucket >> HISTOGRAM_DIGITS) - 1;
    uint64_t digits = (bucket & ((1u << HISTOGRAM_DIGITS) - 1)) + (1u << HISTOGRAM_DIGITS);
    return (digits << shift) + (((uint64_t)1 << shift) >> 1);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    if (histogram->n == 0 || value < histogram->min)
        histogram->min = value;
    if (histogram->n == 0 || value > histogram->max)
        histogram->max = value;
    histogram->n++;
    histogram->sum += value;
    histogram->counts[bucket_of(value)]++;
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
    uint64_t rank = (uint64_t)(share * (double)histogram->n + 0.999999);
    uint64_t seen = 0;

    if (rank <= 1)
        return histogram->min;
    if (rank >= histogram->n)
        return histogram->max;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= rank)
            return clamp(middle_of(i), histogram->min, histogram->max);
    }
    return histogram->max;
}
