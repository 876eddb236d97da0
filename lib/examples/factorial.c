/* A loop of one's own, which runs a task until it is complete. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

struct job {
    const char *name;
    int number;
};

static int factorial(void *arg, void **ret_result)
{
    const struct job *job = arg;
    long product = 1;

    (void)ret_result;
    for (int i = 2; i <= job->number; i++) {
        printf("Task %s: Compute factorial(%d)...\n", job->name, i);
        int rc = co_sleep(CO_SECOND);
        if (rc < 0)
            return rc;
        product *= i;
    }
    printf("Task %s: factorial(%d) = %ld\n", job->name, job->number, product);
    return 0;
}

int main(void)
{
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = NULL;
    struct job job = {"A", 4};
    int rc = co_loop_new(&loop, NULL);

    if (rc == 0)
        rc = co_loop_run_until_complete(loop, factorial, &job, NULL);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the factorial failed");
    return 0;
}
