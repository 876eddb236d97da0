/* Random pipelines against plain loops: each stage is built twice, as an iterator and as what it
 * does to a list. */
#include "tests/support/gens.h"
#include "tests/support/random.h"

/* Of the last two digits, so that it can be done again and again. */
static intptr_t square(intptr_t number)
{
    return (number % 100) * (number % 100);
}

static int square_item(void *arg, void *item, void **ret_item)
{
    (void)arg;
    *ret_item = co_int(square((intptr_t)item));
    return 0;
}

static int is_odd(void *arg, const void *item)
{
    (void)arg;
    return (intptr_t)item % 2 != 0;
}

enum { MAX_ITEMS = 64, MAX_STAGES = 6 };

struct list {
    size_t n;
    intptr_t items[MAX_ITEMS];
};

/* One of each kind; a stage uses one of them. Pairs of a zip are added up by a map behind it. */
struct stage {
    struct co_iter_array array;
    struct co_iter_range range;
    struct co_iter_gen gen;
    struct co_iter_map map;
    struct co_iter_filter filter;
    struct co_iter_take take;
    struct co_iter_enumerate enumerate;
    struct co_iter_zip zip;
    struct co_iter_chain chain;
    struct co_iter *sources[2];
    void *items[2];
};

struct pipeline {
    struct random random;
    size_t n_stages;
    struct stage stages[2 * MAX_STAGES];
    void *all[MAX_ITEMS];
};

static int add_up_pair(void *arg, void *item, void **ret_item)
{
    void *const *pair = item;

    (void)arg;
    *ret_item = co_int((intptr_t)pair[0] * 3 + (intptr_t)pair[1]);
    return 0;
}

static int add_up_numbered(void *arg, void *item, void **ret_item)
{
    const struct co_numbered *numbered = item;

    (void)arg;
    *ret_item = co_int((intptr_t)numbered->item * 3 + (intptr_t)numbered->number);
    return 0;
}

static struct co_iter *build_source(struct pipeline *pipeline, struct list *list)
{
    struct stage *stage = &pipeline->stages[pipeline->n_stages++];
    intptr_t n = random_below(&pipeline->random, 12), step = random_below(&pipeline->random, 5);

    list->n = (size_t)n;
    switch (random_below(&pipeline->random, 3)) {
    case 0:
        for (intptr_t i = 0; i < n; i++)
            pipeline->all[i] = co_int(list->items[i] = i + 1);
        co_iter_array_init(&stage->array, pipeline->all, (size_t)n);
        return &stage->array.iter;
    case 1:
        step -= step < 3 ? 3 : 2; /* -3, -2, -1, 1, 2 */
        for (intptr_t i = 0; i < n; i++)
            list->items[i] = 5 + i * step;
        co_iter_range_init(&stage->range, 5, 5 + n * step, step);
        return &stage->range.iter;
    default:
        for (intptr_t i = 0; i < n; i++)
            list->items[i] = i + 1;
        co_iter_gen_init(&stage->gen, make_gen(count_to, co_int(n)));
        return &stage->gen.iter;
    }
}

static struct co_iter *map_list(struct stage *stage, struct co_iter *source, struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = square(list->items[i]);
    co_iter_map_init(&stage->map, source, square_item, NULL);
    return &stage->map.iter;
}

static struct co_iter *filter_list(struct stage *stage, struct co_iter *source, struct list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        if (list->items[i] % 2 != 0)
            list->items[n++] = list->items[i];
    list->n = n;
    co_iter_filter_init(&stage->filter, source, is_odd, NULL);
    return &stage->filter.iter;
}

static struct co_iter *take_list(struct stage *stage, struct co_iter *source, struct list *list,
                                 size_t n)
{
    if (list->n > n)
        list->n = n;
    co_iter_take_init(&stage->take, source, n);
    return &stage->take.iter;
}

static struct co_iter *number_list(struct stage *stage, struct co_iter *source, struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = list->items[i] * 3 + (intptr_t)i;
    co_iter_enumerate_init(&stage->enumerate, source);
    co_iter_map_init(&stage->map, &stage->enumerate.iter, add_up_numbered, NULL);
    return &stage->map.iter;
}

static struct co_iter *zip_lists(struct stage *stage, struct list *list, const struct list *other)
{
    if (list->n > other->n)
        list->n = other->n;
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = list->items[i] * 3 + other->items[i];
    co_iter_zip_init(&stage->zip, stage->sources, 2, stage->items);
    co_iter_map_init(&stage->map, &stage->zip.iter, add_up_pair, NULL);
    return &stage->map.iter;
}

static struct co_iter *chain_lists(struct stage *stage, struct list *list, const struct list *other)
{
    for (size_t i = 0; i < other->n && list->n < MAX_ITEMS; i++)
        list->items[list->n++] = other->items[i];
    co_iter_chain_init(&stage->chain, stage->sources, 2);
    return &stage->chain.iter;
}

/* Puts one more stage behind the source, and does the same to the list. */
static struct co_iter *add_stage(struct pipeline *pipeline, struct co_iter *source,
                                 struct list *list)
{
    struct stage *stage = &pipeline->stages[pipeline->n_stages++];
    struct list other;
    unsigned kind = random_below(&pipeline->random, 6);

    if (kind >= 4) {
        stage->sources[0] = source;
        stage->sources[1] = build_source(pipeline, &other);
    }
    switch (kind) {
    case 0:
        return map_list(stage, source, list);
    case 1:
        return filter_list(stage, source, list);
    case 2:
        return take_list(stage, source, list, random_below(&pipeline->random, 10));
    case 3:
        return number_list(stage, source, list);
    case 4:
        return zip_lists(stage, list, &other);
    default:
        return chain_lists(stage, list, &other);
    }
}

START_TEST(a_random_pipeline_gives_what_plain_loops_give)
{
    struct pipeline pipeline = {.random = {(uint64_t)_i}};
    struct list list = {0};
    struct co_iter *iter = build_source(&pipeline, &list);

    for (uint32_t n = random_below(&pipeline.random, MAX_STAGES); n > 0; n--)
        iter = add_stage(&pipeline, iter, &list);
    for (size_t i = 0; i < list.n; i++)
        assert_step(co_iter_next(iter, &value), 1, list.items[i]);
    if (_i % 3 != 0) {
        assert_step(co_iter_next(iter, &value), 0, -1);
        assert_step(co_iter_next(iter, &value), 0, -1);
    }
    co_iter_done(iter);
}
END_TEST

Suite *suite_co_iter_random(void);

Suite *suite_co_iter_random(void)
{
    Suite *suite = suite_create("co_iter_random");
    TCase *tcase = tcase_create("pipelines");

    tcase_add_checked_fixture(tcase, gens_set_up, gens_tear_down);
    tcase_add_loop_test(tcase, a_random_pipeline_gives_what_plain_loops_give, 0, 300);
    suite_add_tcase(suite, tcase);
    return suite;
}
