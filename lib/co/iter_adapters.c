/* Iterators built on others. Each asks its sources by co_iter_next(), which knows what has ended;
 * and passes on what is not an item. */
#include "lib/co/iter.h"

static int next_of_map(struct co_iter *iter, void **ret_item)
{
    struct co_iter_map *self = co_container_of(iter, struct co_iter_map, iter);
    void *item;
    int rc = co_iter_next(iter->source, &item);

    if (rc <= 0)
        return rc;
    rc = self->fn(self->arg, item, ret_item);
    return rc < 0 ? rc : 1;
}

void co_iter_map_init(struct co_iter_map *self, struct co_iter *source, co_map_fn *fn, void *arg)
{
    *self = (struct co_iter_map){
        .iter.next = next_of_map,
        .iter.source = source,
        .fn = fn,
        .arg = arg,
    };
}

static int next_of_filter(struct co_iter *iter, void **ret_item)
{
    struct co_iter_filter *self = co_container_of(iter, struct co_iter_filter, iter);
    void *item;
    int rc;

    while ((rc = co_iter_next(iter->source, &item)) > 0) {
        rc = self->keep(self->arg, item);
        if (rc > 0)
            *ret_item = item;
        if (rc != 0)
            break;
    }
    return rc > 0 ? 1 : rc;
}

void co_iter_filter_init(struct co_iter_filter *self, struct co_iter *source, co_filter_fn *keep,
                         void *arg)
{
    *self = (struct co_iter_filter){
        .iter.next = next_of_filter,
        .iter.source = source,
        .keep = keep,
        .arg = arg,
    };
}

static int next_of_take(struct co_iter *iter, void **ret_item)
{
    struct co_iter_take *self = co_container_of(iter, struct co_iter_take, iter);

    if (self->n_left == 0)
        return 0;
    self->n_left--;
    return co_iter_next(iter->source, ret_item);
}

void co_iter_take_init(struct co_iter_take *self, struct co_iter *source, size_t n)
{
    *self = (struct co_iter_take){
        .iter.next = next_of_take,
        .iter.source = source,
        .n_left = n,
    };
}

static int next_of_enumerate(struct co_iter *iter, void **ret_item)
{
    struct co_iter_enumerate *self = co_container_of(iter, struct co_iter_enumerate, iter);
    int rc = co_iter_next(iter->source, &self->current.item);

    if (rc <= 0)
        return rc;
    self->current.number = self->n_items++;
    *ret_item = &self->current;
    return 1;
}

void co_iter_enumerate_init(struct co_iter_enumerate *self, struct co_iter *source)
{
    *self = (struct co_iter_enumerate){
        .iter.next = next_of_enumerate,
        .iter.source = source,
    };
}

static void all_done(struct co_iter *const *sources, size_t n_sources)
{
    for (size_t i = 0; i < n_sources; i++)
        co_iter_done(sources[i]);
}

static int next_of_zip(struct co_iter *iter, void **ret_item)
{
    struct co_iter_zip *self = co_container_of(iter, struct co_iter_zip, iter);

    if (self->n_sources == 0)
        return 0;
    for (size_t i = 0; i < self->n_sources; i++) {
        int rc = co_iter_next(self->sources[i], &self->items[i]);
        if (rc <= 0)
            return rc;
    }
    *ret_item = self->items;
    return 1;
}

static void zip_done(struct co_iter *iter)
{
    const struct co_iter_zip *self = co_container_of(iter, struct co_iter_zip, iter);

    all_done(self->sources, self->n_sources);
}

void co_iter_zip_init(struct co_iter_zip *self, struct co_iter *const *sources, size_t n_sources,
                      void **items)
{
    *self = (struct co_iter_zip){
        .iter.next = next_of_zip,
        .iter.done = zip_done,
        .sources = sources,
        .n_sources = n_sources,
        .items = items,
    };
}

static int next_of_chain(struct co_iter *iter, void **ret_item)
{
    struct co_iter_chain *self = co_container_of(iter, struct co_iter_chain, iter);

    for (; self->i < self->n_sources; self->i++) {
        int rc = co_iter_next(self->sources[self->i], ret_item);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void chain_done(struct co_iter *iter)
{
    const struct co_iter_chain *self = co_container_of(iter, struct co_iter_chain, iter);

    all_done(self->sources, self->n_sources);
}

void co_iter_chain_init(struct co_iter_chain *self, struct co_iter *const *sources,
                        size_t n_sources)
{
    *self = (struct co_iter_chain){
        .iter.next = next_of_chain,
        .iter.done = chain_done,
        .sources = sources,
        .n_sources = n_sources,
    };
}
