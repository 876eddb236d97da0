/* Unpacking: x, y, z = coordinates; a, b, *rest = numbers. */
#include "lib/examples/example.h"

int main(void)
{
    void *numbers[] = {co_int(1), co_int(2), co_int(3), co_int(4), co_int(5)};
    struct co_iter_array coordinates, list;
    void *xyz[3], *ab[2], *rest[5];

    co_iter_array_init(&coordinates, numbers, 3);
    if (co_iter_collect(&coordinates.iter, xyz, 3) != 3)
        return 1;

    co_iter_array_init(&list, numbers, 5);
    if (co_iter_collect(&list.iter, ab, 2) != 2)
        return 1;
    ssize_t n = co_iter_collect(&list.iter, rest, 5);
    print_list(rest, n);
    return 0;
}
