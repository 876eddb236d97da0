/* The jobs of the daemon, from acceptance to expiry: each runs as a task of its own, on the engine,
 * with its results going to the store.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/engine.h"
#include "daemon/store/memory_store.h"

struct memory_jobs {
    struct engine *engine;
    struct memory_store *store;
    struct co_task *keeper; /* owns the group, and forgets what has expired */
    struct co_group group;  /* of running jobs */
    struct co_event ended;  /* a job has: there is a new expiry to wait for */
};

/* What is given is borrowed. Starts the keeper in the caller's loop. memory_jobs_done() is fine
 * whatever it returns.
 *
 * returns    0, -ENOMEM, -ECANCELED
 * suspends   until the keeper has started
 */
CO_BLOCKS int memory_jobs_init(struct memory_jobs *jobs, struct engine *engine,
                               struct memory_store *store);

/* Cancels what runs. suspends until it has ended; is not disturbed by cancellation */
void memory_jobs_done(struct memory_jobs *jobs);

/* Accepts a job and starts it. Takes spec over, whatever it returns.
 *
 * returns    0: the caller has a reference; as memory_store_add()
 */
CO_BLOCKS int memory_jobs_submit(struct memory_jobs *jobs, struct job_spec *spec,
                                 struct job **ret_job);

/* Asks a job to end, if it has not: what is running is given up, what is not is skipped. */
void memory_jobs_cancel(struct job *job);

/* Items of the job that are being fetched. */
size_t memory_jobs_n_running(const struct job *job);
