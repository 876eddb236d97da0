#include "daemon/base/err.h"

#include <check.h>
#include <errno.h>
#include <string.h>

START_TEST(set_returns_the_code_and_formats_the_message)
{
    struct err err = {0};

    ck_assert_int_eq(err_set(&err, -EINVAL, "%s: %d", "port", 70000), -EINVAL);
    ck_assert_str_eq(err.message, "port: 70000");
}
END_TEST

START_TEST(first_failure_wins)
{
    struct err err = {0};

    ck_assert_int_eq(err_set(&err, -EINVAL, "cause"), -EINVAL);
    ck_assert_int_eq(err_set(&err, -ENOMEM, "consequence"), -ENOMEM);
    ck_assert_str_eq(err.message, "cause");
}
END_TEST

START_TEST(nobody_has_to_want_the_message)
{
    ck_assert_int_eq(err_set(NULL, -EINVAL, "cause"), -EINVAL);
}
END_TEST

/* 509 to 512 letters, then a character of two bytes: what does not fit is left out whole. */
START_TEST(long_message_is_cut_between_characters)
{
    struct err err = {0};
    char letters[600];
    int n_letters = 508 + _i;

    memset(letters, 'a', sizeof(letters));
    (void)err_set(&err, -EINVAL, "%.*s\xc3\xa9", n_letters, letters);
    size_t expected =
        n_letters + 2 <= 511 ? (size_t)n_letters + 2 : (size_t)(n_letters < 511 ? n_letters : 511);
    ck_assert_uint_eq(strlen(err.message), expected);
}
END_TEST

Suite *suite_err(void);

Suite *suite_err(void)
{
    Suite *suite = suite_create("daemon/base/err");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, set_returns_the_code_and_formats_the_message);
    tcase_add_test(tcase, first_failure_wins);
    tcase_add_test(tcase, nobody_has_to_want_the_message);
    tcase_add_loop_test(tcase, long_message_is_cut_between_characters, 0, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
