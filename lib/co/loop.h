/* The loop: runs the tasks of one thread, and waits for time, descriptors and threads on their
 * behalf.
 *
 * One turn: take note of descriptors that became ready, then of what threads completed, then of
 * timers that are due; then run what is ready, first come, first served, up to a number that keeps
 * the next turn from being late. So data that arrives in the same turn as a deadline wins.
 *
 * A thread has at most one running loop. Except where said, every function of this library is
 * called from a task, on the loop's thread.
 */
#pragma once

#include "lib/co/base.h"

struct co_loop;

/* Where a loop gets its time from, and how it waits. */
struct co_clock {
    co_time (*now)(struct co_loop *loop);
    /* Waits for descriptors and threads, until `deadline` of now() at most. */
    int (*wait)(struct co_loop *loop, co_time deadline);
};

/* CLOCK_MONOTONIC. */
extern const struct co_clock co_clock_real;

/* Starts at 0 and stands still while anything can run; when nothing can and no thread is at work it
 * jumps to the next deadline. Makes tests with timeouts instant and repeatable. */
extern const struct co_clock co_clock_virtual;

struct co_loop_options {
    const struct co_clock *clock; /* NULL: real */
    size_t stack_size;            /* of each task; 0: 256 KiB */
    unsigned max_threads;         /* for co_to_thread(); 0: 4 */
};

/* options may be NULL. returns 0, -ENOMEM, -EMFILE, ... */
int co_loop_new(struct co_loop **ret_loop, const struct co_loop_options *options);

/* Runs main(arg) as a task until it ends, then cancels what it left behind and runs that to its
 * end too. Not to be called from within a task.
 *
 * returns    main's status; -EDEADLK when every task waits for another (then all were cancelled)
 */
int co_loop_run_until_complete(struct co_loop *loop, co_fn *main, void *arg, void **ret_result);

/* The loop must not be running. Joins its threads. NULL is fine. */
void co_loop_free(struct co_loop *loop);
void co_loop_freep(struct co_loop **loop);

/* A loop with default options, for one main. source: asyncio.run */
int co_run(co_fn *main, void *arg, void **ret_result);

/* What the caller's loop holds now. */
struct co_loop_stats {
    unsigned n_tasks; /* alive, the caller included */
    unsigned n_timers;
    unsigned n_stacks; /* mapped: in use and idle */
    unsigned n_threads;
    unsigned n_jobs; /* given to threads, abandoned ones included */
};
void co_loop_stats(struct co_loop_stats *ret_stats);
