#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/gens.h"
#include "tests/support/runtime.h"

#define assert_item(iter, rc, number) assert_step(co_iter_next(iter, &value), rc, number)

/* Asserts that these are all the items there are, and is done with the iterator. */
#define assert_items(iter, ...)                                                                    \
    do {                                                                                           \
        const intptr_t numbers[] = {__VA_ARGS__};                                                  \
        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)                            \
            assert_item(iter, 1, numbers[i]);                                                      \
        assert_item(iter, 0, -1);                                                                  \
        assert_item(iter, 0, -1);                                                                  \
        co_iter_done(iter);                                                                        \
    } while (0)

/* A source of the tests' own: 1, 2, ... for ever, unless it fails first. It counts. */
struct counter {
    struct co_iter iter;
    int n_asked;
    int n_done;
    int fails_at; /* 0: never */
};

static int count(struct co_iter *iter, void **ret_item)
{
    struct counter *self = co_container_of(iter, struct counter, iter);

    if (++self->n_asked == self->fails_at)
        return -EIO;
    *ret_item = co_int(self->n_asked);
    return 1;
}

static void note_done(struct co_iter *iter)
{
    co_container_of(iter, struct counter, iter)->n_done++;
}

static struct counter counter_that_fails_at(int n)
{
    return (struct counter){.iter = {.next = count, .done = note_done}, .fails_at = n};
}

static int square(void *arg, void *item, void **ret_item)
{
    (void)arg;
    *ret_item = co_int((intptr_t)item * (intptr_t)item);
    return 0;
}

static int is_odd(void *arg, const void *item)
{
    (void)arg;
    return (intptr_t)item % 2 != 0;
}

/* --- Sources ------------------------------------------------------------------------------------
 */

START_TEST(an_array_gives_its_items)
{
    void *const items[] = {co_int(3), co_int(1), co_int(2)};
    struct co_iter_array array;

    co_iter_array_init(&array, items, 3);
    assert_items(&array.iter, 3, 1, 2);
    co_iter_array_init(&array, NULL, 0);
    assert_item(&array.iter, 0, -1);
}
END_TEST

static const struct {
    intptr_t first, end, step;
    intptr_t items[4];
    size_t n_items;
} ranges[] = {
    {0, 3, 1, {0, 1, 2}, 3},
    {1, 8, 3, {1, 4, 7}, 3},
    {1, 7, 3, {1, 4}, 2},
    {1, 2, 100, {1}, 1},
    {3, 0, -1, {3, 2, 1}, 3},
    {5, -5, -4, {5, 1, -3}, 3},
    {-2, 2, 1, {-2, -1, 0, 1}, 4},
    {0, 0, 1, {0}, 0},
    {3, 0, 1, {0}, 0},
    {0, 3, -1, {0}, 0},
    {INTPTR_MAX - 1, INTPTR_MAX, 1, {INTPTR_MAX - 1}, 1},
    {INTPTR_MAX - 1, INTPTR_MAX, INTPTR_MAX, {INTPTR_MAX - 1}, 1},
    {INTPTR_MIN, INTPTR_MAX, INTPTR_MAX, {INTPTR_MIN, -1, INTPTR_MAX - 1}, 3},
    {INTPTR_MAX, INTPTR_MIN, INTPTR_MIN, {INTPTR_MAX, -1}, 2},
};

START_TEST(a_range_goes_from_its_first_to_before_its_end)
{
    struct co_iter_range range;
    void *items[5];

    co_iter_range_init(&range, ranges[_i].first, ranges[_i].end, ranges[_i].step);
    ck_assert_int_eq(co_iter_collect(&range.iter, items, 5), (ssize_t)ranges[_i].n_items);
    for (size_t i = 0; i < ranges[_i].n_items; i++)
        ck_assert_ptr_eq(items[i], co_int(ranges[_i].items[i]));
}
END_TEST

static void make_a_range_without_step(void)
{
    struct co_iter_range range;

    co_iter_range_init(&range, 0, 1, 0);
}

START_TEST(a_range_that_does_not_move_ends_the_process)
{
    assert_dies(make_a_range_without_step, SIGABRT, "its step is 0");
}
END_TEST

static FILE *file_of(const char *text)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    rewind(file);
    return file;
}

START_TEST(a_file_gives_its_lines_with_their_breaks)
{
    FILE *file = file_of("one\n\nthree");
    struct co_iter_lines lines;
    void *line;

    co_iter_lines_init(&lines, file);
    ck_assert_int_eq(co_iter_next(&lines.iter, &line), 1);
    ck_assert_str_eq(line, "one\n");
    ck_assert_int_eq(co_iter_next(&lines.iter, &line), 1);
    ck_assert_str_eq(line, "\n");
    ck_assert_int_eq(co_iter_next(&lines.iter, &line), 1);
    ck_assert_str_eq(line, "three");
    ck_assert_int_eq(co_iter_next(&lines.iter, &line), 0);
    co_iter_done(&lines.iter);
    fclose(file);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_fails_once)
{
    FILE *file = fopen("/", "re");
    struct co_iter_lines lines;

    co_iter_lines_init(&lines, file);
    assert_item(&lines.iter, -EISDIR, -1);
    assert_item(&lines.iter, 0, -1);
    co_iter_done(&lines.iter);
    fclose(file);
}
END_TEST

