#include "daemon/gatherd.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api/drain.h"
#include "daemon/base/endpoint.h"
#include "daemon/base/state_directory.h"
#include "daemon/descriptors.h"
#include "daemon/engine/fetch_setup.h"
#include "daemon/gatherd_private.h"
#include "daemon/log_reporter.h"
#include "daemon/service_manager.h"
#include "daemon/start_records.h"
#include "daemon/task_dump.h"

#define DRAIN_LOOK (10 * CO_MILLISECOND) /* how often to see whether all is finished */

enum {
    STOP_MS = 10000, /* at most, from the end of draining to that of the process */
};

/* --- Starting, each part on the ones before --------------------------------------------------- */

static int start_log_reporter(struct gatherd *gatherd, struct err *err)
{
    (void)err;
    return log_reporter_start(&gatherd->log_reporter);
}

static int start_task_dump(struct gatherd *gatherd, struct err *err)
{
    (void)err;
    return task_dump_start(&gatherd->task_dump);
}

static int start_loop_lag(struct gatherd *gatherd, struct err *err)
{
    (void)err;
    return loop_lag_start(&gatherd->loop_lag);
}

static int start_dns(struct gatherd *gatherd, struct err *err)
{
    return fetch_setup_dns(&gatherd->config, &gatherd->dns, err);
}

static int start_session(struct gatherd *gatherd, struct err *err)
{
    (void)err;
    return fetch_setup_session(&gatherd->config, gatherd->dns, &gatherd->session);
}

struct fetcher gatherd_fetcher(const struct gatherd *gatherd)
{
    return fetch_setup_fetcher(&gatherd->config, gatherd->session, gatherd->egress,
                               gatherd->current->requests.credentials);
}

static int start_engine(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = &gatherd->config;
    const struct fetcher fetcher = gatherd_fetcher(gatherd);

    (void)err;
    return engine_new(&gatherd->engine, &fetcher, (unsigned)config->fetch.concurrency,
                      (unsigned)config->fetch.per_host_concurrency);
}

static int start_store(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = &gatherd->config;
    char *path;
    int rc = state_directory(config->store.path, &path, err);

    if (rc < 0)
        return rc;
    const struct store_options options = {
        .path = path,
        .max_bytes = config->store.max_bytes,
        .max_jobs = config->jobs.max_jobs,
        .min_free_bytes = config->store.min_free_bytes,
        .start_empty = config->store.if_damaged == STORE_START_EMPTY,
    };
    rc = store_open(&gatherd->store, &options, err);
    if (rc == 0)
        say_store(gatherd->store, path);
    free(path);
    return rc;
}

static int start_jobs(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = &gatherd->config;
    const struct jobs_options options = {
        .engine = gatherd->engine,
        .store = gatherd->store,
        .parse = &gatherd->parse,
        .max_running = config->fetch.concurrency,
        .default_ttl_us = (int64_t)config->jobs.ttl_ms * 1000,
    };

    (void)err;
    return jobs_new(&gatherd->jobs, &options);
}

static int start_scheduler(struct gatherd *gatherd, struct err *err)
{
    const struct scheduler_options options = {
        .jobs = gatherd->jobs,
        .store = gatherd->store,
        .parse = &gatherd->parse,
        .max_schedules = gatherd->config.schedules.max_schedules,
    };

    (void)err;
    return scheduler_new(&gatherd->scheduler, &options);
}

int gatherd_check_listeners(const struct gatherd *gatherd, const struct settings *settings,
                            struct egress *egress, struct err *err)
{
    const char *text;
    int rc = 0;

    for (size_t i = 0; rc == 0 && (text = http_server_address(gatherd->server, i)) != NULL; i++) {
        struct endpoint endpoint;
        if (settings->tokens == NULL)
            rc = endpoints_check_local(&text, 1, err);
        if (rc == 0 && endpoint_parse(text, &endpoint, NULL) == 0 && endpoint.path == NULL)
            rc = egress_block_listener(egress, &endpoint.address);
    }
    return rc;
}

