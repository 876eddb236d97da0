/* What other threads and signal handlers have for a loop: messages, and the end of its sleep.
 *
 * Posting is lock-free, so it may interrupt itself. An eventfd ends the loop's sleep; it is written
 * to by whoever posts the first message since the loop last took them, and by nobody else: a burst
 * costs one system call. The poller watches the eventfd for edges, which every write makes, so it
 * is never read.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/* Whoever posts one keeps its memory until one of the two has been called. Both are called on the
 * loop's thread, outside of any task. */
struct co_message {
    struct co_message *next;
    void (*deliver)(struct co_message *message);
    void (*discard)(struct co_message *message); /* instead: the loop is being freed */
};

struct co_inbox {
    _Atomic(struct co_message *) newest;
    atomic_ulong n_wakes; /* ever */
    int event_fd;
};

/* returns 0, -EMFILE, ...; co_inbox_done() is fine either way. */
int co_inbox_init(struct co_inbox *inbox);
void co_inbox_done(struct co_inbox *inbox);

/* From any thread, and from a signal handler. Messages of one thread keep their order. */
void co_inbox_post(struct co_inbox *inbox, struct co_message *message);

/* Ends the loop's sleep, or its next one. As co_inbox_post(). */
void co_inbox_wake(struct co_inbox *inbox);

bool co_inbox_is_empty(struct co_inbox *inbox);

/* Takes all messages, and calls one of the two for each, the oldest first. */
void co_inbox_deliver(struct co_inbox *inbox);
void co_inbox_discard(struct co_inbox *inbox);
