/* The iterator of an iterator is the iterator: who has a pointer to it continues where it stands.
 */
#include "lib/examples/example.h"

int main(void)
{
    void *numbers[] = {co_int(1), co_int(2), co_int(3), co_int(4), co_int(5)};
    struct co_iter_array list;

    co_iter_array_init(&list, numbers, 5);
    struct co_iter *iter1 = &list.iter;
    struct co_iter *iter2 = iter1;

    print_next(iter1);
    print_next(iter2);
    puts(iter1 == iter2 ? "True" : "False");
    return 0;
}
