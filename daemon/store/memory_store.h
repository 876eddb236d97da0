/* Where jobs are kept: the interface, and for now one implementation, in memory.
 *
 * A store promises: what memory_store_add() has accepted is found until it is removed or has
 * expired. It is bounded in jobs and, by the budget that results share, in bytes: when it is full,
 * ended jobs go, the oldest first, running ones never. Calls marked CO_BLOCKS may wait for a disk
 * in other implementations, so callers hold no borrowed pointers across them, only references.
 */
#pragma once

#include "lib/co/base.h"

#include "daemon/model/job.h"

struct memory_store;

struct memory_store_options {
    size_t max_jobs;
    int64_t default_ttl_us;
    struct result_budget *budget; /* borrowed; shared with results that are not stored */
};

int memory_store_new(struct memory_store **ret_store, const struct memory_store_options *options);

/* No job may be running. NULL is fine. */
void memory_store_free(struct memory_store *store);

/* Accepts a job, of a spec which it owns from now on.
 *
 * returns    0: the caller has a reference; -ENOSPC: full of jobs that have not ended, or of
 * results; -ENOMEM. On failure the spec is still the caller's
 */
CO_BLOCKS int memory_store_add(struct memory_store *store, struct job_spec *spec,
                               struct job **ret_job);

/* returns    0: the caller has a reference; -ENOENT */
CO_BLOCKS int memory_store_find(struct memory_store *store, const char *id, struct job **ret_job);

/* Which jobs to list. */
struct memory_store_query {
    bool by_status;
    enum job_status status;
    const struct job_label *labels; /* all must match */
    size_t n_labels;
    const char *before; /* an id; only older jobs; NULL: from the newest */
};

/* The newest `limit` jobs at most that match, newest first, each with a reference for the caller.
 *
 * returns    how many; *ret_more says whether there are others
 */
CO_BLOCKS int memory_store_list(struct memory_store *store, const struct memory_store_query *query,
                                size_t limit, struct job **ret_jobs, bool *ret_more);

/* Forgets a job. It must have ended, or be about to: who runs it has a reference. -ENOENT: it is
 * not there any more. */
CO_BLOCKS int memory_store_remove(struct memory_store *store, struct job *job);

/* Forgets what has expired. returns the instant of the next expiry that is known; JOB_NEVER */
int64_t memory_store_expire(struct memory_store *store, int64_t now);
