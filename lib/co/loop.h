/* The loop: runs the tasks of one thread, and waits for time, descriptors and threads on their
 * behalf.
 *
 * One turn: take note of descriptors that became ready, then of what threads completed and asked
 * for, then of timers that are due; then run what is ready, first come, first served, up to a
 * number that keeps the next turn from being late. So data that arrives in the same turn as a
 * deadline wins.
 *
 * A thread has at most one running loop. Except where said, every function of this library is
 * called from a task, on the loop's thread; from another thread, or in a child made by fork(2),
 * what needs the loop or wakes one of its tasks aborts with a sentence.
 */
#pragma once

#include <stdbool.h>

#include "base.h"

struct co_loop;

/* Where a loop gets its time from, and how it waits. */
struct co_clock {
    co_time (*now)(struct co_loop *loop);
    /* Waits for descriptors and threads, until `deadline` of now() at most. */
    int (*wait)(struct co_loop *loop, co_time deadline);
};

/* What a loop has to say that no status can. */
enum co_report_kind {
    CO_REPORT_TASK_FAILED,    /* no group returns its status, and the last handle was not awaited */
    CO_REPORT_SUPPRESSED,     /* a task failed, but its group returns another failure */
    CO_REPORT_CANCEL_IGNORED, /* a task went on after 1000 calls that said -ECANCELED */
    CO_REPORT_SLOW_STEP,      /* a task ran for longer than slow_step without a call that blocks */
    CO_REPORT_DEADLOCK,       /* a task of a circle, or one that nobody can wake: one report each */
    CO_REPORT_STUCK,          /* at the end of the loop a task does not end: where it waits */
};

struct co_report {
    enum co_report_kind kind;
    const char *task; /* name */
    const char *site; /* where it was spawned */
    int rc;           /* of a failure */
    co_time duration; /* of a slow step */
    const char *text; /* a sentence with all of this, without a line break; valid during the call */
};

struct co_loop_options {
    const struct co_clock *clock; /* NULL: real */
    size_t stack_size;            /* of each task; 0: 256 KiB */
    unsigned max_threads;         /* for co_to_thread(); 0: 4 */
    co_time slow_step;            /* report steps that take longer; 0: do not measure */
    co_time drain_timeout; /* after this long at its end, the loop reports who is stuck; 0: 10 s */
    uint64_t shuffle;      /* not 0: run what is ready in an order this seeds; for tests */
    bool debug;            /* look for scopes that were not left at every call that blocks, too */
    bool measure_stacks;   /* for co_stack_use_visit(); costs a system call per task */
    /* NULL: a line on stderr. Must not block or call the library. */
    void (*report)(void *arg, const struct co_report *report);
    void *report_arg;
};

/* What the caller's loop holds now. */
struct co_loop_stats {
    unsigned n_tasks; /* alive, the caller included */
    unsigned n_timers;
    unsigned n_stacks; /* mapped: in use and idle */
    unsigned n_threads;
    unsigned n_jobs; /* given to threads, abandoned ones included */
};

CO_API_BEGIN

/* CLOCK_MONOTONIC. */
extern const struct co_clock co_clock_real;

/* Starts at 0 and stands still while anything can run; when nothing can and no thread is at work it
 * jumps to the next deadline. Makes tests with timeouts instant and repeatable. */
extern const struct co_clock co_clock_virtual;

/* options may be NULL. returns 0, -ENOMEM, -EMFILE, ... */
int co_loop_new(struct co_loop **ret_loop, const struct co_loop_options *options);

/* Runs main(arg) as a task until it ends, then cancels what it left behind and runs that to its
 * end too.
 *
 * returns    main's status; -EDEADLK when every task waits for another, and no time, descriptor or
 *            thread of co_to_thread() can change that (each is reported, then all are cancelled),
 *            or when the caller is a task itself
 *
 * Aborts with a sentence if tasks wait for each other that cannot be cancelled.
 */
int co_loop_run_until_complete(struct co_loop *loop, co_fn *main, void *arg, void **ret_result);

/* Runs start(arg) as a task, and all that it starts, until co_loop_stop(); then cancels what is
 * left and runs it to its end. Tasks that all wait for each other are no deadlock here: a
 * co_loop_call() may still come.
 *
 * returns    0, -ENOMEM; -EDEADLK: the caller is a task itself
 */
int co_loop_run_forever(struct co_loop *loop, co_fn *start, void *arg);

/* Ends the run that is going on, by cancelling all its tasks, or the next one: its first task is
 * entered cancelled then. From any thread, and from a signal handler; like co_loop_call() it must
 * have returned before the loop is freed.
 *
 * source     asyncio's loop.stop
 */
void co_loop_stop(struct co_loop *loop);

/* Has fn(arg) called by the loop soon, outside of any task: it must not block, but may spawn,
 * cancel and wake. From any thread; calls from one thread keep their order, and are made before a
 * co_loop_stop() that comes after them counts. What has not been called when the loop is freed
 * never is.
 *
 * returns    0, -ENOMEM
 * source     asyncio's call_soon_threadsafe
 */
int co_loop_call(struct co_loop *loop, void (*fn)(void *arg), void *arg);

/* Joins its threads. NULL is fine.
 *
 * Aborts with a sentence while the loop runs. */
void co_loop_free(struct co_loop *loop);
void co_loop_freep(struct co_loop **loop);

/* A loop with default options, for one main. The first SIGINT while main runs cancels it, why
 * "SIGINT", unless the program handles or ignores that signal itself; the second ends the process.
 *
 * returns    main's status, or what kept the loop from being made; -EINTR when main ended because
 *            of SIGINT
 * source     asyncio.run
 */
int co_run(co_fn *main, void *arg, void **ret_result);

void co_loop_stats(struct co_loop_stats *ret_stats);

/* For tests: waits until all is quiet, that is until nothing but time or somebody outside can make
 * any other task run: each is parked, no descriptor that one waits for is ready, no call is to be
 * made, and no thread of co_to_thread() is at work. The virtual clock does not jump meanwhile.
 *
 * suspends   always, unless cancelled
 * source     trio.testing.wait_all_tasks_blocked, Go's synctest.Wait
 */
CO_BLOCKS int co_settle(void);

CO_API_END
