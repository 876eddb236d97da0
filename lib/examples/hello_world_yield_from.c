/* A generator that hands out what another yields, between values of its own. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

static int subgenerator(struct co_gen *self, void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    return co_gen_yield(self, (void *)"World", NULL);
}

static int generator(struct co_gen *self, void *arg, void **ret_result)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *inner = NULL;
    int rc = co_gen_new(&inner, subgenerator, arg);

    (void)ret_result;
    if (rc == 0)
        rc = co_gen_yield(self, (void *)"Hello,", NULL);
    if (rc == 0)
        rc = co_gen_yield_from(self, inner, NULL);
    if (rc == 0)
        rc = co_gen_yield(self, (void *)"!", NULL);
    return rc;
}

int main(void)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    void *word;
    int rc = co_gen_new(&gen, generator, NULL);

    while (rc >= 0 && (rc = co_gen_next(gen, &word)) > 0)
        printf("%s ", (const char *)word);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the generator failed");
    putchar('\n');
    return 0;
}
