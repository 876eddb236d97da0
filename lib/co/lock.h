/* A lock with an owner, and conditions to wait for under it. Needed where what must not be seen
 * half done contains a call that blocks: between two such calls a task is alone anyway.
 *
 * The lock is handed to the next in line directly, first come, first served.
 */
#pragma once

#include "base.h"
#include "waitq.h"

struct co_task;

/* source  asyncio.Lock */
struct co_lock {
    struct co_waitq waiters;
    struct co_task *owner;
};

/* source  asyncio.Condition */
struct co_condition {
    struct co_waitq waiters;
};

CO_API_BEGIN

void co_lock_init(struct co_lock *lock);

/* returns    0: the caller holds it, and owes one co_lock_release();
 *            -EDEADLK: the caller holds it already; -ECANCELED: it is not held
 * suspends   while another task holds it
 */
CO_BLOCKS int co_lock_acquire(struct co_lock *lock);

/* Aborts with a sentence if the caller does not hold it. */
void co_lock_release(struct co_lock *lock);

void co_condition_init(struct co_condition *condition);

/* Lets the lock go until the condition is notified. The lock is held again whatever this returns:
 * getting it back cannot be cancelled.
 *
 * returns    0: notified (look again, for another may have come first); -ECANCELED: it was not,
 *            and nobody's notification was used up
 * suspends   always, unless cancelled
 */
CO_BLOCKS int co_condition_wait(struct co_condition *condition, struct co_lock *lock);

/* Wakes the first n who wait, or all. The caller holds their lock. */
void co_condition_notify(struct co_condition *condition, size_t n);
void co_condition_notify_all(struct co_condition *condition);

CO_API_END
