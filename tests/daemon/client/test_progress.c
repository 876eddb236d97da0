#include "daemon/client/progress.h"

#include <check.h>
#include <errno.h>

#include "tests/support/fault.h"

static struct terminal terminal;
static struct progress progress;
static struct buffer out;

static void set_up(void)
{
    terminal = (struct terminal){.can_redraw = true, .width = 80};
    buffer_init(&out, SIZE_MAX);
    progress_init(&progress, &terminal, 0);
}

static void tear_down(void)
{
    buffer_done(&out);
}

static const char *drawn_at(co_time now)
{
    out.len = 0;
    ck_assert_int_eq(progress_draw(&progress, now, &out), 0);
    ck_assert_int_eq(buffer_append_byte(&out, '\0'), 0);
    return out.data;
}

START_TEST(line_says_how_far_it_is)
{
    progress.total = 1000;
    progress.n_done = 450;
    progress.n_failed = 3;
    ck_assert_str_eq(drawn_at(CO_SECOND),
                     "\r\033[K[#########-----------]  450/1000  450/s  3 failed  0:01 left");
}
END_TEST

START_TEST(line_without_a_total_has_no_bar)
{
    progress.n_done = 5;
    ck_assert_str_eq(drawn_at(2 * CO_SECOND), "\r\033[K5 done  2.5/s");
}
END_TEST

START_TEST(line_of_what_is_complete_has_no_time_left)
{
    progress.total = 10;
    progress.n_done = 10;
    ck_assert_str_eq(drawn_at(CO_SECOND), "\r\033[K[####################]  10/10  10/s");
}
END_TEST

START_TEST(total_that_is_exceeded_does_no_harm)
{
    progress.total = 10;
    progress.n_done = 20;
    ck_assert_str_eq(drawn_at(CO_SECOND), "\r\033[K[####################]  20/10  20/s");
}
END_TEST

START_TEST(what_does_not_fit_is_not_shown)
{
    terminal.width = 34;
    progress.total = 100;
    progress.n_done = 50;
    ck_assert_str_eq(drawn_at(CO_SECOND), "\r\033[K[##########----------]  50/100");
    terminal.width = 0;
    ck_assert_str_eq(drawn_at(2 * CO_SECOND), "\r\033[K");
}
END_TEST

START_TEST(line_is_drawn_ten_times_a_second_at_most)
{
    ck_assert_str_eq(drawn_at(CO_SECOND / 10 - 1), "");
    ck_assert(progress_pause(&progress, CO_SECOND / 10 - 1) == 1);
    ck_assert_str_ne(drawn_at(CO_SECOND / 10), "");
    ck_assert_str_eq(drawn_at(CO_SECOND / 10 + 1), "");
    ck_assert_str_ne(drawn_at(CO_SECOND / 5), "");
}
END_TEST

START_TEST(nothing_is_drawn_where_a_line_cannot_be_written_again)
{
    terminal.can_redraw = false;
    ck_assert_str_eq(drawn_at(CO_SECOND), "");
    ck_assert(progress_pause(&progress, CO_SECOND) == CO_NEVER);
    ck_assert_int_eq(progress_clear(&progress, &out), 0);
    ck_assert_uint_eq(out.len, 1);
}
END_TEST

START_TEST(line_is_taken_away_once)
{
    drawn_at(CO_SECOND);
    out.len = 0;
    ck_assert_int_eq(progress_clear(&progress, &out), 0);
    ck_assert_uint_eq(out.len, 4);
    ck_assert_int_eq(progress_clear(&progress, &out), 0);
    ck_assert_uint_eq(out.len, 4);
}
END_TEST

START_TEST(rate_is_that_of_late)
{
    for (int second = 1; second <= 100; second++) {
        progress.n_done += second <= 50 ? 1000 : 10;
        drawn_at(second * CO_SECOND);
    }
    ck_assert(progress.rate > 9.9 && progress.rate < 11);
}
END_TEST

START_TEST(rate_after_a_standstill_is_never_negative)
{
    progress.total = 100;
    progress.n_done = 50;
    drawn_at(CO_SECOND);
    drawn_at(1000 * CO_SECOND);
    ck_assert(progress.rate == 0);
    ck_assert_str_eq(drawn_at(1001 * CO_SECOND), "\r\033[K[##########----------]  50/100  0.0/s");
}
END_TEST

static const struct {
    uint64_t total;
    const char *left;
} times[] = {
    {60, "0:59"}, {61, "1:00"}, {3601, "1:00:00"}, {359999, "99:59:58"}, {1000000, NULL},
};

START_TEST(time_left_is_told_up_to_a_few_days)
{
    progress.total = times[_i].total;
    progress.n_done = 1;
    const char *line = strstr(drawn_at(CO_SECOND), "1.0/s");
    ck_assert_ptr_nonnull(line);
    if (times[_i].left == NULL)
        ck_assert_str_eq(line, "1.0/s");
    else
        ck_assert_int_eq(strncmp(line + 7, times[_i].left, strlen(times[_i].left)), 0);
}
END_TEST

START_TEST(line_needs_memory)
{
    fault_arm(1);
    ck_assert_int_eq(progress_draw(&progress, CO_SECOND, &out), -ENOMEM);
    ck_assert(fault_disarm());
}
END_TEST

Suite *suite_progress(void);

Suite *suite_progress(void)
{
    Suite *suite = suite_create("daemon/client/progress");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, line_says_how_far_it_is);
    tcase_add_test(tcase, line_without_a_total_has_no_bar);
    tcase_add_test(tcase, line_of_what_is_complete_has_no_time_left);
    tcase_add_test(tcase, total_that_is_exceeded_does_no_harm);
    tcase_add_test(tcase, what_does_not_fit_is_not_shown);
    tcase_add_test(tcase, line_is_drawn_ten_times_a_second_at_most);
    tcase_add_test(tcase, nothing_is_drawn_where_a_line_cannot_be_written_again);
    tcase_add_test(tcase, line_is_taken_away_once);
    tcase_add_test(tcase, rate_is_that_of_late);
    tcase_add_test(tcase, rate_after_a_standstill_is_never_negative);
    tcase_add_loop_test(tcase, time_left_is_told_up_to_a_few_days, 0,
                        sizeof(times) / sizeof(times[0]));
    tcase_add_test(tcase, line_needs_memory);
    suite_add_tcase(suite, tcase);
    return suite;
}
