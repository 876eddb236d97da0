#include "daemon/api/list_query.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/http_exchange_private.h"
#include "tests/support/fault.h"

static struct http_exchange exchange;
static char taken[256]; /* "[name|value]" for each parameter */
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    http_exchange_init(&exchange);
    taken[0] = '\0';
}

static void tear_down(void)
{
    http_exchange_done(&exchange);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void set_target(const char *target)
{
    const struct http_head head = {.method = "GET", .target = target, .version = "HTTP/1.1"};

    ck_assert_int_eq(http_exchange_set_head(&exchange, &head), 0);
}

static int take(void *query, const char *name, const char *value)
{
    ck_assert_ptr_eq(query, taken);
    if (strcmp(value, "bad") == 0)
        return -EINVAL;
    if (strcmp(value, "huge") == 0)
        return -ENOMEM;
    sprintf(taken + strlen(taken), "[%s|%s]", name, value);
    return 0;
}

static const struct list_param params[] = {
    {"status", take, "something good"},
    {"label.", take, "anything"},
    {"url+", take, "a URL"},
    {.name = NULL},
};

static const struct {
    const char *target;
    int rc;
    const char *taken, *says;
} queries[] = {
    {"/x", 0, "", ""},
    {"/x?status=done", 0, "[|done]", ""},
    {"/x?label.team=web&status=done&label.a=", 0, "[team|web][|done][a|]", ""},
    {"/x?label.=x", 0, "[|x]", ""},
    {"/x?statuses=done", 1, "", "unknown_parameter"},
    {"/x?stat=done", 1, "", "unknown_parameter"},
    {"/x?label=x", 1, "", "unknown_parameter"},
    {"/x?=x", 1, "", "unknown_parameter"},
    {"/x?status=bad", 1, "", "something good"},
    {"/x?label.a=x&label.a=y&status=ok&label.a=z", 0, "[a|x][a|y][|ok][a|z]", ""},
    {"/x?url+=a", 1, "", "unknown_parameter"},
    {"/x?url=a&url=b&status=ok", 0, "[|a][|b][|ok]", ""},
    {"/x?status=ok&label.a=x&status=ok", 1, "[|ok][a|x]", "more than once"},
    {"/x?label.a=x&status=bad&status=no", 1, "[a|x]", "bad_parameter"},
    {"/x?status=huge", -ENOMEM, "", ""},
};

START_TEST(parameters_go_to_who_understands_them)
{
    set_target(queries[_i].target);
    ck_assert_int_eq(list_query_read(&exchange, params, taken), queries[_i].rc);
    ck_assert_str_eq(taken, queries[_i].taken);
    ck_assert_int_eq(exchange.answer.status, queries[_i].rc == 1 ? 400 : 0);
    ck_assert(queries[_i].says[0] == '\0' ||
              memmem(exchange.answer.body.data, exchange.answer.body.len, queries[_i].says,
                     strlen(queries[_i].says)) != NULL);
}
END_TEST

static const struct {
    const char *text;
    int rc;
    size_t limit;
} limits[] = {
    {"1", 0, 1},          {"100", 0, 100},    {"1000", 0, 1000},
    {"0050", 0, 50},      {"", -EINVAL, 0},   {"0", -EINVAL, 0},
    {"1001", -EINVAL, 0}, {"-1", -EINVAL, 0}, {"1.5", -EINVAL, 0},
    {" 1", -EINVAL, 0},   {"1x", -EINVAL, 0}, {"18446744073709551617", -EINVAL, 0},
};

START_TEST(limit_is_a_number_within_bounds)
{
    size_t limit = 0;

    ck_assert_int_eq(list_take_limit(limits[_i].text, &limit), limits[_i].rc);
    if (limits[_i].rc == 0)
        ck_assert_uint_eq(limit, limits[_i].limit);
}
END_TEST

static const struct {
    const char *target, *link;
} pages[] = {
    {"/v1/jobs", "</v1/jobs?cursor=c1>; rel=\"next\""},
    {"/v1/jobs?limit=5&cursor=old", "</v1/jobs?limit=5&cursor=c1>; rel=\"next\""},
    {"/v1/jobs?label.a%3E=x%26y+z", "</v1/jobs?label.a%3E=x%26y%20z&cursor=c1>; rel=\"next\""},
};

START_TEST(next_page_is_this_one_with_another_cursor)
{
    const char *name = NULL, *value;

    set_target(pages[_i].target);
    ck_assert_int_eq(list_answer_next(&exchange, "c1"), 0);
    ck_assert(http_answer_next_field(&exchange.answer, &name, &value));
    ck_assert_str_eq(name, "Link");
    ck_assert_str_eq(value, pages[_i].link);
}
END_TEST

START_TEST(next_page_there_is_no_memory_for_is_an_error)
{
    set_target("/v1/jobs?limit=5");
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = list_answer_next(&exchange, "c1");
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

Suite *suite_list_query(void);

Suite *suite_list_query(void)
{
    Suite *suite = suite_create("daemon/api/list_query");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, parameters_go_to_who_understands_them, 0,
                        sizeof(queries) / sizeof(*queries));
    tcase_add_loop_test(tcase, limit_is_a_number_within_bounds, 0,
                        sizeof(limits) / sizeof(*limits));
    tcase_add_loop_test(tcase, next_page_is_this_one_with_another_cursor, 0,
                        sizeof(pages) / sizeof(*pages));
    tcase_add_test(tcase, next_page_there_is_no_memory_for_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
