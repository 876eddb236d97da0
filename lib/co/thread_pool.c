#include "lib/co/thread_pool.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static void list_init(struct co_job_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_append(struct co_job_list *list, struct co_job *job)
{
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

static struct co_job *list_take_first(struct co_job_list *list)
{
    struct co_job *job = list->first;

    list->first = job->next;
    if (list->first == NULL)
        list->last = &list->first;
    return job;
}

void co_thread_pool_init(struct co_thread_pool *pool, unsigned max_threads, struct co_inbox *inbox)
{
    *pool = (struct co_thread_pool){.inbox = inbox, .max_threads = max_threads};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    list_init(&pool->waiting);
}

/* Under the lock. NULL: the pool is closing. */
static struct co_job *wait_for_job(struct co_thread_pool *pool)
{
    pool->n_idle++;
    while (pool->waiting.first == NULL && !pool->closing)
        pthread_cond_wait(&pool->work, &pool->lock);
    pool->n_idle--;
    if (pool->waiting.first == NULL)
        return NULL;
    pool->n_waiting--;
    return list_take_first(&pool->waiting);
}

static void *work(void *arg)
{
    struct co_thread_pool *pool = arg;
    struct co_job *job;

    pthread_mutex_lock(&pool->lock);
    while ((job = wait_for_job(pool)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        job->rc = job->fn(job->arg, &job->result);
        co_inbox_post(pool->inbox, &job->message);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals are the loop's business: a thread starts with all of them blocked. */
static int start_thread(struct co_thread_pool *pool)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&pool->threads[pool->n_threads], NULL, work, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pool->n_threads++;
    return -error;
}

int co_thread_pool_submit(struct co_thread_pool *pool, struct co_job *job)
{
    if (pool->threads == NULL)
        pool->threads = calloc(pool->max_threads, sizeof(*pool->threads));
    if (pool->threads == NULL)
        return -ENOMEM;

    pthread_mutex_lock(&pool->lock);
    bool is_short = pool->n_waiting >= pool->n_idle && pool->n_threads < pool->max_threads;
    pthread_mutex_unlock(&pool->lock);
    if (is_short && start_thread(pool) < 0 && pool->n_threads == 0)
        return -EAGAIN;

    pool->n_jobs++;
    pthread_mutex_lock(&pool->lock);
    list_append(&pool->waiting, job);
    pool->n_waiting++;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

void co_thread_pool_stop(struct co_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    while (pool->n_threads > 0)
        pthread_join(pool->threads[--pool->n_threads], NULL);
}

void co_thread_pool_done(struct co_thread_pool *pool)
{
    assert(pool->n_threads == 0 && pool->n_jobs == 0);
    free(pool->threads);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
}
