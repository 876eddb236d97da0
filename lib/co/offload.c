#include "lib/co/offload.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

void co_job_finish(struct co_job *job)
{
    job->is_finished = true;
    if (job->task != NULL) {
        co_unpark(job->task, 0);
        return;
    }
    job->abandoned(job->arg);
    free(job);
}

static int start(struct co_loop *loop, struct co_job *job)
{
    struct co_poller_fd *entry;
    int rc = co_thread_pool_set_up(&loop->threads);

    if (rc < 0)
        return rc;
    /* Nobody waits for this descriptor: it is there to end the poller's sleep. */
    rc = co_poller_register(&loop->poller, loop->threads.event_fd, &entry);
    return rc < 0 ? rc : co_thread_pool_submit(&loop->threads, job);
}

/* returns  0: the job is finished; -ECANCELED: it is given up, and job belongs to the pool */
static int wait_for(struct co_job *job)
{
    if (job->abandoned == NULL)
        return co_park_uncancellable(NULL, "thread");
    int rc = co_park(NULL, "thread");
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
    *job = (struct co_job){.fn = fn, .arg = arg, .task = co_running(), .abandoned = abandoned};
    rc = start(co_loop_current(), job);
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
