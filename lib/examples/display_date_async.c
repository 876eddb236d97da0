/* The same two tasks in a group, which waits for both: the program ends when they have.
 * Usage: display_date_async [SECONDS] */
#include <error.h>
#include <stdlib.h>

#include "lib/examples/example.h"

struct display {
    int number;
    long seconds;
};

static int display_date(void *arg, void **ret_result)
{
    const struct display *display = arg;
    co_time end = co_now() + display->seconds * CO_SECOND;
    int rc = 0;

    (void)ret_result;
    while (rc == 0) {
        print_date(display->number);
        if (co_now() + CO_SECOND >= end)
            break;
        rc = co_sleep(random() % 6 * CO_SECOND);
    }
    return rc;
}

static int display_both(void *arg, void **ret_result)
{
    struct display first = {1, (long)arg}, second = {2, (long)arg};
    struct co_group group;

    (void)ret_result;
    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "first", display_date, &first, NULL);
    if (rc == 0)
        rc = co_group_spawn(&group, "second", display_date, &second, NULL);
    return co_group_exit(&group, rc);
}

int main(int argc, char **argv)
{
    int rc = co_run(display_both, co_int(argc > 1 ? atol(argv[1]) : 10), NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "not displayed to the end");
    return 0;
}
