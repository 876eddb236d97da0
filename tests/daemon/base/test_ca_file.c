#include "daemon/base/ca_file.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fake_tls.h"

static struct err err;

static void set_up(void)
{
    err = (struct err){""};
}

START_TEST(file_with_a_certificate_is_fine)
{
    struct fake_tls tls = {0};

    fake_tls_start(&tls, NULL);
    ck_assert_int_eq(ca_file_check(tls.ca_file, &err), 0);
    ck_assert_str_eq(err.message, "");
    fake_tls_stop(&tls);
}
END_TEST

START_TEST(file_that_cannot_be_read_is_told)
{
    ck_assert_int_eq(ca_file_check("/nonexistent", &err), -ENOENT);
    ck_assert_str_eq(err.message, "/nonexistent: No such file or directory");
}
END_TEST

static const char *const useless[] = {"/dev/null", "/", "/proc/self/exe"};

START_TEST(file_without_certificates_is_told)
{
    ck_assert_int_eq(ca_file_check(useless[_i], &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, ": it has no certificates (PEM)"));
}
END_TEST

Suite *suite_ca_file(void);

Suite *suite_ca_file(void)
{
    Suite *suite = suite_create("daemon/base/ca_file");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, file_with_a_certificate_is_fine);
    tcase_add_test(tcase, file_that_cannot_be_read_is_told);
    tcase_add_loop_test(tcase, file_without_certificates_is_told, 0,
                        sizeof(useless) / sizeof(useless[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
