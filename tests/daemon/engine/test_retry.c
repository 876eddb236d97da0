#include "daemon/engine/retry.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-11-22 00:00:00 GMT, a Sunday */
static const int64_t now = INT64_C(1795305600) * 1000000;

static struct fetch_options options;
static struct result result;

/* A 503 in answer to a GET, which is worth three attempts. */
static void begin(void)
{
    options = (struct fetch_options){
        .method = "GET",
        .retry = {.max_attempts = 3,
                  .on_errors = UINT64_C(1) << CO_HTTP_CONNECT_REFUSED,
                  .backoff_us = 200000,
                  .max_backoff_us = 5000000,
                  .respect_retry_after = true,
                  .max_retry_after_us = 30000000},
    };
    status_set_add(&options.retry.on_status, 502, 504);
    status_set_add(&options.retry.on_status, 429, 429);
    result_init(&result);
    result.outcome = OUTCOME_HTTP_ERROR;
    result.response.status = 503;
}

static int64_t pause_us(void)
{
    return retry_pause_us(&options, &result, 0, now);
}

static void fail_with(enum co_http_error error)
{
    result.outcome = error == CO_HTTP_BLOCKED ? OUTCOME_BLOCKED : OUTCOME_TRANSPORT_ERROR;
    result.response.error = error;
    result.response.status = 0;
}

#define RETRY_TEST(test_name)                                                                      \
    static void test_name##_body(CK_ATTRIBUTE_UNUSED int _i);                                      \
    START_TEST(test_name)                                                                          \
    {                                                                                              \
        begin();                                                                                   \
        test_name##_body(_i);                                                                      \
    }                                                                                              \
    END_TEST                                                                                       \
    static void test_name##_body(CK_ATTRIBUTE_UNUSED int _i)

/* --- Whether ---------------------------------------------------------------------------------- */

