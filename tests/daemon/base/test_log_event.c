#include "daemon/base/log_event.h"

#include <check.h>
#include <errno.h>
#include <string.h>

START_TEST(level_has_a_name)
{
    enum log_level level = LOG_LEVEL_ERROR;

    ck_assert_int_eq(log_level_from_name(log_level_names[_i], &level), 0);
    ck_assert_uint_eq(level, (unsigned)_i);
}
END_TEST

START_TEST(unknown_name_is_no_level)
{
    enum log_level level = LOG_LEVEL_DEBUG;

    ck_assert_int_eq(log_level_from_name("Info", &level), -EINVAL);
    ck_assert_int_eq(log_level_from_name("", &level), -EINVAL);
    ck_assert_uint_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(name_says_whose_event_it_is)
{
    const char *name = event_kinds[_i].name;

    ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_."), strlen(name));
    ck_assert_ptr_nonnull(strchr(name, '.'));
}
END_TEST

START_TEST(message_id_is_128_bits)
{
    const char *id = event_kinds[_i].message_id;

    ck_assert_uint_eq(strlen(id), 32);
    ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
}
END_TEST

START_TEST(name_and_message_id_are_of_one_kind_only)
{
    for (int i = 0; i < _i; i++) {
        ck_assert_str_ne(event_kinds[i].name, event_kinds[_i].name);
        ck_assert_str_ne(event_kinds[i].message_id, event_kinds[_i].message_id);
    }
}
END_TEST

Suite *suite_log_event(void);

Suite *suite_log_event(void)
{
    Suite *suite = suite_create("daemon/base/log_event");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, level_has_a_name, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG + 1);
    tcase_add_test(tcase, unknown_name_is_no_level);
    tcase_add_loop_test(tcase, name_says_whose_event_it_is, 0, N_EVENTS);
    tcase_add_loop_test(tcase, message_id_is_128_bits, 0, N_EVENTS);
    tcase_add_loop_test(tcase, name_and_message_id_are_of_one_kind_only, 0, N_EVENTS);
    suite_add_tcase(suite, tcase);
    return suite;
}