static void log_listeners(const struct gatherd *gatherd)
{
    const char *text;

    for (size_t i = 0; (text = http_server_address(gatherd->server, i)) != NULL; i++)
        log_event(EVENT_DAEMON_LISTENING, LOG_FIELDS({"address", text}), "listening on %s", text);
}

static int start_api(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = &gatherd->config;

    gatherd->budget.max = config->jobs.max_result_bytes;
    gatherd->api = (struct api){
        .engine = gatherd->engine,
        .jobs = gatherd->jobs,
        .store = gatherd->store,
        .scheduler = gatherd->scheduler,
        .access = {gatherd->current->tokens},
        .parse = &gatherd->parse,
        .probes = &gatherd->current->probes,
        .budget = &gatherd->budget,
        .config = config,
        .loop_lag = &gatherd->loop_lag,
        .dns = gatherd->dns,
        .traffic = &gatherd->traffic,
    };
    submit_keys_init(&gatherd->api.submit_keys);
    submit_keys_init(&gatherd->api.schedule_keys);
    job_renderings_init(&gatherd->api.renderings, gatherd->store, &gatherd->parse);
    int rc = http_traffic_init(&gatherd->traffic, api_routes, api_n_routes);
    if (rc == 0 && gatherd->current->tokens == NULL)
        rc = endpoints_check_local(config->api.listen.items, config->api.listen.n, err);
    if (rc < 0)
        return rc;
    const struct http_server_options options = {
        .listen = config->api.listen.items,
        .n_listen = config->api.listen.n,
        .routes = api_routes,
        .n_routes = api_n_routes,
        .handler_arg = &gatherd->api,
        .traffic = &gatherd->traffic,
        .gate = {drain_check, &gatherd->api},
        .max_body_bytes = config->api.max_body_bytes,
        .max_stream_bytes = config->api.max_job_bytes,
        .max_connections = (unsigned)config->api.max_connections,
        .request_timeout = (co_time)config->api.request_timeout_ms * CO_MILLISECOND,
        .allowed_hosts = &config->api.allowed_hosts,
        .allowed_origins = &config->api.allowed_origins,
    };
    rc = http_server_new(&gatherd->server, &options, err);
    if (rc == 0)
        rc = gatherd_check_listeners(gatherd, gatherd->current, gatherd->egress, err);
    if (rc == 0)
        log_listeners(gatherd);
    return rc;
}

static int start_watchdog(struct gatherd *gatherd, struct err *err)
{
    (void)err;
    return service_watchdog_start(&gatherd->watchdog);
}

static const struct {
    const char *name;
    int (*start)(struct gatherd *gatherd, struct err *err);
} parts[] = {
    {"the log", start_log_reporter},
    {"the task dump", start_task_dump},
    {"the measuring of the loop's lag", start_loop_lag},
    {"name resolution", start_dns},
    {"the HTTP session", start_session},
    {"the engine", start_engine},
    {"the job store", start_store},
    {"the jobs", start_jobs},
    {"the schedules", start_scheduler},
    {"the API", start_api},
    {"the watchdog", start_watchdog},
};

static int start(struct gatherd *gatherd)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        struct err err = {""};
        int rc = parts[i].start(gatherd, &err);
        if (rc < 0) {
            log_event(EVENT_DAEMON_START_FAILED, LOG_FIELDS({"part", parts[i].name}),
                      "cannot start %s: %s", parts[i].name,
                      err.message[0] != '\0' ? err.message : strerror(-rc));
            return rc;
        }
    }
    return 0;
}

static co_time time_left(const struct gatherd *gatherd)
{
    co_time left = gatherd->drained_by - co_now();

    return left > 0 ? left : 0;
}

