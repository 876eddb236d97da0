#include "daemon/api/http_exchange.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/http_exchange_private.h"
#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct http_exchange exchange;
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    http_exchange_init(&exchange);
}

static void tear_down(void)
{
    http_exchange_done(&exchange);
    ck_assert_uint_eq(fault_live(), live_before);
}

#define FIELD(text_name, text_value)                                                               \
    {                                                                                              \
        .name = text_name, .name_length = strlen(text_name), .value = text_value,                  \
        .value_length = strlen(text_value)                                                         \
    }

static int set_target(const char *target)
{
    struct http_head head = {.method = "GET", .target = target, .version = "HTTP/1.1"};

    return http_exchange_set_head(&exchange, &head);
}

START_TEST(request_is_a_copy_of_its_head)
{
    char method[] = "POST", target[] = "/a%20b?c", value[] = "one";
    struct http_field fields[] = {FIELD("X-Test", value), FIELD("x-test", "two"), FIELD("Y", "")};
    struct http_head head = {
        .method = method, .target = target, .version = "HTTP/1.1", .fields = fields, .n_fields = 3};

    ck_assert_int_eq(http_exchange_set_head(&exchange, &head), 0);
    memset(method, 'x', strlen(method));
    memset(target, 'x', strlen(target));
    memset(value, 'x', strlen(value));

    ck_assert_str_eq(http_method(&exchange), "POST");
    ck_assert_str_eq(http_path(&exchange), "/a%20b");
    ck_assert_str_eq(http_header(&exchange, "X-TEST"), "one");
    ck_assert_str_eq(http_header(&exchange, "y"), "");
    ck_assert_ptr_null(http_header(&exchange, "Z"));
}
END_TEST

START_TEST(path_of_an_absolute_target_is_its_path)
{
    ck_assert_int_eq(set_target("http://localhost?a=b"), 0);
    ck_assert_str_eq(http_path(&exchange), "/");
}
END_TEST

static int append_pair(void *arg, const char *name, const char *value)
{
    char *all = arg;

    sprintf(all + strlen(all), "[%s|%s]", name, value);
    return strcmp(name, "stop") == 0 ? 7 : 0;
}

static const struct {
    const char *query, *pairs;
} queries[] = {
    {"", ""},
    {"a=b", "[a|b]"},
    {"a=b&c=d", "[a|b][c|d]"},
    {"a=b&a=b", "[a|b][a|b]"},
    {"a", "[a|]"},
    {"a&b&c", "[a|][b|][c|]"},
    {"a=", "[a|]"},
    {"=b", "[|b]"},
    {"=", "[|]"},
    {"&&a=b&&", "[a|b]"},
    {"a=b=c", "[a|b=c]"},
    {"a=1+2%2B3%203", "[a|1 2+3 3]"},
    {"%61%3D=%26", "[a=|&]"},
    {"url=http%3A%2F%2Fone.example%2F%3Fa%3Db%26c", "[url|http://one.example/?a=b&c]"},
    {"url=http://one.example/?a=b", "[url|http://one.example/?a=b]"},
};

START_TEST(query_is_decoded_pair_by_pair)
{
    char target[128], all[256] = "";

    sprintf(target, "/?%s", queries[_i].query);
    ck_assert_int_eq(set_target(target), 0);
    ck_assert_int_eq(http_query_each(&exchange, append_pair, all), 0);
    ck_assert_str_eq(all, queries[_i].pairs);
}
END_TEST

START_TEST(query_is_left_at_the_first_result_that_is_not_0)
{
    char all[64] = "";

    ck_assert_int_eq(set_target("/?a=b&stop=c&d=e"), 0);
    ck_assert_int_eq(http_query_each(&exchange, append_pair, all), 7);
    ck_assert_str_eq(all, "[a|b][stop|c]");
}
END_TEST

