/* A lazy sequence stores nothing, so it is used up by the first who looks through it. */
#include <stdio.h>

#include "lib/co/co.h"

static bool contains(struct co_iter *iter, void *wanted)
{
    void *item;

    while (co_iter_next(iter, &item) > 0)
        if (item == wanted)
            return true;
    return false;
}

int main(void)
{
    struct co_iter_range numbers;

    co_iter_range_init(&numbers, 0, 100 * 10000, 1);
    puts(contains(&numbers.iter, co_int(100)) ? "True" : "False");
    puts(contains(&numbers.iter, co_int(100)) ? "True" : "False");
    return 0;
}
