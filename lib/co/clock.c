#include <time.h>

#include "lib/co/runtime.h"

static co_time real_now(struct co_loop *loop)
{
    struct timespec now;

    (void)loop;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CO_SECOND + now.tv_nsec;
}

static int real_wait(struct co_loop *loop, co_time deadline)
{
    co_time timeout = CO_NEVER;

    if (deadline != CO_NEVER) {
        co_time now = deadline <= loop->now ? deadline : real_now(loop);
        timeout = deadline > now ? deadline - now : 0;
    }
    return co_poller_wait(&loop->poller, timeout);
}

const struct co_clock co_clock_real = {.now = real_now, .wait = real_wait};

static co_time virtual_now(struct co_loop *loop)
{
    return loop->now;
}

static int virtual_wait(struct co_loop *loop, co_time deadline)
{
    bool must_wait = deadline == CO_NEVER || loop->threads.n_jobs > 0;
    bool can_run = deadline <= loop->now;
    int rc = co_poller_wait(&loop->poller, must_wait && !can_run ? CO_NEVER : 0);

    if (rc == 0 && !must_wait && !can_run)
        loop->now = deadline;
    return rc;
}

const struct co_clock co_clock_virtual = {.now = virtual_now, .wait = virtual_wait};
