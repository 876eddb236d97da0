/* Deadlines of scopes; all else about scopes is in test_scope.c. */

#include <errno.h>

#include "tests/support/runtime.h"

/* --- Deadlines ----------------------------------------------------------------------------------
 */

CO_TEST(a_deadline_ends_what_takes_too_long)
{
    struct co_scope scope;

    co_scope_enter(&scope, 500 * CO_MILLISECOND);
    int rc = co_sleep(CO_SECOND);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 500);
}

CO_TEST(a_result_beats_the_deadline)
{
    static const int results[] = {0, 42, -EIO};

    for (int i = 0; i < 3; i++) {
        struct co_scope scope;
        co_scope_enter(&scope, CO_MILLISECOND);
        ck_assert_int_eq(co_sleep(CO_SECOND), -ECANCELED);
        ck_assert_int_eq(co_scope_exit(&scope, results[i]), results[i]);
    }
}

CO_TEST(a_scope_left_in_time_leaves_no_timer)
{
    struct co_loop_stats stats;
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    co_loop_stats(&stats);
    ck_assert_uint_eq(stats.n_timers, 1);
    ck_assert_int_eq(co_scope_exit(&scope, 0), 0);
    co_loop_stats(&stats);
    ck_assert_uint_eq(stats.n_timers, 0);
    assert_ok(co_sleep(2 * CO_SECOND));
}

CO_TEST(a_scope_without_deadline_needs_no_timer)
{
    struct co_loop_stats stats;
    struct co_scope scope;

    co_scope_enter(&scope, CO_NEVER);
    co_loop_stats(&stats);
    ck_assert_uint_eq(stats.n_timers, 0);
    ck_assert_int_eq(co_scope_exit(&scope, 3), 3);
}

CO_TEST(a_deadline_beyond_all_time_never_comes)
{
    struct co_scope scope;

    assert_ok(co_sleep(CO_SECOND));
    co_scope_enter(&scope, CO_NEVER - 1);
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert_int_eq(co_scope_exit(&scope, 0), 0);
}

CO_TEST(with_no_time_at_all_the_first_call_fails)
{
    static const co_time timeouts[] = {0, -1, INT64_MIN};

    for (int i = 0; i < 3; i++) {
        struct co_scope scope;
        co_scope_enter(&scope, timeouts[i]);
        ck_assert_int_eq(co_checkpoint(), -ECANCELED);
        ck_assert_int_eq(co_scope_exit(&scope, co_sleep(1)), -ETIMEDOUT);
        ck_assert_int_eq(co_checkpoint(), 0);
    }
}

CO_TEST(when_the_outer_deadline_passes_the_inner_scope_did_not_time_out)
{
    struct co_scope outer, inner;

    co_scope_enter(&outer, CO_SECOND);
    co_scope_enter(&inner, 2 * CO_SECOND);
    int rc = co_scope_exit(&inner, co_sleep(CO_NEVER));
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&outer, rc), -ETIMEDOUT);
}

CO_TEST(when_the_inner_deadline_passes_the_outer_scope_goes_on)
{
    struct co_scope outer, inner;

    co_scope_enter(&outer, 2 * CO_SECOND);
    co_scope_enter(&inner, CO_SECOND);
    ck_assert_int_eq(co_scope_exit(&inner, co_sleep(CO_NEVER)), -ETIMEDOUT);
    assert_ok(co_sleep(CO_MILLISECOND));
    ck_assert_int_eq(co_scope_exit(&outer, 0), 0);
}

CO_TEST(when_both_deadlines_pass_at_once_it_is_the_outer_one_that_counts)
{
    struct co_scope outer, inner;

    co_scope_enter(&outer, CO_SECOND);
    co_scope_enter(&inner, CO_SECOND);
    int rc = co_scope_exit(&inner, co_sleep(CO_NEVER));
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&outer, rc), -ETIMEDOUT);
}

/* --- Moving a deadline --------------------------------------------------------------------------
 */

/* Sleeps in a scope with `timeout` that is given another one after a second. returns when the sleep
 * ended */
static int end_of_sleep(co_time timeout, co_time another)
{
    struct co_scope scope;

    co_scope_enter(&scope, timeout);
    assert_ok(co_sleep(CO_SECOND));
    co_scope_reschedule(&scope, another);
    int rc = co_sleep(9 * CO_SECOND);
    ck_assert_int_eq(co_scope_exit(&scope, rc), rc == 0 ? 0 : -ETIMEDOUT);
    return now_ms();
}