START_TEST(without_memory_for_a_line_the_lines_end)
{
    FILE *file = file_of("one\ntwo\n");
    struct co_iter_lines lines;

    co_iter_lines_init(&lines, file);
    fault_arm(1);
    assert_item(&lines.iter, -ENOMEM, -1);
    ck_assert(fault_disarm());
    assert_item(&lines.iter, 0, -1);
    co_iter_done(&lines.iter);
    fclose(file);
}
END_TEST

START_TEST(a_generator_gives_what_it_yields_and_is_freed_when_done)
{
    struct co_iter_gen gen;

    co_iter_gen_init(&gen, make_gen(count_to, co_int(3)));
    assert_items(&gen.iter, 1, 2, 3);
    co_iter_gen_init(&gen, make_gen(end_with, NULL));
    assert_item(&gen.iter, 1, 1);
    co_iter_done(&gen.iter);
    ck_assert_str_eq(trace, "c");
}
END_TEST

static int fail_after_one(struct co_gen *self, void *arg, void **result)
{
    int rc = co_gen_yield(self, arg, NULL);

    (void)result;
    return rc < 0 ? rc : -EPROTO;
}

START_TEST(a_generator_that_fails_fails_once)
{
    struct co_iter_gen gen;

    co_iter_gen_init(&gen, make_gen(fail_after_one, co_int(1)));
    assert_item(&gen.iter, 1, 1);
    assert_item(&gen.iter, -EPROTO, -1);
    assert_item(&gen.iter, 0, -1);
    co_iter_done(&gen.iter);
}
END_TEST

static int yield_slowly(struct co_gen *self, void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    while (rc == 0) {
        rc = co_sleep(CO_SECOND);
        if (rc == 0)
            rc = co_gen_yield(self, co_int(now_ms()), NULL);
    }
    return rc;
}

CO_TEST(an_iterator_blocks_if_its_source_does)
{
    struct co_iter_map squares;
    struct co_iter_gen gen;

    co_iter_gen_init(&gen, make_gen(yield_slowly, NULL));
    co_iter_map_init(&squares, &gen.iter, square, NULL);
    assert_item(&squares.iter, 1, 1000 * 1000);
    assert_item(&squares.iter, 1, 2000 * 2000);
    ck_assert_int_eq(now_ms(), 2000);
    co_iter_done(&squares.iter);
}

/* --- Built on others ----------------------------------------------------------------------------
 */

START_TEST(map_gives_what_its_function_makes_of_each_item)
{
    struct co_iter_range range;
    struct co_iter_map squares;

    co_iter_range_init(&range, 1, 5, 1);
    co_iter_map_init(&squares, &range.iter, square, NULL);
    assert_items(&squares.iter, 1, 4, 9, 16);
}
END_TEST

START_TEST(filter_gives_the_items_its_function_keeps)
{
    struct co_iter_range range;
    struct co_iter_filter odd;

    co_iter_range_init(&range, 0, 8, 1);
    co_iter_filter_init(&odd, &range.iter, is_odd, NULL);
    assert_items(&odd.iter, 1, 3, 5, 7);
}
END_TEST

START_TEST(take_asks_for_no_more_than_it_gives)
{
    struct counter endless = counter_that_fails_at(0);
    struct co_iter_take take;

    co_iter_take_init(&take, &endless.iter, 3);
    ck_assert_int_eq(endless.n_asked, 0);
    assert_items(&take.iter, 1, 2, 3);
    ck_assert_int_eq(endless.n_asked, 3);
    ck_assert_int_eq(endless.n_done, 1);
}
END_TEST

START_TEST(take_ends_with_its_source)
{
    struct co_iter_range range;
    struct co_iter_take take;

    co_iter_range_init(&range, 0, 2, 1);
    co_iter_take_init(&take, &range.iter, 3);
    assert_items(&take.iter, 0, 1);
}
END_TEST

START_TEST(enumerate_numbers_the_items)
{
    void *const letters[] = {co_int('a'), co_int('b')};
    struct co_iter_enumerate numbered;
    struct co_iter_array array;
    void *item;

    co_iter_array_init(&array, letters, 2);
    co_iter_enumerate_init(&numbered, &array.iter);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(co_iter_next(&numbered.iter, &item), 1);
        const struct co_numbered *letter = item;
        ck_assert_uint_eq(letter->number, i);
        ck_assert_ptr_eq(letter->item, letters[i]);
    }
    assert_item(&numbered.iter, 0, -1);
}
END_TEST

