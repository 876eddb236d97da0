/* An arithmetic progression as a generator: what it remembers is where its loop stands. */
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

struct progression {
    long first, difference, length;
};

static int run(struct co_gen *self, void *arg, void **ret_result)
{
    const struct progression *progression = arg;
    long element = progression->first;
    int rc = 0;

    (void)ret_result;
    for (long i = 0; i < progression->length && rc == 0; i++) {
        rc = co_gen_yield(self, co_int(element), NULL);
        element += progression->difference;
    }
    return rc;
}

int main(void)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    struct progression progression = {.first = 1, .difference = 2, .length = 10};
    void *element;
    int rc = co_gen_new(&gen, run, &progression);

    while (rc >= 0 && (rc = co_gen_next(gen, &element)) > 0)
        printf("%ld\n", (long)element);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the progression failed");
    return 0;
}
