#include "tests/support/limit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define WRAPPED(type, name, ...)                                                                   \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(int, epoll_create1, int flags);
WRAPPED(int, epoll_ctl, int epoll_fd, int operation, int fd, struct epoll_event *event);
WRAPPED(int, eventfd, unsigned count, int flags);
WRAPPED(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes,
        void *(*start)(void *), void *arg);

static atomic_long countdown; /* calls until the one that fails; 0 and below: none will */
static atomic_bool fired;

void limit_arm(size_t n)
{
    fired = false;
    countdown = (long)n;
}

bool limit_disarm(void)
{
    countdown = 0;
    return atomic_exchange(&fired, false);
}

/* returns  0, or error when this call is to fail */
static int reached(int error)
{
    if (atomic_load(&countdown) <= 0 || atomic_fetch_sub(&countdown, 1) != 1)
        return 0;
    fired = true;
    return error;
}

/* The same for calls that set errno. */
static bool reached_errno(int error)
{
    if (reached(error) == 0)
        return false;
    errno = error;
    return true;
}

int __wrap_epoll_create1(int flags)
{
    return reached_errno(EMFILE) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && reached_errno(ENOSPC))
        return -1;
    return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

int __wrap_eventfd(unsigned count, int flags)
{
    return reached_errno(EMFILE) ? -1 : __real_eventfd(count, flags);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg)
{
    int error = reached(EAGAIN);

    return error != 0 ? error : __real_pthread_create(thread, attributes, start, arg);
}
