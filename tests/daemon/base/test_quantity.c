#include "daemon/base/quantity.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    enum quantity kind;
    const char *text;
    uint64_t number;
} quantities[] = {
    {QUANTITY_COUNT, "0", 0},
    {QUANTITY_COUNT, "18446744073709551615", UINT64_MAX},
    {QUANTITY_COUNT, "1000", 1000},
    {QUANTITY_SIZE, "0", 0},
    {QUANTITY_SIZE, "1000", 1000},
    {QUANTITY_SIZE, "1K", 1024},
    {QUANTITY_SIZE, "1025", 1025},
    {QUANTITY_SIZE, "64M", 64 << 20},
    {QUANTITY_SIZE, "17179869183G", UINT64_C(17179869183) << 30},
    {QUANTITY_DURATION, "0", 0},
    {QUANTITY_DURATION, "1500ms", 1500},
    {QUANTITY_DURATION, "30s", 30000},
    {QUANTITY_DURATION, "5m", 300000},
    {QUANTITY_DURATION, "48h", 172800000},
};

START_TEST(quantity_is_read)
{
    uint64_t number;

    ck_assert_int_eq(quantity_parse(quantities[_i].kind, quantities[_i].text,
                                    strlen(quantities[_i].text), &number),
                     0);
    ck_assert_uint_eq(number, quantities[_i].number);
}
END_TEST

START_TEST(quantity_is_written_in_its_largest_unit)
{
    char text[QUANTITY_TEXT_SIZE];

    quantity_format(quantities[_i].kind, quantities[_i].number, text);
    ck_assert_str_eq(text, quantities[_i].text);
}
END_TEST

START_TEST(bare_number_is_in_the_smallest_unit)
{
    uint64_t number;

    ck_assert_int_eq(quantity_parse(QUANTITY_DURATION, "250", 3, &number), 0);
    ck_assert_uint_eq(number, 250);
}
END_TEST

START_TEST(only_the_given_bytes_are_read)
{
    uint64_t number;

    ck_assert_int_eq(quantity_parse(QUANTITY_DURATION, "1200s", 2, &number), 0);
    ck_assert_uint_eq(number, 12);
}
END_TEST

static const struct {
    enum quantity kind;
    const char *text;
    int rc;
} bad[] = {
    {QUANTITY_COUNT, "", -EINVAL},
    {QUANTITY_COUNT, "x", -EINVAL},
    {QUANTITY_COUNT, "1K", -EINVAL},
    {QUANTITY_COUNT, "+1", -EINVAL},
    {QUANTITY_COUNT, "-1", -EINVAL},
    {QUANTITY_COUNT, " 1", -EINVAL},
    {QUANTITY_COUNT, "1 ", -EINVAL},
    {QUANTITY_COUNT, "0x10", -EINVAL},
    {QUANTITY_COUNT, "1.5", -EINVAL},
    {QUANTITY_COUNT, "18446744073709551616", -ERANGE},
    {QUANTITY_COUNT, "99999999999999999999999", -ERANGE},
    {QUANTITY_SIZE, "M", -EINVAL},
    {QUANTITY_SIZE, "1k", -EINVAL},
    {QUANTITY_SIZE, "1MB", -EINVAL},
    {QUANTITY_SIZE, "17179869184G", -ERANGE},
    {QUANTITY_DURATION, "1.5s", -EINVAL},
    {QUANTITY_DURATION, "1d", -EINVAL},
    {QUANTITY_DURATION, "99999999999999999999x", -EINVAL},
};

START_TEST(anything_else_is_refused)
{
    uint64_t number = 7;

    ck_assert_int_eq(quantity_parse(bad[_i].kind, bad[_i].text, strlen(bad[_i].text), &number),
                     bad[_i].rc);
    ck_assert_uint_eq(number, 7);
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    struct random random = {1};

    for (int i = 0; i < 5000; i++) {
        enum quantity kind = (enum quantity)random_below(&random, 3);
        uint64_t number = random_next(&random) >> random_below(&random, 64);
        char text[QUANTITY_TEXT_SIZE];
        uint64_t read_back;

        number <<= random_below(&random, 32);
        quantity_format(kind, number, text);
        ck_assert_int_eq(quantity_parse(kind, text, strlen(text), &read_back), 0);
        ck_assert_uint_eq(read_back, number);
    }
}
END_TEST

Suite *suite_quantity(void);

Suite *suite_quantity(void)
{
    Suite *suite = suite_create("daemon/base/quantity");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, quantity_is_read, 0, N_ELEMENTS(quantities));
    tcase_add_loop_test(tcase, quantity_is_written_in_its_largest_unit, 0, N_ELEMENTS(quantities));
    tcase_add_test(tcase, bare_number_is_in_the_smallest_unit);
    tcase_add_test(tcase, only_the_given_bytes_are_read);
    tcase_add_loop_test(tcase, anything_else_is_refused, 0, N_ELEMENTS(bad));
    tcase_add_test(tcase, what_is_written_reads_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