/* In reverse; each accepts that it was never started. */
static void stop(struct gatherd *gatherd)
{
    if (gatherd->jobs != NULL)
        job_watches_close(jobs_watches(gatherd->jobs)); /* who waits for a job gets it as it is */
    http_server_free(gatherd->server, time_left(gatherd));
    result_blocks_done(&gatherd->api.result_blocks);
    job_renderings_done(&gatherd->api.renderings);
    http_traffic_done(&gatherd->traffic);
    scheduler_free(gatherd->scheduler);
    jobs_free(gatherd->jobs);
    store_close(gatherd->store);
    engine_free(gatherd->engine);
    co_http_session_free(gatherd->session);
    co_dns_free(gatherd->dns);
    loop_lag_stop(&gatherd->loop_lag);
    co_task_stop(gatherd->watchdog, "the daemon is stopping");
    co_task_stop(gatherd->task_dump, "the daemon is stopping");
    co_task_stop(gatherd->log_reporter, "the daemon is stopping");
}

/* --- The main task ---------------------------------------------------------------------------- */

static const int stop_signals[] = {SIGTERM, SIGINT};
static const int served_signals[] = {SIGTERM, SIGINT, SIGHUP};
static const int waited_for_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

#define N_SIGNALS(signals) (sizeof(signals) / sizeof(*(signals)))

static void change_mask(int how, const int *signals, size_t n_signals)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < n_signals; i++)
        sigaddset(&set, signals[i]);
    pthread_sigmask(how, &set, NULL);
}

static int wait_for_store_failure(void *arg, void **ret_result)
{
    struct gatherd *gatherd = arg;
    int rc = co_event_wait(jobs_failed(gatherd->jobs));

    (void)ret_result;
    if (rc < 0)
        return rc;
    log_event(EVENT_DAEMON_LOST_STORE, LOG_NO_FIELDS,
              "the job store has failed and cannot be trusted as it is in memory, so gatherd ends: "
              "what was acknowledged is on disk; look after the disk, and start it again");
    return -EIO;
}

/* returns the signal that ends it; -errno */
static int serve_signals(struct gatherd *gatherd)
{
    int signal;

    while ((signal = co_signal_wait(served_signals, N_SIGNALS(served_signals))) == SIGHUP)
        gatherd_reload(gatherd);
    return signal;
}

/* returns the signal that has come; -EIO: the store has failed; -errno */
static int wait_for_end(struct gatherd *gatherd)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "store failure", wait_for_store_failure, gatherd, NULL);
    int signal = rc == 0 ? serve_signals(gatherd) : rc;
    if (signal > 0)
        co_group_cancel(&group, 0, "a signal has come");
    rc = co_group_exit(&group, signal < 0 ? signal : 0);
    return rc < 0 ? rc : signal;
}

static bool is_idle(const struct gatherd *gatherd)
{
    return engine_n_running(gatherd->engine) == 0 && jobs_n_calling(gatherd->jobs) == 0 &&
           http_server_is_idle(gatherd->server);
}

static void say_drained(const struct gatherd *gatherd)
{
    if (is_idle(gatherd))
        log_event(EVENT_DAEMON_DRAINED, LOG_NO_FIELDS, "all that was under way has ended");
    else
        log_event(EVENT_DAEMON_DRAIN_CUT, LOG_NO_FIELDS,
                  "time is up (api.drain_timeout_ms): %zu fetches, %zu callbacks and what clients "
                  "wait for are given up",
                  engine_n_running(gatherd->engine), jobs_n_calling(gatherd->jobs));
}

/* Nothing new is begun; waits until what is under way has ended, or its time is up. */
static int drain(struct gatherd *gatherd)
{
    int rc = 0;

    gatherd->api.is_draining = true;
    gatherd->api.refuses_work = http_server_drain(gatherd->server);
    scheduler_drain(gatherd->scheduler);
    jobs_drain(gatherd->jobs);
    while (rc == 0 && time_left(gatherd) > 0 && !is_idle(gatherd))
        rc = co_sleep(DRAIN_LOOK);
    say_drained(gatherd);
    return rc;
}