START_TEST(zip_ends_with_the_shortest_and_asks_nobody_after_it)
{
    struct counter before = counter_that_fails_at(0), after = counter_that_fails_at(0);
    struct co_iter_range range;
    struct co_iter *const sources[] = {&before.iter, &range.iter, &after.iter};
    struct co_iter_zip zip;
    void *items[3], *item;

    co_iter_range_init(&range, 0, 2, 1);
    co_iter_zip_init(&zip, sources, 3, items);
    for (intptr_t i = 0; i < 2; i++) {
        ck_assert_int_eq(co_iter_next(&zip.iter, &item), 1);
        ck_assert_ptr_eq(item, items);
        ck_assert_ptr_eq(items[0], co_int(i + 1));
        ck_assert_ptr_eq(items[1], co_int(i));
        ck_assert_ptr_eq(items[2], co_int(i + 1));
    }
    assert_item(&zip.iter, 0, -1);
    assert_item(&zip.iter, 0, -1);
    ck_assert_int_eq(before.n_asked, 3);
    ck_assert_int_eq(after.n_asked, 2);
    co_iter_done(&zip.iter);
    ck_assert_int_eq(before.n_done + after.n_done, 2);
}
END_TEST

START_TEST(a_source_that_is_in_a_zip_twice_gives_pairs_and_is_done_once)
{
    struct counter source = counter_that_fails_at(0);
    struct co_iter *const sources[] = {&source.iter, &source.iter};
    struct co_iter_zip pairs;
    void *items[2], *item;

    co_iter_zip_init(&pairs, sources, 2, items);
    ck_assert_int_eq(co_iter_next(&pairs.iter, &item), 1);
    ck_assert_int_eq(co_iter_next(&pairs.iter, &item), 1);
    ck_assert_ptr_eq(items[0], co_int(3));
    ck_assert_ptr_eq(items[1], co_int(4));
    co_iter_done(&pairs.iter);
    ck_assert_int_eq(source.n_done, 1);
}
END_TEST

START_TEST(nothing_zipped_or_chained_is_nothing)
{
    struct co_iter_zip zip;
    struct co_iter_chain chain;

    co_iter_zip_init(&zip, NULL, 0, NULL);
    assert_item(&zip.iter, 0, -1);
    co_iter_done(&zip.iter);
    co_iter_chain_init(&chain, NULL, 0);
    assert_item(&chain.iter, 0, -1);
    co_iter_done(&chain.iter);
}
END_TEST

START_TEST(chain_gives_one_source_after_the_other)
{
    struct co_iter_range a, none, b;
    struct co_iter *const sources[] = {&a.iter, &none.iter, &b.iter};
    struct co_iter_chain chain;

    co_iter_range_init(&a, 0, 2, 1);
    co_iter_range_init(&none, 0, 0, 1);
    co_iter_range_init(&b, 7, 9, 1);
    co_iter_chain_init(&chain, sources, 3);
    assert_items(&chain.iter, 0, 1, 7, 8);
}
END_TEST

/* --- Errors and ends ----------------------------------------------------------------------------
 */

static int fail_at_three(void *arg, void *item, void **ret_item)
{
    (void)arg;
    *ret_item = item;
    return item == co_int(3) ? -EPROTO : 5;
}

static int refuse_three(void *arg, const void *item)
{
    (void)arg;
    return item == co_int(3) ? -EPROTO : 5;
}

START_TEST(what_a_function_fails_with_comes_out_once)
{
    struct counter a = counter_that_fails_at(0), b = counter_that_fails_at(0);
    struct co_iter_filter filter;
    struct co_iter_map map;

    co_iter_map_init(&map, &a.iter, fail_at_three, NULL);
    co_iter_filter_init(&filter, &b.iter, refuse_three, NULL);
    struct co_iter *const both[] = {&map.iter, &filter.iter};
    for (int i = 0; i < 2; i++) {
        assert_item(both[i], 1, 1);
        assert_item(both[i], 1, 2);
        ck_assert_int_eq(co_iter_next(both[i], &(void *){NULL}), -EPROTO);
        assert_item(both[i], 0, -1);
        co_iter_done(both[i]);
    }
    ck_assert_int_eq(a.n_asked, 3);
    ck_assert_int_eq(b.n_asked, 3);
}
END_TEST

