/* The jobs that are being worked on, each with a task that brings it to its end.
 *
 * A job becomes active when there is something to do for it: a chunk of it has been claimed, or it
 * is to be ended. It stays so until its end has been committed. So there is one way to end a job.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/due_time.h"
#include "daemon/engine/job_table.h"
#include "daemon/model/parse.h"

struct active_jobs {
    struct active_context *context;
    const struct parse_settings *parse;
    struct job_table table;
    struct co_list all;
    struct co_semaphore loading; /* one job is made active at a time */
    struct due_time due;         /* when the keeper has something to do: a job expires */
    struct co_group group;
    struct co_task *task; /* owns the group */
};

/* Borrows what is given. active_jobs_done() is fine whatever it returns.
 *
 * returns    0, -ENOMEM, -ECANCELED
 * suspends   until the group is there
 */
CO_BLOCKS int active_jobs_init(struct active_jobs *jobs, struct active_context *context,
                               const struct parse_settings *parse);

/* Stops what runs: without a result, but for what must not be sent again and may have been. That is
 * `interrupted`. suspends; is not disturbed by cancellation */
void active_jobs_stop(struct active_jobs *jobs);

/* Forgets them; after the recorder has written what was left. */
void active_jobs_done(struct active_jobs *jobs);

/* The job with that number, made active if it was not; owed one active_job_unref().
 *
 * returns    0; -ENOENT: there is none that has not ended; as store_find()
 */
CO_BLOCKS int active_jobs_get(struct active_jobs *jobs, int64_t number,
                              struct active_job **ret_job);

/* The same; a job of which the record cannot be read is ended in the store.
 *
 * returns    -ENOENT: of one that was, too
 */
CO_BLOCKS int active_jobs_get_or_give_up(struct active_jobs *jobs, int64_t number,
                                         struct active_job **ret_job);
