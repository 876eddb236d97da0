/* A task that keeps the others waiting is told of. */
#include "tests/support/reports.h"
#include "tests/support/runtime.h"

static co_time now;

static co_time read_clock(struct co_loop *loop)
{
    (void)loop;
    return now;
}

static int wait_no_longer(struct co_loop *loop, co_time deadline)
{
    (void)loop;
    if (deadline != CO_NEVER && deadline > now)
        now = deadline;
    return 0;
}

static const struct co_clock clock_by_hand = {.now = read_clock, .wait = wait_no_longer};

static int run_steps(void *arg, void **result)
{
    (void)result;
    for (const int *step_ms = arg; *step_ms != 0; step_ms++) {
        now += *step_ms * CO_MILLISECOND;
        int rc = co_sleep(0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void run(const int *steps_ms, co_time slow_step)
{
    const struct co_loop_options options = {
        .clock = &clock_by_hand, .slow_step = slow_step, .report = collect_report};
    struct co_loop *loop;

    now = 0;
    forget_reports();
    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, run_steps, (void *)steps_ms, NULL));
    co_loop_free(loop);
}

START_TEST(a_slow_step_is_reported_with_its_task_and_duration)
{
    static const int steps_ms[] = {1, 150, 1, 0};

    run(steps_ms, 100 * CO_MILLISECOND);
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_SLOW_STEP, "task main");
    assert_reported(0, CO_REPORT_SLOW_STEP, "150 ms");
}
END_TEST

START_TEST(many_short_steps_are_not_one_long_one)
{
    static const int steps_ms[] = {60, 60, 60, 60, 0};

    run(steps_ms, 100 * CO_MILLISECOND);
    ck_assert_uint_eq(n_reports, 0);
}
END_TEST

START_TEST(a_task_is_reported_again_only_when_it_has_become_twice_as_slow)
{
    static const int steps_ms[] = {150, 150, 299, 300, 400, 150, 0};

    run(steps_ms, 100 * CO_MILLISECOND);
    ck_assert_uint_eq(n_reports, 2);
    assert_reported(0, CO_REPORT_SLOW_STEP, "150 ms");
    assert_reported(1, CO_REPORT_SLOW_STEP, "300 ms");
}
END_TEST

START_TEST(without_the_option_nothing_is_measured)
{
    static const int steps_ms[] = {100000, 0};

    run(steps_ms, 0);
    ck_assert_uint_eq(n_reports, 0);
}
END_TEST

static int be_slow_then_sleep(void *arg, void **result)
{
    (void)arg, (void)result;
    now += CO_SECOND;
    return co_sleep(CO_SECOND);
}

START_TEST(a_report_says_what_the_task_waited_for_afterwards)
{
    const struct co_loop_options options = {
        .clock = &clock_by_hand, .slow_step = CO_MILLISECOND, .report = collect_report};
    struct co_loop *loop;

    forget_reports();
    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, be_slow_then_sleep, NULL, NULL));
    co_loop_free(loop);
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_SLOW_STEP, "then waited for time");
}
END_TEST

Suite *suite_co_slow_step(void);

Suite *suite_co_slow_step(void)
{
    Suite *suite = suite_create("co_slow_step");
    TCase *tcase = tcase_create("slow step");

    tcase_add_test(tcase, a_slow_step_is_reported_with_its_task_and_duration);
    tcase_add_test(tcase, many_short_steps_are_not_one_long_one);
    tcase_add_test(tcase, a_task_is_reported_again_only_when_it_has_become_twice_as_slow);
    tcase_add_test(tcase, without_the_option_nothing_is_measured);
    tcase_add_test(tcase, a_report_says_what_the_task_waited_for_afterwards);
    suite_add_tcase(suite, tcase);
    return suite;
}
