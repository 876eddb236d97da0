#include "daemon/model/defect.h"

#include <check.h>
#include <string.h>

#include "daemon/base/utf8.h"

#include "tests/support/fault.h"

static struct defect_list list;

static void set_up(void)
{
    defect_list_init(&list);
}

static void tear_down(void)
{
    defect_list_done(&list);
}

START_TEST(texts_are_copied)
{
    char pointer[] = "/a";

    defect_add(&list, pointer, "code", "%d is %s", 5, "odd");
    pointer[0] = 'x';
    ck_assert_uint_eq(list.n_defects, 1);
    ck_assert_str_eq(list.defects[0].pointer, "/a");
    ck_assert_str_eq(list.defects[0].code, "code");
    ck_assert_str_eq(list.defects[0].detail, "5 is odd");
}
END_TEST

START_TEST(the_first_ones_are_kept_and_all_are_counted)
{
    for (int i = 0; i < 10000; i++)
        defect_add(&list, "", "code", "%d", i);
    ck_assert_uint_eq(list.n_defects, DEFECTS_KEPT);
    ck_assert_uint_eq(list.n_found, 10000);
    ck_assert_str_eq(list.defects[DEFECTS_KEPT - 1].detail, "99");
    ck_assert(defect_list_is_full(&list));
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    char text[2001];

    for (size_t i = 0; i < 2000; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    text[2000] = '\0';
    defect_add(&list, text, "code", "%s", text);
    ck_assert_uint_eq(strlen(list.defects[0].pointer), DEFECT_TEXT_SIZE - 2);
    ck_assert(utf8_is_valid(list.defects[0].detail, strlen(list.defects[0].detail)));
}
END_TEST

START_TEST(without_memory_defects_are_counted_only)
{
    fault_arm_sticky(1);
    defect_add(&list, "/a", "code", "detail");
    ck_assert(fault_disarm());
    ck_assert_uint_eq(list.n_defects, 0);
    ck_assert_uint_eq(list.n_found, 1);
    defect_add(&list, "/b", "code", "detail");
    ck_assert_str_eq(list.defects[0].pointer, "/b");
}
END_TEST

Suite *suite_defect(void);

Suite *suite_defect(void)
{
    Suite *suite = suite_create("daemon/model/defect");
    TCase *tcase = tcase_create("defect");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, texts_are_copied);
    tcase_add_test(tcase, the_first_ones_are_kept_and_all_are_counted);
    tcase_add_test(tcase, long_texts_are_cut_between_characters);
    tcase_add_test(tcase, without_memory_defects_are_counted_only);
    suite_add_tcase(suite, tcase);
    return suite;
}
