#include "daemon/gatherd.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"
#include "lib/net/dns.h"
#include "lib/net/http.h"

#include "daemon/api/api.h"
#include "daemon/api/drain.h"
#include "daemon/api/http_server.h"
#include "daemon/base/endpoint.h"
#include "daemon/base/state_directory.h"
#include "daemon/descriptors.h"
#include "daemon/engine/egress.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/jobs.h"
#include "daemon/engine/loop_lag.h"
#include "daemon/engine/scheduler.h"
#include "daemon/model/result_set.h"
#include "daemon/request_settings.h"
#include "daemon/service_manager.h"
#include "daemon/store/store.h"
#include "daemon/task_dump.h"

#define DRAIN_LOOK (10 * CO_MILLISECOND) /* how often to see whether all is finished */

enum {
    MAX_SERVERS_TEXT = 1024,
    STOP_MS = 10000, /* at most, from the end of draining to that of the process */
};

struct gatherd {
    const struct config *config;
    struct co_task *task_dump;
    struct co_task *watchdog; /* NULL: nobody watches */
    struct loop_lag loop_lag;
    struct request_settings requests;
    struct egress *egress;
    struct co_dns *dns;
    struct co_http_session *session;
    struct engine *engine;
    struct result_budget budget;
    struct store *store;
    struct jobs *jobs;
    struct scheduler *scheduler;
    struct tokens *tokens; /* NULL: none are asked for */
    struct api api;
    struct http_traffic traffic;
    struct http_server *server;
    co_time drained_by; /* what is under way then is given up */
};

/* --- Starting, each part on the ones before --------------------------------------------------- */

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

static int read_request_settings(struct gatherd *gatherd, struct err *err)
{
    return request_settings_init(&gatherd->requests, gatherd->config, err);
}

static int start_egress(struct gatherd *gatherd, struct err *err)
{
    const struct string_list *allow = &gatherd->config->egress.allow;
    const struct string_list *deny = &gatherd->config->egress.deny;
    const struct string_list *nat64 = &gatherd->config->egress.nat64_prefixes;
    int rc = egress_new(&gatherd->egress, allow->items, allow->n, deny->items, deny->n, err);

    return rc < 0 ? rc
                  : egress_set_nat64(gatherd->egress, gatherd->config->egress.nat64 == NAT64_DENY,
                                     nat64->items, nat64->n, err);
}

static int start_dns(struct gatherd *gatherd, struct err *err)
{
    const struct string_list *servers = &gatherd->config->fetch.dns_servers;
    char text[MAX_SERVERS_TEXT] = "";
    size_t length = 0;

    for (size_t i = 0; i < servers->n; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i > 0 ? "," : "",
                                   servers->items[i]);
        if (length >= sizeof(text))
            return err_set(err, -EINVAL, "fetch.dns_servers is too long");
    }
    const struct co_dns_options options = {
        .servers = text,
        .timeout = (co_time)gatherd->config->fetch.dns_timeout_ms * CO_MILLISECOND,
    };
    int rc = co_dns_new(&gatherd->dns, &options);
    return rc == -EINVAL ? err_set(err, rc, "fetch.dns_servers cannot be read: %s", text) : rc;
}

static int start_session(struct gatherd *gatherd, struct err *err)
{
    const struct co_http_session_options options = {
        .dns = gatherd->dns,
        .ca_file = gatherd->config->fetch.ca_file,
        .max_idle_connections = (unsigned)gatherd->config->fetch.max_idle_connections,
    };

    (void)err;
    return co_http_session_new(&gatherd->session, &options);
}

static int start_engine(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = gatherd->config;
    const struct fetcher fetcher = {
        .session = gatherd->session,
        .egress = gatherd->egress,
        .credentials = gatherd->requests.credentials,
        .max_header_bytes = config->fetch.max_header_bytes,
        .max_body_bytes = config->fetch.max_body_bytes,
        .max_decode_ratio = (unsigned)config->fetch.max_decode_ratio,
    };

    (void)err;
    return engine_new(&gatherd->engine, &fetcher, (unsigned)config->fetch.concurrency,
                      (unsigned)config->fetch.per_host_concurrency);
}

