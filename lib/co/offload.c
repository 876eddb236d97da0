#include "lib/co/offload.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

static const struct co_wait_kind waits_for_thread = {.word = "a thread"};

static void finish(struct co_message *message)
{
    struct co_job *job = co_container_of(message, struct co_job, message);

    job->is_finished = true;
    job->pool->n_jobs--;
    if (job->task != NULL) {
        co_unpark(job->task, 0);
        return;
    }
    job->abandoned(job->arg);
    free(job);
}

/* returns  0: the job is finished; -ECANCELED: it is given up, and job belongs to the pool */
static int wait_for(struct co_job *job)
{
    if (job->abandoned == NULL)
        return co_park_uncancellable(NULL, &waits_for_thread, NULL);
    int rc = co_park(NULL, &waits_for_thread, NULL);
    if (rc < 0 && !job->is_finished) {
        job->task = NULL;
        return rc;
    }
    return 0;
}

int co_to_thread(co_fn *fn, void *arg, void **ret_result, void (*abandoned)(void *arg))
{
    int rc = co_check_cancelled();
    if (rc < 0) {
        if (abandoned != NULL)
            abandoned(arg);
        return rc;
    }

    struct co_job *job = malloc(sizeof(*job));
    if (job == NULL)
        return -ENOMEM;
    *job = (struct co_job){
        .message = {.deliver = finish, .discard = finish},
        .fn = fn,
        .arg = arg,
        .pool = &co_loop_current()->threads,
        .task = co_running(),
        .abandoned = abandoned,
    };
    rc = co_thread_pool_submit(job->pool, job);
    if (rc == 0) {
        rc = wait_for(job);
        if (rc < 0)
            return rc;
        rc = job->rc;
        if (rc >= 0 && ret_result != NULL)
            *ret_result = job->result;
    }
    free(job);
    return rc;
}
