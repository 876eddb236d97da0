#include "daemon/base/arena.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "tests/support/fault.h"
#include "tests/support/random.h"

START_TEST(new_arena_holds_no_memory)
{
    struct arena arena;
    size_t before = fault_live();

    arena_init(&arena, 1 << 20);
    ck_assert_uint_eq(fault_live(), before);
    ck_assert_uint_eq(arena.n_bytes, 0);
    arena_done(&arena);
}
END_TEST

START_TEST(done_accepts_null)
{
    arena_done(NULL);
}
END_TEST

START_TEST(many_small_parts_take_few_blocks)
{
    struct arena arena;
    size_t before = fault_live();

    arena_init(&arena, 1 << 20);
    for (int i = 0; i < 10000; i++)
        ck_assert_ptr_nonnull(arena_alloc(&arena, 32));
    ck_assert_uint_le(fault_live() - before, 10);
    ck_assert_uint_le(arena.n_bytes, 2 * 10000 * 32);
    arena_done(&arena);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

START_TEST(many_large_parts_soon_share_their_blocks)
{
    struct arena arena;
    size_t before = fault_live();

    arena_init(&arena, 1 << 24);
    for (int i = 0; i < 1000; i++)
        ck_assert_ptr_nonnull(arena_alloc(&arena, 1500));
    ck_assert_uint_lt(fault_live() - before, 20);
    arena_done(&arena);
}
END_TEST

START_TEST(large_part_does_not_waste_the_chunk_in_use)
{
    struct arena arena;

    arena_init(&arena, 1 << 20);
    char *first = arena_alloc(&arena, 16);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 100000));
    char *second = arena_alloc(&arena, 16);
    ck_assert_ptr_eq(second, first + 16);
    arena_done(&arena);
}
END_TEST

START_TEST(large_part_may_come_first)
{
    struct arena arena;
    size_t before = fault_live();

    arena_init(&arena, 1 << 20);
    memset(arena_alloc(&arena, 50000), 1, 50000);
    memset(arena_alloc(&arena, 50000), 1, 50000);
    memset(arena_alloc(&arena, 8), 1, 8);
    arena_done(&arena);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

START_TEST(done_arena_can_be_filled_again)
{
    struct arena arena;

    arena_init(&arena, 8192);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 4000));
    arena_done(&arena);
    ck_assert_uint_eq(arena.n_bytes, 0);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 4000));
    arena_done(&arena);
}
END_TEST

START_TEST(parts_of_size_zero_are_apart)
{
    struct arena arena;

    arena_init(&arena, 8192);
    void *first = arena_alloc(&arena, 0);
    void *second = arena_alloc(&arena, 0);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_ne(first, second);
    arena_done(&arena);
}
END_TEST

START_TEST(limit_is_kept_whatever_is_asked)
{
    struct random random = {1};

    for (int round = 0; round < 200; round++) {
        struct arena arena;

        arena_init(&arena, random_below(&random, 100000));
        for (int i = 0; i < 200; i++) {
            size_t size = random_below(&random, 3000);
            char *part = arena_alloc(&arena, size);
            if (part != NULL)
                memset(part, 0x55, size);
            ck_assert_uint_le(arena.n_bytes, arena.max_bytes);
        }
        arena_done(&arena);
    }
}
END_TEST

START_TEST(limit_can_be_used_up_to_the_last_chunk)
{
    struct arena arena;
    size_t n = 0;

    arena_init(&arena, 100000);
    while (arena_alloc(&arena, 16) != NULL)
        n += 16;
    ck_assert_uint_ge(n, 99000);
    arena_done(&arena);
}
END_TEST

static const size_t huge[] = {100001, SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2};

START_TEST(size_beyond_the_limit_is_refused)
{
    struct arena arena;

    arena_init(&arena, 100000);
    ck_assert_ptr_null(arena_alloc(&arena, huge[_i]));
    ck_assert_ptr_null(arena_copy(&arena, "", huge[_i]));
    ck_assert_ptr_null(arena_calloc(&arena, 1, huge[_i]));
    ck_assert_uint_eq(arena.n_bytes, 0);
}
END_TEST

START_TEST(array_whose_size_overflows_is_refused)
{
    struct arena arena;

    arena_init(&arena, 100000);
    ck_assert_ptr_null(arena_calloc(&arena, SIZE_MAX / 2 + 2, 2));
}
END_TEST

