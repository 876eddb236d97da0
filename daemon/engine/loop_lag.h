/* How late the loop is for what is due: a task sleeps, again and again, and looks how much longer
 * it slept than it wanted to. That is what every other timer and descriptor of the loop waits, too.
 *
 * Ten samples a second cost nothing that could be measured, and as they are spread over time
 * evenly, their percentiles are those of any moment.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/base/duration_buckets.h"

enum { LOOP_LAG_SAMPLES = 600 }; /* of the last minute */
#define LOOP_LAG_PERIOD (100 * CO_MILLISECOND)

struct loop_lag {
    struct co_task *task;
    int64_t lags_us[LOOP_LAG_SAMPLES]; /* a ring */
    uint64_t n_samples;                /* since the start; so are: */
    struct duration_buckets buckets;
    int64_t max_us;
};

struct loop_lag_summary {
    size_t n_samples; /* of the last minute; so is the rest, 0 if there are none */
    int64_t p50_us, p99_us, max_us;
};

/* Starts to measure, on the caller's loop. returns 0, -ENOMEM */
int loop_lag_start(struct loop_lag *lag);

/* Fine for one that is all zeros. suspends until its task has ended */
void loop_lag_stop(struct loop_lag *lag);

void loop_lag_summarize(const struct loop_lag *lag, struct loop_lag_summary *ret_summary);
