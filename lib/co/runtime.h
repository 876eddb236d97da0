/* What the files of the runtime share: the loop, the task, and the one pair of calls that suspend
 * and continue.
 *
 * A task is, at any time, in exactly one place: running (loop->current), on the ready list, parked
 * (on a waitq or on none), or ended. co_park() is the only way to suspend, co_unpark() the only
 * way out of it: every primitive is a few lines over these two.
 */
#pragma once

#include <stdbool.h>

#include "lib/co/context.h"
#include "lib/co/group.h"
#include "lib/co/heap.h"
#include "lib/co/list.h"
#include "lib/co/loop.h"
#include "lib/co/poller.h"
#include "lib/co/stack.h"
#include "lib/co/task.h"
#include "lib/co/thread_pool.h"
#include "lib/co/timer.h"
#include "lib/co/waitq.h"

enum co_task_state { CO_READY, CO_RUNNING, CO_PARKED, CO_ENDED };

struct co_task {
    /* What a switch and a wait touch, together. */
    struct co_context context; /* where it was left */
    struct co_list link;       /* on the ready list or a waitq */
    struct co_loop *loop;
    struct co_scope *scope; /* innermost */
    void *handed;           /* to or by a parked task, along with its waking */
    int wake_rc;            /* what co_park() returns */
    enum co_task_state state;
    bool is_cancelled;         /* some scope around it is, and no shield in between */
    bool can_be_cancelled;     /* while parked: a cancel wakes it */
    uint8_t n_cancelled_calls; /* blocking calls that failed for it in a row */
    uint8_t n_immediate;       /* I/O calls in a row that did not have to wait */
    unsigned n_references;     /* one of its own while it lives, and one for each handle */
    const char *waits_for;     /* while parked: a word for people */

    struct co_scope root;          /* outermost of its own */
    struct co_list sibling;        /* in its group's children */
    struct co_task *next_affected; /* while a cancel spreads */

    struct co_stack *stack; /* NULL once ended */
    co_fn *fn;
    void *arg;
    int rc; /* once ended */
    void *result;
    struct co_waitq joiners;

    const char *name;
    const char *site; /* where it was spawned */
};

struct co_loop {
    struct co_context context; /* of the thread, while a task runs */
    struct co_task *current;
    struct co_list ready;
    unsigned n_batch; /* how many tasks may still run in this turn */

    co_time now;
    const struct co_clock *clock;
    struct co_heap timers; /* of struct co_timer */
    struct co_poller poller;
    struct co_thread_pool threads;
    struct co_stack_pool stacks;

    struct co_group root; /* of tasks without another group; has no owner */
    unsigned n_tasks;
    struct co_list spare_tasks; /* ended, kept for the next spawn */
    unsigned n_spare_tasks;
};

/* One sentence to stderr, then abort(): misuse that cannot be answered by a status. */
__attribute__((noreturn, cold, format(printf, 1, 2))) void co_die(const char *format, ...);

/* The loop that runs on this thread; aborts with a sentence when there is none. */
extern _Thread_local struct co_loop *co_running_loop;
static inline struct co_loop *co_loop_current(void)
{
    if (co_running_loop == NULL)
        co_die("called outside of a running loop");
    return co_running_loop;
}

/* The running task; aborts with a sentence when called from outside of any. */
static inline struct co_task *co_running(void)
{
    struct co_task *task = co_loop_current()->current;

    if (task == NULL)
        co_die("called outside of a task");
    return task;
}

/* -ECANCELED when a scope around the caller is cancelled: the first line of every blocking call
 * that would not have to wait. A caller that ignores it again and again is made to let others run.
 */
int co_check_cancelled(void);

/* Suspends the caller, at the end of `queue` (NULL: in no line), until somebody unparks it.
 *
 * returns    what it is unparked with; -ECANCELED at once if the caller is cancelled, or when it
 *            gets cancelled before it is unparked: it is then in no line any more
 */
int co_park(struct co_waitq *queue, const char *waits_for);

/* The same for a wait that cannot be given up. */
int co_park_uncancellable(struct co_waitq *queue, const char *waits_for);

/* Makes a parked task ready; co_park() will return rc. Whoever comes second is ignored. */
void co_unpark(struct co_task *task, int rc);

/* The first in line; NULL if there is nobody. */
static inline struct co_task *co_waitq_first(const struct co_waitq *queue)
{
    if (co_waitq_is_empty(queue))
        return NULL;
    return co_container_of(queue->tasks.next, struct co_task, link);
}

/* Unparks the first in line, if there is one. */
bool co_unpark_first(struct co_waitq *queue, int rc);
void co_unpark_all(struct co_waitq *queue, int rc);

/* Lets every other ready task run first. */
void co_reschedule(void);

/* Starts a task; see co_group_spawn_at(). */
int co_task_spawn(struct co_loop *loop, struct co_group *group, const char *name, co_fn *fn,
                  void *arg, const char *site, struct co_task **ret_task);
void co_task_free_spares(struct co_loop *loop);

/* The loop's own group has no owner: its tasks do not cancel each other when they fail. */
void co_group_init_root(struct co_group *group);

/* A task of the group has ended. */
void co_group_child_ended(struct co_group *group, struct co_task *task);

/* Whether the innermost scope, or one around it, is cancelled, with no shield in between. */
bool co_scope_chain_is_cancelled(const struct co_scope *innermost);
void co_scope_init(struct co_scope *scope, struct co_task *task, enum co_scope_kind kind,
                   const char *site);

/* Arms a timer `after` nanoseconds from now; CO_NEVER leaves it unarmed. */
void co_timer_arm(struct co_loop *loop, struct co_timer *timer, co_time after);
void co_timer_disarm(struct co_loop *loop, struct co_timer *timer);

/* A thread has finished the job: continues the task that waits for it, or gives its arg away. */
void co_job_finish(struct co_job *job);

/* Picks what the loop runs next on this thread, once the caller's task is parked, ready or ended.
 */
struct co_context *co_loop_next_context(struct co_loop *loop);
