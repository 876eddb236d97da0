/* Looking in: what every task of a loop is doing, and why. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base.h"

struct co_task;

/* One task, as it is now. Text is the library's, and valid until the task is gone. */
struct co_task_info {
    uint64_t id;        /* of this loop: 1 is the first task */
    uint64_t parent_id; /* of the task whose group it is in; 0: the loop's own group */
    unsigned depth;     /* of groups above it: how far to indent */
    const char *name;
    const char *site;           /* spawned where */
    const char *state;          /* "running", "ready", "parked" */
    const char *waits_for;      /* while parked: "time", "readable fd", "lock", "task", ... */
    int fd;                     /* while it waits for one; else -1 */
    uint64_t waits_for_id;      /* the task it waits for: joined, or holding the lock; 0: none */
    const char *waits_for_name; /* of that task; else NULL */
    bool waits_in_circle;       /* that task waits for it in turn, directly or not */
    co_time since;              /* of co_now(): parked or made ready */
    co_time deadline;           /* the nearest of those around it; CO_NEVER */
    const char *cancelled;      /* why the innermost cancelled scope is; NULL: none is */
    const char *cancelled_by;   /* the name of the task that did it; NULL: none, but a deadline */
    const char *cancelled_at;   /* where that task did it; NULL: a deadline */
    const char *cancelled_site; /* where the cancelled scope was entered */
    size_t stack_size;          /* 0: it has not begun, and has none yet */
    size_t stack_used;          /* down to where it is; 0: it is inside a generator */
};

/* Stack use of the tasks that were spawned at one place. */
struct co_stack_use {
    const char *site; /* "other sites", of all that are too many to list */
    const char *name; /* of the task that went deepest */
    size_t max_used;  /* bytes; a few more, if the last ones were zero */
    uint64_t n_ended; /* tasks; those that live count for max_used only */
};

CO_API_BEGIN

/* Calls visit() for every task of the caller's loop: children after their parent, in the order they
 * were spawned in. Stops when visit() returns nonzero, and returns that; else 0. visit() must not
 * block, spawn or cancel. */
int co_tasks_visit(int (*visit)(void *arg, const struct co_task_info *info), void *arg);

/* The tree of tasks as text, a task a line: what it does, how long until the nearest deadline, who
 * cancelled it and why, where it was spawned, and how much of its stack it uses. Tasks that wait
 * for each other in a circle, to end or to let go of a lock, are marked.
 *
 *     main  #1  waits 0.000 s for the tasks of its group      server.c:12  stack 520 of 257984
 *       accept  #2  waits 2.500 s for readable fd 7           server.c:40  stack 1344 of 258048
 *       client  #9  waits 0.010 s for lock (#3 writer), 1.500 s left  server.c:55  stack ...
 *       client  #12  ready, cancelled at server.c:77 by main: shutdown  server.c:55
 *
 * Then, if stacks are measured, how deep they have been. */
void co_dump(FILE *file);

/* How deep stacks have been, by spawn site, in the order the sites were seen in; nothing without
 * co_loop_options.measure_stacks. As co_tasks_visit(). */
int co_stack_use_visit(int (*visit)(void *arg, const struct co_stack_use *use), void *arg);

/* What a debugger needs to list the tasks of a process or a core file without running code in it;
 * the script for gdb that does so is installed as share/libgather/gdb.py. */
struct co_debug;
extern const struct co_debug co_debug;

CO_API_END
