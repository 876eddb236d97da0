#include "daemon/engine/loop_lag.h"

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

static struct loop_lag lag;
static struct loop_lag_summary summary;

static void keep_others_waiting(co_time duration)
{
    now += duration;
}

static void measure(co_time duration)
{
    assert_ok(loop_lag_start(&lag));
    assert_ok(co_sleep(duration));
    loop_lag_summarize(&lag, &summary);
}

CO_TEST(loop_that_is_on_time_has_no_lag)
{
    measure(10 * CO_SECOND + LOOP_LAG_PERIOD / 2);
    ck_assert_uint_eq(summary.n_samples, 100);
    ck_assert_int_eq(summary.p50_us, 0);
    ck_assert_int_eq(summary.max_us, 0);
    loop_lag_stop(&lag);
}

CO_TEST(nothing_is_known_in_the_beginning)
{
    measure(0);
    ck_assert_uint_eq(summary.n_samples, 0);
    ck_assert_int_eq(summary.max_us, 0);
    loop_lag_stop(&lag);
}

static void who_keeps_the_loop_is_seen_body(int i)
{
    (void)i;
    measure(10 * CO_SECOND + LOOP_LAG_PERIOD / 2);
    keep_others_waiting(5 * LOOP_LAG_PERIOD);
    assert_ok(co_sleep(LOOP_LAG_PERIOD));
    loop_lag_summarize(&lag, &summary);
    ck_assert_int_eq(summary.p50_us, 0);
    ck_assert_int_eq(summary.max_us, 9 * LOOP_LAG_PERIOD / 2 / CO_MICROSECOND);
    ck_assert_int_eq(lag.max_us, summary.max_us);
    loop_lag_stop(&lag);
}

START_TEST(who_keeps_the_loop_is_seen)
{
    now = 0;
    runtime_run_on(&clock_by_hand, who_keeps_the_loop_is_seen_body, _i);
}
END_TEST

static void only_the_last_minute_is_summarized_body(int i)
{
    (void)i;
    measure(LOOP_LAG_PERIOD / 2);
    keep_others_waiting(CO_SECOND);
    assert_ok(co_sleep(2 * LOOP_LAG_SAMPLES * LOOP_LAG_PERIOD));
    loop_lag_summarize(&lag, &summary);
    ck_assert_uint_eq(summary.n_samples, LOOP_LAG_SAMPLES);
    ck_assert_int_eq(summary.max_us, 0);
    ck_assert_int_gt(lag.max_us, 0);
    ck_assert_uint_eq(lag.buckets.sum_us, (uint64_t)lag.max_us);
    loop_lag_stop(&lag);
}

START_TEST(only_the_last_minute_is_summarized)
{
    now = 0;
    runtime_run_on(&clock_by_hand, only_the_last_minute_is_summarized_body, _i);
}
END_TEST

START_TEST(what_was_never_started_can_be_stopped)
{
    lag = (struct loop_lag){0};
    loop_lag_stop(&lag);
}
END_TEST

Suite *suite_loop_lag(void);

Suite *suite_loop_lag(void)
{
    Suite *suite = suite_create("daemon/engine/loop_lag");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, loop_that_is_on_time_has_no_lag);
    tcase_add_test(tcase, nothing_is_known_in_the_beginning);
    tcase_add_test(tcase, who_keeps_the_loop_is_seen);
    tcase_add_test(tcase, only_the_last_minute_is_summarized);
    tcase_add_test(tcase, what_was_never_started_can_be_stopped);
    suite_add_tcase(suite, tcase);
    return suite;
}
