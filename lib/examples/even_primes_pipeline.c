/* Generators behind each other, like the commands of a pipe: primes below 100 | the even ones. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

static bool is_prime(long number)
{
    for (long i = 2; i < number; i++)
        if (number % i == 0)
            return false;
    return number > 1;
}

static int find_prime(struct co_gen *self, void *arg, void **ret_result)
{
    int rc = 0;

    (void)arg, (void)ret_result;
    for (long number = 1; number < 100 && rc == 0; number++)
        if (is_prime(number))
            rc = co_gen_yield(self, co_int(number), NULL);
    return rc;
}

static int find_even(struct co_gen *self, void *source, void **ret_result)
{
    void *number;
    int rc;

    (void)ret_result;
    while ((rc = co_gen_next(source, &number)) > 0) {
        rc = (long)number % 2 == 0 ? co_gen_yield(self, number, NULL) : 0;
        if (rc < 0)
            return rc;
    }
    return rc;
}

int main(void)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *primes = NULL;
    CO_CLEANUP(co_gen_freep) struct co_gen *pipeline = NULL;
    void *number;
    int rc = co_gen_new(&primes, find_prime, NULL);

    if (rc == 0)
        rc = co_gen_new(&pipeline, find_even, primes);
    while (rc >= 0 && (rc = co_gen_next(pipeline, &number)) > 0)
        printf("%ld\n", (long)number);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the pipeline failed");
    return 0;
}
