#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/co/stack.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { STACKS_PER_SLAB = 64, KIB = 1024 };

static struct co_stack_pool pool;

static void set_up(void)
{
    co_stack_pool_init(&pool, 0);
}

static struct co_stack *take(void)
{
    struct co_stack *stack;

    assert_ok(co_stack_take(&pool, &stack));
    return stack;
}

/* What a coroutine does with its stack, as seen from outside of it. */
static void use(struct co_stack *stack, size_t depth)
{
    memset(stack->low + stack->size - depth, 0x5a, depth);
}

static size_t count_resident_pages(const struct co_stack *stack)
{
    unsigned char resident[1024];
    size_t n_pages = (stack->size + pool.page_size - 1) / pool.page_size, n = 0;

    ck_assert_uint_le(n_pages, sizeof(resident));
    assert_ok(mincore(stack->low, n_pages * pool.page_size, resident));
    for (size_t i = 0; i < n_pages; i++)
        n += resident[i] & 1;
    return n;
}

START_TEST(the_stack_put_back_last_is_taken_first)
{
    struct co_stack *a = take(), *b = take();

    co_stack_put(&pool, a);
    co_stack_put(&pool, b);
    ck_assert_ptr_eq(take(), b);
    ck_assert_ptr_eq(take(), a);
    ck_assert_uint_eq(pool.n_taken, 2);
    co_stack_put(&pool, a);
    co_stack_put(&pool, b);
    co_stack_pool_done(&pool);
}
END_TEST

START_TEST(stacks_do_not_overlap_and_start_at_different_cache_lines)
{
    struct co_stack *a = take(), *b = take();

    ck_assert(a->low + a->size <= b->low - pool.guard_size ||
              b->low + b->size <= a->low - pool.guard_size);
    ck_assert_int_ne((uintptr_t)(a->low + a->size) % pool.page_size / 64,
                     (uintptr_t)(b->low + b->size) % pool.page_size / 64);
    co_stack_put(&pool, a);
    co_stack_put(&pool, b);
    co_stack_pool_done(&pool);
}
END_TEST

START_TEST(a_stack_that_was_used_deeply_gives_its_pages_back)
{
    struct co_stack *stack = take();

    use(stack, stack->size);
    ck_assert_uint_gt(count_resident_pages(stack), stack->size / 2 / pool.page_size);
    co_stack_put(&pool, stack);
    ck_assert(!co_stack_pool_trim(&pool));
    ck_assert_uint_le(count_resident_pages(stack), 16 * KIB / pool.page_size);
    co_stack_pool_done(&pool);
}
END_TEST

START_TEST(a_stack_that_was_not_used_deeply_keeps_its_pages)
{
    struct co_stack *stack = take();

    use(stack, 8 * KIB);
    co_stack_put(&pool, stack);
    ck_assert(!co_stack_pool_trim(&pool));
    ck_assert_uint_ge(count_resident_pages(stack), 8 * KIB / pool.page_size);
    co_stack_pool_done(&pool);
}
END_TEST

START_TEST(of_many_idle_stacks_most_keep_no_page_and_those_that_do_are_taken_first)
{
    enum { MANY = 3000 };
    struct co_stack **taken = calloc(MANY, sizeof(struct co_stack *));
    size_t n_warm = 0;

    for (int i = 0; i < MANY; i++)
        use(taken[i] = take(), 1 * KIB);
    for (int i = 0; i < MANY; i++)
        co_stack_put(&pool, taken[i]);
    while (co_stack_pool_trim(&pool))
        continue;
    for (int i = 0; i < MANY; i++)
        n_warm += count_resident_pages(taken[i]) > 0;
    ck_assert_uint_eq(n_warm, pool.n_warm);
    ck_assert_uint_lt(n_warm, MANY / 2);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(count_resident_pages(taken[i] = take()) > 0, i < (int)n_warm);
    ck_assert_uint_eq(pool.n_warm, 0);
    for (int i = 0; i < MANY; i++)
        co_stack_put(&pool, taken[i]);
    free(taken);
    co_stack_pool_done(&pool);
}
END_TEST

static size_t count_mappings(void)
{
    size_t n = 0;
    FILE *maps = fopen("/proc/self/maps", "re");

    ck_assert_ptr_nonnull(maps);
    for (int c = fgetc(maps); c != EOF; c = fgetc(maps))
        n += c == '\n';
    fclose(maps);
    return n;
}

