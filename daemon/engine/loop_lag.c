#include "daemon/engine/loop_lag.h"

#include <stdlib.h>
#include <string.h>

static void note(struct loop_lag *lag, int64_t us)
{
    lag->lags_us[lag->n_samples++ % LOOP_LAG_SAMPLES] = us;
    duration_buckets_add(&lag->buckets, us);
    if (us > lag->max_us)
        lag->max_us = us;
}

static int measure(void *arg, void **ret_result)
{
    int rc;

    (void)ret_result;
    do {
        co_time due = co_now() + LOOP_LAG_PERIOD;
        rc = co_sleep(LOOP_LAG_PERIOD);
        if (rc == 0)
            note(arg, (co_now() - due) / CO_MICROSECOND);
    } while (rc == 0);
    return rc;
}

int loop_lag_start(struct loop_lag *lag)
{
    *lag = (struct loop_lag){0};
    return co_create_task("loop lag", measure, lag, &lag->task);
}

void loop_lag_stop(struct loop_lag *lag)
{
    co_task_stop(co_take(lag->task), "nobody measures any more");
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

void loop_lag_summarize(const struct loop_lag *lag, struct loop_lag_summary *ret_summary)
{
    size_t n = lag->n_samples < LOOP_LAG_SAMPLES ? (size_t)lag->n_samples : LOOP_LAG_SAMPLES;
    int64_t sorted[LOOP_LAG_SAMPLES];

    *ret_summary = (struct loop_lag_summary){.n_samples = n};
    if (n == 0)
        return;
    memcpy(sorted, lag->lags_us, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), compare);
    ret_summary->p50_us = sorted[(n - 1) / 2];
    ret_summary->p99_us = sorted[(n - 1) * 99 / 100];
    ret_summary->max_us = sorted[n - 1];
}
