#include "daemon/engine/job_keeper.h"

#include <errno.h>

#include "daemon/base/instant.h"
#include "daemon/engine/store_watch.h"

enum {
    MAX_OVERDUE = 64,       /* jobs ended at a time */
    LOOK_US = 10 * 1000000, /* at least as often: the store's size is not foreseen */
    RETRY_US = 100 * 1000, /* after what did not work; and what is not done is waited for so long */
};

/* Jobs that are being ended. */
struct ending {
    struct active_job *jobs[MAX_OVERDUE];
    size_t n;
};

static void ending_done(struct ending *ending)
{
    for (size_t i = 0; i < ending->n; i++)
        active_job_unref(ending->jobs[i]);
}

/* A job that is not found has ended by itself. */
static CO_BLOCKS int end_job(struct active_jobs *jobs, int64_t number, struct ending *ending)
{
    struct active_job **job = &ending->jobs[ending->n];
    int rc = active_jobs_get_or_give_up(jobs, number, job);

    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    run_end(&(*job)->run, RUN_DEADLINE);
    ending->n++;
    return 0;
}

static CO_BLOCKS int wait_for_all(const struct ending *ending)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < ending->n;) {
        if (active_job_has_ended(ending->jobs[i]))
            i++;
        else
            rc = co_event_wait(&ending->jobs[i]->changed);
    }
    return rc;
}

/* Until their ends have been written: they would be found again. returns 0; 1: not all have; -errno
 */
static CO_BLOCKS int wait_for_ends(const struct ending *ending)
{
    struct co_scope scope;

    co_scope_enter(&scope, RETRY_US * CO_MICROSECOND);
    int rc = co_scope_exit(&scope, wait_for_all(ending));
    return rc == -ETIMEDOUT ? 1 : rc;
}

/* ret_next   when to look again: at once, if there are more */
static CO_BLOCKS int end_overdue(struct active_jobs *jobs, int64_t *ret_next)
{
    int64_t now = instant_now();
    int64_t numbers[MAX_OVERDUE];
    CO_CLEANUP(ending_done) struct ending ending = {.n = 0};
    int n = store_overdue(jobs->context->store, now, MAX_OVERDUE, numbers, ret_next);
    int rc = n < 0 ? n : 0;

    for (int i = 0; rc == 0 && i < n; i++)
        rc = end_job(jobs, numbers[i], &ending);
    if (rc == 0)
        rc = wait_for_ends(&ending);
    if (rc == 1)
        *ret_next = now;
    return rc < 0 ? rc : 0;
}

/* One round. A failure is not the end of keeping: unless the store itself has failed, it is tried
 * again. */
static CO_BLOCKS int look_after(struct active_jobs *jobs, int64_t *ret_next)
{
    int64_t next_deadline = JOB_NEVER, next_sweep = JOB_NEVER;
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
