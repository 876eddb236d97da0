/* Beside each other: two tasks, two seconds in all. */
#include <error.h>
#include <stdlib.h>

#include "lib/examples/example.h"

struct speech {
    co_time delay;
    const char *what;
};

static int say_after(void *arg, void **ret_result)
{
    const struct speech *speech = arg;
    int rc = co_sleep(speech->delay);

    (void)ret_result;
    if (rc == 0)
        puts(speech->what);
    return rc;
}

static int say_both(void *arg, void **ret_result)
{
    /* Static, for such a task can outlive its creator's frame; one of a group cannot. */
    static struct speech hello = {1 * CO_SECOND, "hello,"}, world = {2 * CO_SECOND, "world"};
    CO_CLEANUP(co_task_unrefp) struct co_task *task1 = NULL;
    CO_CLEANUP(co_task_unrefp) struct co_task *task2 = NULL;

    (void)arg, (void)ret_result;
    int rc = co_create_task("hello", say_after, &hello, &task1);
    if (rc == 0)
        rc = co_create_task("world", say_after, &world, &task2);
    print_time("started at");
    if (rc == 0)
        rc = co_task_await(task1, NULL);
    if (rc == 0)
        rc = co_task_await(task2, NULL);
    print_time("finished at");
    return rc;
}

int main(void)
{
    int rc = co_run(say_both, NULL, NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "not everything was said");
    return 0;
}
