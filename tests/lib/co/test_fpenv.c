/* Floating-point modes belong to the thread, or to each task: that is a matter of configuration. */
#include <fenv.h>

#include "tests/support/runtime.h"

static int round_up_for_a_while(void *arg, void **ret_result)
{
    int *ret_mode = arg;

    (void)ret_result;
    fesetround(FE_UPWARD);
    int rc = co_sleep(0);
    *ret_mode = fegetround();
    return rc;
}

static int look_at_the_mode(void *arg, void **ret_result)
{
    int *ret_mode = arg;

    (void)ret_result;
    *ret_mode = fegetround();
    return co_sleep(0);
}

static int round_up_and_end(void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    return fesetround(FE_UPWARD);
}

static void run_two(co_fn *first, void *first_arg, co_fn *second, void *second_arg)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "first", first, first_arg, NULL));
    assert_ok(co_group_spawn(&group, "second", second, second_arg, NULL));
    assert_ok(co_group_exit(&group, 0));
}

#ifdef CO_SAVE_FPENV

CO_TEST(a_task_keeps_its_rounding_mode_to_itself)
{
    int mode = -1, mode_of_other = -1;

    run_two(round_up_for_a_while, &mode, look_at_the_mode, &mode_of_other);
    ck_assert_int_eq(mode, FE_UPWARD);
    ck_assert_int_eq(mode_of_other, FE_TONEAREST);
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
}

CO_TEST(a_task_that_begins_where_another_ended_has_the_default_mode)
{
    int mode = -1;

    run_two(round_up_and_end, NULL, look_at_the_mode, &mode);
    ck_assert_int_eq(mode, FE_TONEAREST);
}

static int round_up_and_yield(struct co_gen *self, void *arg, void **ret_result)
{
    int *ret_mode = arg;

    (void)ret_result;
    fesetround(FE_UPWARD);
    int rc = co_gen_yield(self, NULL, NULL);
    *ret_mode = fegetround();
    return rc;
}

CO_TEST(a_generator_has_a_rounding_mode_of_its_own)
{
    struct co_gen *gen;
    int mode = -1;

    assert_ok(co_gen_new(&gen, round_up_and_yield, &mode));
    ck_assert_int_eq(co_gen_next(gen, NULL), 1);
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
    ck_assert_int_eq(co_gen_next(gen, NULL), 0);
    ck_assert_int_eq(mode, FE_UPWARD);
    co_gen_free(gen);
}

#else

CO_TEST(the_rounding_mode_is_the_threads)
{
    int mode = -1, mode_of_other = -1;

    run_two(round_up_for_a_while, &mode, look_at_the_mode, &mode_of_other);
    ck_assert_int_eq(mode, FE_UPWARD);
    ck_assert_int_eq(mode_of_other, FE_UPWARD);
    run_two(round_up_and_end, NULL, look_at_the_mode, &mode);
    ck_assert_int_eq(mode, FE_UPWARD);
    fesetround(FE_TONEAREST);
}

#endif

Suite *suite_co_fpenv(void);
Suite *suite_co_fpenv(void)
{
    Suite *suite = suite_create("co_fpenv");
    TCase *tcase = tcase_create("modes");

#ifdef CO_SAVE_FPENV
    tcase_add_test(tcase, a_task_keeps_its_rounding_mode_to_itself);
    tcase_add_test(tcase, a_task_that_begins_where_another_ended_has_the_default_mode);
    tcase_add_test(tcase, a_generator_has_a_rounding_mode_of_its_own);
#else
    tcase_add_test(tcase, the_rounding_mode_is_the_threads);
#endif
    suite_add_tcase(suite, tcase);
    return suite;
}
