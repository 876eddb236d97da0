#include "daemon/api/http_server_watch.h"

#include <errno.h>
#include <sys/epoll.h>

#include "lib/co/io.h"

enum { EVENTS_PER_CALL = 64 };

int http_watch_init(struct http_watch *watch, void (*gone)(void *arg, void *watched), void *arg)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    *watch = (struct http_watch){.epoll_fd = fd, .gone = gone, .arg = arg};
    return fd < 0 ? -errno : 0;
}

void http_watch_done(struct http_watch *watch)
{
    if (watch->epoll_fd >= 0)
        co_close(watch->epoll_fd);
    watch->epoll_fd = -1;
}

static int report_gone(const struct http_watch *watch)
{
    struct epoll_event events[EVENTS_PER_CALL];
    int n = epoll_wait(watch->epoll_fd, events, EVENTS_PER_CALL, 0);

    for (int i = 0; i < n; i++)
        watch->gone(watch->arg, events[i].data.ptr);
    return n;
}

int http_watch_run(struct http_watch *watch)
{
    int rc = 0;

    while (rc == 0) {
        rc = co_wait_fd(watch->epoll_fd, CO_READABLE);
        while (rc == 0 && report_gone(watch) == EVENTS_PER_CALL)
            continue;
    }
    return rc;
}

int http_watch_add(struct http_watch *watch, int fd, void *watched)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = watched};

    return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}