START_TEST(parameters_of_the_route_are_decoded)
{
    static const struct http_route route = {.method = "GET", .path = "/{a}/x/{b}"};
    struct route_match match;

    ck_assert_int_eq(set_target("/%C3%BC/x/longer%20one"), 0);
    ck_assert_int_eq(route_find(&route, 1, "GET", http_path(&exchange), &match), ROUTE_FOUND);
    http_exchange_set_route(&exchange, &match);
    ck_assert_str_eq(http_path_param(&exchange, 0), "\xc3\xbc");
    ck_assert_str_eq(http_path_param(&exchange, 1), "longer one");
    ck_assert_ptr_eq(exchange.route, &route);
}
END_TEST

static const struct {
    struct http_field field;
    bool expects_body;
} announcements[] = {
    {{.name = "Content-Length", .name_length = 14, .value = "5", .value_length = 1}, true},
    {{.name = "Content-Length", .name_length = 14, .value = "0", .value_length = 1}, false},
    {{.name = "Transfer-Encoding", .name_length = 17, .value = "chunked", .value_length = 7}, true},
    {{.name = "Content-Type", .name_length = 12, .value = "5", .value_length = 1}, false},
};

START_TEST(head_tells_whether_a_body_follows)
{
    struct http_head head = {.method = "POST",
                             .target = "/",
                             .version = "HTTP/1.1",
                             .fields = &announcements[_i].field,
                             .n_fields = 1};

    ck_assert_int_eq(http_exchange_set_head(&exchange, &head), 0);
    ck_assert_int_eq(http_exchange_expects_body(&exchange), announcements[_i].expects_body);
}
END_TEST

START_TEST(body_that_never_came_is_empty)
{
    const char *bytes;
    size_t length;

    http_body(&exchange, &bytes, &length);
    ck_assert_str_eq(bytes, "");
    ck_assert_uint_eq(length, 0);
}
END_TEST

static const char *answer_field(const char *wanted)
{
    const char *name = NULL;
    const char *value;

    while (http_answer_next_field(&exchange.answer, &name, &value))
        if (strcmp(name, wanted) == 0)
            return value;
    return NULL;
}

START_TEST(answer_takes_the_bytes_over)
{
    struct buffer body;

    buffer_init(&body, 100);
    buffer_append(&body, "hello", 5);
    ck_assert_int_eq(http_answer(&exchange, 200, "text/plain", &body), 0);
    ck_assert_ptr_null(body.data);
    ck_assert_int_eq(exchange.answer.status, 200);
    ck_assert_uint_eq(exchange.answer.body.len, 5);
    ck_assert_str_eq(answer_field("Content-Type"), "text/plain");
}
END_TEST

