/* All primes: a generator need not come to an end. Usage: find_prime [HOW_MANY] */
#include <error.h>
#include <stdint.h>
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
    for (long number = 1; rc == 0; number++)
        if (is_prime(number))
            rc = co_gen_yield(self, co_int(number), NULL);
    return rc;
}

int main(int argc, char **argv)
{
    struct co_gen *gen;
    struct co_iter_gen primes;
    struct co_iter_take some;
    void *prime;
    int rc = co_gen_new(&gen, find_prime, NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "no generator");
    co_iter_gen_init(&primes, gen);
    co_iter_take_init(&some, &primes.iter, argc > 1 ? strtoul(argv[1], NULL, 10) : SIZE_MAX);
    while (co_iter_next(&some.iter, &prime) > 0)
        printf("%ld\n", (long)prime);
    co_iter_done(&some.iter);
    return 0;
}
