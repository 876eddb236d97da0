#include "lib/co/io.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/co/runtime.h"

/* I/O calls in a row that need not wait, before the others get a turn. */
enum { MAX_IMMEDIATE = 64 };

static const struct co_wait_kind waits_for_readable = {.word = "readable fd", .is_fd = true};
static const struct co_wait_kind waits_for_writable = {.word = "writable fd", .is_fd = true};

static struct co_task **waiter_slot(struct co_poller_fd *entry, enum co_io direction)
{
    return direction == CO_READABLE ? &entry->reader : &entry->writer;
}

/* A descriptor that is always ready must not keep the others waiting. */
static void did_not_wait(void)
{
    struct co_task *self = co_running();

    if (++self->n_immediate < MAX_IMMEDIATE)
        return;
    self->n_immediate = 0;
    co_reschedule();
}

static int wait_for_event(struct co_poller *poller, struct co_poller_fd *entry, int fd,
                          enum co_io direction)
{
    struct co_task *self = co_running();
    int rc;

    if ((entry->ready & direction) != 0) {
        rc = co_check_cancelled();
        if (rc == 0)
            did_not_wait();
        return rc;
    }
    self->n_immediate = 0;
    *waiter_slot(entry, direction) = self;
    poller->n_waiting++;
    rc = co_park(NULL, direction == CO_READABLE ? &waits_for_readable : &waits_for_writable,
                 (const void *)(intptr_t)fd);
    poller->n_waiting--;
    return rc;
}

int co_wait_fd(int fd, enum co_io direction)
{
    struct co_poller *poller = &co_loop_current()->poller;
    struct co_poller_fd *entry;
    int rc = co_poller_register(poller, fd, &entry);

    if (rc < 0)
        return rc;
    if (*waiter_slot(entry, direction) != NULL)
        return -EBUSY;
    uint32_t generation = entry->generation;
    rc = wait_for_event(poller, entry, fd, direction);

    /* While others ran the table may have moved, and the number have gone to another descriptor. */
    entry = co_poller_find(poller, fd);
    if (entry == NULL || entry->generation != generation)
        return rc == 0 ? -EBADF : rc;
    if (*waiter_slot(entry, direction) == co_running())
        *waiter_slot(entry, direction) = NULL;
    if (rc == 0)
        entry->ready &= (uint8_t)~direction;
    return rc;
}

void co_wake_fd(int fd, enum co_io direction)
{
    struct co_poller_fd *entry;

    if (co_poller_register(&co_loop_current()->poller, fd, &entry) < 0)
        return;
    entry->ready |= (uint8_t)direction;
    if (*waiter_slot(entry, direction) != NULL)
        co_unpark(*waiter_slot(entry, direction), 0);
}

void co_forget_fd(int fd)
{
    co_poller_forget(&co_loop_current()->poller, fd);
}

int co_close(int fd)
{
    co_forget_fd(fd);
    return close(fd) < 0 ? -errno : 0;
}

/* What comes of a system call that returned `done`: its answer, or, after a wait, another try. */
static bool is_answer(ssize_t done, int fd, enum co_io direction, ssize_t *ret_answer)
{
    if (done < 0 && errno == EINTR)
        return false;
    if (done < 0 && errno == EAGAIN) {
        *ret_answer = co_wait_fd(fd, direction);
        return *ret_answer < 0;
    }
    *ret_answer = done < 0 ? -errno : done;
    did_not_wait();
    return true;
}

ssize_t co_read(int fd, void *bytes, size_t n)
{
    ssize_t answer = co_check_cancelled();

    while (answer >= 0 && !is_answer(read(fd, bytes, n), fd, CO_READABLE, &answer))
        continue;
    return answer;
}

ssize_t co_write(int fd, const void *bytes, size_t n)
{
    ssize_t answer = co_check_cancelled();

    while (answer >= 0 && !is_answer(write(fd, bytes, n), fd, CO_WRITABLE, &answer))
        continue;
    return answer;
}

int co_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    ssize_t answer = co_check_cancelled();

    while (answer >= 0 && !is_answer(accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC), fd,
                                     CO_READABLE, &answer))
        continue;
    return (int)answer;
}

/* co_wait_fd() may return early, so the socket itself is asked. */
static int wait_until_connected(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLOUT};

    while (TEMP_FAILURE_RETRY(poll(&state, 1, 0)) == 0) {
        int rc = co_wait_fd(fd, CO_WRITABLE);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A connect that is under way is asked for its outcome when the socket has become writable. */
int co_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    int error = 0;
    socklen_t error_size = sizeof(error);
    int rc = co_check_cancelled();

    if (rc < 0)
        return rc;
    if (connect(fd, address, length) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return -errno;
    rc = wait_until_connected(fd);
    if (rc < 0)
        return rc;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) < 0)
        return -errno;
    return -error;
}