RETRY_TEST(listed_status_is_tried_again)
{
    ck_assert_int_eq(pause_us(), 200000);
    result.response.status = 500;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

RETRY_TEST(success_is_final)
{
    result.outcome = OUTCOME_SUCCESS;
    result.response.status = 200;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

RETRY_TEST(listed_error_is_tried_again)
{
    fail_with(CO_HTTP_CONNECT_REFUSED);
    ck_assert_int_eq(pause_us(), 200000);
    fail_with(CO_HTTP_RECV_RESET);
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
    fail_with(CO_HTTP_BLOCKED);
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

RETRY_TEST(status_that_came_with_an_error_does_not_count)
{
    fail_with(CO_HTTP_RECV_RESET);
    result.response.status = 503;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

RETRY_TEST(what_was_blocked_without_a_response_is_final)
{
    status_set_add(&options.retry.on_status, STATUS_MIN, STATUS_MAX);
    fail_with(CO_HTTP_OK);
    result.outcome = OUTCOME_BLOCKED;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

RETRY_TEST(redirect_that_is_not_followed_is_no_answer)
{
    status_set_add(&options.retry.on_status, 302, 302);
    result_fail(&result, OUTCOME_TRANSPORT_ERROR, "too_many_redirects", "receive", "too many");
    result.response.status = 302;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

RETRY_TEST(expected_status_is_final)
{
    struct expect expect = {.has_status = true};

    options.expect = &expect;
    ck_assert_int_eq(pause_us(), 200000);
    status_set_add(&expect.status, 503, 503);
    result.outcome = OUTCOME_SUCCESS;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

/* "Not ready yet": nobody has said that it is expected. */
RETRY_TEST(good_status_that_is_listed_is_tried_again)
{
    struct expect expect = {.needs_body = true};

    options.expect = &expect;
    status_set_add(&options.retry.on_status, 202, 202);
    result.outcome = OUTCOME_SUCCESS;
    result.response.status = 202;
    ck_assert_int_eq(pause_us(), 200000);
}

RETRY_TEST(number_of_attempts_is_limited)
{
    result.n_attempts = 1;
    ck_assert_int_ge(pause_us(), 0);
    result.n_attempts = 2;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
    options.retry.max_attempts = 1;
    result.n_attempts = 0;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

static const struct {
    const char *method;
    bool is_repeated;
} methods[] = {
    {"GET", true},     {"HEAD", true},     {"PUT", true},    {"DELETE", true},
    {"OPTIONS", true}, {"TRACE", true},    {"POST", false},  {"PATCH", false},
    {"get", false},    {"CONNECT", false}, {"GETTY", false},
};

RETRY_TEST(idempotent_methods_may_be_repeated)
{
    options.method = methods[_i].method;
    ck_assert_int_eq(pause_us() != RETRY_NEVER, methods[_i].is_repeated);
}

RETRY_TEST(listed_methods_replace_those)
{
    static const char *const listed[] = {"POST"};

    options.retry.methods = listed;
    options.retry.n_methods = 1;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
    options.method = "POST";
    ck_assert_int_eq(pause_us(), 200000);
}

RETRY_TEST(list_of_no_methods_allows_none)
{
    static const char *const listed[] = {NULL};

    options.retry.methods = listed;
    ck_assert_int_eq(pause_us(), RETRY_NEVER);
}

/* --- How long --------------------------------------------------------------------------------- */

RETRY_TEST(pause_doubles_up_to_its_maximum)
{
    static const int64_t pauses[] = {200000, 400000, 800000, 1600000, 3200000, 5000000, 5000000};

    options.retry.max_attempts = 1000;
    for (unsigned i = 0; i < N_ELEMENTS(pauses); i++) {
        result.n_attempts = i;
        ck_assert_int_eq(pause_us(), pauses[i]);
    }
    result.n_attempts = 900;
    options.retry.max_backoff_us = INT64_MAX;
    ck_assert_int_eq(pause_us(), INT64_MAX);
}

RETRY_TEST(maximum_holds_for_the_first_pause_too)
{
    options.retry.max_backoff_us = 1000;
    ck_assert_int_eq(pause_us(), 1000);
}

RETRY_TEST(jitter_makes_a_part_of_the_pause_random)
{
    struct random random = {1};

    options.retry.jitter = 0.2;
    ck_assert_int_eq(retry_pause_us(&options, &result, 0, now), 200000);
    ck_assert_int_eq(retry_pause_us(&options, &result, 1, now), 160000);
    options.retry.jitter = 1;
    ck_assert_int_eq(retry_pause_us(&options, &result, 1, now), 0);
    for (int i = 0; i < 1000; i++) {
        double part = random_below(&random, 1000) / 1000.0;
        int64_t pause = retry_pause_us(&options, &result, part, now);
        ck_assert(pause >= 0 && pause <= 200000);
    }
}

/* --- Retry-After ------------------------------------------------------------------------------ */

static struct co_http_header header = {.name = "retry-after"};

static void ask(const char *retry_after)
{
    header.value = retry_after;
    result.response.headers = &header;
    result.response.n_headers = 1;
}

static const struct {
    const char *text;
    int64_t pause_us;
} asked[] = {
    {"0", 200000},
    {"1", 1000000},
    {"30", 30000000},
    {"031", RETRY_NEVER},
    {"31", RETRY_NEVER},
    {"99999999999999999999999999999999999999", RETRY_NEVER},
    {"9223372036855", RETRY_NEVER},
    {"Sun, 22 Nov 2026 00:00:07 GMT", 7000000},
    {"Sunday, 22-Nov-26 00:00:07 GMT", 7000000},
    {"Sun Nov 22 00:00:07 2026", 7000000},
    {"Sun, 22 Nov 2026 00:01:00 GMT", RETRY_NEVER},
    {"Fri, 31 Dec 9999 23:59:59 GMT", RETRY_NEVER},
    {"Sat, 21 Nov 2026 23:59:00 GMT", 200000},
    /* What cannot be understood was not said. */
    {"", 200000},
    {"soon", 200000},
    {"-5", 200000},
    {"+5", 200000},
    {"5.5", 200000},
    {"5 s", 200000},
    {"0x10", 200000},
    {"Sun, 99 Nov 2026 00:00:07 GMT", 200000},
};

RETRY_TEST(origin_is_heard)
{
    ask(asked[_i].text);
    ck_assert_int_eq(pause_us(), asked[_i].pause_us);
}

/* Whatever is sent, the pause stays between what the policy says at least and at most. */
RETRY_TEST(hostile_retry_after_stays_within_the_policy)
{
    static const char letters[] = "0123456789 :,-+GMTSunNov\xff\x01";
    struct random random = {3};
    char text[48];

    for (int i = 0; i < 200000; i++) {
        size_t length = random_below(&random, sizeof(text));
        for (size_t j = 0; j < length; j++)
            text[j] = letters[random_below(&random, i % 2 == 0 ? 10 : sizeof(letters) - 1)];
        text[length] = '\0';
        ask(text);
        int64_t pause = pause_us();
        if (pause != RETRY_NEVER && (pause < 200000 || pause > 30000000))
            ck_abort_msg("%s: %ld", text, (long)pause);
    }
}

RETRY_TEST(what_the_origin_asks_for_is_the_least)
{
    options.retry.backoff_us = 3000000;
    ask("1");
    ck_assert_int_eq(pause_us(), 3000000);
}

RETRY_TEST(origin_need_not_be_heard)
{
    options.retry.respect_retry_after = false;
    ask("20");
    ck_assert_int_eq(pause_us(), 200000);
    ask("1000");
    ck_assert_int_eq(pause_us(), 200000);
}

Suite *suite_retry(void);

Suite *suite_retry(void)
{
    Suite *suite = suite_create("daemon/engine/retry");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, listed_status_is_tried_again);
    tcase_add_test(tcase, success_is_final);
    tcase_add_test(tcase, listed_error_is_tried_again);
    tcase_add_test(tcase, status_that_came_with_an_error_does_not_count);
    tcase_add_test(tcase, what_was_blocked_without_a_response_is_final);
    tcase_add_test(tcase, redirect_that_is_not_followed_is_no_answer);
    tcase_add_test(tcase, expected_status_is_final);
    tcase_add_test(tcase, good_status_that_is_listed_is_tried_again);
    tcase_add_test(tcase, number_of_attempts_is_limited);
    tcase_add_loop_test(tcase, idempotent_methods_may_be_repeated, 0, N_ELEMENTS(methods));
    tcase_add_test(tcase, listed_methods_replace_those);
    tcase_add_test(tcase, list_of_no_methods_allows_none);
    tcase_add_test(tcase, pause_doubles_up_to_its_maximum);
    tcase_add_test(tcase, maximum_holds_for_the_first_pause_too);
    tcase_add_test(tcase, jitter_makes_a_part_of_the_pause_random);
    tcase_add_loop_test(tcase, origin_is_heard, 0, N_ELEMENTS(asked));
    tcase_add_test(tcase, hostile_retry_after_stays_within_the_policy);
    tcase_add_test(tcase, what_the_origin_asks_for_is_the_least);
    tcase_add_test(tcase, origin_need_not_be_heard);
    suite_add_tcase(suite, tcase);
    return suite;
}
