/* Waiting lines: an event that is set once, a semaphore of permits. First come, first served; a
 * permit is handed to its next holder directly, so nobody can slip in between and a waiter that is
 * cancelled at the same moment either holds it or has left it to the next.
 */
#pragma once

#include <stdbool.h>

#include "base.h"
#include "waitq.h"

/* source  asyncio.Event */
struct co_event {
    struct co_waitq waiters;
    bool is_set;
};

CO_API_BEGIN

void co_event_init(struct co_event *event);

/* Wakes everybody who waits, and lets everybody through until it is cleared. */
void co_event_set(struct co_event *event);
void co_event_clear(struct co_event *event);

/* suspends   while the event is not set */
CO_BLOCKS int co_event_wait(struct co_event *event);

/* source  asyncio.Semaphore; order as in trio's ParkingLot */
struct co_semaphore {
    struct co_waitq waiters;
    unsigned n_free;
};

void co_semaphore_init(struct co_semaphore *semaphore, unsigned n_permits);

/* Takes one permit, waiting for one if none is free.
 *
 * returns    0: the caller holds a permit and owes one co_semaphore_release();
 *            -ECANCELED: no permit is held
 * suspends   only when no permit is free
 */
CO_BLOCKS int co_semaphore_acquire(struct co_semaphore *semaphore);
void co_semaphore_release(struct co_semaphore *semaphore);

CO_API_END
