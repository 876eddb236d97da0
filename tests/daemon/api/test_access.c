/* Tokens, rights and quotas, on exchanges without a server. */
#include "daemon/api/access.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/api/api.h"
#include "daemon/api/http_exchange_private.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* SHA-256 of "abc" and of "". */
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct tokens *tokens;
static struct access access_to;
static struct http_exchange exchange;

static const struct http_route reading = {"GET", "/read", NULL, .needs = RIGHT_READ};
static const struct http_route unsaid = {.method = "GET", .path = "/unsaid"};
static const struct http_route open_to_all = {"GET", "/open", NULL, .needs = NO_RIGHT};

static void read_tokens(const char *text)
{
    int file = memfd_create("tokens", MFD_CLOEXEC);
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    ck_assert_int_eq(fchmod(file, 0600), 0);
    ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    assert_ok(tokens_load(&tokens, path, NULL));
    close(file);
}

static void begin(const char *text)
{
    tokens = NULL;
    http_exchange_init(&exchange);
    if (text != NULL)
        read_tokens(text);
    access_to = (struct access){tokens};
}

static void end(void)
{
    http_exchange_done(&exchange);
    tokens_free(tokens);
}

/* value: of Authorization; NULL: there is none. returns the status of a refusal; 0 */
static int ask(const struct http_route *route, const char *value)
{
    const struct http_field field = {"Authorization", value, strlen("Authorization"),
                                     value != NULL ? strlen(value) : 0};
    const struct http_head head = {.method = "GET",
                                   .target = "/",
                                   .version = "HTTP/1.1",
                                   .fields = &field,
                                   .n_fields = value != NULL};

    http_exchange_done(&exchange);
    http_exchange_init(&exchange);
    assert_ok(http_exchange_set_head(&exchange, &head));
    assert_ok(access_check(&access_to, &exchange, route));
    return exchange.answer.status;
}

static const char *answered(const char *wanted)
{
    const char *name = NULL;
    const char *value;

    while (http_answer_next_field(&exchange.answer, &name, &value))
        if (strcmp(name, wanted) == 0)
            return value;
    return "";
}

static const struct {
    const char *value;
    int status;
    const char *challenge;
} shown[] = {
    {NULL, 401, "Bearer realm=\"gatherd\""},
    {"", 401, "Bearer realm=\"gatherd\""},
    {"Bearer", 401, "Bearer realm=\"gatherd\""},
    {"Bearer ", 401, "Bearer realm=\"gatherd\""},
    {"Basic abc", 401, "Bearer realm=\"gatherd\""},
    {"Bearerabc", 401, "Bearer realm=\"gatherd\""},
    {"Bearer abcd", 401, "Bearer realm=\"gatherd\", error=\"invalid_token\""},
    {"Bearer abc, Bearer abc", 401, "Bearer realm=\"gatherd\", error=\"invalid_token\""},
    {"Bearer abc", 0, ""},
    {"bEARER   abc", 0, ""},
};

CO_TEST(only_the_bearer_of_a_token_gets_through)
{
    begin("ci " ABC " read tenant=web");
    ck_assert_int_eq(ask(&reading, shown[_i].value), shown[_i].status);
    ck_assert_str_eq(answered("WWW-Authenticate"), shown[_i].challenge);
    ck_assert_int_eq(http_token(&exchange) != NULL, shown[_i].status == 0);
    ck_assert_str_eq(access_tenant(&exchange), shown[_i].status == 0 ? "web" : "");
    end();
}

CO_TEST(what_says_no_right_takes_that_of_the_operator)
{
    begin("ci " ABC " read,submit\nroot " EMPTY " admin");
    ck_assert_int_eq(ask(&unsaid, "Bearer abc"), 403);
    ck_assert_str_eq(answered("WWW-Authenticate"),
                     "Bearer realm=\"gatherd\", error=\"insufficient_scope\", scope=\"admin\"");
    ck_assert_ptr_null(http_token(&exchange));
    end();
}

CO_TEST(what_is_open_to_all_takes_no_token)
{
    begin("ci " ABC " read");
    ck_assert_int_eq(ask(&open_to_all, NULL), 0);
    ck_assert_int_eq(ask(&open_to_all, "Bearer nonsense"), 0);
    end();
}

