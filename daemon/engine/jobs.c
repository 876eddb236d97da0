#include "daemon/engine/jobs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/engine/active_jobs.h"
#include "daemon/engine/callbacks.h"
#include "daemon/engine/claimer.h"
#include "daemon/engine/ended_jobs.h"
#include "daemon/engine/job_keeper.h"
#include "daemon/engine/job_retry.h"
#include "daemon/engine/recorder.h"
#include "daemon/engine/store_watch.h"

/* How often who waits for a change of a job asks whether the store still takes any. */
#define PATIENCE (500 * CO_MILLISECOND)

struct jobs {
    struct store *store;
    struct stats *stats;
    struct job_retry_options retry;
    struct store_watch watch;
    struct job_watches watches;
    struct ended_jobs ended;
    struct active_context context;
    struct active_jobs active;
    struct claimer *claimer;
    struct co_task *keeper;
};

/* --- From beginning to end -------------------------------------------------------------------- */

static int start_callbacks(struct jobs *jobs, const struct jobs_options *options)
{
    const struct callbacks_options callbacks = {
        .store = options->store,
        .watch = &jobs->watch,
        .fetcher = engine_fetcher(options->engine),
        .settings = options->parse,
        .stats = jobs->stats,
        .now = options->now,
    };

    return callbacks_new(&jobs->context.callbacks, &callbacks);
}

static CO_BLOCKS int start(struct jobs *jobs, const struct jobs_options *options)
{
    struct active_context *context = &jobs->context;
    int rc = store_watch_init(&jobs->watch, options->store, options->engine);

    if (rc == 0)
        rc = start_callbacks(jobs, options);
    if (rc == 0)
        rc = recorder_new(&context->recorder, options->store, &jobs->watch, jobs->stats);
    if (rc == 0)
        rc = active_jobs_init(&jobs->active, context, options->parse);
    if (rc == 0)
        rc = claimer_new(&jobs->claimer, &jobs->active, options->max_running);
    if (rc == 0)
        rc = job_keeper_start(&jobs->active, &jobs->keeper);
    return rc;
}

static void job_forgotten(void *arg, int64_t number)
{
    struct jobs *jobs = arg;

    ended_jobs_forget(&jobs->ended, number);
    job_watches_wake(&jobs->watches, number, NULL);
}

int jobs_new(struct jobs **ret_jobs, const struct jobs_options *options)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs));

    if (jobs == NULL)
        return -ENOMEM;
    jobs->store = options->store;
    jobs->stats = engine_stats(options->engine);
    jobs->retry = (struct job_retry_options){
        .store = options->store,
        .parse = options->parse,
        .default_ttl_us = options->default_ttl_us,
    };
    jobs->context = (struct active_context){
        .engine = options->engine,
        .store = options->store,
        .watch = &jobs->watch,
        .watches = &jobs->watches,
    };
    co_semaphore_init(&jobs->context.claiming, 1);
    co_event_init(&jobs->context.may_claim);
    ended_jobs_init(&jobs->ended, ENDED_JOBS_MAX, ENDED_JOBS_MAX_BYTES);
    store_on_forget(options->store, job_forgotten, jobs);
    int rc = start(jobs, options);
    if (rc < 0) {
        jobs_free(jobs);
        return rc;
    }
    *ret_jobs = jobs;
    return 0;
}

/* Chunks that cannot be given back now are ready after the next start, as after a crash. So are
 * those of results that could not be recorded: given back, they would count as never sent.
 *
 * rc   whether all results were recorded
 */
static void give_back(struct jobs *jobs, int rc)
{
    if (rc == 0)
        rc = store_release(jobs->store);
    if (rc < 0 && store_health(jobs->store) != STORE_FAILED)
        log_event(
            EVENT_JOBS_KEPT_CLAIMED, LOG_FIELDS({"error", strerror(-rc)}),
            "claimed requests could not be given back, and run again after the next start: %s",
            strerror(-rc));
}

void jobs_free(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    callbacks_drain(jobs->context.callbacks);
    claimer_free(jobs->claimer);
    co_task_stop(jobs->keeper, "the daemon is stopping");
    active_jobs_stop(&jobs->active);
    int rc = recorder_free(jobs->context.recorder);
    active_jobs_done(&jobs->active);
    callbacks_free(jobs->context.callbacks);
    give_back(jobs, rc);
    store_on_forget(jobs->store, NULL, NULL);
    ended_jobs_done(&jobs->ended);
    assert(jobs->watches.n_watches == 0);
    store_watch_done(&jobs->watch);
    free(jobs);
}

void jobs_set_default_ttl(struct jobs *jobs, int64_t ttl_us)
{
    jobs->retry.default_ttl_us = ttl_us;
}

