#include "daemon/engine/ended_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/base/hash.h"

struct ended_job {
    struct job_record *record; /* owned */
    size_t n_bytes;
    struct co_list link; /* in `all` */
    struct ended_job *next_by_number;
    struct ended_job *next_by_id;
};

void ended_jobs_init(struct ended_jobs *jobs, size_t max_jobs, size_t max_bytes)
{
    *jobs = (struct ended_jobs){.max_jobs = max_jobs, .max_bytes = max_bytes};
    co_list_init(&jobs->all);
}

/* --- Buckets ---------------------------------------------------------------------------------- */

/* Numbers count up, so they spread by themselves. */
static struct ended_job **number_bucket(struct ended_jobs *jobs, int64_t number)
{
    return &jobs->by_number[(uint64_t)number % ENDED_JOBS_BUCKETS];
}

static struct ended_job **id_bucket(struct ended_jobs *jobs, const char *id)
{
    return &jobs->by_id[hash_text(id) % ENDED_JOBS_BUCKETS];
}

static void enter_buckets(struct ended_jobs *jobs, struct ended_job *job)
{
    struct ended_job **by_number = number_bucket(jobs, job->record->number);
    struct ended_job **by_id = id_bucket(jobs, job->record->id);

    job->next_by_number = *by_number;
    job->next_by_id = *by_id;
    *by_number = *by_id = job;
}

static void leave_buckets(struct ended_jobs *jobs, struct ended_job *job)
{
    struct ended_job **at = number_bucket(jobs, job->record->number);

    while (*at != job)
        at = &(*at)->next_by_number;
    *at = job->next_by_number;
    at = id_bucket(jobs, job->record->id);
    while (*at != job)
        at = &(*at)->next_by_id;
    *at = job->next_by_id;
}

static struct ended_job *find_number(struct ended_jobs *jobs, int64_t number)
{
    struct ended_job *job = *number_bucket(jobs, number);

    while (job != NULL && job->record->number != number)
        job = job->next_by_number;
    return job;
}

static struct ended_job *find_id(struct ended_jobs *jobs, const char *id)
{
    struct ended_job *job = *id_bucket(jobs, id);

    while (job != NULL && strcmp(job->record->id, id) != 0)
        job = job->next_by_id;
    return job;
}

/* --- Going ------------------------------------------------------------------------------------ */

static void drop(struct ended_jobs *jobs, struct ended_job *job)
{
    leave_buckets(jobs, job);
    co_list_remove(&job->link);
    jobs->n_jobs--;
    jobs->n_bytes -= job->n_bytes;
    job_record_unref(job->record);
    free(job);
}

static struct ended_job *oldest(struct ended_jobs *jobs)
{
    return co_container_of(jobs->all.next, struct ended_job, link);
}

void ended_jobs_done(struct ended_jobs *jobs)
{
    while (jobs->n_jobs > 0)
        drop(jobs, oldest(jobs));
}

void ended_jobs_forget(struct ended_jobs *jobs, int64_t number)
{
    struct ended_job *job = find_number(jobs, number);

    jobs->n_forgotten++;
    if (job != NULL)
        drop(jobs, job);
}

/* --- Coming ----------------------------------------------------------------------------------- */

static size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static size_t record_size(const struct job_record *record)
{
    return sizeof(*record) + text_size(record->tenant) + text_size(record->name) +
           text_size(record->labels);
}

static void add(struct ended_jobs *jobs, struct job_record *record)
{
    struct ended_job *job = malloc(sizeof(*job));

    if (job == NULL)
        return;
    *job = (struct ended_job){.record = job_record_ref(record), .n_bytes = record_size(record)};
    enter_buckets(jobs, job);
    co_list_append(&jobs->all, &job->link);
    jobs->n_jobs++;
    jobs->n_bytes += job->n_bytes;
    while (jobs->n_jobs > jobs->max_jobs || jobs->n_bytes > jobs->max_bytes)
        drop(jobs, oldest(jobs));
}

void ended_jobs_keep(struct ended_jobs *jobs, struct job_record *record, uint64_t n_forgotten)
{
    if (job_record_has_ended(record) && record->active == NULL &&
        jobs->n_forgotten == n_forgotten && find_number(jobs, record->number) == NULL)
        add(jobs, record);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static bool is_of(const struct job_record *record, const char *tenant)
{
    return strcmp(record->tenant != NULL ? record->tenant : "", tenant) == 0;
}

struct job_record *ended_jobs_find(struct ended_jobs *jobs, const char *tenant, const char *id)
{
    struct ended_job *job = find_id(jobs, id);

    if (job == NULL || !is_of(job->record, tenant))
        return NULL;
    co_list_remove(&job->link);
    co_list_append(&jobs->all, &job->link);
    return job_record_ref(job->record);
}
