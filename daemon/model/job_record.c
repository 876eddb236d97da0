#include "daemon/model/job_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

/* --- Life ------------------------------------------------------------------------------------- */

struct job_record *job_record_new(void)
{
    struct job_record *record = calloc(1, sizeof(*record));

    if (record == NULL)
        return NULL;
    record->created_at = record->started_at = record->ended_at = JOB_NEVER;
    record->expires_at = record->deadline_at = JOB_NEVER;
    record->n_references = 1;
    return record;
}

struct job_record *job_record_ref(struct job_record *record)
{
    record->n_references++;
    return record;
}

void job_record_unref(struct job_record *record)
{
    if (record == NULL || --record->n_references > 0)
        return;
    free(record->tenant);
    free(record->name);
    free(record->labels);
    free(record);
}

void job_record_unrefp(struct job_record **record)
{
    job_record_unref(*record);
}

void job_record_update(struct job_record *record, const struct job_record *newer)
{
    if (record == newer)
        return;
    record->status = newer->status;
    record->rest = newer->rest;
    record->started_at = newer->started_at;
    record->ended_at = newer->ended_at;
    record->expires_at = newer->expires_at;
    record->version = newer->version;
    record->tally = newer->tally;
}

/* --- The rest --------------------------------------------------------------------------------- */

static const struct result_error rest_errors[N_JOB_RESTS] = {
    [REST_SATISFIED] =
        {.code = "canceled",
         .phase = "queue",
         .message = "what the gather waits for was decided before this had ended (gather.until, "
                    "gather.on_failure)"},
    [REST_DEADLINE] = {.code = "deadline_exceeded",
                       .phase = "queue",
                       .message = "the deadline of the whole batch (deadline_ms) passed",
                       .retryable = true},
    [REST_CANCELED] = {.code = "canceled", .phase = "queue", .message = "the job was canceled"},
};

enum outcome job_rest_outcome(enum job_rest rest)
{
    (void)rest;
    return OUTCOME_SKIPPED;
}

const struct result_error *job_rest_error(enum job_rest rest)
{
    return &rest_errors[rest];
}

/* --- As clients see it ------------------------------------------------------------------------ */

uint64_t job_record_version(const struct job_record *record)
{
    return record->version + record->tally.n_finished;
}

static int64_t elapsed_us(const struct job_record *record)
{
    return (job_record_has_ended(record) ? record->ended_at : instant_now()) - record->created_at;
}

/* Three decimals, rounded down: 1 only when all is done. */
static void render_progress(struct json_writer *w, const struct tally *tally)
{
    char text[16];
    size_t n = tally->n_items > 0 ? tally->n_finished * 1000 / tally->n_items : 1000;
    int length = snprintf(text, sizeof(text), "%zu.%03zu", n / 1000, n % 1000);

    jw_key(w, "progress");
    jw_raw(w, text, (size_t)length);
}

static void render_links(struct json_writer *w, const struct job_record *record)
{
    static const struct {
        const char *name, *suffix;
    } links[] = {{"self", ""},
                 {"results", "/results"},
                 {"events", "/events"},
                 {"cancel", "/cancel"},
                 {"callback", "/callback"}};
    size_t n_links = sizeof(links) / sizeof(*links) - !record->has_callback;

    jw_key(w, "links");
    jw_object_begin(w);
    for (size_t i = 0; i < n_links; i++) {
        char path[64 + JOB_ID_SIZE];
        snprintf(path, sizeof(path), "/v1/jobs/%s%s", record->id, links[i].suffix);
        jw_name(w, links[i].name, strlen(links[i].name));
        jw_text(w, path);
    }
    jw_object_end(w);
}

static void render_identity(struct json_writer *w, const struct job_record *record)
{
    const char *labels = record->labels != NULL ? record->labels : "{}";

    jw_key(w, "id");
    jw_text(w, record->id);
    jw_key(w, "object");
    jw_text(w, "job");
    jw_key(w, "name");
    jw_text(w, record->name);
    jw_key(w, "labels");
    jw_raw(w, labels, strlen(labels));
    jw_key(w, "status");
    jw_text(w, job_status_name(record->status));
    jw_key(w, "done");
    jw_bool(w, job_record_has_ended(record));
    jw_key(w, "version");
    jw_uint(w, job_record_version(record));
}

static void render_instants(struct json_writer *w, const struct job_record *record)
{
    jw_key(w, "created_at");
    jw_instant(w, record->created_at);
    jw_key(w, "started_at");
    jw_instant(w, record->started_at);
    jw_key(w, "ended_at");
    jw_instant(w, record->ended_at);
    jw_key(w, "expires_at");
    jw_instant(w, record->expires_at);
    jw_key(w, "deadline_at");
    jw_instant(w, record->deadline_at);
    jw_key(w, "elapsed_ms");
    jw_ms(w, elapsed_us(record));
}

static void render_tally(struct json_writer *w, const struct tally *tally, size_t n_running)
{
    jw_key(w, "counts");
    tally_render_counts(tally, n_running, w);
    render_progress(w, tally);
    jw_key(w, "stats");
    tally_render_stats(tally, w);
}

/* What is committed may be more than what the engine has noticed, and the other way round. */
static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

static void render_counts(struct json_writer *w, const struct job_record *record, size_t n_running)
{
    size_t n_left = record->tally.n_items - record->tally.n_finished;

    if (!job_record_has_ended(record) || n_left == 0 || record->rest == REST_NONE) {
        render_tally(w, &record->tally, at_most(n_running, n_left));
        return;
    }
    struct tally whole = record->tally;
    tally_add_rest(&whole, n_left, job_rest_outcome(record->rest),
                   job_rest_error(record->rest)->code);
    render_tally(w, &whole, 0);
}

void job_record_render_members(const struct job_record *record, size_t n_running,
                               struct json_writer *w)
{
    render_identity(w, record);
    render_instants(w, record);
    render_counts(w, record, n_running);
    render_links(w, record);
}

void job_record_render(const struct job_record *record, size_t n_running, struct json_writer *w)
{
    jw_object_begin(w);
    job_record_render_members(record, n_running, w);
    jw_object_end(w);
}

void job_record_render_progress(const struct job_record *record, size_t n_running,
                                struct json_writer *w)
{
    const struct tally *tally = &record->tally;

    jw_object_begin(w);
    jw_key(w, "status");
    jw_text(w, job_status_name(record->status));
    jw_key(w, "counts");
    tally_render_counts(tally, at_most(n_running, tally->n_items - tally->n_finished), w);
    render_progress(w, tally);
    jw_object_end(w);
}
