#include "lib/co/sync.h"

#include "lib/co/runtime.h"

static const struct co_wait_kind waits_for_event = {.word = "event"};
static const struct co_wait_kind waits_for_permit = {.word = "semaphore"};

void co_event_init(struct co_event *event)
{
    co_waitq_init(&event->waiters);
    event->is_set = false;
}

void co_event_set(struct co_event *event)
{
    event->is_set = true;
    co_unpark_all(&event->waiters, 0);
}

void co_event_clear(struct co_event *event)
{
    event->is_set = false;
}

int co_event_wait(struct co_event *event)
{
    return event->is_set ? co_check_cancelled() : co_park(&event->waiters, &waits_for_event, event);
}

void co_semaphore_init(struct co_semaphore *semaphore, unsigned n_permits)
{
    co_waitq_init(&semaphore->waiters);
    semaphore->n_free = n_permits;
}

int co_semaphore_acquire(struct co_semaphore *semaphore)
{
    if (semaphore->n_free == 0)
        /* 0 means the releaser handed us its permit directly, so there is nothing to re-check: no
         * newcomer can have taken it in between. */
        return co_park(&semaphore->waiters, &waits_for_permit, semaphore);

    int rc = co_check_cancelled();
    if (rc == 0)
        semaphore->n_free--;
    return rc;
}

void co_semaphore_release(struct co_semaphore *semaphore)
{
    if (!co_unpark_first(&semaphore->waiters, 0))
        semaphore->n_free++;
}
