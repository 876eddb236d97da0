/* enumerate() and zip(): iterators made of others. */
#include "lib/examples/example.h"

static void print_enumerated(struct co_iter *numbers)
{
    struct co_iter_enumerate enumerated;
    void *item;

    co_iter_enumerate_init(&enumerated, numbers);
    if (co_iter_next(&enumerated.iter, &item) > 0) {
        const struct co_numbered *numbered = item;
        printf("(%zu, %ld)\n", numbered->number, (long)numbered->item);
    }
    co_iter_done(&enumerated.iter);
}

static void print_zipped(struct co_iter *letters, struct co_iter *numbers)
{
    struct co_iter *const sources[] = {letters, numbers};
    struct co_iter_zip zipped;
    void *items[2], *item;

    co_iter_zip_init(&zipped, sources, 2, items);
    if (co_iter_next(&zipped.iter, &item) > 0) {
        void *const *pair = item;
        printf("('%s', %ld)\n", (const char *)pair[0], (long)pair[1]);
    }
    co_iter_done(&zipped.iter);
}

int main(void)
{
    void *letters[] = {(void *)"a", (void *)"b", (void *)"c"};
    struct co_iter_array letter;
    struct co_iter_range number;

    co_iter_range_init(&number, 1, 4, 1);
    print_enumerated(&number.iter);

    co_iter_array_init(&letter, letters, 3);
    co_iter_range_init(&number, 1, 4, 1);
    print_zipped(&letter.iter, &number.iter);
    return 0;
}