START_TEST(every_answer_keeps_browsers_on_a_short_leash)
{
    ck_assert_int_eq(http_answer(&exchange, 204, NULL, NULL), 0);
    ck_assert_ptr_null(answer_field("Content-Type"));
    ck_assert_str_eq(answer_field("Cache-Control"), "no-store");
    ck_assert_str_eq(answer_field("X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(answer_field("Content-Security-Policy"),
                     "default-src 'none'; frame-ancestors 'none'");
}
END_TEST

START_TEST(handler_may_set_what_every_answer_is_given)
{
    size_t n = 0;
    const char *name = NULL;
    const char *value;

    ck_assert_int_eq(http_answer_header(&exchange, "cache-control", "max-age=60"), 0);
    ck_assert_int_eq(http_answer(&exchange, 200, "text/html", NULL), 0);
    ck_assert_str_eq(answer_field("cache-control"), "max-age=60");
    ck_assert_ptr_null(answer_field("Cache-Control"));
    while (http_answer_next_field(&exchange.answer, &name, &value))
        n++;
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(headers_have_a_limit)
{
    static const char value[1000] = {[0 ... 998] = 'x'};

    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(http_answer_header(&exchange, "X", value), 0);
    ck_assert_int_eq(http_answer_header(&exchange, "X", value), -EMSGSIZE);
    ck_assert_int_eq(http_answer_header(&exchange, "X", "short"), 0);
}
END_TEST

START_TEST(answer_that_fails_leaves_the_body_to_its_owner)
{
    static const char value[8100] = {[0 ... 8098] = 'x'};
    struct buffer body;

    buffer_init(&body, 100);
    buffer_append(&body, "hello", 5);
    ck_assert_int_eq(http_answer_header(&exchange, "X", value), 0);
    ck_assert_int_eq(http_answer(&exchange, 200, "text/plain; charset=utf-8", &body), -EMSGSIZE);
    ck_assert_int_eq(exchange.answer.status, 0);
    ck_assert_ptr_null(answer_field("Content-Type"));
    ck_assert_uint_eq(body.len, 5);
    buffer_done(&body);
}
END_TEST

static void count_done(void *arg)
{
    ++*(int *)arg;
}

START_TEST(source_that_was_never_sent_is_done_all_the_same)
{
    int n_done = 0;
    struct http_body_source source = {.done = count_done, .arg = &n_done, .length = 5};

    ck_assert_int_eq(http_answer_source(&exchange, 200, "text/plain", &source), 0);
    ck_assert_int_eq(n_done, 0);
    http_answer_reset(&exchange);
    ck_assert_int_eq(n_done, 1);
    ck_assert_int_eq(exchange.answer.status, 0);
}
END_TEST

static int answer_all(int *n_done)
{
    struct http_body_source source = {.done = count_done, .arg = n_done, .length = 5};
    struct http_field field = FIELD("Name", "value");
    struct http_head head = {
        .method = "GET", .target = "/?a=b", .version = "HTTP/1.1", .fields = &field, .n_fields = 1};
    int rc = http_exchange_set_head(&exchange, &head);

    if (rc == 0)
        rc = http_answer_header(&exchange, "Location", "/somewhere");
    return rc < 0 ? rc : http_answer_source(&exchange, 200, "text/plain", &source);
}

START_TEST(every_failing_allocation_is_reported)
{
    for (size_t n = 1;; n++) {
        int n_done = 0;
        fault_arm(n);
        int rc = answer_all(&n_done);
        bool has_failed = fault_disarm();
        http_exchange_done(&exchange);
        http_exchange_init(&exchange);
        ck_assert_uint_eq(fault_live(), live_before);
        ck_assert_int_eq(n_done, !has_failed);
        ck_assert_int_eq(rc, has_failed ? -ENOMEM : 0);
        if (!has_failed)
            break;
    }
}
END_TEST

Suite *suite_http_exchange(void);

Suite *suite_http_exchange(void)
{
    Suite *suite = suite_create("http_exchange");
    TCase *tcase = tcase_create("http_exchange");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, request_is_a_copy_of_its_head);
    tcase_add_test(tcase, path_of_an_absolute_target_is_its_path);
    tcase_add_loop_test(tcase, query_is_decoded_pair_by_pair, 0, N_ELEMENTS(queries));
    tcase_add_test(tcase, query_is_left_at_the_first_result_that_is_not_0);
    tcase_add_test(tcase, parameters_of_the_route_are_decoded);
    tcase_add_loop_test(tcase, head_tells_whether_a_body_follows, 0, N_ELEMENTS(announcements));
    tcase_add_test(tcase, body_that_never_came_is_empty);
    tcase_add_test(tcase, answer_takes_the_bytes_over);
    tcase_add_test(tcase, every_answer_keeps_browsers_on_a_short_leash);
    tcase_add_test(tcase, handler_may_set_what_every_answer_is_given);
    tcase_add_test(tcase, headers_have_a_limit);
    tcase_add_test(tcase, answer_that_fails_leaves_the_body_to_its_owner);
    tcase_add_test(tcase, source_that_was_never_sent_is_done_all_the_same);
    tcase_add_test(tcase, every_failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
