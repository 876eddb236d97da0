/* Tasks: functions that run beside each other on one thread, each on a stack of its own.
 *
 * A task runs until it calls something that blocks; then the next one that can runs. Every task
 * belongs to a group and the group's owner waits for it, so no task is ever forgotten.
 */
#pragma once

#include <stdbool.h>

#include "base.h"

struct co_task;

CO_API_BEGIN

/* Starts fn(arg) in the loop's own group: it runs after the caller next blocks.
 *
 * ret_task   NULL, or where to put a handle; who asks for one owes co_task_unref()
 * name       kept as a pointer: a literal
 * returns    0, -ENOMEM (then fn is not entered)
 */
#define co_create_task(name, fn, arg, ret_task) co_create_task_at(name, fn, arg, ret_task, CO_SITE)
int co_create_task_at(const char *name, co_fn *fn, void *arg, struct co_task **ret_task,
                      const char *site);

/* Waits for a task to end. Cancelling the waiter does not cancel the task. The failure of a task
 * that is in the loop's own group and that nobody awaits is reported, once: when it ends, or when
 * the last handle is dropped.
 *
 * returns    the task's status; -ECANCELED also when the waiter was cancelled
 * suspends   unless the task has ended
 */
CO_BLOCKS int co_task_await(struct co_task *task, void **ret_result);

/* Cancels everything the task does, clean-up in shields excepted. `why` is a literal. */
#define co_cancel(task, why) co_cancel_at(task, why, CO_SITE)
void co_cancel_at(struct co_task *task, const char *why, const char *site);

/* Cancels a task, waits until it has ended whatever happens to the caller meanwhile, and drops the
 * handle: the end of a task that serves. NULL is fine. suspends unless the task has ended */
void co_task_stop(struct co_task *task, const char *why);

/* Drops a handle, at the latest before the loop is freed. NULL is fine. */
void co_task_unref(struct co_task *task);
void co_task_unrefp(struct co_task **task);

bool co_task_is_done(const struct co_task *task);

/* The caller; NULL outside of any task. */
struct co_task *co_self(void);
const char *co_task_name(const struct co_task *task);

/* Bytes left on the caller's stack: recursive code asks before it goes deeper. */
size_t co_stack_left(void);

/* Sleeps for at least `duration` nanoseconds; 0 lets the others run once.
 *
 * suspends   always, unless cancelled
 */
CO_BLOCKS int co_sleep(co_time duration);

/* The loop's time, read once a turn. */
co_time co_now(void);

/* The loop's clock, read anew: to measure what happens within a turn. */
co_time co_clock_now(void);

CO_API_END
