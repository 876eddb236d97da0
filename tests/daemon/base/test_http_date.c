#include "daemon/base/http_date.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define US_PER_SECOND     INT64_C(1000000)

/* 2026-11-22 */
static const int64_t now = INT64_C(1795305600) * US_PER_SECOND;

static const struct {
    const char *text;
    int64_t second;
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Sun Nov 16 08:49:37 1994", 784975777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
    {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
    {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    {"Tue, 30 Jun 2015 23:59:60 GMT", 1435708800},
    /* The name of the day does not count. */
    {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
};

START_TEST(date_is_read_in_all_forms)
{
    int64_t instant;

    ck_assert_int_eq(http_date_parse(dates[_i].text, now, &instant), 0);
    ck_assert_int_eq(instant, dates[_i].second * US_PER_SECOND);
}
END_TEST

static const struct {
    const char *text;
    int year;
} short_years[] = {
    {"Sunday, 06-Nov-94 08:49:37 GMT", 1994}, {"Sunday, 06-Nov-00 08:49:37 GMT", 2000},
    {"Sunday, 06-Nov-26 08:49:37 GMT", 2026}, {"Sunday, 06-Nov-76 08:49:37 GMT", 2076},
    {"Sunday, 06-Nov-77 08:49:37 GMT", 1977},
};

START_TEST(year_of_two_digits_is_at_most_50_years_ahead)
{
    int64_t instant;
    struct tm tm;

    ck_assert_int_eq(http_date_parse(short_years[_i].text, now, &instant), 0);
    gmtime_r(&(time_t){instant / US_PER_SECOND}, &tm);
    ck_assert_int_eq(tm.tm_year + 1900, short_years[_i].year);
}
END_TEST

static const char *const not_dates[] = {
    "",
    "120",
    "tomorrow",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun,  6 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov 19945 08:49:37 GMT",
    "Sun, -6 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Tue, 29 Feb 2100 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Fri, 31 Dec 9999 23:59:60 GMT",
    "Fri Dec 31 23:59:60 9999",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06 Nov 1994",
    "Sun Nov   08:49:37 1994",
    "Sun Nov 06 08:49:37 94",
    "Xyz, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Xyz 1994 08:49:37 GMT",
    "Sun, \xff\xff Nov 1994 08:49:37 GMT",
};

START_TEST(anything_else_is_no_date)
{
    int64_t instant = 5;

    ck_assert_int_eq(http_date_parse(not_dates[_i], now, &instant), -EINVAL);
    ck_assert_int_eq(http_date_parse_fixdate(not_dates[_i], &instant), -EINVAL);
    ck_assert_int_eq(instant, 5);
}
END_TEST

START_TEST(every_date_is_as_the_c_library_writes_it)
{
    static const char *const formats[] = {"%a, %d %b %Y %T GMT", "%a %b %e %T %Y"};
    struct random random = {1};

    for (int i = 0; i < 20000; i++) {
        time_t second = (time_t)(random_next(&random) % UINT64_C(253402300799));
        char text[64];
        int64_t instant;
        struct tm tm;
        gmtime_r(&second, &tm);
        strftime(text, sizeof(text), formats[i % 2], &tm);
        if (http_date_parse(text, now, &instant) < 0 || instant != second * US_PER_SECOND)
            ck_abort_msg("%s", text);
    }
}
END_TEST

START_TEST(date_is_written_as_the_c_library_writes_it)
{
    struct random random = {3};

    for (int i = 0; i < 20000; i++) {
        int64_t span = INT64_C(253402300799) + INT64_C(62167219200);
        time_t second = (time_t)(random_next(&random) % (uint64_t)span) - INT64_C(62167219200);
        char expected[64], text[HTTP_DATE_SIZE];
        struct tm tm;
        gmtime_r(&second, &tm);
        size_t length = strftime(expected, sizeof(expected), "%a, %d %b ", &tm);
        snprintf(expected + length, sizeof(expected) - length, "%04d %02d:%02d:%02d GMT",
                 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
        http_date_format(second * US_PER_SECOND + random_below(&random, 1000000), text);
        ck_assert_str_eq(text, expected);
        int64_t instant;
        ck_assert_int_eq(http_date_parse_fixdate(text, &instant), 0);
        ck_assert_int_eq(instant, second * US_PER_SECOND);
    }
}
END_TEST

START_TEST(only_what_would_be_written_is_a_fixdate)
{
    struct random random = {4};
    int64_t instant;

    for (size_t i = 0; i < N_ELEMENTS(not_dates); i++)
        ck_assert_int_eq(http_date_parse_fixdate(not_dates[i], &instant), -EINVAL);
    for (int i = 0; i < 100000; i++) {
        char text[HTTP_DATE_SIZE] = "Sun, 06 Nov 1994 08:49:37 GMT", canonical[HTTP_DATE_SIZE];
        text[random_below(&random, HTTP_DATE_SIZE - 1)] = (char)random_below(&random, 256);
        text[random_below(&random, HTTP_DATE_SIZE - 1)] = (char)('0' + random_below(&random, 10));
        if (http_date_parse_fixdate(text, &instant) < 0)
            continue;
        http_date_format(instant, canonical);
        ck_assert_str_eq(text, canonical);
    }
    ck_assert_int_eq(http_date_parse_fixdate("Mon, 06 Nov 1994 08:49:37 GMT", &instant), -EINVAL);
}
END_TEST

/* Nothing to expect but that it ends, within the text. */
START_TEST(spoilt_dates_do_no_harm)
{
    struct random random = {2};

    for (int i = 0; i < 100000; i++) {
        const char *text = dates[random_below(&random, N_ELEMENTS(dates))].text;
        size_t length = strlen(text);
        char *spoilt = strdup(text);
        int64_t instant;
        spoilt[random_below(&random, (uint32_t)length)] = (char)random_below(&random, 256);
        spoilt[random_below(&random, (uint32_t)length)] = (char)random_below(&random, 256);
        (void)http_date_parse(spoilt, now, &instant);
        free(spoilt);
    }
}
END_TEST

Suite *suite_http_date(void);

Suite *suite_http_date(void)
{
    Suite *suite = suite_create("daemon/base/http_date");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, date_is_read_in_all_forms, 0, N_ELEMENTS(dates));
    tcase_add_loop_test(tcase, year_of_two_digits_is_at_most_50_years_ahead, 0,
                        N_ELEMENTS(short_years));
    tcase_add_loop_test(tcase, anything_else_is_no_date, 0, N_ELEMENTS(not_dates));
    tcase_add_test(tcase, every_date_is_as_the_c_library_writes_it);
    tcase_add_test(tcase, date_is_written_as_the_c_library_writes_it);
    tcase_add_test(tcase, only_what_would_be_written_is_a_fixdate);
    tcase_add_test(tcase, spoilt_dates_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
