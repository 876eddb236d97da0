#include "daemon/api/reading.h"

#include "daemon/base/instant.h"

static int note_depth(void *arg, const struct co_stack_use *use)
{
    uint64_t *high_water = arg;

    if (use->max_used > *high_water)
        *high_water = use->max_used;
    return 0;
}

static void read_loop(const struct loop_lag *lag, struct reading *reading)
{
    struct co_loop_stats loop;

    co_loop_stats(&loop);
    reading->n_tasks = loop.n_tasks;
    reading->n_timers = loop.n_timers;
    reading->n_stacks = loop.n_stacks;
    reading->n_thread_jobs = loop.n_jobs;
    co_stack_use_visit(note_depth, &reading->stack_high_water);
    loop_lag_summarize(lag, &reading->lag);
    reading->lags = lag->buckets;
    reading->max_lag_us = lag->max_us;
}

static void read_engine(struct engine *engine, struct reading *reading)
{
    reading->stats = *engine_stats(engine);
    reading->uptime_us = instant_now() - reading->stats.started_at;
    reading->n_items_running = engine_n_running(engine);
    reading->n_items_queued = engine_n_waiting(engine);
}

void reading_take(const struct api *api, struct reading *ret_reading)
{
    *ret_reading = (struct reading){
        .max_items_running = api->config->fetch.concurrency,
        .store_health = store_health(api->store),
        .n_connections = api->traffic->n_connections,
        .max_connections = api->config->api.max_connections,
        .is_draining = api->is_draining,
    };
    read_engine(api->engine, ret_reading);
    read_loop(api->loop_lag, ret_reading);
    jobs_get_stats(api->jobs, &ret_reading->jobs);
    if (api->scheduler != NULL)
        scheduler_get_stats(api->scheduler, &ret_reading->schedules);
    store_get_stats(api->store, &ret_reading->store);
    co_dns_get_stats(api->dns, &ret_reading->dns);
}
