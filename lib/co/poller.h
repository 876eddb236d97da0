/* Readiness of descriptors: the epoll instance of a loop, and what it knows of each descriptor.
 *
 * Every descriptor is registered once, edge-triggered, for both directions. The kernel reports an
 * edge; it is remembered in `ready` until somebody waits for it. A generation tells an event of
 * a descriptor that was forgotten from one of its successor with the same number.
 */
#pragma once

#include <stdbool.h>

#include "lib/co/base.h"
#include "lib/co/io.h"

struct co_task;

struct co_poller_fd {
    struct co_task *reader; /* parked until it is readable */
    struct co_task *writer;
    uint32_t generation;
    uint8_t ready; /* enum co_io bits, since the last wait */
    bool registered;
};

struct co_poller {
    int epoll_fd;
    struct co_poller_fd *fds; /* by number; moves when it grows */
    size_t n_fds;
    unsigned n_waiting; /* tasks parked on a descriptor */
};

/* returns 0, -EMFILE, ...; co_poller_done() is fine either way. */
int co_poller_init(struct co_poller *poller);
void co_poller_done(struct co_poller *poller);

/* Lets writes to an eventfd, which nobody waits for, end the poller's sleep. returns 0, -ENOMEM,
 * -ENOSPC: too many descriptors are watched for this user */
int co_poller_watch(struct co_poller *poller, int event_fd);

/* Waits `timeout` nanoseconds at most (CO_NEVER; 0: not at all) for events, and wakes who
 * waits for them. returns how many events came, or -errno. */
int co_poller_wait(struct co_poller *poller, co_time timeout);

/* The entry of fd, registered. returns 0, -ENOMEM, -EPERM, -EBADF, ... */
int co_poller_register(struct co_poller *poller, int fd, struct co_poller_fd **ret_entry);

/* The entry of fd, or NULL if nobody ever waited for it. */
struct co_poller_fd *co_poller_find(struct co_poller *poller, int fd);

/* Forgets fd and wakes its waiters with -EBADF. */
void co_poller_forget(struct co_poller *poller, int fd);
