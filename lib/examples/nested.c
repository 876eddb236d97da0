/* There is no coroutine object that one can forget to await: a call runs, and a task that was
 * started runs, too, whether somebody waits for it or not. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

static int nested(void *arg, void **ret_result)
{
    (void)arg;
    *ret_result = co_int(42);
    return 0;
}

static int print_nested(void *arg, void **ret_result)
{
    void *result;
    int rc = nested(arg, &result);

    (void)ret_result;
    if (rc == 0)
        printf("%ld\n", (long)result);
    return rc;
}

int main(void)
{
    int rc = co_run(print_nested, NULL, NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "nothing to print");
    return 0;
}
