/* How a run of a loop begins and ends. It ends by cancelling what it holds, and has ended when no
 * task is left. */
#include <assert.h>
#include <errno.h>

#include "lib/co/runtime.h"

/* Where a run's first task comes from. */
#define SITE "the run of the loop"

static bool is_ending(const struct co_loop *loop)
{
    return loop->root.scope.cancelled;
}

static void report_stuck(struct co_timer *drain)
{
    co_report_stuck(co_container_of(drain, struct co_loop, drain));
}

static void end(struct co_loop *loop, int rc, const char *why)
{
    if (is_ending(loop))
        return;
    co_group_cancel(&loop->root, rc, why);
    co_timer_init(&loop->drain, report_stuck);
    co_timer_arm(loop, &loop->drain, loop->drain_timeout);
}

/* A thread that makes a call and then stops the loop has its call made. */
static bool is_over(struct co_loop *loop, const struct co_task *main)
{
    if (atomic_load(&loop->must_stop)) {
        co_inbox_deliver(&loop->inbox);
        end(loop, -ECANCELED, "co_loop_stop() was called");
    }
    if (main != NULL && co_task_is_done(main))
        end(loop, -ECANCELED, "the loop is ending");
    return loop->n_tasks == 0 && is_ending(loop);
}

/* When all wait for each other there is one way to get their stacks unwound: cancel them. If that
 * has not helped, nothing will. */
static int end_deadlock(struct co_loop *loop)
{
    co_report_deadlock(loop);
    if (is_ending(loop))
        co_die("the loop cannot go on: its %u tasks wait for each other and cannot be cancelled",
               loop->n_tasks);
    end(loop, -EDEADLK, "all tasks wait for each other");
    return -EDEADLK;
}

static int wait_for_more(struct co_loop *loop)
{
    int rc = co_loop_wait(loop);

    if (rc == -EDEADLK)
        return end_deadlock(loop);
    if (rc < 0)
        co_die("the loop cannot go on: waiting failed, status %d", rc);
    return 0;
}

/* Until main has ended, or NULL: until the loop is stopped. returns 0, or -EDEADLK */
static int run(struct co_loop *loop, const struct co_task *main)
{
    bool over = is_over(loop, main); /* it is not, but may have been stopped before */
    int deadlock = 0;

    while (!over) {
        co_loop_run_ready(loop);
        over = is_over(loop, main);
        if (!over && wait_for_more(loop) < 0)
            deadlock = -EDEADLK;
    }
    co_timer_disarm(loop, &loop->drain);
    atomic_store(&loop->must_stop, false);
    return deadlock;
}

static int begin(struct co_loop *loop, co_fn *main, void *arg, struct co_task **ret_task)
{
    if (co_running_loop != NULL)
        return -EDEADLK;
    co_loop_check_process(loop);
    if (loop->is_running)
        co_die("a loop was run that another thread runs already");
    loop->now = loop->clock->now(loop);
    co_group_init_root(&loop->root);
    return co_task_spawn(loop, &loop->root, "main", main, arg, SITE, ret_task);
}

static int run_on_this_thread(struct co_loop *loop, const struct co_task *main)
{
    co_running_loop = loop;
    loop->is_running = true;
    loop->runs_forever = main == NULL;
    co_overflow_watch_begin(&loop->overflow);
    co_debug_add(loop);
    int rc = run(loop, main);
    co_debug_remove(loop);
    co_overflow_watch_end(&loop->overflow);
    loop->is_running = false;
    co_running_loop = NULL;
    return rc;
}

int co_loop_run_until_complete(struct co_loop *loop, co_fn *main, void *arg, void **ret_result)
{
    struct co_task *task;
    int rc = begin(loop, main, arg, &task);

    if (rc < 0)
        return rc;
    rc = run_on_this_thread(loop, task);
    if (task->rc >= 0 && ret_result != NULL)
        *ret_result = task->result;
    if (rc == 0)
        rc = co_task_take_status(task);
    co_task_unref(task);
    return rc;
}

int co_loop_run_forever(struct co_loop *loop, co_fn *start, void *arg)
{
    int rc = begin(loop, start, arg, NULL);

    return rc < 0 ? rc : run_on_this_thread(loop, NULL);
}
