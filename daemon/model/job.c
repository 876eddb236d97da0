#include "daemon/model/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

static const char *const status_names[JOB_N_STATUSES] = {
    [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",   [JOB_CANCELING] = "canceling",
    [JOB_DONE] = "done",     [JOB_CANCELED] = "canceled",
};

const char *job_status_name(enum job_status status)
{
    return status_names[status];
}

int job_status_from_name(const char *name, enum job_status *ret_status)
{
    for (enum job_status i = 0; i < JOB_N_STATUSES; i++) {
        if (strcmp(status_names[i], name) == 0) {
            *ret_status = i;
            return 0;
        }
    }
    return -EINVAL;
}

int job_new(struct job_spec *spec, struct ulid_source *ids, int64_t default_ttl_us,
            struct result_budget *budget, struct job **ret_job)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        return -ENOMEM;
    memcpy(job->id, JOB_ID_PREFIX, sizeof(JOB_ID_PREFIX));
    job->created_at = instant_now();
    ulid_next(ids, job->created_at / 1000, job->id + strlen(JOB_ID_PREFIX));
    job->started_at = job->ended_at = job->expires_at = JOB_NEVER;
    job->ttl_us = spec->ttl_us > 0 ? spec->ttl_us : default_ttl_us;
    job->version = job->n_references = 1;
    co_list_init(&job->link);
    if (result_set_init(&job->results, spec, job->id, budget) < 0) {
        job_unref(job);
        return -ENOMEM;
    }
    job->spec = spec;
    *ret_job = job;
    return 0;
}

bool job_id_is_valid(const char *text)
{
    size_t prefix = strlen(JOB_ID_PREFIX);

    return strncmp(text, JOB_ID_PREFIX, prefix) == 0 && strlen(text) == JOB_ID_SIZE - 1 &&
           strspn(text + prefix, ulid_digits) == ULID_LENGTH;
}

struct job *job_ref(struct job *job)
{
    job->n_references++;
    return job;
}

void job_unref(struct job *job)
{
    if (job == NULL || --job->n_references > 0)
        return;
    result_set_done(&job->results);
    job_spec_free(job->spec);
    free(job);
}

void job_unrefp(struct job **job)
{
    job_unref(*job);
}

void job_start(struct job *job)
{
    if (job->status == JOB_QUEUED)
        job->status = JOB_RUNNING;
    job->started_at = instant_now();
    job->version++;
}

void job_end(struct job *job, enum job_status status)
{
    job->status = status;
    job->ended_at = instant_now();
    job->expires_at = job->ended_at + job->ttl_us;
    job->version++;
}

static int64_t elapsed_us(const struct job *job)
{
    return (job_has_ended(job) ? job->ended_at : instant_now()) - job->created_at;
}

static void render_labels(const struct job_spec *spec, struct json_writer *w)
{
    jw_key(w, "labels");
    jw_object_begin(w);
    for (size_t i = 0; i < spec->n_labels; i++) {
        jw_name(w, spec->labels[i].key, strlen(spec->labels[i].key));
        jw_text(w, spec->labels[i].value);
    }
    jw_object_end(w);
}

/* Three decimals, rounded down: 1 only when all is done. */
static void render_progress(const struct tally *tally, struct json_writer *w)
{
    char text[16];
    size_t n = tally->n_items > 0 ? tally->n_finished * 1000 / tally->n_items : 1000;
    int length = snprintf(text, sizeof(text), "%zu.%03zu", n / 1000, n % 1000);

    jw_key(w, "progress");
    jw_raw(w, text, (size_t)length);
}

static void render_links(const struct job *job, struct json_writer *w)
{
    static const struct {
        const char *name, *suffix;
    } links[] = {{"self", ""}, {"results", "/results"}, {"cancel", "/cancel"}};

    jw_key(w, "links");
    jw_object_begin(w);
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        char path[64 + JOB_ID_SIZE];
        snprintf(path, sizeof(path), "/v1/jobs/%s%s", job->id, links[i].suffix);
        jw_name(w, links[i].name, strlen(links[i].name));
        jw_text(w, path);
    }
    jw_object_end(w);
}

static void render_instants(const struct job *job, struct json_writer *w)
{
    int64_t deadline_us = job->spec->deadline_us;

    jw_key(w, "created_at");
    jw_instant(w, job->created_at);
    jw_key(w, "started_at");
    jw_instant(w, job->started_at);
    jw_key(w, "ended_at");
    jw_instant(w, job->ended_at);
    jw_key(w, "expires_at");
    jw_instant(w, job->expires_at);
    jw_key(w, "deadline_at");
    jw_instant(w, deadline_us > 0 ? job->created_at + deadline_us : JOB_NEVER);
    jw_key(w, "elapsed_ms");
    jw_ms(w, elapsed_us(job));
}

void job_render(const struct job *job, size_t n_running, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "id");
    jw_text(w, job->id);
    jw_key(w, "object");
    jw_text(w, "job");
    jw_key(w, "name");
    jw_text(w, job->spec->name);
    render_labels(job->spec, w);
    jw_key(w, "status");
    jw_text(w, job_status_name(job->status));
    jw_key(w, "done");
    jw_bool(w, job_has_ended(job));
    jw_key(w, "version");
    jw_uint(w, job->version + job->results.tally.n_finished);
    render_instants(job, w);
    jw_key(w, "counts");
    tally_render_counts(&job->results.tally, n_running, w);
    render_progress(&job->results.tally, w);
    jw_key(w, "stats");
    tally_render_stats(&job->results.tally, w);
    render_links(job, w);
    jw_object_end(w);
}
