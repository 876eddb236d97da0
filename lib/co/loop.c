/* The turn of the loop, on the loop's own stack; what the tasks do in between is in task.c. */
#include "lib/co/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

enum {
    /* A system call to poll costs as much as a dozen switches, so it is not made for every one;
     * but nobody who waits for a descriptor waits for more tasks than this. */
    TASKS_PER_TURN = 64,
    DEFAULT_THREADS = 4,
};

_Thread_local struct co_loop *co_running_loop;

void co_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("libgather: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

struct co_task *co_self(void)
{
    return co_running_loop != NULL ? co_running_loop->current : NULL;
}

co_time co_now(void)
{
    return co_loop_current()->now;
}

void co_timer_arm(struct co_loop *loop, struct co_timer *timer, co_time after)
{
    if (after == CO_NEVER)
        return;
    co_time now = loop->clock->now(loop);
    if (after <= CO_NEVER - now)
        co_heap_insert(&loop->timers, &timer->node, now + after);
}

void co_timer_disarm(struct co_loop *loop, struct co_timer *timer)
{
    co_heap_remove(&loop->timers, &timer->node);
}

static void run_ready_tasks(struct co_loop *loop)
{
    loop->n_batch = TASKS_PER_TURN;
    struct co_context *first = co_loop_next_context(loop);
    if (first != &loop->context)
        co_context_switch(&loop->context, first);
}

static void fire_timers(struct co_loop *loop)
{
    while (loop->timers.root != NULL && loop->timers.root->key <= loop->now) {
        struct co_timer *timer = co_container_of(loop->timers.root, struct co_timer, node);
        co_heap_remove(&loop->timers, &timer->node);
        timer->fire(timer);
    }
}

static void finish_jobs(struct co_loop *loop)
{
    struct co_job *next;

    if (loop->threads.n_jobs == 0)
        return;
    for (struct co_job *job = co_thread_pool_collect(&loop->threads); job != NULL; job = next) {
        next = job->next;
        co_job_finish(job);
    }
}

static bool nothing_can_happen(const struct co_loop *loop)
{
    return co_list_is_empty(&loop->ready) && loop->timers.root == NULL &&
           loop->poller.n_waiting == 0 && loop->threads.n_jobs == 0;
}

/* Before it sleeps, a loop has time to tidy up: some at a time, for descriptors may be ready. */
static co_time next_deadline(struct co_loop *loop)
{
    if (!co_list_is_empty(&loop->ready) || co_stack_pool_trim(&loop->stacks))
        return loop->now;
    return loop->timers.root != NULL ? loop->timers.root->key : CO_NEVER;
}

/* Waits for something to happen, and takes note of all that has. */
static int wait_for_more(struct co_loop *loop)
{
    if (nothing_can_happen(loop))
        return -EDEADLK;
    int rc = loop->clock->wait(loop, next_deadline(loop));
    if (rc < 0)
        return rc;
    loop->now = loop->clock->now(loop);
    finish_jobs(loop);
    fire_timers(loop);
    return 0;
}

/* Runs main to its end, then what it left behind. When all wait for each other there is one way to
 * get their stacks unwound: cancel them. */
static int run_until(struct co_loop *loop, const struct co_task *main)
{
    int deadlock = 0;

    for (;;) {
        run_ready_tasks(loop);
        if (co_task_is_done(main))
            co_group_cancel(&loop->root, -ECANCELED, "the loop is ending");
        if (loop->n_tasks == 0)
            return deadlock;

        int rc = wait_for_more(loop);
        if (rc == -EDEADLK && deadlock == 0) {
            deadlock = rc;
            co_group_cancel(&loop->root, rc, "all tasks wait for each other");
        } else if (rc < 0) {
            co_die("the loop cannot go on: status %d while %u tasks wait", rc, loop->n_tasks);
        }
    }
}

int co_loop_run_until_complete(struct co_loop *loop, co_fn *main, void *arg, void **ret_result)
{
    struct co_task *task;

    if (co_running_loop != NULL)
        return -EDEADLK;
    co_group_init_root(&loop->root);
    int rc = co_task_spawn(loop, &loop->root, "main", main, arg, CO_SITE, &task);
    if (rc < 0)
        return rc;

    co_running_loop = loop;
    loop->now = loop->clock->now(loop);
    co_context_adopt_thread(&loop->context);
    int deadlock = run_until(loop, task);
    co_running_loop = NULL;

    if (task->rc >= 0 && ret_result != NULL)
        *ret_result = task->result;
    rc = deadlock < 0 ? deadlock : task->rc;
    co_task_unref(task);
    return rc;
}

int co_loop_new(struct co_loop **ret_loop, const struct co_loop_options *options)
{
    static const struct co_loop_options defaults;
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return -ENOMEM;
    if (options == NULL)
        options = &defaults;
    int rc = co_poller_init(&loop->poller);
    loop->clock = options->clock != NULL ? options->clock : &co_clock_real;
    co_list_init(&loop->ready);
    co_list_init(&loop->spare_tasks);
    co_stack_pool_init(&loop->stacks, options->stack_size);
    co_thread_pool_init(&loop->threads,
                        options->max_threads != 0 ? options->max_threads : DEFAULT_THREADS);
    if (rc < 0)
        return rc;
    *ret_loop = co_take(loop);
    return 0;
}

void co_loop_free(struct co_loop *loop)
{
    if (loop == NULL)
        return;
    assert(loop->n_tasks == 0 && loop != co_running_loop);
    co_thread_pool_stop(&loop->threads);
    finish_jobs(loop);
    co_thread_pool_done(&loop->threads);
    co_poller_done(&loop->poller);
    co_task_free_spares(loop);
    co_stack_pool_done(&loop->stacks);
    free(loop);
}

void co_loop_freep(struct co_loop **loop)
{
    co_loop_free(*loop);
}

int co_run(co_fn *main, void *arg, void **ret_result)
{
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = NULL;
    int rc = co_loop_new(&loop, NULL);

    return rc < 0 ? rc : co_loop_run_until_complete(loop, main, arg, ret_result);
}

void co_loop_stats(struct co_loop_stats *ret_stats)
{
    const struct co_loop *loop = co_loop_current();

    *ret_stats = (struct co_loop_stats){
        .n_tasks = loop->n_tasks,
        .n_timers = (unsigned)loop->timers.n_nodes,
        .n_stacks = (unsigned)(loop->stacks.n_taken + loop->stacks.n_idle),
        .n_threads = loop->threads.n_threads,
        .n_jobs = loop->threads.n_jobs,
    };
}
