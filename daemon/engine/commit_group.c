#include "daemon/engine/commit_group.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/engine/callback_payload.h"
#include "daemon/engine/callbacks.h"
#include "daemon/engine/job_watch.h"

enum { MAX_TALLIES = 64 * 1024 * 1024 };

/* A job in the group. */
struct commit_share {
    struct active_job *job;
    size_t n_results;
    size_t tally;   /* where it begins in the group's tallies, */
    size_t payload; /* and in its payloads */
};

struct commit_group {
    size_t n_results, n_ended, n_shares;
    size_t n_bytes;
    struct buffer tallies;
    struct buffer payloads; /* of callbacks */
    struct commit_share shares[COMMIT_GROUP_RESULTS];
    struct store_job_change changes[COMMIT_GROUP_RESULTS]; /* of the shares */
    struct store_result results[COMMIT_GROUP_RESULTS];
    struct recorded *recorded[COMMIT_GROUP_RESULTS]; /* the same, where they come from */
    struct store_chunk_end ends[COMMIT_GROUP_RESULTS];
    struct active_chunk *ended[COMMIT_GROUP_RESULTS];
};

int commit_group_new(struct commit_group **ret_group)
{
    struct commit_group *group = calloc(1, sizeof(*group)); /* its pages come as they are used */

    if (group == NULL)
        return -ENOMEM;
    buffer_init(&group->tallies, MAX_TALLIES);
    buffer_init(&group->payloads, PTRDIFF_MAX);
    *ret_group = group;
    return 0;
}

void commit_group_free(struct commit_group *group)
{
    if (group == NULL)
        return;
    buffer_done(&group->tallies);
    buffer_done(&group->payloads);
    free(group);
}

bool commit_group_is_empty(const struct commit_group *group)
{
    return group->n_shares == 0;
}

bool commit_group_is_full(const struct commit_group *group)
{
    return group->n_results == COMMIT_GROUP_RESULTS || group->n_shares == COMMIT_GROUP_RESULTS ||
           group->n_bytes >= COMMIT_GROUP_BYTES;
}

size_t commit_group_n_results(const struct commit_group *group)
{
    return group->n_results;
}

size_t commit_group_n_bytes(const struct commit_group *group)
{
    return group->n_bytes;
}

/* --- Taking ----------------------------------------------------------------------------------- */

static void end_chunk(struct commit_group *group, struct active_chunk *chunk)
{
    group->ends[group->n_ended] = (struct store_chunk_end){
        .job = chunk->job->record->number,
        .first = chunk->first,
    };
    group->ended[group->n_ended++] = chunk;
}

static void take_result(struct commit_group *group, struct active_job *job)
{
    struct recorded *recorded = job->first_waiting;

    job->first_waiting = recorded->next;
    if (--job->n_waiting == 0)
        job->ending = &job->first_waiting;
    tally_add_entry(&job->next.tally, &recorded->entry);
    group->n_bytes += recorded_size(recorded);
    group->results[group->n_results] = recorded->result;
    group->recorded[group->n_results++] = recorded;
    if (--recorded->chunk->n_unrecorded == 0)
        end_chunk(group, recorded->chunk);
}

static const struct {
    enum job_status status;
    enum job_rest rest;
} ends[] = {
    [RUN_GOES_ON] = {JOB_DONE, REST_NONE},
    [RUN_SATISFIED] = {JOB_DONE, REST_SATISFIED},
    [RUN_DEADLINE] = {JOB_DONE, REST_DEADLINE},
    [RUN_CANCELED] = {JOB_CANCELED, REST_CANCELED},
};

static void end_job(struct active_job *job)
{
    struct job_record *next = &job->next;

    next->status = ends[job->run.stop].status;
    if (next->tally.n_finished < next->tally.n_items)
        next->rest = ends[job->run.stop].rest;
    next->ended_at = instant_now();
    next->expires_at = next->ended_at + next->ttl_us;
}

/* What has happened to the job since its record was written. */
static void move_on(struct active_job *job)
{
    struct job_record *next = &job->next;
    enum job_status before = next->status;
    bool has_all = next->tally.n_finished == next->tally.n_items;

    next->started_at = job->started_at;
    if (has_all || (job->is_over && job->n_waiting == 0))
        end_job(job);
    else if (job->run.stop == RUN_CANCELED)
        next->status = JOB_CANCELING;
    else if (next->started_at != JOB_NEVER)
        next->status = JOB_RUNNING;
    next->version += next->status != before;
}