CO_TEST(without_tokens_everybody_may_do_everything)
{
    begin(NULL);
    ck_assert_int_eq(ask(&unsaid, NULL), 0);
    ck_assert_str_eq(access_tenant(&exchange), "");
    ck_assert_uint_eq(access_max_queued(&exchange), 0);
    assert_ok(quota_begin_gather(&exchange, NULL, 1000));
    quota_end_gather(NULL, 1000);
    end();
}

/* Only what tells nothing of anybody's work. */
START_TEST(few_routes_are_open_to_all)
{
    static const char *const open[] = {"/healthz", "/readyz",           "/openapi.json",
                                       "/",        "/dashboard/{file}", "/dashboard/views/{file}"};
    size_t n = 0;

    for (size_t i = 0; i < api_n_routes; i++) {
        bool is_listed = false;
        for (size_t k = 0; k < N_ELEMENTS(open); k++)
            is_listed |= strcmp(api_routes[i].path, open[k]) == 0;
        ck_assert_msg((api_routes[i].needs == NO_RIGHT) == is_listed, "%s", api_routes[i].path);
        n += is_listed;
    }
    ck_assert_uint_ge(n, 1);
}
END_TEST

CO_TEST(second_has_as_many_requests_as_the_quota)
{
    begin("ci " ABC " read requests_per_second=4");
    for (int i = 3; i >= 0; i--) {
        char left[32];
        snprintf(left, sizeof(left), "\"requests\";r=%d;t=1", i);
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
        ck_assert_str_eq(answered("RateLimit"), left);
        ck_assert_str_eq(answered("RateLimit-Policy"), "\"requests\";q=4;w=1");
    }
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 429);
    ck_assert_str_eq(answered("RateLimit"), "\"requests\";r=0;t=1");
    ck_assert_str_eq(answered("Retry-After"), "1");
    end();
}

CO_TEST(bucket_fills_evenly)
{
    begin("ci " ABC " read requests_per_second=4");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    for (int i = 0; i < 3; i++) {
        assert_ok(co_sleep(249 * CO_MILLISECOND));
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 429);
        assert_ok(co_sleep(1 * CO_MILLISECOND));
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    }
    assert_ok(co_sleep(1 * 3600 * CO_SECOND));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 429);
    end();
}

CO_TEST(refused_requests_cost_nothing)
{
    begin("ci " ABC " read requests_per_second=1");
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 429);
    assert_ok(co_sleep(1 * CO_SECOND));
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    end();
}

CO_TEST(token_without_a_quota_is_not_counted)
{
    begin("ci " ABC " read");
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    ck_assert_str_eq(answered("RateLimit"), "");
    end();
}

CO_TEST(gathers_count_while_they_are_under_way)
{
    begin("ci " ABC " read queued_items=10");
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    struct token *token = http_token(&exchange);
    assert_ok(quota_begin_gather(&exchange, token, 4));
    assert_ok(quota_begin_gather(&exchange, token, 6));
    ck_assert_int_eq(quota_begin_gather(&exchange, token, 1), 1);
    ck_assert_int_eq(exchange.answer.status, 429);
    ck_assert_str_eq(answered("RateLimit"), "\"queued-items\";r=0");
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    quota_end_gather(token, 4);
    ck_assert_int_eq(quota_begin_gather(&exchange, token, UINT64_MAX), 1);
    ck_assert_int_eq(ask(&reading, "Bearer abc"), 0);
    assert_ok(quota_begin_gather(&exchange, token, 4));
    quota_end_gather(token, 4);
    quota_end_gather(token, 6);
    end();
}

Suite *suite_access(void);

Suite *suite_access(void)
{
    Suite *suite = suite_create("daemon/api/access");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, only_the_bearer_of_a_token_gets_through, 0, N_ELEMENTS(shown));
    tcase_add_test(tcase, what_says_no_right_takes_that_of_the_operator);
    tcase_add_test(tcase, what_is_open_to_all_takes_no_token);
    tcase_add_test(tcase, without_tokens_everybody_may_do_everything);
    tcase_add_test(tcase, few_routes_are_open_to_all);
    tcase_add_test(tcase, second_has_as_many_requests_as_the_quota);
    tcase_add_test(tcase, bucket_fills_evenly);
    tcase_add_test(tcase, refused_requests_cost_nothing);
    tcase_add_test(tcase, token_without_a_quota_is_not_counted);
    tcase_add_test(tcase, gathers_count_while_they_are_under_way);
    suite_add_tcase(suite, tcase);
    return suite;
}
