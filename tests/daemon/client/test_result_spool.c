#include "daemon/client/result_spool.h"

#include <check.h>
#include <errno.h>
#include <string.h>

static struct result_spool *spool;
static char listed[256];

static void set_up(void)
{
    ck_assert_int_eq(result_spool_new(&spool), 0);
    listed[0] = '\0';
}

static void tear_down(void)
{
    result_spool_free(spool);
}

static int add(uint64_t index, const char *line)
{
    return result_spool_add(spool, index, line, strlen(line));
}

static int list(void *arg, const char *line, size_t length)
{
    (void)arg;
    strncat(listed, line, length);
    strcat(listed, ";");
    return 0;
}

static int refuse(void *arg, const char *line, size_t length)
{
    (void)list(arg, line, length);
    return -ENOSPC;
}

START_TEST(lines_come_back_by_index)
{
    ck_assert_int_eq(add(1000, "last"), 0);
    ck_assert_int_eq(add(1, "second"), 0);
    ck_assert_int_eq(add(0, "first"), 0);
    ck_assert_int_eq(result_spool_each(spool, list, NULL), 0);
    ck_assert_str_eq(listed, "first;second;last;");
}
END_TEST

START_TEST(none_is_no_failure)
{
    ck_assert_int_eq(result_spool_each(spool, list, NULL), 0);
    ck_assert_str_eq(listed, "");
}
END_TEST

START_TEST(an_index_is_taken_once)
{
    ck_assert_int_eq(add(7, "one"), 0);
    ck_assert_int_eq(add(7, "two"), -EEXIST);
    ck_assert_int_eq(result_spool_each(spool, list, NULL), 0);
    ck_assert_str_eq(listed, "one;");
}
END_TEST

START_TEST(an_index_beyond_all_jobs_is_refused)
{
    ck_assert_int_eq(add(UINT64_MAX, "far"), -ERANGE);
}
END_TEST

START_TEST(who_can_take_no_more_is_given_no_more)
{
    ck_assert_int_eq(add(0, "first"), 0);
    ck_assert_int_eq(add(1, "second"), 0);
    ck_assert_int_eq(result_spool_each(spool, refuse, NULL), -ENOSPC);
    ck_assert_str_eq(listed, "first;");
}
END_TEST

Suite *suite_result_spool(void);

Suite *suite_result_spool(void)
{
    Suite *suite = suite_create("result_spool");
    TCase *tcase = tcase_create("result_spool");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, lines_come_back_by_index);
    tcase_add_test(tcase, none_is_no_failure);
    tcase_add_test(tcase, an_index_is_taken_once);
    tcase_add_test(tcase, an_index_beyond_all_jobs_is_refused);
    tcase_add_test(tcase, who_can_take_no_more_is_given_no_more);
    suite_add_tcase(suite, tcase);
    return suite;
}
