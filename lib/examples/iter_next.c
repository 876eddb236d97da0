/* iter() and next(): one item a call; 0 instead of StopIteration, now and ever after. */
#include "lib/examples/example.h"

int main(void)
{
    void *numbers[] = {co_int(1), co_int(2), co_int(3), co_int(4), co_int(5)};
    struct co_iter_array list;

    co_iter_array_init(&list, numbers, 5);
    for (int i = 0; i < 6; i++)
        print_next(&list.iter);
    return 0;
}
