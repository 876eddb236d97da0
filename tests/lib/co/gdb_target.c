/* What test_gdb looks into: a loop with tasks in all states. It calls look_here(), and with an
 * argument aborts there. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/co/co.h"

void look_here(void);

static struct co_event never;
static bool must_crash;

__attribute__((noinline)) void look_here(void)
{
    if (must_crash)
        abort();
}

static int wait_for_ever(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_event_wait(&never);
}

static int await_other(void *other, void **result)
{
    return co_task_await(other, result);
}

static int read_nothing(void *ends, void **result)
{
    char byte;

    (void)result;
    return (int)co_read(((int *)ends)[0], &byte, 1);
}

static int own_a_group(void *arg, void **result)
{
    struct co_group group;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "child", wait_for_ever, NULL, NULL);
    return co_group_exit(&group, rc);
}

static int do_nothing(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static int look(void *arg, void **result)
{
    struct co_task *waiter;
    int ends[2];

    (void)arg, (void)result;
    co_event_init(&never);
    if (pipe2(ends, O_NONBLOCK) < 0 || co_create_task("waiter", wait_for_ever, NULL, &waiter) < 0 ||
        co_create_task("owner", own_a_group, NULL, NULL) < 0 ||
        co_create_task("joiner", await_other, waiter, NULL) < 0 ||
        co_create_task("reader", read_nothing, ends, NULL) < 0)
        return -1;
    int rc = co_sleep(CO_MILLISECOND);
    if (rc < 0 || co_create_task("beginner", do_nothing, NULL, NULL) < 0)
        return -1;
    look_here();
    co_task_unref(waiter);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    must_crash = argc > 1;
    return co_run(look, NULL, NULL) == 0 ? 0 : 1;
}
