/* All the numbers of the daemon at one moment, for /v1/stats and /metrics, which are tables of what
 * is in here. Taking a reading is cheap: nothing is counted up for it.
 */
#pragma once

#include "lib/co/co.h"
#include "lib/net/dns.h"

#include "daemon/api/api.h"
#include "daemon/base/process.h"
#include "daemon/engine/loop_lag.h"
#include "daemon/engine/stats.h"
#include "daemon/store/store.h"

struct reading {
    int64_t uptime_us;
    struct stats stats;
    uint64_t n_items_running;
    uint64_t n_items_queued;
    uint64_t max_items_running;
    struct jobs_stats jobs;
    struct scheduler_stats schedules;
    struct store_stats store;
    enum store_health store_health;
    struct co_dns_stats dns;
    struct duration_buckets lags;
    struct loop_lag_summary lag;
    int64_t max_lag_us; /* since the start */
    uint64_t n_tasks;
    uint64_t n_timers;
    uint64_t n_stacks;
    uint64_t n_thread_jobs;
    uint64_t stack_high_water; /* bytes; 0: stacks are not measured */
    uint64_t n_connections;    /* of clients */
    uint64_t max_connections;
    uint64_t is_draining;
    struct process_numbers process; /* all zeros: of who has it read, see process.h */
};

void reading_take(const struct api *api, struct reading *ret_reading);
