#include "daemon/api/prefer.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof(*(array)))

/* --- Times ------------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    int rc;
    uint64_t ms;
} times[] = {
    {"30", 0, 30000},
    {"0", 0, 0},
    {"30s", 0, 30000},
    {"500ms", 0, 500},
    {"2m", 0, 120000},
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551616", 0, UINT64_MAX},
    {"99999999999999999999s", 0, UINT64_MAX},
    {"", -EINVAL, 0},
    {"s", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"+1", -EINVAL, 0},
    {"1.5", -EINVAL, 0},
    {" 1", -EINVAL, 0},
    {"1 s", -EINVAL, 0},
    {"1x", -EINVAL, 0},
    {"soon", -EINVAL, 0},
};

START_TEST(time_is_seconds_unless_it_has_a_unit)
{
    uint64_t ms = 0;

    ck_assert_int_eq(wait_time_parse(times[_i].text, strlen(times[_i].text), &ms), times[_i].rc);
    ck_assert_uint_eq(ms, times[_i].ms);
}
END_TEST

/* --- The header ------------------------------------------------------------------------------- */

static const struct {
    const char *value;
    int rc;
    struct preferences expected;
} headers[] = {
    {"wait=10", 0, {true, 10000, false}},
    {"respond-async", 0, {false, 0, true}},
    {"respond-async, wait=10", 0, {true, 10000, true}},
    {"Wait=10;priority=1 , RESPOND-ASYNC", 0, {true, 10000, true}},
    {"wait = \"10s\"", 0, {true, 10000, false}},
    {"wait=1, wait=2", 0, {true, 1000, false}},
    {"return=minimal; foo=\"wait=1, respond-async\"", 0, {false, 0, false}},
    {"x=\"\\\", wait=1\", wait=2", 0, {true, 2000, false}},
    {"waiting=10, xwait=1", 0, {false, 0, false}},
    {"x=\"never closed, wait=1", 0, {false, 0, false}},
    {"", 0, {false, 0, false}},
    {" ,, ;=", 0, {false, 0, false}},
    {"respond-async=1", 0, {false, 0, true}},
    {"wait", -EINVAL, {true, 0, false}},
    {"wait=", -EINVAL, {true, 0, false}},
    {"wait=soon", -EINVAL, {true, 0, false}},
    {"wait=1 2", -EINVAL, {true, 0, false}},
};

START_TEST(header_says_what_is_preferred)
{
    struct preferences preferences = {.waits = false};

    ck_assert_int_eq(preferences_add(&preferences, headers[_i].value), headers[_i].rc);
    ck_assert_int_eq(preferences.waits, headers[_i].expected.waits);
    ck_assert_uint_eq(preferences.wait_ms, headers[_i].expected.wait_ms);
    ck_assert_int_eq(preferences.responds_async, headers[_i].expected.responds_async);
}
END_TEST

START_TEST(first_of_several_headers_counts)
{
    struct preferences preferences = {.waits = false};

    ck_assert_int_eq(preferences_add(&preferences, "wait=1"), 0);
    ck_assert_int_eq(preferences_add(&preferences, "wait=2, respond-async"), 0);
    ck_assert_uint_eq(preferences.wait_ms, 1000);
    ck_assert(preferences.responds_async);
}
END_TEST

Suite *suite_prefer(void);

Suite *suite_prefer(void)
{
    Suite *suite = suite_create("daemon/api/prefer");
    TCase *tcase = tcase_create("prefer");

    tcase_add_loop_test(tcase, time_is_seconds_unless_it_has_a_unit, 0, N_ELEMENTS(times));
    tcase_add_loop_test(tcase, header_says_what_is_preferred, 0, N_ELEMENTS(headers));
    tcase_add_test(tcase, first_of_several_headers_counts);
    suite_add_tcase(suite, tcase);
    return suite;
}