START_TEST(what_a_source_fails_with_comes_out_of_each_adapter_once)
{
    struct counter source = counter_that_fails_at(2);
    struct co_iter *const sources[] = {&source.iter};
    struct {
        struct co_iter_map map;
        struct co_iter_filter filter;
        struct co_iter_take take;
        struct co_iter_enumerate enumerate;
        struct co_iter_zip zip;
        struct co_iter_chain chain;
    } on;
    void *item, *items[1];
    struct co_iter *const adapters[] = {&on.map.iter,       &on.filter.iter, &on.take.iter,
                                        &on.enumerate.iter, &on.zip.iter,    &on.chain.iter};

    co_iter_map_init(&on.map, &source.iter, square, NULL);
    co_iter_filter_init(&on.filter, &source.iter, is_odd, NULL);
    co_iter_take_init(&on.take, &source.iter, 9);
    co_iter_enumerate_init(&on.enumerate, &source.iter);
    co_iter_zip_init(&on.zip, sources, 1, items);
    co_iter_chain_init(&on.chain, sources, 1);
    ck_assert_int_eq(co_iter_next(adapters[_i], &item), 1);
    ck_assert_int_eq(co_iter_next(adapters[_i], &item), -EIO);
    ck_assert_int_eq(co_iter_next(adapters[_i], &item), 0);
    ck_assert_int_eq(co_iter_next(adapters[_i], &item), 0);
    ck_assert_int_eq(source.n_asked, 2);
    co_iter_done(adapters[_i]);
    co_iter_done(adapters[_i]);
    ck_assert_int_eq(source.n_done, 1);
}
END_TEST

START_TEST(a_pipeline_that_is_done_has_ended)
{
    struct counter source = counter_that_fails_at(0);
    struct co_iter_map squares;

    co_iter_map_init(&squares, &source.iter, square, NULL);
    assert_item(&squares.iter, 1, 1);
    co_iter_done(&squares.iter);
    assert_item(&squares.iter, 0, -1);
    assert_item(&source.iter, 0, -1);
    ck_assert_int_eq(source.n_done, 1);
}
END_TEST

START_TEST(unpacking_asks_for_no_more_than_there_is_room_for)
{
    struct counter source = counter_that_fails_at(6);
    void *items[3];

    ck_assert_int_eq(co_iter_collect(&source.iter, items, 3), 3);
    ck_assert_ptr_eq(items[2], co_int(3));
    ck_assert_int_eq(source.n_asked, 3);
    ck_assert_int_eq(co_iter_collect(&source.iter, items, 0), 0);
    ck_assert_int_eq(co_iter_collect(&source.iter, items, 3), -EIO);
    ck_assert_int_eq(co_iter_collect(&source.iter, items, 3), 0);
}
END_TEST

Suite *suite_co_iter(void);

Suite *suite_co_iter(void)
{
    Suite *suite = suite_create("co_iter");
    TCase *sources = tcase_create("sources"), *adapters = tcase_create("adapters");
    TCase *ends = tcase_create("ends");
    TCase *const all[] = {sources, adapters, ends};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        tcase_add_checked_fixture(all[i], gens_set_up, gens_tear_down);
        suite_add_tcase(suite, all[i]);
    }
    tcase_add_test(sources, an_array_gives_its_items);
    tcase_add_loop_test(sources, a_range_goes_from_its_first_to_before_its_end, 0,
                        sizeof(ranges) / sizeof(*ranges));
    tcase_add_test(sources, a_range_that_does_not_move_ends_the_process);
    tcase_add_test(sources, a_file_gives_its_lines_with_their_breaks);
    tcase_add_test(sources, a_file_that_cannot_be_read_fails_once);
    tcase_add_test(sources, without_memory_for_a_line_the_lines_end);
    tcase_add_test(sources, a_generator_gives_what_it_yields_and_is_freed_when_done);
    tcase_add_test(sources, a_generator_that_fails_fails_once);
    tcase_add_test(sources, an_iterator_blocks_if_its_source_does);

    tcase_add_test(adapters, map_gives_what_its_function_makes_of_each_item);
    tcase_add_test(adapters, filter_gives_the_items_its_function_keeps);
    tcase_add_test(adapters, take_asks_for_no_more_than_it_gives);
    tcase_add_test(adapters, take_ends_with_its_source);
    tcase_add_test(adapters, enumerate_numbers_the_items);
    tcase_add_test(adapters, zip_ends_with_the_shortest_and_asks_nobody_after_it);
    tcase_add_test(adapters, a_source_that_is_in_a_zip_twice_gives_pairs_and_is_done_once);
    tcase_add_test(adapters, nothing_zipped_or_chained_is_nothing);
    tcase_add_test(adapters, chain_gives_one_source_after_the_other);

    tcase_add_test(ends, what_a_function_fails_with_comes_out_once);
    tcase_add_loop_test(ends, what_a_source_fails_with_comes_out_of_each_adapter_once, 0, 6);
    tcase_add_test(ends, a_pipeline_that_is_done_has_ended);
    tcase_add_test(ends, unpacking_asks_for_no_more_than_there_is_room_for);
    return suite;
}
