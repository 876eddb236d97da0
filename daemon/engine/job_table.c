#include "daemon/engine/job_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/hash.h"

enum { FIRST_N_BUCKETS = 64 };

/* Numbers count up, so they spread by themselves. */
static struct active_job **number_bucket(const struct job_table *table, int64_t number)
{
    return &table->by_number[(uint64_t)number & (table->n_buckets - 1)];
}

static struct active_job **id_bucket(const struct job_table *table, const char *id)
{
    return &table->by_id[hash_text(id) & (table->n_buckets - 1)];
}

static int make_buckets(struct job_table *table, size_t n_buckets)
{
    table->by_number = calloc(n_buckets, sizeof(struct active_job *));
    table->by_id = calloc(n_buckets, sizeof(struct active_job *));
    table->n_buckets = n_buckets;
    if (table->by_number != NULL && table->by_id != NULL)
        return 0;
    job_table_done(table);
    return -ENOMEM;
}

int job_table_init(struct job_table *table)
{
    *table = (struct job_table){.n_jobs = 0};
    return make_buckets(table, FIRST_N_BUCKETS);
}

void job_table_done(struct job_table *table)
{
    free(co_take(table->by_number));
    free(co_take(table->by_id));
}

static void link_job(struct job_table *table, struct active_job *job)
{
    struct active_job **by_number = number_bucket(table, job->record->number);
    struct active_job **by_id = id_bucket(table, job->record->id);

    job->next_by_number = *by_number;
    job->next_by_id = *by_id;
    *by_number = *by_id = job;
}

static void grow(struct job_table *table)
{
    struct job_table larger = {.n_jobs = table->n_jobs};

    if (make_buckets(&larger, table->n_buckets * 2) < 0)
        return;
    for (size_t i = 0; i < table->n_buckets; i++) {
        struct active_job *next;
        for (struct active_job *job = table->by_number[i]; job != NULL; job = next) {
            next = job->next_by_number;
            link_job(&larger, job);
        }
    }
    job_table_done(table);
    *table = larger;
}

void job_table_add(struct job_table *table, struct active_job *job)
{
    if (table->n_jobs++ >= table->n_buckets)
        grow(table);
    link_job(table, job);
}

void job_table_remove(struct job_table *table, struct active_job *job)
{
    struct active_job **at = number_bucket(table, job->record->number);

    while (*at != job)
        at = &(*at)->next_by_number;
    *at = job->next_by_number;
    at = id_bucket(table, job->record->id);
    while (*at != job)
        at = &(*at)->next_by_id;
    *at = job->next_by_id;
    table->n_jobs--;
}

struct active_job *job_table_find(const struct job_table *table, int64_t number)
{
    struct active_job *job = *number_bucket(table, number);

    while (job != NULL && job->record->number != number)
        job = job->next_by_number;
    return job;
}

struct active_job *job_table_find_id(const struct job_table *table, const char *id)
{
    struct active_job *job = *id_bucket(table, id);

    while (job != NULL && strcmp(job->record->id, id) != 0)
        job = job->next_by_id;
    return job;
}
