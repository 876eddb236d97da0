#include "daemon/base/decimal.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/support/random.h"

static void assert_put(uint64_t value)
{
    char expected[32], digits[DECIMAL_DIGITS_MAX + 1];

    snprintf(expected, sizeof(expected), "%" PRIu64, value);
    *decimal_put(digits, value) = '\0';
    ck_assert_str_eq(digits, expected);
}

START_TEST(numbers_around_each_power_of_ten_are_right)
{
    uint64_t power = 1;

    for (int i = 0; i < 20; i++, power *= 10) {
        assert_put(power - 1);
        assert_put(power);
        assert_put(power + 1);
    }
    assert_put(UINT64_MAX);
}
END_TEST

START_TEST(numbers_of_any_length_are_as_printf_writes_them)
{
    struct random random = {1};

    for (int i = 0; i < 5000; i++)
        assert_put(random_next(&random) >> random_below(&random, 64));
}
END_TEST

START_TEST(pair_has_two_digits)
{
    for (uint32_t i = 0; i < 100; i++) {
        char expected[8], digits[3] = "";

        snprintf(expected, sizeof(expected), "%02u", (unsigned)i);
        ck_assert_ptr_eq(decimal_put_pair(digits, i), digits + 2);
        ck_assert_str_eq(digits, expected);
    }
}
END_TEST

Suite *suite_decimal(void);

Suite *suite_decimal(void)
{
    Suite *suite = suite_create("daemon/base/decimal");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, numbers_around_each_power_of_ten_are_right);
    tcase_add_test(tcase, numbers_of_any_length_are_as_printf_writes_them);
    tcase_add_test(tcase, pair_has_two_digits);
    suite_add_tcase(suite, tcase);
    return suite;
}
