#include "daemon/engine/active_jobs.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/engine/job_feed.h"
#include "daemon/engine/job_watch.h"
#include "daemon/engine/recorder.h"
#include "daemon/engine/stored_head.h"

/* --- From its first chunk to its end ---------------------------------------------------------- */

static void retire(struct active_jobs *jobs, struct active_job *job)
{
    due_by(&jobs->due, job->record->expires_at);
    job_table_remove(&jobs->table, job);
    co_list_remove(&job->link);
    active_context_may_claim(jobs->context, true); /* a place, and what its chunks kept waiting */
    active_job_unref(job);
}

struct launch {
    struct active_jobs *jobs;
    struct active_job *job;
};

/* When gatherd stops, the job stays where it is: its results are still to be recorded. */
static int work_on(void *arg, void **ret_result)
{
    struct launch launch = *(struct launch *)arg;
    struct active_job *job = launch.job;
    int rc = run_execute(&job->run);

    (void)ret_result;
    free(arg);
    if (rc == 0 && job->run.stop != RUN_GOES_ON)
        rc = job_feed_started(job);
    if (rc < 0) {
        job_feed_interrupt(job);
        return 0;
    }
    job->is_over = true;
    recorder_touch(job->context->recorder, job);
    while (rc == 0 && !active_job_has_ended(job))
        rc = co_event_wait(&job->changed);
    if (rc == 0)
        retire(launch.jobs, job);
    return 0;
}

/* --- Making active ---------------------------------------------------------------------------- */

/* A head that cannot be read any more is taken as one that says nothing. */
static CO_BLOCKS int read_head(struct active_jobs *jobs, int64_t number, struct job_head **ret_head,
                               bool *ret_is_unreadable)
{
    struct stored_head stored;
    int rc = stored_head_read(jobs->context->store, jobs->parse, number, &stored);

    *ret_is_unreadable = rc == -EBADMSG;
    if (rc == -EBADMSG)
        rc = stored_head_substitute(&stored, jobs->parse);
    *ret_head = rc == 0 ? co_take(stored.head) : NULL;
    stored_head_done(&stored);
    return rc;
}

static int open_run(struct active_job *job)
{
    const struct job_record *record = job->record;
    const struct run_owner owner = job_feed_owner(job);
    const struct run_job run_job = {
        .head = job_head_spec(job->head),
        .n_items = (uint32_t)record->tally.n_items,
        .n_done = (uint32_t)record->tally.n_finished,
        .n_successes = (uint32_t)record->tally.n_outcomes[OUTCOME_SUCCESS],
        .n_places = ACTIVE_JOB_MAX_PIECES,
        .accepted_at = record->created_at,
    };

    return run_open(&job->run, job->context->engine, &run_job, &owner);
}

static int launch(struct active_jobs *jobs, struct active_job *job)
{
    struct launch *launch = malloc(sizeof(*launch));

    if (launch == NULL)
        return -ENOMEM;
    *launch = (struct launch){jobs, job};
    int rc = co_group_spawn(&jobs->group, "job", work_on, launch, NULL);
    if (rc < 0)
        free(launch);
    return rc;
}

/* Takes the record over, whatever it returns. */
static CO_BLOCKS int make(struct active_jobs *jobs, struct job_record *record,
                          struct active_job **ret_job)
{
    struct job_head *head;
    bool is_unreadable;
    int rc = job_record_has_ended(record) ? -ENOENT
                                          : read_head(jobs, record->number, &head, &is_unreadable);

    if (rc < 0) {
        job_record_unref(record);
        return rc;
    }
    *ret_job = active_job_new(jobs->context, record, head);
    if (*ret_job == NULL) {
        job_record_unref(record);
        job_head_free(head);
        return -ENOMEM;
    }
    (*ret_job)->is_unreadable = is_unreadable;
    return 0;
}

/* Takes the job over, whatever it returns. */
static int start(struct active_jobs *jobs, struct active_job *job)
{
    int rc = open_run(job);

    if (rc == 0) {
        rc = launch(jobs, job);
        if (rc < 0)
            run_close(&job->run);
    }
    if (rc < 0) {
        active_job_unref(job);
        return rc;
    }
    job_table_add(&jobs->table, job);
    co_list_append(&jobs->all, &job->link);
    if (job->record->status == JOB_CANCELING)
        run_cancel(&job->run);
    return 0;
}

static CO_BLOCKS int load(struct active_jobs *jobs, int64_t number, struct active_job **ret_job)
{
    struct job_record *record;
    int rc = store_find_number(jobs->context->store, number, &record);

    if (rc == 0)
        rc = make(jobs, record, ret_job);
    if (rc == 0)
        rc = start(jobs, *ret_job);
    return rc;
}

int active_jobs_get(struct active_jobs *jobs, int64_t number, struct active_job **ret_job)
{
    int rc = 0;

    *ret_job = job_table_find(&jobs->table, number);
    if (*ret_job == NULL) {
        rc = co_semaphore_acquire(&jobs->loading);
        if (rc < 0)
            return rc;
        *ret_job = job_table_find(&jobs->table, number);
        if (*ret_job == NULL)
            rc = load(jobs, number, ret_job);
        co_semaphore_release(&jobs->loading);
    }
    if (rc == 0)
        active_job_ref(*ret_job);
    return rc;
}

int active_jobs_get_or_give_up(struct active_jobs *jobs, int64_t number,
                               struct active_job **ret_job)
{
    int rc = active_jobs_get(jobs, number, ret_job);

    if (rc != -EBADMSG)
        return rc;
    rc = store_give_up(jobs->context->store, number, instant_now());
    job_watches_wake(jobs->context->watches, number, NULL);
    return rc < 0 ? rc : -ENOENT;
}

/* --- The group -------------------------------------------------------------------------------- */

static int own_group(void *arg, void **ret_result)
{
    struct active_jobs *jobs = arg;
    struct co_event never;

    (void)ret_result;
    co_event_init(&never);
    co_group_enter(&jobs->group, CO_NEVER);
    return co_group_exit(&jobs->group, co_event_wait(&never));
}

int active_jobs_init(struct active_jobs *jobs, struct active_context *context,
                     const struct parse_settings *parse)
{
    *jobs = (struct active_jobs){.context = context, .parse = parse};
    co_list_init(&jobs->all);
    co_semaphore_init(&jobs->loading, 1);
    due_time_init(&jobs->due);
    int rc = job_table_init(&jobs->table);
    if (rc == 0)
        rc = co_create_task("jobs", own_group, jobs, &jobs->task);
    return rc < 0 ? rc : co_sleep(0); /* the group's owner comes first, and makes it */
}

void active_jobs_stop(struct active_jobs *jobs)
{
    co_task_stop(co_take(jobs->task), "the daemon is stopping");
}

void active_jobs_done(struct active_jobs *jobs)
{
    if (jobs->context == NULL)
        return;
    while (!co_list_is_empty(&jobs->all)) {
        struct co_list *first = co_list_take_first(&jobs->all);
        active_job_unref(co_container_of(first, struct active_job, link));
    }
    job_table_done(&jobs->table);
}
