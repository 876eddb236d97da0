#include "daemon/api/metrics_table.h"

#include <stdio.h>

#define PER_SECOND 1e6 /* microseconds */

/* --- What families have in common ------------------------------------------------------------- */

static const void *value_of(const struct metrics_family *family,
                            const struct metrics_source *source)
{
    return (const char *)source + family->offset;
}

static void write_count(const struct metrics_family *family, const struct metrics_source *source,
                        struct prometheus_writer *w)
{
    prometheus_sample(w, PROMETHEUS_NO_LABELS, (double)*(const uint64_t *)value_of(family, source));
}

/* Of microseconds. */
static void write_seconds(const struct metrics_family *family, const struct metrics_source *source,
                          struct prometheus_writer *w)
{
    prometheus_sample(w, PROMETHEUS_NO_LABELS,
                      (double)*(const int64_t *)value_of(family, source) / PER_SECOND);
}

static void write_names(const struct metrics_family *family, const struct metrics_source *source,
                        struct prometheus_writer *w)
{
    const struct stats_names *names = value_of(family, source);

    for (unsigned i = 0; i < names->n_names; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, names->counts[i].name}),
                          (double)names->counts[i].n);
}

static void write_buckets(struct prometheus_writer *w, const struct prometheus_label *labels,
                          const struct duration_buckets *durations)
{
    double bounds[DURATION_N_BOUNDS];
    const struct prometheus_buckets buckets = {bounds, durations->counts, DURATION_N_BOUNDS,
                                               (double)durations->sum_us / PER_SECOND};

    for (size_t i = 0; i < DURATION_N_BOUNDS; i++)
        bounds[i] = duration_bounds_us[i] / PER_SECOND;
    prometheus_histogram(w, labels, &buckets);
}

static void write_durations(const struct metrics_family *family,
                            const struct metrics_source *source, struct prometheus_writer *w)
{
    write_buckets(w, PROMETHEUS_NO_LABELS, value_of(family, source));
}

/* Samples with one label each. */
struct named {
    const char *name;
    uint64_t value;
};

static void write_named(const struct metrics_family *family, struct prometheus_writer *w,
                        const struct named *named, size_t n)
{
    for (size_t i = 0; i < n; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, named[i].name}),
                          (double)named[i].value);
}

#define WRITE_NAMED(family, w, ...)                                                                \
    write_named((family), (w), (const struct named[]){__VA_ARGS__},                                \
                sizeof((const struct named[]){__VA_ARGS__}) / sizeof(struct named))

/* --- Those that differ ------------------------------------------------------------------------ */

static void write_jobs(const struct metrics_family *family, const struct metrics_source *source,
                       struct prometheus_writer *w)
{
    const struct jobs_stats *jobs = &source->reading.jobs;

    WRITE_NAMED(family, w, {"queued", jobs->n_queued}, {"running", jobs->n_running},
                {"canceling", jobs->n_canceling});
}

static void write_jobs_ended(const struct metrics_family *family,
                             const struct metrics_source *source, struct prometheus_writer *w)
{
    const struct stats *stats = &source->reading.stats;

    WRITE_NAMED(family, w, {"done", stats->n_jobs_done}, {"canceled", stats->n_jobs_canceled});
}

static void write_schedules(const struct metrics_family *family,
                            const struct metrics_source *source, struct prometheus_writer *w)
{
    const struct scheduler_stats *schedules = &source->reading.schedules;

    WRITE_NAMED(family, w, {"active", schedules->n_active}, {"paused", schedules->n_paused});
}

/* A run that has not ended is none of these. */
static void write_runs(const struct metrics_family *family, const struct metrics_source *source,
                       struct prometheus_writer *w)
{
    for (enum schedule_run_state i = RUN_STATE_RUNNING + 1; i < N_RUN_STATES; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, schedule_run_state_names[i]}),
                          (double)source->reading.schedules.n_runs[i]);
}

/* Those that are pending have a family of their own. */
static void write_callbacks(const struct metrics_family *family,
                            const struct metrics_source *source, struct prometheus_writer *w)
{
    for (enum callback_state i = CALLBACK_DELIVERED; i < N_CALLBACK_STATES; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, callback_state_name(i)}),
                          (double)source->reading.stats.n_callbacks[i]);
}

