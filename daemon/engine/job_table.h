/* Active jobs by number and by id. */
#pragma once

#include "daemon/engine/active_job.h"

struct job_table {
    struct active_job **by_number;
    struct active_job **by_id;
    size_t n_buckets; /* of each; a power of two */
    size_t n_jobs;
};

/* returns 0, -ENOMEM */
int job_table_init(struct job_table *table);
void job_table_done(struct job_table *table);

/* Cannot fail: without memory for more buckets it gets slower. */
void job_table_add(struct job_table *table, struct active_job *job);
void job_table_remove(struct job_table *table, struct active_job *job);

/* returns NULL: it is not here */
struct active_job *job_table_find(const struct job_table *table, int64_t number);
struct active_job *job_table_find_id(const struct job_table *table, const char *id);
