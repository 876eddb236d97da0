#include "daemon/engine/job_keeper.h"

#include <errno.h>

#include "daemon/base/instant.h"
#include "daemon/engine/store_watch.h"

enum {
    MAX_OVERDUE = 64,       /* jobs ended at a time */
    LOOK_US = 10 * 1000000, /* at least as often: the store's size is not foreseen */
    RETRY_US = 100 * 1000,  /* after what did not work, or is not done yet */
};

/* A job that is not found has ended by itself; one that is damaged cannot be helped. */
static CO_BLOCKS int end_overdue_job(struct active_jobs *jobs, int64_t number)
{
    struct active_job *job;
    int rc = active_jobs_get(jobs, number, &job);

    if (rc == 0) {
        run_end(&job->run, RUN_DEADLINE);
        active_job_unref(job);
    }
    return rc == -ENOENT || rc == -EBADMSG ? 0 : rc;
}

/* ret_next   when to look again */
static CO_BLOCKS int end_overdue(struct active_jobs *jobs, int64_t *ret_next)
{
    int64_t now = instant_now();
    int64_t numbers[MAX_OVERDUE];
    int n = store_overdue(jobs->context->store, now, MAX_OVERDUE, numbers, ret_next);
    int rc = n < 0 ? n : 0;

    for (int i = 0; rc == 0 && i < n; i++)
        rc = end_overdue_job(jobs, numbers[i]);
    if (n > 0)
        *ret_next = now + RETRY_US; /* by then their ends have been written */
    return rc;
}

/* One round. A failure is not the end of keeping: unless the store itself has failed, it is tried
 * again. */
static CO_BLOCKS int look_after(struct active_jobs *jobs, int64_t *ret_next)
{
    int64_t next_deadline, next_sweep;
    int rc = end_overdue(jobs, &next_deadline);

    if (rc == 0)
        rc = store_sweep(jobs->context->store, instant_now(), &next_sweep);
    if (rc == -EIO || rc == -ECANCELED)
        return rc;
    *ret_next = rc < 0 ? instant_now() + RETRY_US : sooner_instant(next_deadline, next_sweep);
    return 0;
}

static CO_BLOCKS int wait_until(struct due_time *due, int64_t at)
{
    struct co_scope scope;

    co_event_clear(&due->sooner);
    co_scope_enter(&scope, (at - instant_now() + 1) * CO_MICROSECOND);
    int rc = co_scope_exit(&scope, co_event_wait(&due->sooner));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static CO_BLOCKS int wait_until_due(struct due_time *due)
{
    int64_t latest = instant_now() + LOOK_US;
    int64_t at;
    int rc = co_sleep(0);

    while (rc == 0 && (at = sooner_instant(due->at, latest)) > instant_now())
        rc = wait_until(due, at);
    return rc;
}

static int keep(void *arg, void **ret_result)
{
    struct active_jobs *jobs = arg;
    int rc;

    (void)ret_result;
    do {
        int64_t next;
        jobs->due.at = JOB_NEVER;
        rc = look_after(jobs, &next);
        if (rc == 0) {
            due_by(&jobs->due, next);
            rc = wait_until_due(&jobs->due);
        }
    } while (rc == 0);
    return rc == -EIO ? 0 : rc; /* the watch has told everybody */
}

int job_keeper_start(struct active_jobs *jobs, struct co_task **ret_task)
{
    return co_create_task("job keeper", keep, jobs, ret_task);
}