static int start_store(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = gatherd->config;
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
    free(path);
    return rc;
}

static int start_jobs(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = gatherd->config;
    const struct jobs_options options = {
        .engine = gatherd->engine,
        .store = gatherd->store,
        .parse = &gatherd->requests.parse,
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
        .parse = &gatherd->requests.parse,
        .max_schedules = gatherd->config->schedules.max_schedules,
    };

    (void)err;
    return scheduler_new(&gatherd->scheduler, &options);
}

static int read_tokens(struct gatherd *gatherd, struct err *err)
{
    return tokens_load(&gatherd->tokens, gatherd->config->api.tokens_file, err);
}

/* Nobody may reach our own API through us. What sockets that were passed to us are bound to is known
 * only now; nothing is accepted before we first wait. */
static int block_own_addresses(struct gatherd *gatherd, struct err *err)
{
    const char *text;
    int rc = 0;

    for (size_t i = 0; rc == 0 && (text = http_server_address(gatherd->server, i)) != NULL; i++) {
        struct endpoint endpoint;
        if (gatherd->tokens == NULL)
            rc = endpoints_check_local(&text, 1, err);
        if (rc == 0 && endpoint_parse(text, &endpoint, NULL) == 0 && endpoint.path == NULL)
            rc = egress_block_listener(gatherd->egress, &endpoint.address);
        if (rc == 0)
            log_info("listening on %s", text);
    }
    return rc;
}

static int start_api(struct gatherd *gatherd, struct err *err)
{
    const struct config *config = gatherd->config;

    gatherd->budget.max = config->jobs.max_result_bytes;
    gatherd->api = (struct api){
        .engine = gatherd->engine,
        .jobs = gatherd->jobs,
        .store = gatherd->store,
        .scheduler = gatherd->scheduler,
        .parse = gatherd->requests.parse,
        .probes = &gatherd->requests.probes,
        .budget = &gatherd->budget,
        .config = config,
        .loop_lag = &gatherd->loop_lag,
        .dns = gatherd->dns,
        .traffic = &gatherd->traffic,
    };
    submit_keys_init(&gatherd->api.submit_keys);
    job_renderings_init(&gatherd->api.renderings, gatherd->store, &gatherd->requests.parse);
    int rc = http_traffic_init(&gatherd->traffic, api_routes, api_n_routes);
    if (rc == 0)
        rc = access_init(&gatherd->api.access, gatherd->tokens);
    if (rc == 0 && gatherd->tokens == NULL)
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
        .allowed_hosts = config->api.allowed_hosts.items,
        .n_allowed_hosts = config->api.allowed_hosts.n,
        .allowed_origins = config->api.allowed_origins.items,
        .n_allowed_origins = config->api.allowed_origins.n,
    };
    rc = http_server_new(&gatherd->server, &options, err);
    return rc < 0 ? rc : block_own_addresses(gatherd, err);
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
    {"the task dump", start_task_dump},
    {"the measuring of the loop's lag", start_loop_lag},
    {"the settings of requests", read_request_settings},
    {"the egress policy", start_egress},
    {"name resolution", start_dns},
    {"the HTTP session", start_session},
    {"the engine", start_engine},
    {"the job store", start_store},
    {"the jobs", start_jobs},
    {"the schedules", start_scheduler},
    {"the tokens", read_tokens},
    {"the API", start_api},
    {"the watchdog", start_watchdog},
};

