/* How deep stacks have been, by spawn site. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { KIB = 1024 };

static void run_measured(co_fn *main)
{
    const struct co_loop_options options = {.clock = &co_clock_virtual, .measure_stacks = true};
    struct holdings before = holdings_now();
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, main, NULL, NULL));
    co_loop_free(loop);
    holdings_assert_unchanged(before);
}

/* Frames without AddressSanitizer's fake ones, which would not lie on the stack. */
__attribute__((noinline, no_sanitize("address"))) static int go_down(int n_kib)
{
    volatile char frame[KIB];

    memset((void *)frame, n_kib, sizeof(frame));
    int sum = n_kib > 1 ? go_down(n_kib - 1) : 0;
    __asm__ volatile("" : : "r"(frame) : "memory"); /* the call cannot become a jump */
    return sum + frame[0];
}

static int use_stack(void *n_kib, void **result)
{
    (void)result;
    return go_down((int)(intptr_t)n_kib) >= 0 ? co_sleep(CO_MILLISECOND) : 0;
}

static void start(const char *name, int n_kib, const char *site)
{
    assert_ok(co_create_task_at(name, use_stack, (void *)(intptr_t)n_kib, NULL, site));
}

struct query {
    const char *site;
    struct co_stack_use use;
    unsigned n_entries;
};

static int find(void *arg, const struct co_stack_use *use)
{
    struct query *query = arg;

    query->n_entries++;
    if (strcmp(use->site, query->site) == 0)
        query->use = *use;
    return 0;
}

static struct query ask(const char *site)
{
    struct query query = {.site = site};

    assert_ok(co_stack_use_visit(find, &query));
    return query;
}

static void assert_used(const char *site, const char *name, size_t n_kib, uint64_t n_ended)
{
    struct co_stack_use use = ask(site).use;

    ck_assert_ptr_nonnull(use.name);
    ck_assert_str_eq(use.name, name);
    ck_assert_uint_ge(use.max_used, n_kib * KIB);
    ck_assert_uint_lt(use.max_used, (2 * n_kib + 8) * KIB);
    ck_assert_uint_eq(use.n_ended, n_ended);
}

static int start_at_two_sites(void *arg, void **result)
{
    (void)arg, (void)result;
    start("small", 2, "here");
    start("large", 40, "there");
    start("middling", 9, "there");
    assert_ok(co_sleep(CO_SECOND));
    assert_used("here", "small", 2, 1);
    assert_used("there", "large", 40, 2);
    ck_assert_uint_eq(ask("").n_entries, 3); /* main's as well */
    return 0;
}

START_TEST(the_deepest_use_is_known_for_each_spawn_site)
{
    run_measured(start_at_two_sites);
}
END_TEST

static int start_one_after_another(void *arg, void **result)
{
    (void)arg, (void)result;
    start("large", 100, "first");
    assert_ok(co_sleep(CO_SECOND));
    for (int i = 0; i < 100; i++) {
        start("small", 1, "second");
        assert_ok(co_sleep(CO_SECOND));
    }
    assert_used("first", "large", 100, 1);
    assert_used("second", "small", 1, 100);
    return 0;
}

START_TEST(a_stack_that_is_used_again_does_not_tell_of_its_last_user)
{
    run_measured(start_one_after_another);
}
END_TEST

static int look_at_the_living(void *arg, void **result)
{
    (void)arg, (void)result;
    start("alive", 20, "here");
    assert_ok(co_sleep(0));
    assert_used("here", "alive", 20, 0);
    assert_used("here", "alive", 20, 0);
    assert_ok(co_sleep(CO_SECOND));
    assert_used("here", "alive", 20, 1);
    assert_used("here", "alive", 20, 1);
    return 0;
}

START_TEST(tasks_that_live_are_measured_too)
{
    run_measured(look_at_the_living);
}
END_TEST

static int start_at_many_sites(void *arg, void **result)
{
    static char sites[300][8];

    (void)arg, (void)result;
    for (int i = 0; i < 300; i++) {
        snprintf(sites[i], sizeof(sites[i]), "%d", i);
        start("task", 1, sites[i]);
    }
    assert_ok(co_sleep(CO_SECOND));
    struct co_stack_use others = ask("other sites").use;
    ck_assert_uint_eq(ask("").n_entries, 257);
    ck_assert_uint_ge(others.n_ended, 44);
    ck_assert_uint_gt(others.max_used, 0);
    return 0;
}

START_TEST(many_sites_are_summed_up_as_others)
{
    run_measured(start_at_many_sites);
}
END_TEST

CO_TEST(without_the_option_there_is_nothing_to_visit)
{
    start("small", 1, "here");
    assert_ok(co_sleep(CO_SECOND));
    ck_assert_uint_eq(ask("").n_entries, 0);
}

static int dump_stack_use(void *arg, void **result)
{
    char text[4096] = "";
    FILE *file = fmemopen(text, sizeof(text), "w");

    (void)arg, (void)result;
    start("small", 1, "here");
    assert_ok(co_sleep(CO_SECOND));
    co_dump(file);
    fclose(file);
    ck_assert_msg(strstr(text, " at most  small  here  1 ended\n") != NULL, "it said:\n%s", text);
    return 0;
}

START_TEST(a_dump_ends_with_them)
{
    run_measured(dump_stack_use);
}
END_TEST

START_TEST(without_memory_no_loop_is_made_and_nothing_is_lost)
{
    const struct co_loop_options options = {.measure_stacks = true};
    struct holdings before = holdings_now();
    struct co_loop *loop = NULL;
    size_t n = 1;

    for (;; n++) {
        fault_arm(n);
        int rc = co_loop_new(&loop, &options);
        if (!fault_disarm())
            break;
        ck_assert_int_lt(rc, 0);
        holdings_assert_unchanged(before);
    }
    ck_assert_uint_gt(n, 3);
    co_loop_free(loop);
    holdings_assert_unchanged(before);
}
END_TEST

Suite *suite_co_stack_use(void);

Suite *suite_co_stack_use(void)
{
    Suite *suite = suite_create("co_stack_use");
    TCase *tcase = tcase_create("stack use");

    tcase_add_test(tcase, the_deepest_use_is_known_for_each_spawn_site);
    tcase_add_test(tcase, a_stack_that_is_used_again_does_not_tell_of_its_last_user);
    tcase_add_test(tcase, tasks_that_live_are_measured_too);
    tcase_add_test(tcase, many_sites_are_summed_up_as_others);
    tcase_add_test(tcase, without_the_option_there_is_nothing_to_visit);
    tcase_add_test(tcase, a_dump_ends_with_them);
    tcase_add_test(tcase, without_memory_no_loop_is_made_and_nothing_is_lost);
    suite_add_tcase(suite, tcase);
    return suite;
}
