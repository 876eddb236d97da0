/* A generator is an iterator: when its function returns there are no more items. */
#include <error.h>
#include <stdlib.h>

#include "lib/examples/example.h"

static int custom_range(struct co_gen *self, void *number, void **ret_result)
{
    int rc = 0;

    (void)ret_result;
    for (long i = 0; i < (long)number && rc == 0; i++)
        rc = co_gen_yield(self, co_int(i), NULL);
    return rc;
}

int main(void)
{
    struct co_gen *gen;
    struct co_iter_gen range_of_four;
    int rc = co_gen_new(&gen, custom_range, co_int(4));

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "no generator");
    co_iter_gen_init(&range_of_four, gen);
    for (int i = 0; i < 5; i++)
        print_next(&range_of_four.iter);
    co_iter_done(&range_of_four.iter);
    return 0;
}