static int start(struct gatherd *gatherd)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        struct err err = {""};
        int rc = parts[i].start(gatherd, &err);
        if (rc < 0) {
            log_error("cannot start %s: %s", parts[i].name,
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
    access_done(&gatherd->api.access);
    tokens_free(gatherd->tokens);
    scheduler_free(gatherd->scheduler);
    jobs_free(gatherd->jobs);
    store_close(gatherd->store);
    engine_free(gatherd->engine);
    co_http_session_free(gatherd->session);
    co_dns_free(gatherd->dns);
    egress_free(gatherd->egress);
    request_settings_done(&gatherd->requests);
    loop_lag_stop(&gatherd->loop_lag);
    co_task_stop(gatherd->watchdog, "the daemon is stopping");
    co_task_stop(gatherd->task_dump, "the daemon is stopping");
}

/* --- The main task ---------------------------------------------------------------------------- */

static const int stop_signals[] = {SIGTERM, SIGINT};
static const int waited_for_signals[] = {SIGTERM, SIGINT, SIGUSR1};

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
    log_error("the job store has failed and cannot be trusted as it is in memory, so gatherd ends: "
              "what was acknowledged is on disk; look after the disk, and start it again");
    return -EIO;
}

/* returns the signal that has come; -EIO: the store has failed; -errno */
static int wait_for_end(struct gatherd *gatherd)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "store failure", wait_for_store_failure, gatherd, NULL);
    int signal = rc == 0 ? co_signal_wait(stop_signals, N_SIGNALS(stop_signals)) : rc;
    if (signal > 0)
        co_group_cancel(&group, 0, "a signal has come");
    rc = co_group_exit(&group, signal < 0 ? signal : 0);
    return rc < 0 ? rc : signal;
}

/* Nothing new is begun; waits until what is under way has ended, or its time is up. */
static int drain(struct gatherd *gatherd)
{
    int rc = 0;

    gatherd->api.is_draining = true;
    http_server_drain(gatherd->server);
    scheduler_drain(gatherd->scheduler);
    jobs_drain(gatherd->jobs);
    while (rc == 0 && time_left(gatherd) > 0 &&
           (engine_n_running(gatherd->engine) > 0 || jobs_n_calling(gatherd->jobs) > 0 ||
            !http_server_is_idle(gatherd->server)))
        rc = co_sleep(DRAIN_LOOK);
    return rc;
}

/* returns as wait_for_end() */
static int serve_until_end(struct gatherd *gatherd)
{
    uint64_t drain_ms = gatherd->config->api.drain_timeout_ms;

    service_notify("READY=1\nSTATUS=Listening on %s", http_server_address(gatherd->server, 0));
    int rc = wait_for_end(gatherd);
    service_notify("STOPPING=1\nSTATUS=Finishing what is under way\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                   (drain_ms + STOP_MS) * 1000);

    gatherd->drained_by = co_now() + (co_time)drain_ms * CO_MILLISECOND;
    /* The next one ends the process. */
    change_mask(SIG_UNBLOCK, stop_signals, N_SIGNALS(stop_signals));
    if (rc <= 0)
        return rc;
    log_info("stopping on %s: requests have %" PRIu64 ".%03" PRIu64 " s to finish",
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
    log_warning("%s", report->text);
}

static int run_loop(struct gatherd *gatherd)
{
    const struct co_loop_options options = {
        .report = log_report,
        .measure_stacks = gatherd->config->log.measure_stacks == STACKS_MEASURED,
    };
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = NULL;
    int rc = co_loop_new(&loop, &options);

    return rc < 0 ? rc : co_loop_run_until_complete(loop, serve, gatherd, NULL);
}

int gatherd_serve(const struct config *config)
{
    struct config fitting = *config; /* its texts are config's */
    struct gatherd gatherd = {.config = &fitting};

    set_up_process();
    log_set_level(config->log.level);
    descriptors_fit(&fitting, descriptors_raise_limit());
    int rc = run_loop(&gatherd);
    if (rc == 0)
        log_info("stopped");
    return rc == 0 ? EXIT_STATUS_OK : rc == -EINVAL ? EXIT_STATUS_CONFIG : EXIT_STATUS_FAILED;
}
