/* What test_fetch.c cannot reach with an origin that speaks plain HTTP. */
#include "daemon/engine/redirect.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct co_http_header sent[] = {{"Accept", "a/b"}, {"X-Key", "canary"}};
static struct co_http_header location = {.name = "Location"};
static struct fetch_options options;
static struct request request;
static struct result result;
static struct hop hop;

static void begin(const char *url)
{
    options = (struct fetch_options){.method = "GET",
                                     .headers = sent,
                                     .n_headers = N_ELEMENTS(sent),
                                     .follow_redirects = true,
                                     .max_redirects = 10};
    request = (struct request){.options = &options};
    ck_assert_int_eq(co_url_parse(url, strlen(url), &request.url), 0);
    result_init(&result);
    hop_init(&hop, &request);
}

static void tear_down(void)
{
    result.response = (struct co_http_response){0};
    result_done(&result);
    hop_done(&hop);
    co_url_done(&request.url);
}

/* The answer is a 302. */
static int follow(const char *to)
{
    location.value = to;
    result.response =
        (struct co_http_response){.status = 302, .headers = &location, .n_headers = 1};
    return redirect_follow(&hop, &options, false, &result);
}

START_TEST(redirect_from_https_to_http_is_refused)
{
    begin("https://example.com/");
    ck_assert_int_eq(follow("http://example.com/"), 0);
    ck_assert_str_eq(result.error.code, "redirect_blocked");
    ck_assert_int_eq(result.outcome, OUTCOME_TRANSPORT_ERROR);
    ck_assert_uint_eq(result.n_hops, 0);
    ck_assert_str_eq(hop.url->text, "https://example.com/");
}
END_TEST

START_TEST(that_holds_of_every_hop)
{
    begin("http://example.com/");
    ck_assert_int_eq(follow("https://example.com/"), 1);
    ck_assert_int_eq(follow("/a"), 1);
    ck_assert_int_eq(follow("http://example.com/"), 0);
    ck_assert_str_eq(result.error.code, "redirect_blocked");
    ck_assert_uint_eq(result.n_hops, 2);
}
END_TEST

static const char *const origins[] = {"https://example.com/", "http://example.com:8080/",
                                      "http://www.example.com/", "https://example.com:80/"};

START_TEST(another_scheme_host_or_port_is_another_origin)
{
    begin("http://example.com/");
    ck_assert_int_eq(follow(origins[_i]), 1);
    ck_assert(hop.has_left_origin);
    ck_assert_uint_eq(hop.n_headers, 1);
    ck_assert_str_eq(hop.headers[0].name, "Accept");
}
END_TEST

static const char *const same[] = {"/b", "http://EXAMPLE.com:80/b", "//example.com/b", "?q"};

START_TEST(origin_written_otherwise_is_the_same)
{
    begin("http://example.com/");
    ck_assert_int_eq(follow(same[_i]), 1);
    ck_assert(!hop.has_left_origin);
    ck_assert_uint_eq(hop.n_headers, 2);
}
END_TEST

START_TEST(fragment_makes_no_other_request)
{
    begin("http://example.com/");
    ck_assert_int_eq(follow("/#here"), 0);
    ck_assert_str_eq(result.error.code, "too_many_redirects");
    ck_assert_str_eq(result.error.message, "the redirects lead in a circle: http://example.com/ -> "
                                           "http://example.com/");
}
END_TEST

START_TEST(response_that_failed_leads_nowhere)
{
    begin("http://example.com/");
    location.value = "/b";
    result.response = (struct co_http_response){
        .error = CO_HTTP_PARTIAL_BODY, .status = 302, .headers = &location, .n_headers = 1};
    ck_assert_int_eq(redirect_follow(&hop, &options, false, &result), 0);
    ck_assert_ptr_null(result.error.code);
}
END_TEST

Suite *suite_redirect(void);

Suite *suite_redirect(void)
{
    Suite *suite = suite_create("daemon/engine/redirect");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, redirect_from_https_to_http_is_refused);
    tcase_add_test(tcase, that_holds_of_every_hop);
    tcase_add_loop_test(tcase, another_scheme_host_or_port_is_another_origin, 0,
                        N_ELEMENTS(origins));
    tcase_add_loop_test(tcase, origin_written_otherwise_is_the_same, 0, N_ELEMENTS(same));
    tcase_add_test(tcase, fragment_makes_no_other_request);
    tcase_add_test(tcase, response_that_failed_leads_nowhere);
    suite_add_tcase(suite, tcase);
    return suite;
}
