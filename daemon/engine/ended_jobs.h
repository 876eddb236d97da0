/* Records of ended jobs that were read lately, so that asking for one again and again costs no look
 * into the store. They never change any more; what is left to watch for is that one is forgotten.
 *
 * A record is kept if nothing was forgotten while it was being read: otherwise it may be that of a
 * job that is gone.
 *
 *     uint64_t n_forgotten = ended_jobs.n_forgotten;
 *
 *     rc = read_the_record(&record);
 *     if (rc == 0)
 *         ended_jobs_keep(&ended_jobs, record, n_forgotten);
 *
 * Beyond its bounds the one that was asked for longest ago goes. Nothing fails here: without memory
 * there is nothing to be found.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/co/list.h"

#include "daemon/model/job_record.h"

/* A record has some 10 KiB: a few hundred of them are kept. */
enum { ENDED_JOBS_MAX = 1024, ENDED_JOBS_MAX_BYTES = 4 << 20, ENDED_JOBS_BUCKETS = 256 };

struct ended_jobs {
    size_t max_jobs;
    size_t max_bytes; /* of records, their texts included */
    size_t n_jobs;
    size_t n_bytes;
    uint64_t n_forgotten; /* since the start, whether they were here or not */
    struct co_list all;   /* the one asked for longest ago first */
    struct ended_job *by_number[ENDED_JOBS_BUCKETS];
    struct ended_job *by_id[ENDED_JOBS_BUCKETS];
};

void ended_jobs_init(struct ended_jobs *jobs, size_t max_jobs, size_t max_bytes);
void ended_jobs_done(struct ended_jobs *jobs);

/* returns    owed one job_record_unref(); NULL: it is not here, or another tenant's: the store
 * knows
 */
struct job_record *ended_jobs_find(struct ended_jobs *jobs, const char *tenant, const char *id);

/* Keeps a reference to a record, if the job has ended and nobody works on it. From then on the
 * record must not be changed.
 *
 * n_forgotten   as it was before the record was read
 */
void ended_jobs_keep(struct ended_jobs *jobs, struct job_record *record, uint64_t n_forgotten);

/* A job has been forgotten, any job. */
void ended_jobs_forget(struct ended_jobs *jobs, int64_t number);
