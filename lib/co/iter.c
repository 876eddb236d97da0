/* The protocol, and where items come from. */
#include "lib/co/iter.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/gen.h"
#include "lib/co/runtime.h"

int co_iter_next(struct co_iter *iter, void **ret_item)
{
    if (iter->has_ended)
        return 0;
    int rc = iter->next(iter, ret_item);
    iter->has_ended = rc <= 0;
    return rc;
}

void co_iter_done(struct co_iter *iter)
{
    for (; iter != NULL; iter = iter->source) {
        iter->has_ended = true;
        if (iter->done != NULL)
            co_take(iter->done)(iter);
    }
}

ssize_t co_iter_collect(struct co_iter *iter, void **items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = co_iter_next(iter, &items[i]);
        if (rc <= 0)
            return rc < 0 ? rc : (ssize_t)i;
    }
    return (ssize_t)n;
}

static int next_of_array(struct co_iter *iter, void **ret_item)
{
    struct co_iter_array *self = co_container_of(iter, struct co_iter_array, iter);

    if (self->i == self->n_items)
        return 0;
    *ret_item = self->items[self->i++];
    return 1;
}

void co_iter_array_init(struct co_iter_array *self, void *const *items, size_t n_items)
{
    *self = (struct co_iter_array){
        .iter.next = next_of_array,
        .items = items,
        .n_items = n_items,
    };
}

/* Unsigned, for what lies between two numbers, and behind the last one, may not fit otherwise. */
static int next_of_range(struct co_iter *iter, void **ret_item)
{
    struct co_iter_range *self = co_container_of(iter, struct co_iter_range, iter);

    if (self->n_left == 0)
        return 0;
    *ret_item = co_int(self->value);
    self->value = (intptr_t)((uintptr_t)self->value + (uintptr_t)self->step);
    self->n_left--;
    return 1;
}

static uintptr_t count_steps(intptr_t first, intptr_t end, intptr_t step)
{
    if (step > 0)
        return first < end ? ((uintptr_t)end - (uintptr_t)first - 1) / (uintptr_t)step + 1 : 0;
    return first > end ? ((uintptr_t)first - (uintptr_t)end - 1) / -(uintptr_t)step + 1 : 0;
}

void co_iter_range_init(struct co_iter_range *self, intptr_t first, intptr_t end, intptr_t step)
{
    if (step == 0)
        co_die("a range that does not move: its step is 0");
    *self = (struct co_iter_range){
        .iter.next = next_of_range,
        .value = first,
        .step = step,
        .n_left = count_steps(first, end, step),
    };
}

static int next_line(struct co_iter *iter, void **ret_item)
{
    struct co_iter_lines *self = co_container_of(iter, struct co_iter_lines, iter);

    errno = 0;
    if (getline(&self->line, &self->capacity, self->file) >= 0) {
        *ret_item = self->line;
        return 1;
    }
    if (feof(self->file) && !ferror(self->file))
        return 0;
    return errno > 0 ? -errno : -EIO;
}

static void free_line(struct co_iter *iter)
{
    free(co_take(co_container_of(iter, struct co_iter_lines, iter)->line));
}

void co_iter_lines_init(struct co_iter_lines *self, FILE *file)
{
    *self = (struct co_iter_lines){
        .iter.next = next_line,
        .iter.done = free_line,
        .file = file,
    };
}

/* What a generator returns is no item. */
static int next_of_gen(struct co_iter *iter, void **ret_item)
{
    void *value;
    int rc = co_gen_next(co_container_of(iter, struct co_iter_gen, iter)->gen, &value);

    if (rc > 0)
        *ret_item = value;
    return rc;
}

static void free_gen(struct co_iter *iter)
{
    co_gen_free(co_take(co_container_of(iter, struct co_iter_gen, iter)->gen));
}

void co_iter_gen_init(struct co_iter_gen *self, struct co_gen *gen)
{
    *self = (struct co_iter_gen){
        .iter.next = next_of_gen,
        .iter.done = free_gen,
        .gen = gen,
    };
}
