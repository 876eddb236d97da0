/* A stack that overflows says whose it is before the process dies.
 *
 * Below each stack lies a guard; touching it is a fault, whose signal is handled on a stack of its
 * own. The handler writes a line and steps aside, so that the fault repeats, and ends the process
 * as it would have without us: with a core file. It is there while a loop runs, and only where the
 * program has no handler of its own.
 */
#pragma once

#include <stdbool.h>

struct co_overflow_watch {
    void *signal_stack;
    bool is_in_use; /* the thread had none of its own */
};

/* returns 0, -ENOMEM; co_overflow_watch_done() is fine either way. */
int co_overflow_watch_init(struct co_overflow_watch *watch);
void co_overflow_watch_done(struct co_overflow_watch *watch);

/* From the first to the second, the tasks of the caller's thread are watched. */
void co_overflow_watch_begin(struct co_overflow_watch *watch);
void co_overflow_watch_end(struct co_overflow_watch *watch);