void jobs_drain(struct jobs *jobs)
{
    store_watch_drain(&jobs->watch);
    callbacks_drain(jobs->context.callbacks);
    job_watches_close(&jobs->watches);
}

struct co_event *jobs_failed(struct jobs *jobs)
{
    return &jobs->watch.failed;
}

size_t jobs_n_calling(const struct jobs *jobs)
{
    return callbacks_n_sending(jobs->context.callbacks);
}

/* Those that have not ended. */
static uint64_t n_unended(const struct jobs *jobs)
{
    const struct stats *stats = jobs->stats;
    struct store_stats store;

    store_get_stats(jobs->store, &store);
    return store.n_unended_at_open + stats->n_jobs_accepted -
           (stats->n_jobs_done + stats->n_jobs_canceled + store.n_given_up);
}

/* Their items. */
static uint64_t n_pending(const struct jobs *jobs)
{
    const struct stats *stats = jobs->stats;
    struct store_stats store;

    store_get_stats(jobs->store, &store);
    uint64_t n_come = store.n_pending_at_open + stats->n_items_accepted;
    uint64_t n_gone = stats->n_items_settled + store.n_pending_given_up;
    return n_come > n_gone ? n_come - n_gone : 0;
}

bool jobs_has_room(const struct jobs *jobs)
{
    struct store_stats store;

    store_get_stats(jobs->store, &store);
    /* Of those that have ended the oldest would go. */
    return n_unended(jobs) < store.max_jobs && store_takes_jobs(jobs->store);
}

void jobs_get_stats(const struct jobs *jobs, struct jobs_stats *ret_stats)
{
    const struct co_list *all = &jobs->active.all;

    *ret_stats = (struct jobs_stats){.n_results = recorder_n_results(jobs->context.recorder)};
    for (struct co_list *at = all->next; at != all; at = at->next) {
        const struct active_job *job = co_container_of(at, struct active_job, link);
        if (active_job_has_ended(job))
            continue;
        if (job->run.stop == RUN_CANCELED)
            ret_stats->n_canceling++;
        else
            ret_stats->n_running++;
    }
    uint64_t n_active = ret_stats->n_running + ret_stats->n_canceling, n = n_unended(jobs);
    /* One that was accepted may not be counted yet. */
    ret_stats->n_queued = n > n_active ? n - n_active : 0;
    ret_stats->n_items = n_pending(jobs);
}

/* --- Taking in -------------------------------------------------------------------------------- */

static void welcome(struct jobs *jobs, const struct job_record *record)
{
    jobs->stats->n_jobs_accepted++;
    jobs->stats->n_items_accepted += record->tally.n_items;
    due_by(&jobs->active.due, record->deadline_at);
    active_context_may_claim(&jobs->context, true);
}

int jobs_accept(struct jobs *jobs, struct store_upload *upload, const struct intake *intake,
                const struct job_owner *owner, struct job_record **ret_record)
{
    struct store_acceptance acceptance = {
        .spec = intake_head_spec(intake),
        .n_items = intake_n_items(intake),
        .default_ttl_us = jobs->retry.default_ttl_us,
        .tenant = owner->tenant,
        .max_queued = owner->max_queued,
        .key = owner->key,
        .fingerprint = owner->fingerprint,
    };

    intake_head(intake, &acceptance.head, &acceptance.head_length);
    int rc = store_upload_accept(upload, &acceptance, ret_record);
    if (rc == 0) {
        crash_point("after_commit_before_202");
        welcome(jobs, *ret_record);
    }
    return rc;
}

int jobs_retry(struct jobs *jobs, struct job_record *record, const struct job_owner *owner,
               struct job_record **ret_record)
{
    if (!job_record_has_ended(record))
        return -EALREADY;
    int rc = job_retry(&jobs->retry, record, owner, ret_record);
    if (rc == 0)
        welcome(jobs, *ret_record);
    return rc;
}

/* --- Finding ---------------------------------------------------------------------------------- */

/* Takes the live record instead, if there is one. */
static void prefer_live(struct jobs *jobs, struct job_record **record)
{
    struct active_job *job = job_table_find(&jobs->active.table, (*record)->number);

    if (job == NULL)
        return;
    job_record_unref(*record);
    *record = job_record_ref(job->record);
}

static CO_BLOCKS int find_stored(struct jobs *jobs, const char *tenant, const char *id,
                                 struct job_record **ret_record)
{
    uint64_t n_forgotten = jobs->ended.n_forgotten;
    int rc = store_find(jobs->store, tenant, id, ret_record);

    if (rc < 0)
        return rc;
    prefer_live(jobs, ret_record);
    ended_jobs_keep(&jobs->ended, *ret_record, n_forgotten);
    return 0;
}

