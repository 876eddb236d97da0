#include "daemon/base/duration_buckets.h"

const uint32_t duration_bounds_us[DURATION_N_BOUNDS] = {
    500,    1000,    2500,    5000,    10000,    25000,    50000,    100000,    250000,
    500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 120000000,
};

/* From the start, for most are short. */
void duration_buckets_add(struct duration_buckets *buckets, int64_t us)
{
    size_t i = 0;

    while (i < DURATION_N_BOUNDS && us > duration_bounds_us[i])
        i++;
    buckets->counts[i]++;
    buckets->sum_us += (uint64_t)us;
}
