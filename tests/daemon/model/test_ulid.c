#include "daemon/model/ulid.h"

#include <check.h>
#include <errno.h>
#include <string.h>

enum { NOON = 1769860800 }; /* of 2026-01-31, in seconds */

static struct ulid_source source;
static char before[ULID_LENGTH + 1], after[ULID_LENGTH + 1];

static void set_up(void)
{
    source = (struct ulid_source){0};
    before[0] = '\0';
}

/* Makes one and checks that it is later than all before. */
static void make_later_one(int64_t milliseconds)
{
    ulid_next(&source, milliseconds, after);
    ck_assert_int_lt(strcmp(before, after), 0);
    strcpy(before, after);
}

START_TEST(it_is_26_digits_of_base32)
{
    ulid_next(&source, NOON * INT64_C(1000), after);
    ck_assert_uint_eq(strlen(after), ULID_LENGTH);
    ck_assert_uint_eq(strspn(after, ulid_digits), ULID_LENGTH);
    ck_assert_uint_eq(strlen(ulid_digits), 32);
}
END_TEST

static const struct {
    int64_t milliseconds;
    const char *digits;
} times[] = {
    {1, "0000000001"},
    {32, "0000000010"},
    {1469918176385, "01ARYZ6S41"}, /* the example of the specification */
    {(INT64_C(1) << 48) - 1, "7ZZZZZZZZZ"},
};

START_TEST(it_begins_with_its_time)
{
    ulid_next(&source, times[_i].milliseconds, after);
    ck_assert_mem_eq(after, times[_i].digits, 10);
}
END_TEST

START_TEST(it_is_later_than_those_of_earlier_times)
{
    for (int64_t i = 0; i < 1000; i++)
        make_later_one(NOON * INT64_C(1000) + i * i);
}
END_TEST

START_TEST(it_is_later_than_those_of_the_same_millisecond)
{
    for (int i = 0; i < 100000; i++)
        make_later_one(NOON * INT64_C(1000));
}
END_TEST

START_TEST(it_is_later_though_the_clock_went_back)
{
    make_later_one(NOON * INT64_C(1000));
    make_later_one(NOON * INT64_C(1000) - 5000);
    make_later_one(0);
    make_later_one(NOON * INT64_C(1000) + 1);
}
END_TEST

START_TEST(counting_up_carries)
{
    make_later_one(1000);
    memset(source.random + 1, 0xff, ULID_N_RANDOM - 1);
    source.random[0] = 0x7f;
    strcpy(before, "000000000Z"); /* of the same millisecond, or earlier */
    make_later_one(1000);
    ck_assert_str_eq(after + 10, "G000000000000000");
}
END_TEST

START_TEST(two_sources_do_not_make_the_same)
{
    struct ulid_source other = {0};

    ulid_next(&source, 1000, before);
    ulid_next(&other, 1000, after);
    ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(another_source_goes_on_where_one_was)
{
    struct ulid_source other = {0};

    ulid_next(&source, NOON * INT64_C(1000), before);
    ck_assert_int_eq(ulid_resume(&other, before), 0);
    ck_assert_mem_eq(&other, &source, sizeof(source));
    ulid_next(&other, 0, after);
    ck_assert_str_gt(after, before);
}
END_TEST

static const char *const no_ulids[] = {
    "",
    "0123456789ABCDEFGHJKMNPQR",
    "0123456789ABCDEFGHJKMNPQRST",
    "0123456789ABCDEFGHJKMNPQRU",
    "81234567890123456789012345",
};

START_TEST(what_is_none_is_not_gone_on_with)
{
    ck_assert_int_eq(ulid_resume(&source, no_ulids[_i]), -EINVAL);
}
END_TEST

Suite *suite_ulid(void);

Suite *suite_ulid(void)
{
    Suite *suite = suite_create("daemon/model/ulid");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, it_is_26_digits_of_base32);
    tcase_add_loop_test(tcase, it_begins_with_its_time, 0, sizeof(times) / sizeof(*times));
    tcase_add_test(tcase, it_is_later_than_those_of_earlier_times);
    tcase_add_test(tcase, it_is_later_than_those_of_the_same_millisecond);
    tcase_add_test(tcase, it_is_later_though_the_clock_went_back);
    tcase_add_test(tcase, counting_up_carries);
    tcase_add_test(tcase, two_sources_do_not_make_the_same);
    tcase_add_test(tcase, another_source_goes_on_where_one_was);
    tcase_add_loop_test(tcase, what_is_none_is_not_gone_on_with, 0,
                        sizeof(no_ulids) / sizeof(*no_ulids));
    suite_add_tcase(suite, tcase);
    return suite;
}
