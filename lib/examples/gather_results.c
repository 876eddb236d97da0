/* The results come in the order of the calls, whichever was ready first. */
#include <error.h>
#include <stdlib.h>

#include "lib/examples/example.h"

struct job {
    const char *name;
    int number;
};

static int factorial(void *arg, void **ret_result)
{
    const struct job *job = arg;
    long product = 1;

    for (int i = 2; i <= job->number; i++) {
        printf("Task %s: Compute factorial(%d)...\n", job->name, i);
        int rc = co_sleep(CO_SECOND);
        if (rc < 0)
            return rc;
        product *= i;
    }
    printf("Task %s: factorial(%d) = %ld\n", job->name, job->number, product);
    *ret_result = co_int(product);
    return 0;
}

static int compute_all(void *arg, void **ret_result)
{
    const struct co_call calls[] = {
        {"A", factorial, &(struct job){"A", 4}},
        {"B", factorial, &(struct job){"B", 3}},
        {"C", factorial, &(struct job){"C", 2}},
    };
    struct co_result results[3];
    int rc = co_gather(calls, 3, results, 0, CO_FAIL_FAST);

    (void)arg, (void)ret_result;
    if (rc == 0)
        print_list((void *[]){results[0].value, results[1].value, results[2].value}, 3);
    return rc;
}

int main(void)
{
    int rc = co_run(compute_all, NULL, NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "a factorial failed");
    return 0;
}
