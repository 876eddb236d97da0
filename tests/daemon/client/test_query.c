#include "daemon/client/query.h"

#include <check.h>

static struct query query;

static void set_up(void)
{
    query_begin(&query, "/v1/jobs");
}

static void tear_down(void)
{
    query_done(&query);
}

static const char *text(void)
{
    ck_assert_int_eq(query_end(&query), 0);
    return query.text.data;
}

START_TEST(path_without_parameters_is_all)
{
    ck_assert_str_eq(text(), "/v1/jobs");
}
END_TEST

START_TEST(parameters_are_joined)
{
    query_add(&query, "status", "done");
    query_add_count(&query, "limit", 5);
    ck_assert_str_eq(text(), "/v1/jobs?status=done&limit=5");
}
END_TEST

START_TEST(what_was_not_said_is_left_out)
{
    query_add(&query, "status", NULL);
    ck_assert_str_eq(text(), "/v1/jobs");
}
END_TEST

START_TEST(all_but_plain_characters_are_escaped)
{
    query_add(&query, "cursor", "a&b=c d/\xc3\xa9~");
    ck_assert_str_eq(text(), "/v1/jobs?cursor=a%26b%3Dc%20d%2F%C3%A9~");
}
END_TEST

START_TEST(labels_have_a_name_and_a_value)
{
    query_add_label(&query, "team=web=2");
    query_add_label(&query, "urgent");
    ck_assert_str_eq(text(), "/v1/jobs?label.team=web%3D2&label.urgent=");
}
END_TEST

Suite *suite_query(void);

Suite *suite_query(void)
{
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, path_without_parameters_is_all);
    tcase_add_test(tcase, parameters_are_joined);
    tcase_add_test(tcase, what_was_not_said_is_left_out);
    tcase_add_test(tcase, all_but_plain_characters_are_escaped);
    tcase_add_test(tcase, labels_have_a_name_and_a_value);
    suite_add_tcase(suite, tcase);
    return suite;
}