START_TEST(array_is_zeroed)
{
    struct arena arena;

    arena_init(&arena, 100000);
    for (int i = 0; i < 100; i++) {
        char *array = arena_calloc(&arena, 10, 9);
        for (int j = 0; j < 90; j++)
            ck_assert_int_eq(array[j], 0);
        memset(array, 0xff, 90);
    }
    arena_done(&arena);
}
END_TEST

START_TEST(copy_ends_with_a_nul)
{
    struct arena arena;

    arena_init(&arena, 100000);
    ck_assert_str_eq(arena_copy(&arena, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_copy(&arena, NULL, 0), "");
    ck_assert_mem_eq(arena_copy(&arena, "a\0b", 3), "a\0b", 4);
    arena_done(&arena);
}
END_TEST

/* Each part is filled with a byte of its own; nobody else's writing may show up in it. */
START_TEST(parts_are_aligned_and_do_not_overlap)
{
    enum { N_PARTS = 500 };
    struct random random = {1};
    struct {
        unsigned char *bytes;
        size_t size;
    } parts[N_PARTS];
    struct arena arena;

    arena_init(&arena, 64 << 20);
    for (int i = 0; i < N_PARTS; i++) {
        parts[i].size = random_below(&random, random_below(&random, 10) ? 200 : 100000);
        parts[i].bytes = arena_alloc(&arena, parts[i].size);
        ck_assert_uint_eq((uintptr_t)parts[i].bytes % 16, 0);
        memset(parts[i].bytes, i & 0xff, parts[i].size);
    }
    for (int i = 0; i < N_PARTS; i++)
        for (size_t j = 0; j < parts[i].size; j++)
            if (parts[i].bytes[j] != (i & 0xff))
                ck_abort_msg("part %d, byte %zu", i, j);
    arena_done(&arena);
}
END_TEST

START_TEST(failed_allocation_is_null_and_leaks_nothing)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        struct arena arena;
        bool got_all = true;

        arena_init(&arena, 1 << 20);
        fault_arm(n);
        for (int i = 0; i < 100; i++)
            got_all &= arena_alloc(&arena, i % 10 == 0 ? 5000 : 200) != NULL;
        bool failed = fault_disarm();
        ck_assert_int_eq(got_all, !failed);
        ck_assert_ptr_nonnull(arena_alloc(&arena, 200));
        arena_done(&arena);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
}
END_TEST

#ifdef __SANITIZE_ADDRESS__
START_TEST(bytes_that_were_not_handed_out_are_poisoned)
{
    struct arena arena;

    arena_init(&arena, 8192);
    char *part = arena_alloc(&arena, 10);
    ck_assert(!__asan_address_is_poisoned(part + 9));
    ck_assert(__asan_address_is_poisoned(part + 10));
    ck_assert(__asan_address_is_poisoned(part + 16));
    arena_done(&arena);
}
END_TEST
#endif

Suite *suite_arena(void);

Suite *suite_arena(void)
{
    Suite *suite = suite_create("daemon/base/arena");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, new_arena_holds_no_memory);
    tcase_add_test(tcase, done_accepts_null);
    tcase_add_test(tcase, many_small_parts_take_few_blocks);
    tcase_add_test(tcase, many_large_parts_soon_share_their_blocks);
    tcase_add_test(tcase, large_part_does_not_waste_the_chunk_in_use);
    tcase_add_test(tcase, large_part_may_come_first);
    tcase_add_test(tcase, done_arena_can_be_filled_again);
    tcase_add_test(tcase, parts_of_size_zero_are_apart);
    tcase_add_test(tcase, limit_is_kept_whatever_is_asked);
    tcase_add_test(tcase, limit_can_be_used_up_to_the_last_chunk);
    tcase_add_loop_test(tcase, size_beyond_the_limit_is_refused, 0, 4);
    tcase_add_test(tcase, array_whose_size_overflows_is_refused);
    tcase_add_test(tcase, array_is_zeroed);
    tcase_add_test(tcase, copy_ends_with_a_nul);
    tcase_add_test(tcase, parts_are_aligned_and_do_not_overlap);
    tcase_add_test(tcase, failed_allocation_is_null_and_leaks_nothing);
#ifdef __SANITIZE_ADDRESS__
    tcase_add_test(tcase, bytes_that_were_not_handed_out_are_poisoned);
#endif
    suite_add_tcase(suite, tcase);
    return suite;
}