int jobs_find(struct jobs *jobs, const char *tenant, const char *id, struct job_record **ret_record)
{
    struct active_job *job = job_table_find_id(&jobs->active.table, id);

    if (job != NULL && strcmp(job->record->tenant, tenant) != 0)
        return -ENOENT;
    if (job != NULL) {
        *ret_record = job_record_ref(job->record);
        return 0;
    }
    *ret_record = ended_jobs_find(&jobs->ended, tenant, id);
    return *ret_record != NULL ? 0 : find_stored(jobs, tenant, id, ret_record);
}

int jobs_renew(struct jobs *jobs, struct job_record **record)
{
    struct job_record *stored;

    prefer_live(jobs, record);
    if ((*record)->active != NULL)
        return 0;
    int rc = store_find_number(jobs->store, (*record)->number, &stored);
    if (rc < 0)
        return rc;
    job_record_unref(*record);
    *record = stored;
    prefer_live(jobs, record);
    return 0;
}

int jobs_list(struct jobs *jobs, const struct store_query *query, size_t limit,
              struct job_record **ret_records, bool *ret_more)
{
    int n = store_list(jobs->store, query, limit, ret_records, ret_more);

    for (int i = 0; i < n; i++)
        prefer_live(jobs, &ret_records[i]);
    return n;
}

struct job_watches *jobs_watches(struct jobs *jobs)
{
    return &jobs->watches;
}

size_t jobs_n_running(const struct job_record *record)
{
    return record->active != NULL ? run_n_running(&record->active->run) : 0;
}

/* --- Ending ----------------------------------------------------------------------------------- */

static bool is_over(const struct job_record *record)
{
    return job_record_has_ended(record);
}

static bool is_canceled(const struct job_record *record)
{
    return record->status == JOB_CANCELING || job_record_has_ended(record);
}

/* Waits until it is so on disk. returns 0, -ENOSPC, -EIO, -ECANCELED */
static CO_BLOCKS int wait_until(struct jobs *jobs, struct active_job *job,
                                bool (*is_so)(const struct job_record *record))
{
    while (!is_so(job->record)) {
        enum store_health health = store_health(jobs->store);
        struct co_scope scope;
        if (health != STORE_OK)
            return health == STORE_FULL ? -ENOSPC : -EIO;
        co_scope_enter(&scope, PATIENCE);
        int rc = co_scope_exit(&scope, co_event_wait(&job->changed));
        if (rc < 0 && rc != -ETIMEDOUT)
            return rc;
    }
    return 0;
}

/* A job that nothing is being fetched of ends at once: that need not be written twice. */
static CO_BLOCKS int cancel_active(struct jobs *jobs, struct active_job *job,
                                   bool (*is_so)(const struct job_record *record))
{
    run_cancel(&job->run);
    crash_point("during_cancel");
    if (run_n_running(&job->run) > 0)
        recorder_touch(jobs->context.recorder, job);
    return wait_until(jobs, job, is_so);
}

/* is_deleted: nobody shall hear of its end */
static CO_BLOCKS int cancel_until(struct jobs *jobs, struct job_record *record, bool is_deleted,
                                  bool (*is_so)(const struct job_record *record))
{
    struct active_job *job;

    if (job_record_has_ended(record))
        return 0;
    int rc = active_jobs_get(&jobs->active, record->number, &job);
    if (rc < 0)
        return rc;
    job->is_deleted |= is_deleted;
    rc = cancel_active(jobs, job, is_so);
    if (rc < 0 && is_deleted)
        job->is_deleted = false; /* it stays, and its end is told */
    job_record_update(record, job->record);
    active_job_unref(job);
    return rc;
}

/* Brings a copy of the record of a job that has ended in the meantime up to date. */
static CO_BLOCKS int reread(struct jobs *jobs, struct job_record *record)
{
    CO_CLEANUP(job_record_unrefp) struct job_record *stored = NULL;
    int rc = store_find_number(jobs->store, record->number, &stored);

    if (rc == 0)
        job_record_update(record, stored);
    return rc;
}

int jobs_cancel(struct jobs *jobs, struct job_record *record)
{
    int rc = cancel_until(jobs, record, false, is_canceled);

    return rc == -ENOENT ? reread(jobs, record) : rc;
}

/* One that had not ended has been forgotten with its end. */
int jobs_delete(struct jobs *jobs, struct job_record *record)
{
    bool had_ended = job_record_has_ended(record);
    int rc = cancel_until(jobs, record, true, is_over);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    rc = store_forget(jobs->store, record->number);
    return rc == -ENOENT && !had_ended ? 0 : rc;
}

int jobs_delete_damaged(struct jobs *jobs, const char *tenant, const char *id)
{
    return store_forget_damaged(jobs->store, tenant, id);
}
