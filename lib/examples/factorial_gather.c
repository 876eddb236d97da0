/* The same task three times with other arguments, beside each other. */
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

static int compute_all(void *arg, void **ret_result)
{
    const struct co_call calls[] = {
        {"A", factorial, &(struct job){"A", 2}},
        {"B", factorial, &(struct job){"B", 3}},
        {"C", factorial, &(struct job){"C", 4}},
    };

    (void)arg, (void)ret_result;
    return co_gather(calls, 3, NULL, 0, CO_FAIL_FAST);
}

int main(void)
{
    int rc = co_run(compute_all, NULL, NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "a factorial failed");
    return 0;
}
