/* Waiting for some of several tasks. Nothing here cancels a task: see co_gather() and groups for
 * that. The tasks are handles of the caller's.
 */
#pragma once

#include "base.h"

struct co_task;

enum co_wait_until {
    CO_ALL_COMPLETED,
    CO_FIRST_COMPLETED,
    CO_FIRST_ERROR, /* or all completed; a task that was cancelled is no error */
};

CO_API_BEGIN

/* Waits until that many of the tasks have ended.
 *
 * returns    how many have; at once if n_tasks is 0; -ENOMEM
 * suspends   unless enough have
 * source     asyncio.wait
 */
CO_BLOCKS int co_wait(struct co_task *const *tasks, size_t n_tasks, enum co_wait_until until);

/* Hands out one task after another, in the order they end in: moves the next one to tasks[*n_seen],
 * and counts it there. Start with *n_seen = 0. Each call looks at every task that is left.
 *
 *     for (size_t n = 0; (rc = co_as_completed(tasks, n_tasks, &n)) > 0;)
 *         use(tasks[n - 1]);
 *
 * returns    1; 0 when all have been handed out; -ENOMEM
 * suspends   unless one has ended that was not handed out
 * source     asyncio.as_completed
 */
CO_BLOCKS int co_as_completed(struct co_task **tasks, size_t n_tasks, size_t *n_seen);

CO_API_END