CO_TEST(a_deadline_can_be_moved_in_any_direction_and_counts_from_now)
{
    static const struct {
        co_time before, after;
        int end_ms;
    } cases[] = {
        {2 * CO_SECOND, 5 * CO_SECOND, 6000}, {8 * CO_SECOND, 3 * CO_SECOND, 4000},
        {2 * CO_SECOND, CO_NEVER, 10000},     {CO_NEVER, 3 * CO_SECOND, 4000},
        {CO_NEVER, CO_NEVER, 10000},          {5 * CO_SECOND, 0, 1000},
    };

    ck_assert_int_eq(end_of_sleep(cases[_i].before, cases[_i].after), cases[_i].end_ms);
}

CO_TEST(a_deadline_that_has_passed_cannot_be_moved)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    ck_assert_int_eq(co_sleep(2 * CO_SECOND), -ECANCELED);
    co_scope_reschedule(&scope, CO_NEVER);
    ck_assert_int_eq(co_sleep(0), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
}

static int grant_more_time(void *scope, void **result)
{
    (void)result;
    co_scope_reschedule(scope, 5 * CO_SECOND);
    return 0;
}

CO_TEST(another_task_may_move_a_deadline)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    assert_ok(co_create_task("generous", grant_more_time, &scope, NULL));
    int rc = co_sleep(9 * CO_SECOND);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 5000);
}

static struct co_task *caller;

static int sleep_as_the_caller(void *arg, void **result)
{
    const co_time *duration = arg;
    int rc = co_sleep(*duration);

    ck_assert_ptr_eq(co_self(), caller);
    *result = arg;
    return rc < 0 ? rc : 7;
}

CO_TEST(a_call_with_a_timeout_runs_in_the_task_itself)
{
    co_time duration = CO_SECOND;
    void *result = NULL;

    caller = co_self();
    ck_assert_int_eq(co_timeout(2 * CO_SECOND, sleep_as_the_caller, &duration, &result), 7);
    ck_assert_ptr_eq(result, &duration);
    ck_assert_int_eq(now_ms(), 1000);
    duration = CO_NEVER;
    ck_assert_int_eq(co_timeout(2 * CO_SECOND, sleep_as_the_caller, &duration, &result),
                     -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 3000);
    ck_assert_int_eq(co_timeout(0, sleep_as_the_caller, &duration, &result), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 3000);
}

CO_TEST(a_result_that_nobody_wants_has_a_place_all_the_same)
{
    co_time duration = CO_SECOND;

    caller = co_self();
    ck_assert_int_eq(co_timeout(2 * CO_SECOND, sleep_as_the_caller, &duration, NULL), 7);
}

Suite *suite_co_scope_deadline(void);

Suite *suite_co_scope_deadline(void)
{
    Suite *suite = suite_create("co_scope_deadline");
    TCase *deadline = tcase_create("deadline"), *moving = tcase_create("moving");

    tcase_add_test(deadline, a_deadline_ends_what_takes_too_long);
    tcase_add_test(deadline, a_result_beats_the_deadline);
    tcase_add_test(deadline, a_scope_left_in_time_leaves_no_timer);
    tcase_add_test(deadline, a_scope_without_deadline_needs_no_timer);
    tcase_add_test(deadline, a_deadline_beyond_all_time_never_comes);
    tcase_add_test(deadline, with_no_time_at_all_the_first_call_fails);
    tcase_add_test(deadline, when_the_outer_deadline_passes_the_inner_scope_did_not_time_out);
    tcase_add_test(deadline, when_the_inner_deadline_passes_the_outer_scope_goes_on);
    tcase_add_test(deadline, when_both_deadlines_pass_at_once_it_is_the_outer_one_that_counts);
    suite_add_tcase(suite, deadline);

    tcase_add_loop_test(moving, a_deadline_can_be_moved_in_any_direction_and_counts_from_now, 0, 6);
    tcase_add_test(moving, a_deadline_that_has_passed_cannot_be_moved);
    tcase_add_test(moving, another_task_may_move_a_deadline);
    tcase_add_test(moving, a_call_with_a_timeout_runs_in_the_task_itself);
    tcase_add_test(moving, a_result_that_nobody_wants_has_a_place_all_the_same);
    suite_add_tcase(suite, moving);
    return suite;
}
