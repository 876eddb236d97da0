#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/base/instant.h"

static void render_names(const struct stats_names *names, struct json_writer *w)
{
    jw_object_begin(w);
    for (unsigned i = 0; i < names->n_names; i++) {
        jw_name(w, names->counts[i].name, strlen(names->counts[i].name));
        jw_uint(w, names->counts[i].n);
    }
    jw_object_end(w);
}

static void render_outcomes(const struct stats *stats, struct json_writer *w)
{
    jw_object_begin(w);
    for (enum outcome i = 0; i < N_OUTCOMES; i++) {
        jw_name(w, outcome_name(i), strlen(outcome_name(i)));
        jw_uint(w, stats->n_finished[i]);
    }
    jw_object_end(w);
}

static void render_items(const struct api *api, struct json_writer *w)
{
    const struct stats *stats = engine_stats(api->engine);

    jw_object_begin(w);
    jw_key(w, "queued");
    jw_uint(w, engine_n_waiting(api->engine));
    jw_key(w, "running");
    jw_uint(w, engine_n_running(api->engine));
    jw_key(w, "retried");
    jw_uint(w, stats->n_retries);
    jw_key(w, "finished");
    render_outcomes(stats, w);
    jw_key(w, "errors");
    render_names(&stats->errors, w);
    jw_key(w, "blocked_by");
    render_names(&stats->blocked, w);
    jw_object_end(w);
}

static void render_jobs(const struct api *api, struct json_writer *w)
{
    const struct stats *stats = engine_stats(api->engine);
    struct jobs_stats jobs;

    jobs_get_stats(api->jobs, &jobs);
    jw_object_begin(w);
    jw_key(w, "accepted");
    jw_uint(w, stats->n_jobs_accepted);
    jw_key(w, "running");
    jw_uint(w, jobs.n_running);
    jw_key(w, "canceling");
    jw_uint(w, jobs.n_canceling);
    jw_key(w, "done");
    jw_uint(w, stats->n_jobs_done);
    jw_key(w, "canceled");
    jw_uint(w, stats->n_jobs_canceled);
    jw_object_end(w);
}

static void render_store(const struct api *api, struct json_writer *w)
{
    static const char *const integrities[] = {
        [STORE_NOT_CHECKED] = "not_checked",
        [STORE_CHECKING] = "checking",
        [STORE_SOUND] = "sound",
        [STORE_CHECK_CUT_SHORT] = "sound_as_far_as_checked",
        [STORE_DAMAGED] = "damaged",
    };
    struct store_stats store;
    struct jobs_stats jobs;

    store_get_stats(api->store, &store);
    jobs_get_stats(api->jobs, &jobs);
    jw_object_begin(w);
    jw_key(w, "jobs");
    jw_uint(w, store.n_jobs);
    jw_key(w, "commits");
    jw_uint(w, store.n_commits);
    jw_key(w, "last_commit_ms");
    jw_ms(w, store.last_commit_us);
    jw_key(w, "results");
    jw_uint(w, store.n_results);
    jw_key(w, "waiting_results");
    jw_uint(w, jobs.n_results);
    jw_key(w, "late_results");
    jw_uint(w, store.n_late_results);
    jw_key(w, "file_bytes");
    jw_uint(w, store.file_bytes);
    jw_key(w, "integrity");
    jw_text(w, integrities[store.integrity]);
    jw_object_end(w);
}

static void render_requests(const struct stats *stats, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "sent");
    jw_uint(w, stats->n_requests);
    jw_key(w, "sent_bytes");
    jw_uint(w, stats->sent_bytes);
    jw_key(w, "received_bytes");
    jw_uint(w, stats->received_bytes);
    jw_key(w, "decoded_bytes");
    jw_uint(w, stats->decoded_bytes);
    jw_key(w, "connections_opened");
    jw_uint(w, stats->n_connections_opened);
    jw_key(w, "connections_reused");
    jw_uint(w, stats->n_connections_reused);
    jw_object_end(w);
}

static void render_loop_lag(const struct loop_lag *lag, struct json_writer *w)
{
    struct loop_lag_summary summary;

    loop_lag_summarize(lag, &summary);
    jw_object_begin(w);
    jw_key(w, "p50");
    jw_ms(w, summary.p50_us);
    jw_key(w, "p99");
    jw_ms(w, summary.p99_us);
    jw_key(w, "max");
    jw_ms(w, summary.max_us);
    jw_key(w, "max_since_start");
    jw_ms(w, lag->max_us);
    jw_object_end(w);
}

int stats_get(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    const struct stats *stats = engine_stats(api->engine);
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "object");
    jw_text(&w, "stats");
    jw_key(&w, "started_at");
    jw_instant(&w, stats->started_at);
    jw_key(&w, "uptime_ms");
    jw_ms(&w, instant_now() - stats->started_at);
    jw_key(&w, "items");
    render_items(api, &w);
    jw_key(&w, "jobs");
    render_jobs(api, &w);
    jw_key(&w, "store");
    render_store(api, &w);
    jw_key(&w, "requests");
    render_requests(stats, &w);
    jw_key(&w, "loop_lag_ms");
    render_loop_lag(api->loop_lag, &w);
    jw_object_end(&w);
    return answer_json(exchange, 200, &w, &body);
}
