/* With co_loop_options.debug, a scope that a function forgot to leave is found before the end. */
#include <signal.h>

#include "tests/support/death.h"
#include "tests/support/runtime.h"

static void run_with_checks(co_fn *main)
{
    const struct co_loop_options options = {.clock = &co_clock_virtual, .debug = true};
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, main, NULL, NULL));
    co_loop_free(loop);
}

/* The frame must really be one of its own, and be gone afterwards. With detection of use after
 * return AddressSanitizer would put the scope elsewhere, and complain of it itself. */
__attribute__((noinline, no_sanitize("address"))) static void forget_here(void)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_NEVER);
    __asm__ volatile("" : : "r"(&scope) : "memory");
}

/* So far down that no frame of the library comes to lie there. */
__attribute__((noinline, no_sanitize("address"))) static void forget_a_scope(void)
{
    char frame[4096];

    __asm__ volatile("" : : "r"(frame) : "memory");
    forget_here();
    __asm__ volatile("" : : "r"(frame) : "memory");
}

static int forget_and_sleep(void *arg, void **result)
{
    (void)arg, (void)result;
    forget_a_scope();
    return co_sleep(CO_SECOND);
}

static int forget_and_ask(void *arg, void **result)
{
    struct co_event event;

    (void)arg, (void)result;
    co_event_init(&event);
    co_event_set(&event);
    forget_a_scope();
    return co_event_wait(&event);
}

static int forget_and_yield(void *arg, void **result)
{
    (void)arg, (void)result;
    forget_a_scope();
    return co_sleep(0);
}

static co_fn *const forgetters[] = {forget_and_sleep, forget_and_ask, forget_and_yield};
static co_fn *forgetter;

static void run_forgetter(void)
{
    run_with_checks(forgetter);
}

START_TEST(a_missed_exit_is_found_at_the_next_call_that_blocks)
{
    forgetter = forgetters[_i];
    assert_dies(run_forgetter, SIGABRT, "without leaving the scope entered at ");
    assert_dies(run_forgetter, SIGABRT, "test_scope_check.c:");
}
END_TEST

static int nest_scopes_well(void *arg, void **result)
{
    struct co_scope scopes[3];
    struct co_group group;

    (void)arg, (void)result;
    for (int i = 0; i < 3; i++)
        co_scope_enter(&scopes[i], CO_SECOND);
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_sleep(CO_MILLISECOND));
    assert_ok(co_group_exit(&group, 0));
    for (int i = 2; i >= 0; i--)
        assert_ok(co_scope_exit(&scopes[i], 0));
    return co_sleep(0);
}

START_TEST(scopes_that_are_left_in_order_are_fine)
{
    run_with_checks(nest_scopes_well);
}
END_TEST

static int enter_elsewhere(void *arg, void **result)
{
    static struct co_scope scope;

    (void)arg, (void)result;
    co_scope_enter(&scope, CO_NEVER);
    assert_ok(co_sleep(0));
    return co_scope_exit(&scope, 0);
}

START_TEST(a_scope_that_is_not_on_the_stack_is_fine)
{
    run_with_checks(enter_elsewhere);
}
END_TEST

Suite *suite_co_scope_check(void);

Suite *suite_co_scope_check(void)
{
    Suite *suite = suite_create("co_scope_check");
    TCase *tcase = tcase_create("scope check");

    tcase_add_loop_test(tcase, a_missed_exit_is_found_at_the_next_call_that_blocks, 0,
                        (int)(sizeof(forgetters) / sizeof(*forgetters)));
    tcase_add_test(tcase, scopes_that_are_left_in_order_are_fine);
    tcase_add_test(tcase, a_scope_that_is_not_on_the_stack_is_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}
