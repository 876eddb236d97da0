/* A generator stands still at each yield, and goes on there when it is asked for more. What it
 * prints is what the lesson's prints: first, second and last yield. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

static int test_gen(struct co_gen *self, void *arg, void **ret_result)
{
    int rc;

    (void)arg, (void)ret_result;
    puts("Первый yield");
    rc = co_gen_yield(self, co_int(2), NULL);
    if (rc < 0)
        return rc;
    puts("Второй yield");
    rc = co_gen_yield(self, co_int(2), NULL);
    if (rc < 0)
        return rc;
    puts("Последний yield");
    return co_gen_yield(self, co_int(2), NULL);
}

int main(void)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    void *x;
    int rc = co_gen_new(&gen, test_gen, NULL);

    for (int i = 0; i < 3 && rc >= 0; i++)
        rc = co_gen_next(gen, &x);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the generator failed");
    return 0;
}
