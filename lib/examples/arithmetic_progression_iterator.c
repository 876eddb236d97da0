/* An arithmetic progression as an iterator: what it must remember between two items is in a struct.
 * Compare arithmetic_progression_generator.c. */
#include <stdio.h>

#include "lib/co/co.h"

struct progression {
    struct co_iter iter;
    long element;
    long difference;
    long length;
    long count;
};

static int next_element(struct co_iter *iter, void **ret_item)
{
    struct progression *self = co_container_of(iter, struct progression, iter);

    if (self->count == self->length)
        return 0;
    if (self->count > 0)
        self->element += self->difference;
    self->count++;
    *ret_item = co_int(self->element);
    return 1;
}

int main(void)
{
    struct progression progression = {
        .iter.next = next_element, .element = 1, .difference = 2, .length = 10};
    void *element;

    while (co_iter_next(&progression.iter, &element) > 0)
        printf("%ld\n", (long)element);
    return 0;
}
