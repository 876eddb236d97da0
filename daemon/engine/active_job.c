#include "daemon/engine/active_job.h"

#include <stdlib.h>

struct active_job *active_job_new(struct active_context *context, struct job_record *record,
                                  struct job_head *head)
{
    struct active_job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        return NULL;
    job->context = context;
    job->n_references = 1;
    job->record = record;
    job->next = *record;
    job->head = head;
    job->started_at = record->started_at;
    job->ending = &job->first_waiting;
    job->n_recorded = record->tally.n_finished;
    job->n_unclaimed = record->tally.n_items - record->tally.n_finished;
    co_list_init(&job->link);
    co_list_init(&job->chunks);
    co_list_init(&job->dirty);
    co_event_init(&job->changed);
    record->active = job;
    return job;
}

struct active_job *active_job_ref(struct active_job *job)
{
    job->n_references++;
    return job;
}

static void free_chunk(struct active_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->n_items; i++)
        recorded_done(&chunk->items[i].recorded);
    co_list_remove(&chunk->link);
    job_spec_free(chunk->spec);
    free(chunk);
}

void active_job_unref(struct active_job *job)
{
    if (job == NULL || --job->n_references > 0)
        return;
    while (!co_list_is_empty(&job->chunks))
        free_chunk(co_container_of(job->chunks.next, struct active_chunk, link));
    co_list_remove(&job->dirty);
    job_head_free(job->head);
    job->record->active = NULL;
    job_record_unref(job->record);
    free(job);
}

void active_job_notify(struct active_job *job)
{
    co_event_set(&job->changed);
    co_event_clear(&job->changed);
}

struct active_chunk *active_chunk_new(struct active_job *job, uint32_t first, uint32_t n_items)
{
    struct active_chunk *chunk = calloc(1, sizeof(*chunk) + n_items * sizeof(*chunk->items));

    if (chunk == NULL)
        return NULL;
    chunk->job = job;
    chunk->n_holders = 1;
    chunk->first = first;
    chunk->n_items = n_items;
    co_event_init(&chunk->started);
    co_list_init(&chunk->link);
    co_list_append(&job->chunks, &chunk->link);
    return chunk;
}

void active_chunk_release(struct active_chunk *chunk)
{
    if (chunk != NULL && --chunk->n_holders == 0)
        free_chunk(chunk);
}
