/* What the files of the runtime share: the loop, the task, and the one pair of calls that suspend
 * and continue.
 *
 * A task is, at any time, in exactly one place: running (loop->current), on the ready list, parked
 * (on a waitq or on none), or ended. co_park() is the only way to suspend, co_unpark() the only
 * way out of it: every primitive is a few lines over these two.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/co/context.h"
#include "lib/co/group.h"
#include "lib/co/heap.h"
#include "lib/co/inbox.h"
#include "lib/co/list.h"
#include "lib/co/loop.h"
#include "lib/co/overflow.h"
#include "lib/co/poller.h"
#include "lib/co/stack.h"
#include "lib/co/task.h"
#include "lib/co/thread_pool.h"
#include "lib/co/timer.h"
#include "lib/co/waitq.h"

enum co_task_state { CO_READY, CO_RUNNING, CO_PARKED, CO_ENDED };

/* What a task can wait for: something for people to read, and to find deadlocks by. */
struct co_wait_kind {
    const char *word;
    bool is_fd; /* the object is a descriptor's number, not a pointer */
    /* The task that alone can end the wait; NULL: there is no such task. */
    const struct co_task *(*holder)(const void *object);
};

struct co_task {
    /* What a switch touches, in one cache line; then what a wait does. */
    struct co_context context; /* where it was left; of a task that has not begun: NULL */
    struct co_list link;       /* on the ready list or a waitq */
    struct co_loop *loop;
    enum co_task_state state;
    bool is_cancelled;          /* some scope around it is, and no shield in between */
    bool can_be_cancelled;      /* while parked: a cancel wakes it */
    uint16_t n_cancelled_calls; /* blocking calls that failed for it in a row */
    int wake_rc;                /* what co_park() returns */
    struct co_scope *scope;     /* innermost */
    void *handed;               /* to or by a parked task, along with its waking */
    bool is_deaf;               /* has been reported for ignoring a cancel */
    bool failed_unseen;         /* once ended: failed, and nobody has been told */
    uint8_t n_immediate;        /* I/O calls in a row that did not have to wait */
    uint16_t n_locks;           /* it holds */
    unsigned n_references;      /* one of its own while it lives, and one for each handle */
    const struct co_wait_kind *waits_for; /* while parked */
    const void *waits_on;                 /* the object of that kind, or NULL */
    co_time since;                        /* when it was parked or made ready */
    co_time slowest_step;                 /* that was reported */

    const char *scope_site;        /* of the innermost scope, which may be gone by mistake */
    struct co_scope root;          /* outermost of its own */
    struct co_list sibling;        /* in its group's children */
    struct co_task *next_affected; /* while a cancel spreads */

    struct co_stack *stack; /* from its first step to its end; NULL before and after */
    co_fn *fn;
    void *arg;
    int rc; /* once ended */
    void *result;
    struct co_waitq joiners;
    struct co_list watchers;  /* struct co_watch: told when it ends */
    struct co_locals *locals; /* its values; NULL: it has none */
    uint64_t end_order;       /* once ended: the how-manieth of its loop */

    uint64_t id; /* counts from 1 in each loop */
    const char *name;
    const char *site; /* where it was spawned */
};

/* Who is told of a task's end without being parked for it: one can watch many. Removed from the
 * list before. */
struct co_watch {
    struct co_list link;
    void (*ended)(struct co_watch *watch);
};

struct co_loop {
    struct co_context context; /* of the thread, while a task runs */
    struct co_task *current;
    struct co_list ready;
    unsigned n_batch; /* how many tasks may still run in this turn */

    co_time now;
    const struct co_clock *clock;
    void (*report)(void *arg, const struct co_report *report); /* NULL: to stderr */
    void *report_arg;
    struct co_heap timers; /* of struct co_timer */
    struct co_poller poller;
    struct co_inbox inbox;
    struct co_thread_pool threads;
    struct co_stack_pool stacks;

    struct co_group root; /* of tasks without another group; has no owner */
    unsigned n_tasks;
    uint64_t n_spawned;         /* ever */
    struct co_waitq settlers;   /* parked in co_settle() */
    struct co_list spare_tasks; /* ended, kept for the next spawn */
    unsigned n_spare_tasks;

    co_time slow_step; /* what is reported; 0: steps are not measured */
    co_time step_began;
    bool checks_scopes;                /* at every call that blocks */
    struct co_stack_uses *stack_uses;  /* NULL: stacks are not measured */
    struct co_overflow_watch overflow; /* while it runs, as are the next two */
    struct co_list running;            /* on the list of co_debug */
    pid_t thread_id;

    atomic_bool must_stop; /* by co_loop_stop() */
    bool is_running;
    bool runs_forever;
    unsigned n_forks;      /* of the process, when it was made */
    uint64_t shuffle;      /* state of the generator; 0: do not */
    struct co_timer drain; /* armed while the run ends */
    co_time drain_timeout;
};

/* One sentence to stderr, then abort(): misuse that cannot be answered by a status. */
__attribute__((noreturn, cold, format(printf, 1, 2))) void co_die(const char *format, ...);

/* One sentence to stderr, about what is no task's. */
__attribute__((cold, format(printf, 1, 2))) void co_warn(const char *format, ...);

/* Says something about a task: kind, and rc or duration where they mean something, are given; the
 * sentence is formatted. report.task and .site are those of the task, unless given. */
__attribute__((cold, format(printf, 3, 4))) void
co_report(const struct co_task *task, struct co_report report, const char *format, ...);

