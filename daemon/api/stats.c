/* /v1/stats: numbers since the start and of now, once, or as an event each second. */
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/job_stream.h"
#include "daemon/api/list_query.h"
#include "daemon/api/reading.h"

typedef void render_fn(const void *value, struct json_writer *w);

static void render_count(const void *value, struct json_writer *w)
{
    jw_uint(w, *(const uint64_t *)value);
}

static void render_duration(const void *value, struct json_writer *w)
{
    jw_ms(w, *(const int64_t *)value);
}

static void render_instant(const void *value, struct json_writer *w)
{
    jw_instant(w, *(const int64_t *)value);
}

static void render_flag(const void *value, struct json_writer *w)
{
    jw_bool(w, *(const uint64_t *)value != 0);
}

static void render_names(const void *value, struct json_writer *w)
{
    const struct stats_names *names = value;

    jw_object_begin(w);
    for (unsigned i = 0; i < names->n_names; i++) {
        jw_name(w, names->counts[i].name, strlen(names->counts[i].name));
        jw_uint(w, names->counts[i].n);
    }
    jw_object_end(w);
}

/* An array of counts as an object, with these names. */
static void render_named(const uint64_t *counts, size_t n, const char *(*name_of)(size_t i),
                         struct json_writer *w)
{
    jw_object_begin(w);
    for (size_t i = 0; i < n; i++) {
        jw_name(w, name_of(i), strlen(name_of(i)));
        jw_uint(w, counts[i]);
    }
    jw_object_end(w);
}

static const char *outcome_name_at(size_t i)
{
    return outcome_name((enum outcome)i);
}

static void render_outcomes(const void *value, struct json_writer *w)
{
    render_named(value, N_OUTCOMES, outcome_name_at, w);
}

static const char *dns_outcome_name_at(size_t i)
{
    return co_dns_outcome_name((enum co_dns_outcome)i);
}

static void render_dns_outcomes(const void *value, struct json_writer *w)
{
    render_named(value, CO_DNS_N_OUTCOMES, dns_outcome_name_at, w);
}

static void render_health(const void *value, struct json_writer *w)
{
    jw_text(w, store_health_name(*(const enum store_health *)value));
}

static void render_integrity(const void *value, struct json_writer *w)
{
    static const char *const names[] = {
        [STORE_NOT_CHECKED] = "not_checked",
        [STORE_CHECKING] = "checking",
        [STORE_SOUND] = "sound",
        [STORE_CHECK_CUT_SHORT] = "sound_as_far_as_checked",
        [STORE_DAMAGED] = "damaged",
    };

    jw_text(w, names[*(const enum store_integrity *)value]);
}