/* returns as wait_for_end() */
static int serve_until_end(struct gatherd *gatherd)
{
    service_notify("READY=1\nSTATUS=Listening on %s", http_server_address(gatherd->server, 0));
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "ready");
    int rc = wait_for_end(gatherd);
    uint64_t drain_ms = gatherd->config.api.drain_timeout_ms;
    service_notify("STOPPING=1\nSTATUS=Finishing what is under way\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                   (drain_ms + STOP_MS) * 1000);

    gatherd->drained_by = co_now() + (co_time)drain_ms * CO_MILLISECOND;
    /* The next one ends the process. */
    change_mask(SIG_UNBLOCK, stop_signals, N_SIGNALS(stop_signals));
    if (rc <= 0)
        return rc;
    log_event(EVENT_DAEMON_STOPPING, LOG_FIELDS({"signal", sigabbrev_np(rc)}),
              "stopping on %s: requests have %" PRIu64 ".%03" PRIu64 " s to finish",
              sigabbrev_np(rc), drain_ms / 1000, drain_ms % 1000);
    int drained = drain(gatherd);
    return drained < 0 ? drained : rc;
}

static int serve(void *arg, void **ret_result)
{
    struct gatherd *gatherd = arg;
    int rc = start(gatherd);

    (void)ret_result;
    if (rc == 0)
        rc = serve_until_end(gatherd);
    stop(gatherd);
    return rc < 0 ? rc : 0;
}

static void set_up_process(void)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* libcurl reads host names outside ASCII in it */
    signal(SIGPIPE, SIG_IGN);
    change_mask(SIG_BLOCK, waited_for_signals, N_SIGNALS(waited_for_signals));
    job_parse_init();
    /* Buffers that come and go with every transfer should not be mapped and unmapped each time. */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

static void log_report(void *arg, const struct co_report *report)
{
    (void)arg;
    log_event(EVENT_RUNTIME_REPORT, LOG_NO_FIELDS, "%s", report->text);
}

static int run_loop(struct gatherd *gatherd)
{
    const struct co_loop_options options = {
        .report = log_report,
        .measure_stacks = gatherd->config.log.measure_stacks == STACKS_MEASURED,
    };
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = NULL;
    int rc = co_loop_new(&loop, &options);

    return rc < 0 ? rc : co_loop_run_until_complete(loop, serve, gatherd, NULL);
}

static void complain(void *arg, const char *message)
{
    (void)arg;
    log_event(EVENT_DAEMON_START_FAILED, LOG_NO_FIELDS, "cannot start: %s", message);
}

static void say_security(const struct gatherd *gatherd)
{
    say_access(gatherd->current->tokens, gatherd->config.api.tokens_file, gatherd->egress);
    say_trust(gatherd->config.fetch.ca_file);
}

/* What the configuration says is one thing, what we have another: sockets that were passed, and
 * descriptors. returns 0; -errno, which has been told */
static int take_settings(struct gatherd *gatherd, struct config *config)
{
    struct err err = {""};
    int rc = settings_new(&gatherd->first, config, complain, NULL);

    if (rc < 0)
        return rc;
    gatherd->current = gatherd->first;
    refcount_ref(&gatherd->current->refs);
    gatherd->config = gatherd->current->config;
    gatherd->parse = gatherd->current->requests.parse;
    gatherd->egress = co_take(gatherd->current->egress);
    rc = service_take_sockets(&gatherd->first->config.arena, &gatherd->config.api.listen, &err);
    if (rc < 0)
        complain(NULL, err.message);
    else
        say_security(gatherd);
    descriptors_fit(&gatherd->config, descriptors_raise_limit());
    return rc;
}

static void drop_settings(struct gatherd *gatherd)
{
    egress_free(gatherd->egress);
    settings_unref(gatherd->current);
    settings_unref(gatherd->first);
}

int gatherd_serve(const struct command_line *line, struct config *config)
{
    struct gatherd gatherd = {.line = line};

    set_up_process();
    log_init(STDERR_FILENO);
    log_set_level(config->log.level);
    log_set_format(config->log.format);
    say_starting();
    int rc = take_settings(&gatherd, config);
    if (rc == 0)
        rc = run_loop(&gatherd);
    drop_settings(&gatherd);
    if (rc == 0)
        log_event(EVENT_DAEMON_STOPPED, LOG_NO_FIELDS, "stopped");
    return rc == 0 ? EXIT_STATUS_OK : rc == -EINVAL ? EXIT_STATUS_CONFIG : EXIT_STATUS_FAILED;
}
