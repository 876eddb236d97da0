#include "daemon/base/log_limit.h"

#include <check.h>

#define START INT64_C(1000000000)

/* Takes n, and returns how many might be written. */
static unsigned take(struct log_limit *limit, unsigned n, int64_t now_us)
{
    unsigned n_taken = 0;

    for (unsigned i = 0; i < n; i++)
        n_taken += log_limit_take(limit, now_us);
    return n_taken;
}

START_TEST(burst_may_be_written_at_once)
{
    struct log_limit limit = {0};

    ck_assert_uint_eq(take(&limit, LOG_LIMIT_BURST, START), LOG_LIMIT_BURST);
    ck_assert_uint_eq(take(&limit, 5, START), 0);
    ck_assert_uint_eq(limit.n_left_out, 5);
}
END_TEST

START_TEST(one_more_may_be_written_after_each_period)
{
    struct log_limit limit = {0};

    take(&limit, LOG_LIMIT_BURST, START);
    ck_assert_uint_eq(take(&limit, 9, START + LOG_LIMIT_PERIOD_US - 1), 0);
    ck_assert_uint_eq(take(&limit, 9, START + LOG_LIMIT_PERIOD_US), 1);
    ck_assert_uint_eq(take(&limit, 9, START + 4 * LOG_LIMIT_PERIOD_US), 3);
}
END_TEST

START_TEST(burst_is_whole_after_a_pause_and_never_more)
{
    struct log_limit limit = {0};
    int64_t later = START + 1000 * (int64_t)LOG_LIMIT_PERIOD_US;

    take(&limit, LOG_LIMIT_BURST + 1, START);
    ck_assert_uint_eq(take(&limit, 2 * LOG_LIMIT_BURST, later), LOG_LIMIT_BURST);
}
END_TEST

START_TEST(what_comes_once_in_a_period_is_never_left_out)
{
    struct log_limit limit = {0};

    for (int i = 0; i < 1000; i++)
        ck_assert(log_limit_take(&limit, START + i * (int64_t)LOG_LIMIT_PERIOD_US));
}
END_TEST

START_TEST(what_was_left_out_is_told_once_there_is_room_and_once_only)
{
    struct log_limit limit = {0};

    take(&limit, LOG_LIMIT_BURST + 7, START);
    ck_assert_uint_eq(log_limit_settle(&limit, START), 0);
    ck_assert_uint_eq(log_limit_settle(&limit, START + LOG_LIMIT_PERIOD_US), 7);
    ck_assert_uint_eq(log_limit_settle(&limit, START + LOG_LIMIT_PERIOD_US), 0);
    ck_assert_uint_eq(take(&limit, 1, START + LOG_LIMIT_PERIOD_US), 1);
}
END_TEST

Suite *suite_log_limit(void);

Suite *suite_log_limit(void)
{
    Suite *suite = suite_create("daemon/base/log_limit");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, burst_may_be_written_at_once);
    tcase_add_test(tcase, one_more_may_be_written_after_each_period);
    tcase_add_test(tcase, burst_is_whole_after_a_pause_and_never_more);
    tcase_add_test(tcase, what_comes_once_in_a_period_is_never_left_out);
    tcase_add_test(tcase, what_was_left_out_is_told_once_there_is_room_and_once_only);
    suite_add_tcase(suite, tcase);
    return suite;
}