static void write_callback_attempts(const struct metrics_family *family,
                                    const struct metrics_source *source,
                                    struct prometheus_writer *w)
{
    static const enum outcome results[] = {OUTCOME_SUCCESS, OUTCOME_HTTP_ERROR,
                                           OUTCOME_TRANSPORT_ERROR, OUTCOME_BLOCKED};

    for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, outcome_name(results[i])}),
                          (double)source->reading.stats.n_callback_attempts[results[i]]);
}

static void write_outcomes(const struct metrics_family *family, const struct metrics_source *source,
                           struct prometheus_writer *w)
{
    for (enum outcome i = 0; i < N_OUTCOMES; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, outcome_name(i)}),
                          (double)source->reading.stats.n_finished[i]);
}

static void write_phases(const struct metrics_family *family, const struct metrics_source *source,
                         struct prometheus_writer *w)
{
    for (enum co_http_phase i = 0; i < CO_HTTP_N_PHASES; i++)
        write_buckets(w, PROMETHEUS_LABELS({family->label, co_http_phase_name(i)}),
                      &source->reading.stats.phases[i]);
}

static void write_connections(const struct metrics_family *family,
                              const struct metrics_source *source, struct prometheus_writer *w)
{
    const struct stats *stats = &source->reading.stats;

    WRITE_NAMED(family, w, {"opened", stats->n_connections_opened},
                {"reused", stats->n_connections_reused});
}

static void write_lookups(const struct metrics_family *family, const struct metrics_source *source,
                          struct prometheus_writer *w)
{
    const struct co_dns_stats *dns = &source->reading.dns;

    WRITE_NAMED(family, w, {"cache", dns->n_known}, {"query", dns->n_lookups - dns->n_known});
}

static void write_queries(const struct metrics_family *family, const struct metrics_source *source,
                          struct prometheus_writer *w)
{
    for (enum co_dns_outcome i = 0; i < CO_DNS_N_OUTCOMES; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, co_dns_outcome_name(i)}),
                          (double)source->reading.dns.n_queries[i]);
}

/* One of the states is 1, the others are 0. */
static void write_health(const struct metrics_family *family, const struct metrics_source *source,
                         struct prometheus_writer *w)
{
    for (enum store_health i = STORE_OK; i <= STORE_FAILED; i++)
        prometheus_sample(w, PROMETHEUS_LABELS({family->label, store_health_name(i)}),
                          source->reading.store_health == i);
}

/* What nobody can know if stacks are not measured is not shown. */
static void write_high_water(const struct metrics_family *family,
                             const struct metrics_source *source, struct prometheus_writer *w)
{
    if (source->reading.stack_high_water > 0)
        write_count(family, source, w);
}

static const char *method_of(const struct http_route *route)
{
    return route != NULL ? route->method : "other";
}

static const char *path_of(const struct http_route *route)
{
    return route != NULL ? route->path : "other";
}

static void write_answers_of(const struct metrics_family *family,
                             const struct http_route_traffic *of, struct prometheus_writer *w)
{
    for (size_t i = 0; i < HTTP_TRAFFIC_STATUSES && of->answers[i].n > 0; i++) {
        char code[12];
        snprintf(code, sizeof(code), "%d", of->answers[i].status);
        prometheus_sample(w,
                          PROMETHEUS_LABELS({"method", method_of(of->route)},
                                            {"route", path_of(of->route)}, {family->label, code}),
                          (double)of->answers[i].n);
    }
}

static void write_answers(const struct metrics_family *family, const struct metrics_source *source,
                          struct prometheus_writer *w)
{
    for (size_t i = 0; i < source->traffic->n; i++)
        write_answers_of(family, &source->traffic->by_route[i], w);
}

static void write_times_of(const struct metrics_family *family, const struct http_route_traffic *of,
                           struct prometheus_writer *w)
{
    const struct prometheus_label *labels =
        PROMETHEUS_LABELS({"method", method_of(of->route)}, {family->label, path_of(of->route)});

    write_buckets(w, labels, &of->took);
}

/* Of routes that somebody has used. */
static void write_answer_times(const struct metrics_family *family,
                               const struct metrics_source *source, struct prometheus_writer *w)
{
    for (size_t i = 0; i < source->traffic->n; i++)
        if (source->traffic->by_route[i].answers[0].n > 0)
            write_times_of(family, &source->traffic->by_route[i], w);
}

static void write_build(const struct metrics_family *family, const struct metrics_source *source,
                        struct prometheus_writer *w)
{
    (void)source;
    prometheus_sample(w, PROMETHEUS_LABELS({family->label, PACKAGE_VERSION}), 1);
}

