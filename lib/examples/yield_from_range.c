/* yield in a loop, and yield from: the same items, but the second is one line. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

static int numbers(struct co_gen *self, void *n, void **ret_result)
{
    int rc = 0;

    (void)ret_result;
    for (long i = 0; i < (long)n && rc == 0; i++)
        rc = co_gen_yield(self, co_int(i), NULL);
    return rc;
}

static int numbers_of_another(struct co_gen *self, void *n, void **ret_result)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *inner = NULL;
    int rc = co_gen_new(&inner, numbers, n);

    return rc < 0 ? rc : co_gen_yield_from(self, inner, ret_result);
}

static int print_all(co_gen_fn *fn)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    void *number;
    int rc = co_gen_new(&gen, fn, co_int(3));

    while (rc >= 0 && (rc = co_gen_next(gen, &number)) > 0)
        printf("%ld\n", (long)number);
    return rc;
}

int main(void)
{
    int rc = print_all(numbers) ?: print_all(numbers_of_another);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "a generator failed");
    return 0;
}
