#include "lib/co/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/co/runtime.h"

enum { EVENTS_PER_POLL = 256 };

/* Of no descriptor: such an event ends a sleep, and is otherwise ignored. */
#define TAG_OF_NOBODY ((uint64_t)UINT32_MAX)

int co_poller_init(struct co_poller *poller)
{
    *poller = (struct co_poller){0};
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->epoll_fd >= 0 ? 0 : -errno;
}

void co_poller_done(struct co_poller *poller)
{
    if (poller->epoll_fd >= 0)
        close(poller->epoll_fd);
    free(poller->fds);
    *poller = (struct co_poller){.epoll_fd = -1};
}

int co_poller_watch(struct co_poller *poller, int event_fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = TAG_OF_NOBODY};

    return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, event_fd, &event) < 0 ? -errno : 0;
}

static uint64_t event_tag(int fd, const struct co_poller_fd *entry)
{
    return (uint64_t)entry->generation << 32 | (uint32_t)fd;
}

static int grow(struct co_poller *poller, size_t n_wanted)
{
    size_t n = poller->n_fds != 0 ? poller->n_fds : 64;

    while (n < n_wanted)
        n *= 2;
    struct co_poller_fd *fds = realloc(poller->fds, n * sizeof(*fds));
    if (fds == NULL)
        return -ENOMEM;
    memset(fds + poller->n_fds, 0, (n - poller->n_fds) * sizeof(*fds));
    poller->fds = fds;
    poller->n_fds = n;
    return 0;
}

struct co_poller_fd *co_poller_find(struct co_poller *poller, int fd)
{
    if (fd < 0 || (size_t)fd >= poller->n_fds || !poller->fds[fd].registered)
        return NULL;
    return &poller->fds[fd];
}

int co_poller_register(struct co_poller *poller, int fd, struct co_poller_fd **ret_entry)
{
    if (fd < 0)
        return -EBADF;
    if ((size_t)fd >= poller->n_fds) {
        int rc = grow(poller, (size_t)fd + 1);
        if (rc < 0)
            return rc;
    }

    struct co_poller_fd *entry = &poller->fds[fd];
    if (!entry->registered) {
        struct epoll_event event = {
            .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
            .data.u64 = event_tag(fd, entry),
        };
        if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
            return -errno;
        entry->registered = true;
        entry->ready = 0;
    }
    *ret_entry = entry;
    return 0;
}

static void wake(struct co_task *task, int rc)
{
    if (task != NULL)
        co_unpark(task, rc);
}

static void report(struct co_poller *poller, const struct epoll_event *event)
{
    struct co_poller_fd *entry = co_poller_find(poller, (int)(uint32_t)event->data.u64);

    if (entry == NULL || entry->generation != event->data.u64 >> 32)
        return; /* forgotten after the kernel had queued it */
    if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        entry->ready |= CO_READABLE;
        wake(entry->reader, 0);
    }
    if (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        entry->ready |= CO_WRITABLE;
        wake(entry->writer, 0);
    }
}

/* Rounded up: a timer that fires a little late is fine, one that spins until its time is not. */
static int to_milliseconds(co_time timeout)
{
    co_time ms = timeout / CO_MILLISECOND + (timeout % CO_MILLISECOND != 0);

    return timeout == CO_NEVER ? -1 : ms < INT32_MAX ? (int)ms : INT32_MAX;
}

int co_poller_wait(struct co_poller *poller, co_time timeout)
{
    struct epoll_event events[EVENTS_PER_POLL];

    if (timeout == 0 && poller->n_waiting == 0)
        return 0; /* what happened is still there when somebody waits for it */
    int n = epoll_wait(poller->epoll_fd, events, EVENTS_PER_POLL, to_milliseconds(timeout));

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++)
        report(poller, &events[i]);
    return n;
}

void co_poller_forget(struct co_poller *poller, int fd)
{
    struct co_poller_fd *entry = co_poller_find(poller, fd);

    if (entry == NULL)
        return;
    /* Fails when the descriptor is closed already: then the kernel has forgotten it, too. */
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    wake(entry->reader, -EBADF);
    wake(entry->writer, -EBADF);
    *entry = (struct co_poller_fd){.generation = entry->generation + 1};
}