static bool kernel_has_light_guards(void)
{
    void *page = mmap(NULL, pool.page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool has = madvise(page, pool.page_size, 102 /* MADV_GUARD_INSTALL */) == 0;

    munmap(page, pool.page_size);
    return has && pool.can_advise;
}

enum { TEN_THOUSAND = 10000 };

/* returns how many mappings there are while all of them are taken */
static size_t take_ten_thousand(void)
{
    struct co_stack **taken = calloc(TEN_THOUSAND, sizeof(struct co_stack *));

    for (int i = 0; i < TEN_THOUSAND; i++)
        taken[i] = take();
    size_t n_mappings = count_mappings();
    for (int i = 0; i < TEN_THOUSAND; i++)
        co_stack_put(&pool, taken[i]);
    free(taken);
    return n_mappings;
}

/* The second time, for then the allocator and a sanitizer have what they need for themselves. */
START_TEST(ten_thousand_stacks_take_few_mappings)
{
    take_ten_thousand();
    co_stack_pool_done(&pool);
    size_t n_before = count_mappings();

    co_stack_pool_init(&pool, 0);
    size_t n_taken = take_ten_thousand();
    if (kernel_has_light_guards())
        ck_assert_uint_lt(n_taken - n_before, 200);
    co_stack_pool_done(&pool);
    ck_assert_uint_le(count_mappings(), n_before + 10);
}
END_TEST

START_TEST(a_stack_larger_than_all_memory_is_not_to_be_had)
{
    struct co_stack *stack;

    co_stack_pool_init(&pool, SIZE_MAX);
    ck_assert_int_eq(co_stack_take(&pool, &stack), -ENOMEM);
    co_stack_pool_done(&pool);
}
END_TEST

START_TEST(a_stack_that_was_reserved_is_there_even_without_memory)
{
    struct co_stack *stacks[2 * STACKS_PER_SLAB];

    for (size_t i = 0; i < 2 * STACKS_PER_SLAB; i++)
        assert_ok(co_stack_reserve(&pool));
    fault_arm_sticky(1);
    ck_assert_int_eq(co_stack_reserve(&pool), -ENOMEM);
    for (size_t i = 0; i < 2 * STACKS_PER_SLAB; i++)
        stacks[i] = co_stack_take_reserved(&pool);
    ck_assert(fault_disarm());
    for (size_t i = 0; i < 2 * STACKS_PER_SLAB; i++)
        co_stack_put(&pool, stacks[i]);
    co_stack_pool_done(&pool);
}
END_TEST

START_TEST(without_memory_no_stack_is_taken_and_none_is_lost)
{
    size_t before = fault_live(), n = 1;
    struct co_stack *stack = NULL;

    for (;; n++) {
        fault_arm(n);
        int rc = co_stack_take(&pool, &stack);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_ptr_null(stack);
        ck_assert_uint_eq(fault_live(), before);
        ck_assert_uint_eq(pool.n_idle + pool.n_taken, 0);
    }
    ck_assert_uint_gt(n, 2);
    co_stack_put(&pool, stack);
    co_stack_pool_done(&pool);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

/* --- Overflow -----------------------------------------------------------------------------------
 */

static int which_stack;

static void write_below_a_stack(void)
{
    struct co_stack *stack = NULL;

    for (int i = 0; i <= which_stack; i++)
        stack = take();
    *(volatile char *)(stack->low - 1) = 1;
}

START_TEST(below_each_stack_lies_a_guard)
{
    static const int stacks[] = {0, 1, STACKS_PER_SLAB - 1, STACKS_PER_SLAB};

    which_stack = stacks[_i];
    assert_dies(write_below_a_stack, SIGSEGV, NULL);
}
END_TEST

static void write_below_a_used_stack(void)
{
    struct co_stack *stack = take();

    use(stack, stack->size);
    co_stack_put(&pool, stack);
    (void)co_stack_pool_trim(&pool);
    write_below_a_stack();
}

START_TEST(the_guard_is_still_there_when_pages_were_given_back)
{
    which_stack = 0;
    assert_dies(write_below_a_used_stack, SIGSEGV, NULL);
}
END_TEST

static int overflow(void *arg, void **result)
{
    (void)result;
    return have_a_large_frame((size_t)(uintptr_t)arg);
}

/* In a second task: below its stack and guard lies that of the first, which could be written to. */
static int start_overflow(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_create_task("overflow", overflow, NULL, NULL));
    return co_sleep(0);
}

static void overflow_a_small_stack(void)
{
    const struct co_loop_options options = {.stack_size = 32 * KIB};
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, start_overflow, NULL, NULL));
}

START_TEST(a_frame_larger_than_the_guard_does_not_step_over_it)
{
    assert_dies(overflow_a_small_stack, SIGSEGV, NULL);
}
END_TEST

Suite *suite_co_stack(void);

Suite *suite_co_stack(void)
{
    Suite *suite = suite_create("co_stack");
    TCase *tcase = tcase_create("stack"), *overflows = tcase_create("overflow");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, the_stack_put_back_last_is_taken_first);
    tcase_add_test(tcase, stacks_do_not_overlap_and_start_at_different_cache_lines);
    tcase_add_test(tcase, a_stack_that_was_used_deeply_gives_its_pages_back);
    tcase_add_test(tcase, a_stack_that_was_not_used_deeply_keeps_its_pages);
    tcase_add_test(tcase, of_many_idle_stacks_most_keep_no_page_and_those_that_do_are_taken_first);
    tcase_add_test(tcase, ten_thousand_stacks_take_few_mappings);
    tcase_add_test(tcase, a_stack_larger_than_all_memory_is_not_to_be_had);
    tcase_add_test(tcase, a_stack_that_was_reserved_is_there_even_without_memory);
    tcase_add_test(tcase, without_memory_no_stack_is_taken_and_none_is_lost);
    suite_add_tcase(suite, tcase);

    tcase_add_checked_fixture(overflows, set_up, NULL);
    tcase_add_loop_test(overflows, below_each_stack_lies_a_guard, 0, 4);
    tcase_add_test(overflows, the_guard_is_still_there_when_pages_were_given_back);
    tcase_add_test(overflows, a_frame_larger_than_the_guard_does_not_step_over_it);
    suite_add_tcase(suite, overflows);
    return suite;
}
