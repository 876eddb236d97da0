/* An iterator of one's own: a struct that begins with a struct co_iter, and its next(). */
#include "lib/examples/example.h"

struct simple_iterator {
    struct co_iter iter;
    int limit;
    int counter;
};

static int next_one(struct co_iter *iter, void **ret_item)
{
    struct simple_iterator *self = co_container_of(iter, struct simple_iterator, iter);

    if (self->counter == self->limit)
        return 0;
    self->counter++;
    *ret_item = co_int(1);
    return 1;
}

int main(void)
{
    struct simple_iterator ones = {.iter.next = next_one, .limit = 3};
    struct simple_iterator more = {.iter.next = next_one, .limit = 5};
    void *item;

    for (int i = 0; i < 4; i++)
        print_next(&ones.iter);
    while (co_iter_next(&more.iter, &item) > 0)
        printf("%ld\n", (long)item);
    return 0;
}
