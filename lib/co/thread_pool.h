/* The threads behind co_to_thread(): made on demand, never more than a limit, and told of the end.
 *
 * Jobs travel to the threads through a list under a lock, and back as messages to the loop.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "lib/co/base.h"
#include "lib/co/inbox.h"

struct co_task;

struct co_job {
    struct co_message message; /* that it is finished */
    struct co_job *next;       /* waiting for a thread */
    co_fn *fn;
    void *arg;
    int rc;
    void *result;
    /* Below: the loop's business, not the thread's. */
    struct co_thread_pool *pool;
    struct co_task *task; /* parked for it; NULL once abandoned */
    void (*abandoned)(void *arg);
    bool is_finished;
};

struct co_job_list {
    struct co_job *first;
    struct co_job **last;
};

struct co_thread_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct co_job_list waiting; /* under the lock, as is all down to `closing` */
    unsigned n_waiting;
    unsigned n_idle; /* threads that wait for a job, or have been woken for one */
    bool closing;

    struct co_inbox *inbox; /* of the loop */
    unsigned max_threads;
    unsigned n_threads;
    unsigned n_jobs; /* given out, and their message not delivered */
    pthread_t *threads;
};

void co_thread_pool_init(struct co_thread_pool *pool, unsigned max_threads, struct co_inbox *inbox);

/* Lets the threads finish what is waiting, and joins them. */
void co_thread_pool_stop(struct co_thread_pool *pool);

/* No job may be out. */
void co_thread_pool_done(struct co_thread_pool *pool);

/* Hands a job over: its message comes back. returns 0, -ENOMEM, -EAGAIN: no thread could be made */
int co_thread_pool_submit(struct co_thread_pool *pool, struct co_job *job);