/* --- The table -------------------------------------------------------------------------------- */

#define AT(place) .offset = offsetof(struct metrics_source, reading.place)
#define COUNTER(name, help, ...)                                                                   \
    {                                                                                              \
        (name), PROMETHEUS_COUNTER, (help), __VA_ARGS__                                            \
    }
#define GAUGE(name, help, ...)                                                                     \
    {                                                                                              \
        (name), PROMETHEUS_GAUGE, (help), __VA_ARGS__                                              \
    }
#define DURATIONS(name, help, ...)                                                                 \
    {                                                                                              \
        (name), PROMETHEUS_HISTOGRAM, (help), __VA_ARGS__                                          \
    }

const struct metrics_family metrics_families[] = {
    GAUGE("gatherd_build_info", "Always 1; the label says which gatherd this is.", write_build,
          .label = "version"),
    GAUGE("gatherd_draining", "1 while gatherd ends and takes no new work.", write_count,
          AT(is_draining)),

    GAUGE("gatherd_jobs", "Jobs that have not ended.", write_jobs, .label = "status"),
    COUNTER("gatherd_jobs_accepted_total", "Jobs that were accepted.", write_count,
            AT(stats.n_jobs_accepted)),
    COUNTER("gatherd_jobs_ended_total", "Jobs that have ended.", write_jobs_ended,
            .label = "status"),

    GAUGE("gatherd_schedules", "Schedules.", write_schedules, .label = "state"),
    GAUGE("gatherd_schedule_runs", "Runs of schedules that have not ended.", write_count,
          AT(schedules.n_runs[RUN_STATE_RUNNING])),
    COUNTER("gatherd_schedule_runs_total",
            "Times that schedules were due, by what has become of them.", write_runs,
            .label = "state"),

    GAUGE("gatherd_callbacks_pending", "Callbacks of ended jobs that are to be sent, now or later.",
          write_count, AT(store.n_callbacks)),
    COUNTER("gatherd_callbacks_total", "Callbacks that were delivered or given up.",
            write_callbacks, .label = "state"),
    COUNTER("gatherd_callback_attempts_total", "Attempts at callbacks.", write_callback_attempts,
            .label = "result"),

    GAUGE("gatherd_items_in_flight", "Items that are being fetched, of jobs and gathers.",
          write_count, AT(n_items_running)),
    GAUGE("gatherd_items_in_flight_limit", "As many may be: fetch.concurrency.", write_count,
          AT(max_items_running)),
    GAUGE("gatherd_items_queued",
          "Items in memory that wait for a place, their time, or the end of a back-off.",
          write_count, AT(n_items_queued)),
    GAUGE("gatherd_job_items_pending",
          "Items of jobs that have not ended, without a result yet, in memory and on disk.",
          write_count, AT(jobs.n_items)),
    COUNTER("gatherd_items_finished_total", "Items that have ended.", write_outcomes,
            .label = "outcome"),
    COUNTER("gatherd_item_errors_total", "Items that have ended with an error.", write_names,
            AT(stats.errors), .label = "code"),
    COUNTER("gatherd_item_retries_total", "Attempts that another one followed.", write_count,
            AT(stats.n_retries)),
    COUNTER("gatherd_egress_denials_total", "Items that the egress policy has blocked.",
            write_names, AT(stats.blocked), .label = "rule"),
    DURATIONS("gatherd_item_queue_duration_seconds",
              "How long items that were started had waited for it.", write_durations,
              AT(stats.queue)),

    COUNTER("gatherd_origin_requests_total",
            "Requests to origins: one for each attempt and each redirect followed.", write_count,
            AT(stats.n_requests)),
    DURATIONS("gatherd_origin_request_duration_seconds",
              "How long requests to origins took, all phases together.", write_durations,
              AT(stats.requests)),
    DURATIONS("gatherd_origin_phase_duration_seconds",
              "How long the phases of requests to origins took, of those that came to them.",
              write_phases, .label = "phase"),
    COUNTER("gatherd_origin_connections_total",
            "Requests to origins by whether they opened a connection or reused one.",
            write_connections, .label = "how"),
    COUNTER("gatherd_origin_sent_bytes_total", "Bytes of requests to origins.", write_count,
            AT(stats.sent_bytes)),
    COUNTER("gatherd_origin_received_bytes_total", "Bytes of bodies from origins, as received.",
            write_count, AT(stats.received_bytes)),
    COUNTER("gatherd_origin_decoded_bytes_total", "Bytes of bodies from origins, decoded.",
            write_count, AT(stats.decoded_bytes)),

    COUNTER("gatherd_dns_lookups_total", "Names that were looked up, by where the answer was.",
            write_lookups, .label = "source"),
    COUNTER("gatherd_dns_queries_total", "Queries to name servers that have ended.", write_queries,
            .label = "outcome"),
    GAUGE("gatherd_dns_cached_names", "Names in the cache.", write_count, AT(dns.n_cached)),

    GAUGE("gatherd_store_health", "1 for the state that the job store is in.", write_health,
          .label = "state"),
    GAUGE("gatherd_store_jobs", "Jobs in the store, ended ones included.", write_count,
          AT(store.n_jobs)),
    GAUGE("gatherd_store_file_bytes", "Size of the store on disk.", write_count,
          AT(store.file_bytes)),
    COUNTER("gatherd_store_commits_total", "Commits.", write_count, AT(store.n_commits)),
    GAUGE("gatherd_store_last_commit_seconds", "How long the last commit took.", write_seconds,
          AT(store.last_commit_us)),
    COUNTER("gatherd_store_results_total", "Results that were written.", write_count,
            AT(store.n_results)),
    COUNTER("gatherd_store_late_results_total", "Results of items that had one already.",
            write_count, AT(store.n_late_results)),
    GAUGE("gatherd_store_waiting_results", "Results that are not on disk yet.", write_count,
          AT(jobs.n_results)),

    DURATIONS("gatherd_loop_lag_seconds",
              "How late the loop was for what was due, sampled ten times a second.",
              write_durations, AT(lags)),
    GAUGE("gatherd_loop_lag_p99_seconds", "99th percentile of that, of the last minute.",
          write_seconds, AT(lag.p99_us)),
    GAUGE("gatherd_loop_lag_max_seconds", "Maximum of that, of the last minute.", write_seconds,
          AT(lag.max_us)),
    GAUGE("gatherd_tasks", "Coroutines.", write_count, AT(n_tasks)),
    GAUGE("gatherd_task_stacks", "Stacks for coroutines that are mapped, in use or idle.",
          write_count, AT(n_stacks)),
    GAUGE("gatherd_task_stack_high_water_bytes",
          "How deep the deepest stack has been; only with log.measure_stacks.", write_high_water,
          AT(stack_high_water)),
    GAUGE("gatherd_timers", "Timers that are set.", write_count, AT(n_timers)),
    GAUGE("gatherd_thread_jobs", "Work given to threads that has not ended.", write_count,
          AT(n_thread_jobs)),

    COUNTER("gatherd_api_requests_total",
            "Requests to the API that were answered, by route and status.", write_answers,
            .label = "code"),
    DURATIONS("gatherd_api_request_duration_seconds",
              "From the head of a request to the API to the beginning of its answer.",
              write_answer_times, .label = "route"),
    GAUGE("gatherd_api_connections", "Connections of clients.", write_count, AT(n_connections)),
    GAUGE("gatherd_api_connections_limit", "As many may be: api.max_connections.", write_count,
          AT(max_connections)),

    COUNTER("process_cpu_seconds_total", "User and system CPU time.", write_seconds,
            AT(process.cpu_us)),
    GAUGE("process_open_fds", "Open file descriptors.", write_count, AT(process.n_open_files)),
    GAUGE("process_max_fds", "As many may be open.", write_count, AT(process.max_open_files)),
    GAUGE("process_virtual_memory_bytes", "Virtual memory.", write_count,
          AT(process.virtual_bytes)),
    GAUGE("process_resident_memory_bytes", "Resident memory.", write_count,
          AT(process.resident_bytes)),
    GAUGE("process_start_time_seconds", "Start of the process, in seconds since 1970.",
          write_seconds, AT(process.started_at)),
    GAUGE("process_threads", "Threads.", write_count, AT(process.n_threads)),
};
const size_t metrics_n_families = sizeof(metrics_families) / sizeof(*metrics_families);

void metrics_write(const struct metrics_source *source, struct prometheus_writer *w)
{
    for (size_t i = 0; i < metrics_n_families; i++) {
        const struct metrics_family *family = &metrics_families[i];
        prometheus_family(w, family->name, family->type, family->help);
        family->write(family, source, w);
    }
}
