/* Iterators: one item at a time, when it is asked for.
 *
 *     struct co_iter_range numbers;
 *     struct co_iter_filter odd;
 *     struct co_iter_map squares;
 *
 *     co_iter_range_init(&numbers, 1, 10, 1);
 *     co_iter_filter_init(&odd, &numbers.iter, is_odd, NULL);
 *     co_iter_map_init(&squares, &odd.iter, square, NULL);
 *     while ((rc = co_iter_next(&squares.iter, &item)) > 0)
 *         use(item);
 *     co_iter_done(&squares.iter);
 *
 * An iterator lives where its user puts it, allocates nothing but for lines, and holds one item at
 * most. One built on others takes them over: done once, at the end of the pipeline, is done for
 * all. Items are pointers that the iterators carry and never look at; whole numbers travel as
 * co_int(). An iterator blocks if its source does: one over a generator that waits, waits.
 *
 * source  Python's iterator protocol, itertools
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base.h"

struct co_gen;

/* One iterator; what your own begin with. Only `next` has to be set. */
struct co_iter {
    /* returns 1 and *ret_item; 0 at the end; negative: failed. co_iter_next() sees to it that it is
     * not called again after the end. */
    int (*next)(struct co_iter *self, void **ret_item);
    void (*done)(struct co_iter *self); /* NULL: it holds nothing that has to be released */
    struct co_iter *source;             /* what it is built on, and done with it; or NULL */
    bool has_ended;
};

CO_API_BEGIN

/* returns    1: *ret_item is the next item; 0: there are no more, now and ever after; negative: the
 *            status of the source or function that failed, and 0 ever after
 * suspends   if the source does
 */
int co_iter_next(struct co_iter *iter, void **ret_item);

/* Releases what the iterator and all it was built on hold, but not the iterators themselves. They
 * have ended then; a second call does nothing. */
void co_iter_done(struct co_iter *iter);

/* Puts up to n items into items[]: unpacking. No more than n are asked for. returns how many; or
 * negative, the failure */
ssize_t co_iter_collect(struct co_iter *iter, void **items, size_t n);

/* --- Sources ------------------------------------------------------------------------------- */

/* The items of an array of the caller's, which must not change meanwhile. */
struct co_iter_array {
    struct co_iter iter;
    void *const *items;
    size_t n_items;
    size_t i;
};
void co_iter_array_init(struct co_iter_array *self, void *const *items, size_t n_items);

/* first, first + step, ... up to and without `end`, as co_int(). Aborts with a sentence if step is
 * 0. source: range() */
struct co_iter_range {
    struct co_iter iter;
    intptr_t value;
    intptr_t step;
    uintptr_t n_left;
};
void co_iter_range_init(struct co_iter_range *self, intptr_t first, intptr_t end, intptr_t step);

/* The lines of a file of the caller's, line breaks included, each valid until the next is asked
 * for. It reads as stdio does: a file that makes it wait makes the thread wait. Fails with -EIO and
 * the like, and with -ENOMEM. */
struct co_iter_lines {
    struct co_iter iter;
    FILE *file;
    char *line;
    size_t capacity;
};
void co_iter_lines_init(struct co_iter_lines *self, FILE *file);

/* What a generator yields; what it returns is no item. It takes the generator over. */
struct co_iter_gen {
    struct co_iter iter;
    struct co_gen *gen;
};
void co_iter_gen_init(struct co_iter_gen *self, struct co_gen *gen);

/* --- Built on others ----------------------------------------------------------------------- */

/* fn(item) of each item. fn returns 0 and *ret_item, or negative to fail. source: map() */
typedef int co_map_fn(void *arg, void *item, void **ret_item);
struct co_iter_map {
    struct co_iter iter;
    co_map_fn *fn;
    void *arg;
};
void co_iter_map_init(struct co_iter_map *self, struct co_iter *source, co_map_fn *fn, void *arg);

/* The items for which keep() returns positive; negative fails. source: filter() */
typedef int co_filter_fn(void *arg, const void *item);
struct co_iter_filter {
    struct co_iter iter;
    co_filter_fn *keep;
    void *arg;
};
void co_iter_filter_init(struct co_iter_filter *self, struct co_iter *source, co_filter_fn *keep,
                         void *arg);

/* The first n items; the next one is not asked for. source: itertools.islice() */
struct co_iter_take {
    struct co_iter iter;
    size_t n_left;
};
void co_iter_take_init(struct co_iter_take *self, struct co_iter *source, size_t n);

/* Each item with its number: items are struct co_numbered, valid until the next. source:
 * enumerate()
 */
struct co_numbered {
    size_t number; /* from 0 */
    void *item;
};
struct co_iter_enumerate {
    struct co_iter iter;
    struct co_numbered current;
    size_t n_items;
};
void co_iter_enumerate_init(struct co_iter_enumerate *self, struct co_iter *source);

/* One of each source at a time, until one ends, or at once if there are none: items are arrays of
 * n_sources, valid until the next. source: zip() */
struct co_iter_zip {
    struct co_iter iter;
    struct co_iter *const *sources;
    size_t n_sources;
    void **items;
};
/* sources and items are arrays of n_sources of the caller's. */
void co_iter_zip_init(struct co_iter_zip *self, struct co_iter *const *sources, size_t n_sources,
                      void **items);

/* All of the first source, then all of the second, ... source: itertools.chain() */
struct co_iter_chain {
    struct co_iter iter;
    struct co_iter *const *sources;
    size_t n_sources;
    size_t i;
};
void co_iter_chain_init(struct co_iter_chain *self, struct co_iter *const *sources,
                        size_t n_sources);

CO_API_END
