/* A for loop over a list: ask the iterator for items until there are no more. */
#include <stdio.h>

#include "lib/co/co.h"

int main(void)
{
    void *numbers[] = {co_int(1), co_int(2), co_int(3), co_int(4), co_int(5)};
    struct co_iter_array list;
    void *number;

    co_iter_array_init(&list, numbers, 5);
    while (co_iter_next(&list.iter, &number) > 0)
        printf("%ld\n", (long)number);
    return 0;
}
