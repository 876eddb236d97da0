#include "daemon/engine/memory_jobs.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/instant.h"

/* --- Running ---------------------------------------------------------------------------------- */

struct job_task {
    struct memory_jobs *jobs;
    struct job *job;
    struct run run;
};

static void item_finished(void *arg, size_t index, const struct result *result)
{
    struct job *job = arg;

    result_set_finish(&job->results, index, result);
}

static void count_end(struct memory_jobs *jobs, const struct job *job)
{
    struct stats *stats = engine_stats(jobs->engine);

    if (job->status == JOB_DONE)
        stats->n_jobs_done++;
    else
        stats->n_jobs_canceled++;
}

static int run_job(void *arg, void **ret_result)
{
    struct job_task *task = arg;
    struct job *job = task->job;

    (void)ret_result;
    job_start(job);
    int rc = run_execute(&task->run);
    job->run = NULL;
    job_end(job, rc < 0 || task->run.stop == RUN_CANCELED ? JOB_CANCELED : JOB_DONE);
    count_end(task->jobs, job);
    co_event_set(&task->jobs->ended);
    job_unref(job);
    free(task);
    return 0;
}

/* Takes the caller's reference to job over. */
static int start(struct memory_jobs *jobs, struct job *job)
{
    const struct run_owner owner = {.finished = item_finished, .arg = job};
    struct job_task *task = malloc(sizeof(*task));
    int rc = task != NULL ? 0 : -ENOMEM;

    if (rc == 0) {
        *task = (struct job_task){.jobs = jobs, .job = job};
        run_init(&task->run, jobs->engine, job->spec, &owner);
        rc = co_group_spawn(&jobs->group, "job", run_job, task, NULL);
    }
    if (rc < 0) {
        free(task);
        job_unref(job);
        return rc;
    }
    job->run = &task->run;
    engine_stats(jobs->engine)->n_jobs_accepted++;
    return 0;
}

int memory_jobs_submit(struct memory_jobs *jobs, struct job_spec *spec, struct job **ret_job)
{
    struct job *job;
    int rc = memory_store_add(jobs->store, spec, &job);

    if (rc < 0) {
        job_spec_free(spec);
        return rc;
    }
    rc = start(jobs, job_ref(job));
    if (rc < 0) {
        int removed = memory_store_remove(jobs->store, job);
        (void)removed;
        job_unref(job);
        return rc;
    }
    *ret_job = job;
    return 0;
}

void memory_jobs_cancel(struct job *job)
{
    if (job->run == NULL || job->status == JOB_CANCELING)
        return;
    job->status = JOB_CANCELING;
    job->version++;
    run_cancel(job->run);
}

size_t memory_jobs_n_running(const struct job *job)
{
    return job->run != NULL ? run_n_running(job->run) : 0;
}

/* --- Keeping ---------------------------------------------------------------------------------- */

static int wait_for_expiry(struct memory_jobs *jobs, int64_t next)
{
    co_time timeout = next == JOB_NEVER ? CO_NEVER : (next - instant_now() + 1) * CO_MICROSECOND;
    struct co_scope scope;

    co_event_clear(&jobs->ended);
    co_scope_enter(&scope, timeout);
    int rc = co_scope_exit(&scope, co_event_wait(&jobs->ended));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int keep(void *arg, void **ret_result)
{
    struct memory_jobs *jobs = arg;
    int rc;

    (void)ret_result;
    co_group_enter(&jobs->group, CO_NEVER);
    do
        rc = wait_for_expiry(jobs, memory_store_expire(jobs->store, instant_now()));
    while (rc == 0);
    return co_group_exit(&jobs->group, rc);
}

int memory_jobs_init(struct memory_jobs *jobs, struct engine *engine, struct memory_store *store)
{
    *jobs = (struct memory_jobs){.engine = engine, .store = store};
    co_event_init(&jobs->ended);
    int rc = co_create_task("jobs", keep, jobs, &jobs->keeper);
    return rc < 0 ? rc : co_sleep(0); /* the keeper comes first, and makes the group */
}

void memory_jobs_done(struct memory_jobs *jobs)
{
    co_task_stop(co_take(jobs->keeper), "the daemon is stopping");
}
