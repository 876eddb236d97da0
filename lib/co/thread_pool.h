/* The threads behind co_to_thread(): made on demand, never more than a limit, and told of the end.
 *
 * Jobs travel to the threads and back through two lists under one lock; an eventfd tells the loop
 * that the list of finished ones is no longer empty.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "lib/co/base.h"

struct co_task;

struct co_job {
    struct co_job *next;
    co_fn *fn;
    void *arg;
    int rc;
    void *result;
    /* Below: the loop's business, not the thread's. */
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
    struct co_job_list finished;
    unsigned n_waiting;
    unsigned n_idle; /* threads that wait for a job, or have been woken for one */
    bool closing;

    int event_fd; /* -1 until the first job; for epoll, edge-triggered, and never read */
    unsigned max_threads;
    unsigned n_threads;
    unsigned n_jobs; /* given out and not collected */
    pthread_t *threads;
};

void co_thread_pool_init(struct co_thread_pool *pool, unsigned max_threads);

/* Lets the threads finish what is waiting, and joins them. Collect afterwards. */
void co_thread_pool_stop(struct co_thread_pool *pool);
void co_thread_pool_done(struct co_thread_pool *pool);

/* Makes event_fd, to be polled before the first job. returns 0, -ENOMEM, -EMFILE */
int co_thread_pool_set_up(struct co_thread_pool *pool);

/* Hands a job over. returns 0, -EAGAIN: no thread could be made */
int co_thread_pool_submit(struct co_thread_pool *pool, struct co_job *job);

/* Takes the jobs that have finished, in that order. */
struct co_job *co_thread_pool_collect(struct co_thread_pool *pool);
