/* One after the other: a call that blocks is an ordinary call, and the second waits for the first.
 */
#include <error.h>
#include <stdlib.h>

#include "lib/examples/example.h"

static CO_BLOCKS int say_after(co_time delay, const char *what)
{
    int rc = co_sleep(delay);

    if (rc == 0)
        puts(what);
    return rc;
}

static int say_both(void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    print_time("Started at");
    int rc = say_after(1 * CO_SECOND, "hello,");
    if (rc == 0)
        rc = say_after(2 * CO_SECOND, "world");
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
