/* [i for i in range(10)]: collecting what an iterator hands out. */
#include "lib/examples/example.h"

int main(void)
{
    struct co_iter_range range;
    void *items[10];

    co_iter_range_init(&range, 0, 10, 1);
    ssize_t n = co_iter_collect(&range.iter, items, 10);
    print_list(items, n);
    return 0;
}
