/* The jobs of the daemon, from acceptance to expiry.
 *
 * All jobs are in the store; those that are being worked on are active as well: their record is
 * here, with a run on the engine and some chunks of requests in memory. A claimer keeps active jobs
 * fed, so memory depends on what is in flight and not on the size of jobs; a recorder (recorder.h)
 * commits results in groups; a keeper ends what is overdue and lets the store keep house. A result
 * is visible, and counts, when it has been committed.
 *
 * When the store is full, or has failed, nothing new is started; what was fetched waits for it, up
 * to a bound. When it has failed, jobs_failed() says so, and the daemon should end: on disk is the
 * truth.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/engine.h"
#include "daemon/engine/job_owner.h"
#include "daemon/engine/job_watch.h"
#include "daemon/model/intake.h"
#include "daemon/model/parse.h"
#include "daemon/store/store.h"

struct jobs;

struct jobs_options {
    struct engine *engine; /* all of this is borrowed */
    struct store *store;
    const struct parse_settings *parse; /* for what is read from the store */
    size_t max_running;                 /* fetch.concurrency: claims are for twice that */
    int64_t default_ttl_us;
    int64_t (*now)(void); /* the clock that callbacks are sent by; NULL: instant_now */
};

/* Starts the tasks in the caller's loop.
 *
 * returns    0, -ENOMEM, -ECANCELED
 * suspends   until they have started
 */
CO_BLOCKS int jobs_new(struct jobs **ret_jobs, const struct jobs_options *options);

/* Stops the tasks and what runs; commits what has finished, gives claims back. NULL is fine.
 * suspends; is not disturbed by cancellation */
void jobs_free(struct jobs *jobs);

/* How long jobs that say nothing of it are kept after their end; of those that are yet to come. */
void jobs_set_default_ttl(struct jobs *jobs, int64_t ttl_us);

/* The end is near: nothing more of any job is started, and nobody waits for one any more; what is
 * being fetched goes on, callbacks included. */
void jobs_drain(struct jobs *jobs);

/* Callbacks that are being sent. */
size_t jobs_n_calling(const struct jobs *jobs);

/* Whether a new job would be taken. */
bool jobs_has_room(const struct jobs *jobs);

/* Set when the store has failed for good. */
struct co_event *jobs_failed(struct jobs *jobs);

struct jobs_stats {
    uint64_t n_queued;  /* that have not ended, and are not being worked on */
    uint64_t n_running; /* that are being worked on, and are not being canceled */
    uint64_t n_canceling;
    uint64_t n_results; /* that wait to be committed */
    uint64_t n_items;   /* without a result, of jobs that have not ended, wherever they are */
};

void jobs_get_stats(const struct jobs *jobs, struct jobs_stats *ret_stats);

/* --- For clients ------------------------------------------------------------------------------ */

/* Accepts what an upload has brought, and wakes the claimer.
 *
 * intake     has ended well
 * returns    as store_upload_accept()
 */
CO_BLOCKS int jobs_accept(struct jobs *jobs, struct store_upload *upload,
                          const struct intake *intake, const struct job_owner *owner,
                          struct job_record **ret_record);

/* The job of an id, as clients of its tenant may see it now; owed one job_record_unref(). Others
 * cannot tell that it is there.
 *
 * returns    0, -ENOENT; -EBADMSG: what is stored of it is damaged; as the store
 */
CO_BLOCKS int jobs_find(struct jobs *jobs, const char *tenant, const char *id,
                        struct job_record **ret_record);

/* As store_list(), with what active jobs know better. */
CO_BLOCKS int jobs_list(struct jobs *jobs, const struct store_query *query, size_t limit,
                        struct job_record **ret_records, bool *ret_more);

/* Puts the record of a job as it is now in the place of an earlier one.
 *
 * returns    0; -ENOENT: it has been forgotten; as the store
 */
CO_BLOCKS int jobs_renew(struct jobs *jobs, struct job_record **record);

/* Who waits for a job to change. */
struct job_watches *jobs_watches(struct jobs *jobs);

/* Items of the job that are being fetched. */
size_t jobs_n_running(const struct job_record *record);

/* Asks a job to end, if it has not: what is running is given up, the rest is never started. By the
 * time this returns that is on disk, and the record shows it, also if it is a copy; a job of which
 * nothing was running has ended.
 *
 * returns    0; -ENOENT: it has been forgotten; -ENOSPC: it will end, but the disk cannot take that
 *            yet; as the store
 */
CO_BLOCKS int jobs_cancel(struct jobs *jobs, struct job_record *record);

/* Cancels a job if it has not ended, and forgets it when it has. returns as jobs_cancel() */
CO_BLOCKS int jobs_delete(struct jobs *jobs, struct job_record *record);

/* Forgets a job that jobs_find() has failed to read: -EBADMSG. returns 0; -ENOENT; as the store */
CO_BLOCKS int jobs_delete_damaged(struct jobs *jobs, const char *tenant, const char *id);

/* A new job of the items that have ended without success, those that were never started included,
 * with the same head.
 *
 * owner      of the same tenant; nobody else has its key in hand
 * returns    0; -EALREADY: it has not ended yet; -ENODATA: all were a success; as the store
 */
CO_BLOCKS int jobs_retry(struct jobs *jobs, struct job_record *record,
                         const struct job_owner *owner, struct job_record **ret_record);
