/* The turn of the loop, on the loop's own stack; what the tasks do in between is in task.c, and how
 * a run begins and ends in run.c. */
#include "lib/co/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/co/gen_stacks.h"
#include "lib/co/runtime.h"
#include "lib/co/stack_use.h"

enum {
    /* A system call to poll costs as much as a dozen switches, so it is not made for every one;
     * but nobody who waits for a descriptor waits for more tasks than this. */
    TASKS_PER_TURN = 64,
    LINES_OF_A_WAIT = 3, /* cache lines that the frames of a call that blocks take */
    BYTES_PER_LINE = 64,
    DEFAULT_THREADS = 4,
};

#define DEFAULT_DRAIN_TIMEOUT (10 * CO_SECOND)

_Thread_local struct co_loop *co_running_loop;

static const struct co_wait_kind waits_for_the_others = {.word = "the others to settle"};

struct co_task *co_self(void)
{
    return co_running_loop != NULL ? co_running_loop->current : NULL;
}

co_time co_now(void)
{
    return co_loop_current()->now;
}

co_time co_clock_now(void)
{
    struct co_loop *loop = co_loop_current();

    return loop->clock->now(loop);
}

void co_timer_arm(struct co_loop *loop, struct co_timer *timer, co_time after)
{
    if (after == CO_NEVER)
        return;
    co_time now = loop->clock->now(loop);
    if (after < CO_NEVER - now)
        co_heap_insert(&loop->timers, &timer->node, now + after);
}

void co_timer_disarm(struct co_loop *loop, struct co_timer *timer)
{
    co_heap_remove(&loop->timers, &timer->node);
}

/* With many tasks their stacks are cold: those of a turn are fetched side by side while it begins.
 * A task that has not begun has none yet, and is cold itself. Inlined, since gcc takes a function
 * that only prefetches for one that does nothing. */
__attribute__((always_inline)) static inline void prefetch_tasks(const struct co_loop *loop)
{
    const struct co_list *node = loop->ready.next;

    for (unsigned i = 0; i < TASKS_PER_TURN && node != &loop->ready; i++, node = node->next) {
        const struct co_task *task = co_container_of(node, const struct co_task, link);
        const char *at = task->context.sp != NULL ? task->context.sp : (const void *)task;
        for (unsigned line = 0; line < LINES_OF_A_WAIT; line++)
            __builtin_prefetch(at + line * BYTES_PER_LINE);
    }
}

void co_loop_run_ready(struct co_loop *loop)
{
    prefetch_tasks(loop);
    loop->n_batch = loop->shuffle == 0 ? TASKS_PER_TURN : co_shuffle(&loop->ready, &loop->shuffle);
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

static bool has_something_to_do(struct co_loop *loop)
{
    return !co_list_is_empty(&loop->ready) || !co_inbox_is_empty(&loop->inbox);
}

/* That the run is ending is watched by a timer, which can wake nobody. */
static bool nothing_can_happen(struct co_loop *loop)
{
    size_t n_timers = loop->timers.n_nodes - co_heap_contains(&loop->drain.node);

    return !has_something_to_do(loop) && n_timers == 0 && loop->poller.n_waiting == 0 &&
           loop->threads.n_jobs == 0 && co_waitq_is_empty(&loop->settlers) && !loop->runs_forever;
}

/* Somebody wants to know whether all is quiet; while a thread is at work, it is not. */
static bool is_settling(const struct co_loop *loop)
{
    return !co_waitq_is_empty(&loop->settlers) && loop->threads.n_jobs == 0;
}

/* Before it sleeps, a loop has time to tidy up: some at a time, for descriptors may be ready. */
static co_time next_deadline(struct co_loop *loop)
{
    if (has_something_to_do(loop) || is_settling(loop) || co_stack_pool_trim(&loop->stacks) ||
        co_gen_stacks_trim() || co_task_trim(loop))
        return loop->now;
    return loop->timers.root != NULL ? loop->timers.root->key : CO_NEVER;
}

int co_loop_wait(struct co_loop *loop)
{
    co_loop_check_process(loop);
    if (nothing_can_happen(loop))
        return -EDEADLK;
    bool was_settling = is_settling(loop);
    int rc = loop->clock->wait(loop, next_deadline(loop));
    if (rc < 0)
        return rc;
    loop->now = loop->clock->now(loop);
    co_inbox_deliver(&loop->inbox);
    fire_timers(loop);
    if (was_settling && !has_something_to_do(loop))
        co_unpark_all(&loop->settlers, 0);
    return 0;
}

int co_settle(void)
{
    struct co_loop *loop = co_loop_current();

    return co_park(&loop->settlers, &waits_for_the_others, NULL);
}

/* All that can fail; each is fine to be done with after it failed. */
static int set_up(struct co_loop *loop, bool measures_stacks)
{
    int poller_rc = co_poller_init(&loop->poller), inbox_rc = co_inbox_init(&loop->inbox);

    if (poller_rc < 0)
        return poller_rc;
    if (inbox_rc < 0)
        return inbox_rc;
    int rc = co_poller_watch(&loop->poller, loop->inbox.event_fd);
    if (rc == 0)
        rc = co_overflow_watch_init(&loop->overflow);
    if (rc == 0 && measures_stacks)
        rc = co_stack_uses_new(&loop->stack_uses, &loop->stacks);
    return rc < 0 ? rc : co_fork_watch();
}

static void apply(struct co_loop *loop, const struct co_loop_options *options)
{
    loop->clock = options->clock != NULL ? options->clock : &co_clock_real;
    loop->report = options->report;
    loop->report_arg = options->report_arg;
    loop->shuffle = options->shuffle;
    loop->slow_step = options->slow_step;
    loop->checks_scopes = options->debug;
    loop->drain_timeout =
        options->drain_timeout > 0 ? options->drain_timeout : DEFAULT_DRAIN_TIMEOUT;
    co_stack_pool_init(&loop->stacks, options->stack_size);
    co_thread_pool_init(&loop->threads,
                        options->max_threads != 0 ? options->max_threads : DEFAULT_THREADS,
                        &loop->inbox);
}

int co_loop_new(struct co_loop **ret_loop, const struct co_loop_options *options)
{
    static const struct co_loop_options defaults;
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return -ENOMEM;
    loop->n_forks = co_n_forks;
    co_list_init(&loop->ready);
    co_list_init(&loop->spare_tasks);
    co_waitq_init(&loop->settlers);
    if (options == NULL)
        options = &defaults;
    apply(loop, options);
    int rc = set_up(loop, options->measure_stacks);
    if (rc < 0)
        return rc;
    *ret_loop = co_take(loop);
    return 0;
}

void co_loop_free(struct co_loop *loop)
{
    if (loop == NULL)
        return;
    co_loop_check_process(loop);
    if (loop->is_running)
        co_die("co_loop_free() of a loop that is running");
    assert(loop->n_tasks == 0);
    co_thread_pool_stop(&loop->threads);
    while (!co_inbox_is_empty(&loop->inbox))
        co_inbox_discard(&loop->inbox);
    co_thread_pool_done(&loop->threads);
    co_inbox_done(&loop->inbox);
    co_poller_done(&loop->poller);
    co_task_free_spares(loop);
    co_stack_pool_done(&loop->stacks);
    co_gen_stacks_release();
    co_stack_uses_free(loop->stack_uses);
    co_overflow_watch_done(&loop->overflow);
    free(loop);
}

void co_loop_freep(struct co_loop **loop)
{
    co_loop_free(*loop);
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
