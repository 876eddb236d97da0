/* An iterator over anything: a set of bits, a list and a string look the same from outside. */
#include "lib/examples/example.h"

struct bits {
    struct co_iter iter;
    unsigned set;
};

static int next_bit(struct co_iter *iter, void **ret_number)
{
    struct bits *self = co_container_of(iter, struct bits, iter);

    if (self->set == 0)
        return 0;
    *ret_number = co_int(__builtin_ctz(self->set));
    self->set &= self->set - 1;
    return 1;
}

struct digits {
    struct co_iter iter;
    const char *text;
};

static int next_digit(struct co_iter *iter, void **ret_number)
{
    struct digits *self = co_container_of(iter, struct digits, iter);

    if (*self->text == '\0')
        return 0;
    *ret_number = co_int(*self->text++ - '0');
    return 1;
}

int main(void)
{
    void *items[] = {co_int(1), co_int(2), co_int(3)};
    struct bits set = {.iter.next = next_bit, .set = 1u << 1 | 1u << 2 | 1u << 3};
    struct co_iter_array list;
    struct digits string = {.iter.next = next_digit, .text = "123"};
    struct co_iter *const iterators[] = {&set.iter, &list.iter, &string.iter};

    co_iter_array_init(&list, items, 3);
    for (size_t i = 0; i < 3; i++)
        for (int n = 0; n < 4; n++)
            print_next(iterators[i]);
    return 0;
}
