#include "lib/co/inbox.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int co_inbox_init(struct co_inbox *inbox)
{
    atomic_init(&inbox->newest, NULL);
    atomic_init(&inbox->n_wakes, 0);
    inbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return inbox->event_fd >= 0 ? 0 : -errno;
}

void co_inbox_done(struct co_inbox *inbox)
{
    assert(co_inbox_is_empty(inbox));
    if (inbox->event_fd >= 0)
        close(inbox->event_fd);
    inbox->event_fd = -1;
}

/* What a signal handler interrupted must not find another errno. */
void co_inbox_wake(struct co_inbox *inbox)
{
    int interrupted_errno = errno;
    uint64_t one = 1;

    atomic_fetch_add_explicit(&inbox->n_wakes, 1, memory_order_relaxed);
    if (write(inbox->event_fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN); /* full after 2^64 writes: then it has an edge nobody has taken */
    errno = interrupted_errno;
}

/* The list is a stack while it is posted to: that takes one compare-and-swap, and since messages
 * are only ever taken all at once, none can be back in its place before that swap. */
void co_inbox_post(struct co_inbox *inbox, struct co_message *message)
{
    struct co_message *older = atomic_load_explicit(&inbox->newest, memory_order_relaxed);

    do
        message->next = older;
    while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &older, message,
                                                  memory_order_release, memory_order_relaxed));
    if (older == NULL)
        co_inbox_wake(inbox);
}

bool co_inbox_is_empty(struct co_inbox *inbox)
{
    return atomic_load_explicit(&inbox->newest, memory_order_relaxed) == NULL;
}

static struct co_message *reverse(struct co_message *newest)
{
    struct co_message *oldest = NULL, *next;

    for (struct co_message *message = newest; message != NULL; message = next) {
        next = message->next;
        message->next = oldest;
        oldest = message;
    }
    return oldest;
}

static struct co_message *take_all(struct co_inbox *inbox)
{
    if (co_inbox_is_empty(inbox))
        return NULL;
    return reverse(atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acquire));
}

void co_inbox_deliver(struct co_inbox *inbox)
{
    struct co_message *next;

    for (struct co_message *message = take_all(inbox); message != NULL; message = next) {
        next = message->next;
        message->deliver(message);
    }
}

void co_inbox_discard(struct co_inbox *inbox)
{
    struct co_message *next;

    for (struct co_message *message = take_all(inbox); message != NULL; message = next) {
        next = message->next;
        message->discard(message);
    }
}
