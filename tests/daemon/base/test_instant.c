#include "daemon/base/instant.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define US_PER_SECOND     INT64_C(1000000)
#define FIRST_INSTANT     INT64_C(-62167219200000000)
#define LAST_INSTANT      INT64_C(253402300799999999)

static const struct {
    int64_t instant;
    const char *text;
} instants[] = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {INT64_C(1769860800000213), "2026-01-31T12:00:00.000213Z"},
    {INT64_C(951827696000000), "2000-02-29T12:34:56.000000Z"},
    {INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z"},
    {FIRST_INSTANT, "0000-01-01T00:00:00.000000Z"},
    {LAST_INSTANT, "9999-12-31T23:59:59.999999Z"},
};

START_TEST(instant_is_written_as_rfc_3339_says)
{
    char text[INSTANT_TEXT_LEN + 1] = "";

    ck_assert_uint_eq(instant_format(instants[_i].instant, text), INSTANT_TEXT_LEN);
    ck_assert_str_eq(text, instants[_i].text);
}
END_TEST

static const int64_t too_far[] = {INT64_MIN, FIRST_INSTANT - 1, LAST_INSTANT + 1, INT64_MAX};

START_TEST(year_without_four_digits_is_refused)
{
    char text[INSTANT_TEXT_LEN] = "untouched";

    ck_assert_uint_eq(instant_format(too_far[_i], text), 0);
    ck_assert_str_eq(text, "untouched");
}
END_TEST

static void assert_as_gmtime(time_t second, unsigned microsecond)
{
    char expected[80], text[INSTANT_TEXT_LEN + 1] = "";
    struct tm tm;

    gmtime_r(&second, &tm);
    snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, microsecond);
    instant_format(second * US_PER_SECOND + microsecond, text);
    if (strcmp(text, expected) != 0) /* a Check assertion would take longer than the rest */
        ck_abort_msg("%s, not %s", text, expected);
}

START_TEST(each_month_of_ten_thousand_years_is_what_gmtime_says)
{
    for (int64_t second = FIRST_INSTANT / US_PER_SECOND; second < LAST_INSTANT / US_PER_SECOND;
         second += 86400 * 30 + 1)
        assert_as_gmtime(second, 0);
}
END_TEST

START_TEST(any_instant_is_what_gmtime_says)
{
    struct random random = {1};
    uint64_t n_seconds = (LAST_INSTANT - FIRST_INSTANT) / US_PER_SECOND;

    for (int i = 0; i < 10000; i++)
        assert_as_gmtime(FIRST_INSTANT / US_PER_SECOND +
                             (int64_t)(random_next(&random) % n_seconds),
                         random_below(&random, US_PER_SECOND));
}
END_TEST

START_TEST(now_is_in_this_century)
{
    ck_assert_int_gt(instant_now(), INT64_C(1700000000) * US_PER_SECOND);
    ck_assert_int_lt(instant_now(), INT64_C(4102444800) * US_PER_SECOND);
}
END_TEST

Suite *suite_instant(void);

Suite *suite_instant(void)
{
    Suite *suite = suite_create("daemon/base/instant");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, instant_is_written_as_rfc_3339_says, 0, N_ELEMENTS(instants));
    tcase_add_loop_test(tcase, year_without_four_digits_is_refused, 0, N_ELEMENTS(too_far));
    tcase_add_test(tcase, each_month_of_ten_thousand_years_is_what_gmtime_says);
    tcase_add_test(tcase, any_instant_is_what_gmtime_says);
    tcase_add_test(tcase, now_is_in_this_century);
    suite_add_tcase(suite, tcase);
    return suite;
}