/* Members of an object are next to each other. */
static const struct member {
    const char *object; /* NULL: of the document itself */
    const char *name;
    render_fn *render;
    size_t offset; /* in struct reading */
} members[] = {
#define AT(place) offsetof(struct reading, place)
    {NULL, "started_at", render_instant, AT(stats.started_at)},
    {NULL, "uptime_ms", render_duration, AT(uptime_us)},
    {NULL, "draining", render_flag, AT(is_draining)},
    {"items", "queued", render_count, AT(n_items_queued)},
    {"items", "running", render_count, AT(n_items_running)},
    {"items", "retried", render_count, AT(stats.n_retries)},
    {"items", "finished", render_outcomes, AT(stats.n_finished)},
    {"items", "errors", render_names, AT(stats.errors)},
    {"items", "blocked_by", render_names, AT(stats.blocked)},
    {"jobs", "accepted", render_count, AT(stats.n_jobs_accepted)},
    {"jobs", "queued", render_count, AT(jobs.n_queued)},
    {"jobs", "running", render_count, AT(jobs.n_running)},
    {"jobs", "canceling", render_count, AT(jobs.n_canceling)},
    {"jobs", "done", render_count, AT(stats.n_jobs_done)},
    {"jobs", "canceled", render_count, AT(stats.n_jobs_canceled)},
    {"jobs", "pending_items", render_count, AT(jobs.n_items)},
    {"store", "health", render_health, AT(store_health)},
    {"store", "jobs", render_count, AT(store.n_jobs)},
    {"store", "commits", render_count, AT(store.n_commits)},
    {"store", "last_commit_ms", render_duration, AT(store.last_commit_us)},
    {"store", "results", render_count, AT(store.n_results)},
    {"store", "waiting_results", render_count, AT(jobs.n_results)},
    {"store", "late_results", render_count, AT(store.n_late_results)},
    {"store", "file_bytes", render_count, AT(store.file_bytes)},
    {"store", "integrity", render_integrity, AT(store.integrity)},
    {"requests", "sent", render_count, AT(stats.n_requests)},
    {"requests", "sent_bytes", render_count, AT(stats.sent_bytes)},
    {"requests", "received_bytes", render_count, AT(stats.received_bytes)},
    {"requests", "decoded_bytes", render_count, AT(stats.decoded_bytes)},
    {"requests", "connections_opened", render_count, AT(stats.n_connections_opened)},
    {"requests", "connections_reused", render_count, AT(stats.n_connections_reused)},
    {"dns", "lookups", render_count, AT(dns.n_lookups)},
    {"dns", "known", render_count, AT(dns.n_known)},
    {"dns", "queries", render_dns_outcomes, AT(dns.n_queries)},
    {"dns", "cached_names", render_count, AT(dns.n_cached)},
    {"api", "connections", render_count, AT(n_connections)},
    {"loop", "tasks", render_count, AT(n_tasks)},
    {"loop", "timers", render_count, AT(n_timers)},
    {"loop", "stacks", render_count, AT(n_stacks)},
    {"loop", "thread_jobs", render_count, AT(n_thread_jobs)},
    {"loop_lag_ms", "p50", render_duration, AT(lag.p50_us)},
    {"loop_lag_ms", "p99", render_duration, AT(lag.p99_us)},
    {"loop_lag_ms", "max", render_duration, AT(lag.max_us)},
    {"loop_lag_ms", "max_since_start", render_duration, AT(max_lag_us)},
#undef AT
};

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void enter_object(const char *object, const char *before, struct json_writer *w)
{
    if (is_same(object, before))
        return;
    if (before != NULL)
        jw_object_end(w);
    jw_name(w, object, strlen(object));
    jw_object_begin(w);
}

static void render_members(const struct reading *reading, struct json_writer *w)
{
    const char *object = NULL;

    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        const struct member *member = &members[i];
        enter_object(member->object, object, w);
        object = member->object;
        jw_name(w, member->name, strlen(member->name));
        member->render((const char *)reading + member->offset, w);
    }
    jw_object_end(w); /* of the last one */
}

static void render(struct api *api, struct json_writer *w)
{
    struct reading reading;

    reading_take(api, &reading);
    jw_object_begin(w);
    jw_key(w, "object");
    jw_text(w, "stats");
    render_members(&reading, w);
    jw_object_end(w);
}

static int answer_once(struct http_exchange *exchange, struct api *api)
{
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    render(api, &w);
    return answer_json(exchange, 200, &w, &body);
}

/* --- As events -------------------------------------------------------------------------------- */

#define PACE (1 * CO_SECOND)

static const char head_of_event[] = "event: stats\ndata: ";

static int render_event(struct api *api, struct buffer *out)
{
    struct json_writer w;
    int rc = buffer_append(out, head_of_event, strlen(head_of_event));

    if (rc < 0)
        return rc;
    jw_init(&w, out);
    render(api, &w);
    rc = jw_finish(&w);
    return rc < 0 ? rc : buffer_append(out, "\n\n", 2);
}

static CO_BLOCKS int send_event(struct http_exchange *exchange, struct api *api)
{
    CO_CLEANUP(buffer_done) struct buffer event;

    buffer_init(&event, SIZE_MAX);
    int rc = render_event(api, &event);
    return rc < 0 ? rc : http_answer_write(exchange, event.data, event.len);
}

/* It never says nothing for long, so it needs no heartbeat. */
static CO_BLOCKS int stream(struct http_exchange *exchange, struct api *api)
{
    int rc = job_stream_begin(exchange, "text/event-stream");

    if (rc != 0)
        return rc < 0 ? rc : 0;
    while ((rc = send_event(exchange, api)) == 0 && (rc = co_sleep(PACE)) == 0)
        ;
    return job_stream_end(rc);
}

int stats_get(struct http_exchange *exchange, void *arg)
{
    static const char *const types[] = {"application/json", "text/event-stream"};
    size_t type;
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = answer_choose(exchange, types, sizeof(types) / sizeof(*types), &type);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return type == 0 ? answer_once(exchange, arg) : stream(exchange, arg);
}