void commit_group_add(struct commit_group *group, struct active_job *job)
{
    struct commit_share *share = &group->shares[group->n_shares];
    size_t n_before = group->n_results;
    uint64_t n_taken_before = job->n_recorded - job->n_waiting;

    while (job->n_waiting > 0 && !commit_group_is_full(group))
        take_result(group, job);
    move_on(job);
    *share = (struct commit_share){.job = job, .n_results = group->n_results - n_before};
    group->changes[group->n_shares++] = (struct store_job_change){
        .record = &job->next,
        .first_seq = n_taken_before + 1,
        .drops_chunks = job_record_has_ended(&job->next),
    };
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* The tallies move while they are written, so what points to them comes last. */
static int encode_tallies(struct commit_group *group)
{
    group->tallies.len = 0;
    for (size_t i = 0; i < group->n_shares; i++) {
        struct commit_share *share = &group->shares[i];
        share->tally = group->tallies.len;
        if (share->n_results == 0)
            continue;
        int rc = tally_encode(&share->job->next.tally, &group->tallies);
        if (rc < 0)
            return rc;
        group->changes[i].tally_length = group->tallies.len - share->tally;
    }
    for (size_t i = 0; i < group->n_shares; i++)
        if (group->shares[i].n_results > 0)
            group->changes[i].tally = group->tallies.data + group->shares[i].tally;
    return 0;
}

/* In the commit that ends it: else who has asked for that might go away in between, and the job
 * would be there without its end ever being told. */
static bool is_forgotten(const struct active_job *job)
{
    return job->is_deleted && job_record_has_ended(&job->next);
}

static bool calls_back(const struct active_job *job)
{
    return job->record->has_callback && !job->is_deleted && job_record_has_ended(&job->next);
}

/* They move, too. */
static int write_payloads(struct commit_group *group)
{
    group->payloads.len = 0;
    for (size_t i = 0; i < group->n_shares; i++) {
        struct commit_share *share = &group->shares[i];
        share->payload = group->payloads.len;
        group->changes[i].callback = NULL;
        group->changes[i].callback_length = 0;
        group->changes[i].forgets = is_forgotten(share->job);
        if (!calls_back(share->job))
            continue;
        int rc = callback_payload(&share->job->next, &group->payloads);
        if (rc < 0)
            return rc;
        group->changes[i].callback_length = group->payloads.len - share->payload;
    }
    for (size_t i = 0; i < group->n_shares; i++)
        if (group->changes[i].callback_length > 0)
            group->changes[i].callback = group->payloads.data + group->shares[i].payload;
    return 0;
}

int commit_group_write(struct commit_group *group, struct store *store)
{
    const struct store_commit commit = {
        .results = group->results,
        .n_results = group->n_results,
        .ended = group->ends,
        .n_ended = group->n_ended,
        .changes = group->changes,
        .n_changes = group->n_shares,
    };
    int rc = encode_tallies(group) ?: write_payloads(group);

    return rc < 0 ? rc : store_commit(store, &commit);
}

bool commit_group_drop_body(struct commit_group *group)
{
    struct store_result *largest = NULL;

    for (size_t i = 0; i < group->n_results; i++)
        if (group->results[i].body != NULL &&
            (largest == NULL || group->results[i].body_length > largest->body_length))
            largest = &group->results[i];
    if (largest == NULL)
        return false;
    largest->body = NULL;
    largest->body_length = 0;
    return true;
}

/* --- Publishing ------------------------------------------------------------------------------- */

static void count_end(struct stats *stats, const struct job_record *record)
{
    if (record->status == JOB_DONE)
        stats->n_jobs_done++;
    else
        stats->n_jobs_canceled++;
}

static void publish(struct active_job *job, struct stats *stats)
{
    stats->n_items_settled += job_record_n_pending(job->record) - job_record_n_pending(&job->next);
    job_record_update(job->record, &job->next);
    if (job_record_has_ended(job->record))
        count_end(stats, job->record);
    active_context_may_claim(job->context, false); /* less waits to be recorded */
    if (calls_back(job))
        callbacks_wake(job->context->callbacks);
    active_job_notify(job);
    job_watches_wake(job->context->watches, job->record->number, job->record);
}

static void release_chunk(struct active_chunk *chunk)
{
    active_context_may_claim(chunk->job->context, chunk->is_single);
    active_chunk_release(chunk);
}

void commit_group_publish(struct commit_group *group, struct stats *stats)
{
    for (size_t i = 0; i < group->n_results; i++)
        recorded_done(group->recorded[i]);
    for (size_t i = 0; i < group->n_ended; i++)
        release_chunk(group->ended[i]);
    for (size_t i = 0; i < group->n_shares; i++)
        publish(group->shares[i].job, stats);
    buffer_done(&group->payloads);
    group->n_results = group->n_ended = group->n_shares = group->n_bytes = 0;
}