/* A child made by fork() has the parent's loops in memory, and must not touch them: there no loop
 * runs, and those that were made before are of another process. returns 0, -ENOMEM */
int co_fork_watch(void);
extern unsigned co_n_forks; /* between the first process and this one */
__attribute__((noreturn, cold)) void co_die_of_fork(void);
__attribute__((noreturn, cold)) void co_die_outside_of_loops(void);
static inline void co_loop_check_process(const struct co_loop *loop)
{
    if (loop->n_forks != co_n_forks)
        co_die_of_fork();
}

/* The loop that runs on this thread; aborts with a sentence when there is none. */
extern _Thread_local struct co_loop *co_running_loop;
static inline struct co_loop *co_loop_current(void)
{
    if (co_running_loop == NULL)
        co_die_outside_of_loops();
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

/* Suspends the caller, at the end of `queue` (NULL: in no line), until somebody unparks it. It
 * waits for `object`, which is of that kind.
 *
 * returns    what it is unparked with; -ECANCELED at once if the caller is cancelled, or when it
 *            gets cancelled before it is unparked: it is then in no line any more
 */
int co_park(struct co_waitq *queue, const struct co_wait_kind *kind, const void *object);

/* The same for a wait that cannot be given up. */
int co_park_uncancellable(struct co_waitq *queue, const struct co_wait_kind *kind,
                          const void *object);

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

/* Frees some of more spare tasks than are worth keeping. returns whether there are more. */
bool co_task_trim(struct co_loop *loop);

/* Whether a task that has ended failed. One that was cancelled and says so has not; one that says
 * so without having been cancelled has, for nobody else would report it. */
bool co_task_has_failed(const struct co_task *task);

/* The task that alone can continue this one; NULL: it is not parked, or there is no such task. */
static inline const struct co_task *co_task_holder(const struct co_task *task)
{
    bool has_holder = task->state == CO_PARKED && task->waits_for->holder != NULL;

    return has_holder ? task->waits_for->holder(task->waits_on) : NULL;
}

/* A task that has ended failed, and no group returns its status: who awaits it is told, or else the
 * loop's owner by a report. */
void co_task_failed_alone(struct co_task *task);

/* The status of a task that has ended: from now on somebody has been told. */
int co_task_take_status(struct co_task *task);

/* The values of a task, and of those that were spawned with them. NULL is fine. */
struct co_locals *co_locals_ref(struct co_locals *locals);
void co_locals_unref(struct co_locals *locals);

/* The loop's own group has no owner: its tasks do not cancel each other when they fail. */
void co_group_init_root(struct co_group *group);

/* A task of the group has ended. */
void co_group_child_ended(struct co_group *group, struct co_task *task);

/* Whether the innermost scope, or one around it, is cancelled, with no shield in between. */
bool co_scope_chain_is_cancelled(const struct co_scope *innermost);

/* The scope that does it; NULL if none does. */
const struct co_scope *co_scope_find_cancelled(const struct co_scope *innermost);

/* Aborts with a sentence unless the caller entered this scope last. */
void co_scope_assert_innermost(const struct co_scope *scope);

/* Aborts with a sentence when the scope is of another thread's loop. */
__attribute__((noreturn, cold)) void co_die_of_foreign_scope(const struct co_scope *scope);
static inline void co_scope_check_thread(const struct co_scope *scope)
{
    const struct co_task *task = scope->task; /* NULL: of the loop's own group, which is private */

    if (task != NULL && task->loop != co_loop_current())
        co_die_of_foreign_scope(scope);
}

void co_scope_init(struct co_scope *scope, struct co_task *task, enum co_scope_kind kind,
                   const char *site);

/* Cancels the scope after `grace` nanoseconds, unless its own deadline comes first. */
void co_scope_cancel_after(struct co_scope *scope, co_time grace, int rc, const char *why,
                           const char *site);

/* Arms a timer `after` nanoseconds from now; CO_NEVER leaves it unarmed. */
void co_timer_arm(struct co_loop *loop, struct co_timer *timer, co_time after);
void co_timer_disarm(struct co_loop *loop, struct co_timer *timer);

/* Picks what the loop runs next on this thread, once the caller's task is parked, ready or ended.
 */
struct co_context *co_loop_next_context(struct co_loop *loop);

/* One turn of the loop in two halves: what has become ready runs; what happens meanwhile is waited
 * for. The latter returns -EDEADLK if nothing can happen, or what the clock's wait() returns. */
void co_loop_run_ready(struct co_loop *loop);
int co_loop_wait(struct co_loop *loop);

/* The current task has been left, or the next is about to run: how long did the step take? */
__attribute__((cold)) void co_step_ended(struct co_loop *loop);

/* Aborts with a sentence when the task, which is running, is in a scope whose frame is gone. It may
 * be missed here, if other frames lie there now; not when an outer scope is left or the task ends.
 */
__attribute__((cold)) void co_scope_check_frames(const struct co_task *task);

/* Whether the loop runs is for debuggers to know. */
void co_debug_add(struct co_loop *loop);
void co_debug_remove(struct co_loop *loop);

/* Reorders the tasks at random. returns how many they are */
unsigned co_shuffle(struct co_list *tasks, uint64_t *state);

/* Reports each task of the loop: nothing can happen, or the loop is ending and it is not. */
void co_report_deadlock(const struct co_loop *loop);
void co_report_stuck(const struct co_loop *loop);
