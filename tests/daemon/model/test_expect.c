#include "daemon/model/expect.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/json_memory.h"
#include "daemon/model/result.h"
#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct result result;
static struct expect_verdict verdict;
static struct buffer shown;
static size_t live_before;

static struct co_http_header headers[] = {
    {"content-type", "application/json"},
    {"set-cookie", "a=1"},
    {"set-cookie", "b=2"},
    {"x-empty", ""},
    {"x-latin", "caf\xe9"},
};

static const struct co_http_tls tls = {.not_after_at = 5000000000};

static char usual_body[] = "{\"status\": \"ok\", \"n\": 7, \"tags\": [\"a\", 2], \"none\": null,"
                           " \"deep\": {\"x\": 1.5}}";

static void set_body_of(char *bytes, size_t length)
{
    result.response.body = bytes;
    result.response.body_length = result.response.decoded_bytes = length;
}

static void set_body(const char *text)
{
    set_body_of((char *)text, strlen(text));
}

static void set_up(void)
{
    json_memory_init();
    live_before = fault_live();
    buffer_init(&shown, 1 << 20);
    result_init(&result);
    result.finished_at = 2000000000;
    result.queue_us = 1000;
    result.total_us = 250000;
    result.phase_us[CO_HTTP_WAIT] = 200000;
    result.phase_us[CO_HTTP_RECEIVE] = 50000;
    result.response = (struct co_http_response){
        .status = 200, .headers = headers, .n_headers = N_ELEMENTS(headers), .tls = &tls};
    set_body(usual_body);
}

static void tear_down(void)
{
    expect_verdict_done(&verdict);
    buffer_done(&shown);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void judge(const struct expect *expect)
{
    expect_verdict_done(&verdict);
    ck_assert_int_eq(expect_judge(expect, &result, &verdict), 0);
    ck_assert_uint_eq(verdict.n_passed + verdict.n_failed, expect->n_checks + expect->has_status);
}

static void judge_check(const struct expect_check *check)
{
    judge(&(struct expect){.checks = check, .n_checks = 1, .needs_body = true, .needs_json = true});
}

static void expect_holds(const struct expect_check *check)
{
    judge_check(check);
    ck_assert_msg(verdict.n_passed == 1, "fails for %s", verdict.failures[0].actual);
}

static void expect_fails(const struct expect_check *check, const char *actual)
{
    judge_check(check);
    ck_assert_uint_eq(verdict.n_failed, 1);
    ck_assert_ptr_eq(verdict.failures[0].check, check);
    ck_assert_str_eq(verdict.failures[0].actual, actual);
}

/* --- Operators and subjects ------------------------------------------------------------------- */

#define TEXT(subject, op, name, text)                                                              \
    {                                                                                              \
        subject, op, name, text, sizeof(text) - 1, 0                                               \
    }
#define NUMBER(subject, op, name, value)                                                           \
    {                                                                                              \
        subject, op, name, NULL, 0, value                                                          \
    }

static const struct {
    struct expect_check check;
    const char *actual; /* NULL: it holds */
} checks[] = {
    {TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, "\"ok\""), NULL},
    {TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, ""), NULL},
    {TEXT(EXPECT_BODY, EXPECT_NOT_CONTAINS, NULL, "error"), NULL},
    {TEXT(EXPECT_BODY, EXPECT_NOT_EQUALS, NULL, "ok"), NULL},
    {NUMBER(EXPECT_BODY, EXPECT_PRESENT, NULL, 0), NULL},

    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "content-type", "application/json"), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "content-type", "application/"), "\"application/json\""},
    {TEXT(EXPECT_HEADER, EXPECT_CONTAINS, "content-type", "json"), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_CONTAINS, "content-type", "JSON"), "\"application/json\""},
    {TEXT(EXPECT_HEADER, EXPECT_NOT_CONTAINS, "content-type", "xml"), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_NOT_EQUALS, "content-type", "application/json"),
     "\"application/json\""},
    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "set-cookie", "b=2"), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "set-cookie", "c=3"), "\"a=1\""},
    {TEXT(EXPECT_HEADER, EXPECT_NOT_EQUALS, "set-cookie", "b=2"), "\"b=2\""},
    {TEXT(EXPECT_HEADER, EXPECT_NOT_CONTAINS, "set-cookie", "c"), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "x-empty", ""), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_CONTAINS, "x-empty", "a"), "\"\""},
    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "x-latin", "caf"), "\"caf\\u00e9\""},
    {NUMBER(EXPECT_HEADER, EXPECT_PRESENT, "x-empty", 0), NULL},
    {NUMBER(EXPECT_HEADER, EXPECT_ABSENT, "x-empty", 0), "\"\""},
    {NUMBER(EXPECT_HEADER, EXPECT_PRESENT, "x-missing", 0), "null"},
    {NUMBER(EXPECT_HEADER, EXPECT_ABSENT, "x-missing", 0), NULL},
    {TEXT(EXPECT_HEADER, EXPECT_EQUALS, "x-missing", ""), "null"},
    {TEXT(EXPECT_HEADER, EXPECT_NOT_EQUALS, "x-missing", "a"), "null"},
    {TEXT(EXPECT_HEADER, EXPECT_NOT_CONTAINS, "x-missing", "a"), "null"},

    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/status", "\"ok\""), NULL},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/status", "\"down\""), "\"ok\""},
    {TEXT(EXPECT_JSON, EXPECT_NOT_EQUALS, "/status", "\"down\""), NULL},
    {TEXT(EXPECT_JSON, EXPECT_NOT_EQUALS, "/status", "\"ok\""), "\"ok\""},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/n", "7.0"), NULL},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/n", "\"7\""), "7"},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/tags", "[\"a\",2]"), NULL},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/tags/0", "\"a\""), NULL},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/deep", "{\"x\":1.5}"), NULL},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/deep", "{}"), "{\"x\":1.5}"},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/none", "null"), NULL},
    {TEXT(EXPECT_JSON, EXPECT_EQUALS, "/missing", "null"), "null"},
    {TEXT(EXPECT_JSON, EXPECT_NOT_EQUALS, "/missing", "1"), "null"},
    {TEXT(EXPECT_JSON, EXPECT_CONTAINS, "/status", "\"o\""), NULL},
    {TEXT(EXPECT_JSON, EXPECT_CONTAINS, "/tags", "2"), NULL},
    {TEXT(EXPECT_JSON, EXPECT_CONTAINS, "/tags", "3"), "[\"a\",2]"},
    {TEXT(EXPECT_JSON, EXPECT_CONTAINS, "/n", "7"), "7"},
    {TEXT(EXPECT_JSON, EXPECT_NOT_CONTAINS, "/tags", "3"), NULL},
    {TEXT(EXPECT_JSON, EXPECT_NOT_CONTAINS, "/tags", "\"a\""), "[\"a\",2]"},
    {TEXT(EXPECT_JSON, EXPECT_NOT_CONTAINS, "/n", "3"), "7"},
    {NUMBER(EXPECT_JSON, EXPECT_PRESENT, "/none", 0), NULL},
    {NUMBER(EXPECT_JSON, EXPECT_ABSENT, "/none", 0), "null"},
    {NUMBER(EXPECT_JSON, EXPECT_PRESENT, "/missing", 0), "null"},
    {NUMBER(EXPECT_JSON, EXPECT_ABSENT, "/missing", 0), NULL},
    {NUMBER(EXPECT_JSON, EXPECT_LT, "/n", 8), NULL},
    {NUMBER(EXPECT_JSON, EXPECT_LT, "/n", 7), "7"},
    {NUMBER(EXPECT_JSON, EXPECT_LTE, "/n", 7), NULL},
    {NUMBER(EXPECT_JSON, EXPECT_GT, "/deep/x", 1.25), NULL},
    {NUMBER(EXPECT_JSON, EXPECT_GT, "/deep/x", 1.5), "1.5"},
    {NUMBER(EXPECT_JSON, EXPECT_GTE, "/deep/x", 1.5), NULL},
    {NUMBER(EXPECT_JSON, EXPECT_GTE, "/n", 7.5), "7"},
    {NUMBER(EXPECT_JSON, EXPECT_LT, "/status", 8), "\"ok\""},
    {NUMBER(EXPECT_JSON, EXPECT_LT, "/missing", 8), "null"},

    {NUMBER(EXPECT_TIME, EXPECT_LT, "total_ms", 250001), NULL},
    {NUMBER(EXPECT_TIME, EXPECT_LT, "total_ms", 250000), "250.000"},
    {NUMBER(EXPECT_TIME, EXPECT_LTE, "total_ms", 250000), NULL},
    {NUMBER(EXPECT_TIME, EXPECT_GT, "queue_ms", 999), NULL},
    {NUMBER(EXPECT_TIME, EXPECT_GTE, "wait_ms", 200001), "200.000"},
    {NUMBER(EXPECT_TIME, EXPECT_LTE, "elapsed_ms", 251000), NULL},
    {NUMBER(EXPECT_TIME, EXPECT_LT, "elapsed_ms", 251000), "251.000"},
    {NUMBER(EXPECT_TIME, EXPECT_LT, "dns_ms", 1), NULL},
    {NUMBER(EXPECT_TIME, EXPECT_GT, "dns_ms", 0), "0.000"},
    {NUMBER(EXPECT_TIME, EXPECT_LTE, "redirect_ms", 0), NULL},

    {NUMBER(EXPECT_TLS_EXPIRES_IN, EXPECT_GT, NULL, 2999999999), NULL},
    {NUMBER(EXPECT_TLS_EXPIRES_IN, EXPECT_GT, NULL, 3000000000), "3000000.000"},
    {NUMBER(EXPECT_TLS_EXPIRES_IN, EXPECT_LTE, NULL, 3000000000), NULL},
};

START_TEST(each_operator_does_what_it_says)
{
    if (checks[_i].actual == NULL)
        expect_holds(&checks[_i].check);
    else
        expect_fails(&checks[_i].check, checks[_i].actual);
}
END_TEST

START_TEST(body_equals_byte_by_byte)
{
    static char bytes[] = "a\0b\xff";
    const struct expect_check same = TEXT(EXPECT_BODY, EXPECT_EQUALS, NULL, "a\0b\xff");
    const struct expect_check other = TEXT(EXPECT_BODY, EXPECT_EQUALS, NULL, "a\0c\xff");
    const struct expect_check part = TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, "\0b");

    set_body_of(bytes, sizeof(bytes) - 1);
    expect_holds(&same);
    expect_holds(&part);
    expect_fails(&other, "\"a\\u0000b\\u00ff\"");
}
END_TEST

START_TEST(empty_body_is_a_text_that_does_not_exist)
{
    const struct expect_check without = TEXT(EXPECT_BODY, EXPECT_NOT_CONTAINS, NULL, "a");
    const struct expect_check empty = TEXT(EXPECT_BODY, EXPECT_EQUALS, NULL, "");
    const struct expect_check absent = NUMBER(EXPECT_BODY, EXPECT_ABSENT, NULL, 0);
    const struct expect_check present = NUMBER(EXPECT_BODY, EXPECT_PRESENT, NULL, 0);
    const struct expect_check json = NUMBER(EXPECT_JSON, EXPECT_ABSENT, "/a", 0);

    set_body_of(NULL, 0);
    expect_holds(&without);
    expect_holds(&empty);
    expect_holds(&absent);
    expect_fails(&present, "null");
    expect_fails(&json, "null");
}
END_TEST

START_TEST(of_a_cut_body_only_what_is_in_it_is_known)
{
    const struct expect_check in_it = TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, "abc");
    const struct expect_check not_in_it = TEXT(EXPECT_BODY, EXPECT_NOT_CONTAINS, NULL, "xyz");
    const struct expect_check equal = TEXT(EXPECT_BODY, EXPECT_EQUALS, NULL, "abc");
    const struct expect_check different = TEXT(EXPECT_BODY, EXPECT_NOT_EQUALS, NULL, "xyz");
    const struct expect_check json = NUMBER(EXPECT_JSON, EXPECT_ABSENT, "/a", 0);

    set_body("abc");
    result.response.decoded_bytes = 10;
    result.response.body_truncated = true;
    expect_holds(&in_it);
    expect_fails(&not_in_it, "\"abc\"");
    expect_fails(&equal, "\"abc\"");
    expect_fails(&different, "\"abc\"");
    set_body("{}");
    result.response.body_truncated = true;
    expect_fails(&json, "null");
}
END_TEST

START_TEST(certificate_that_has_expired_or_is_none_fails)
{
    const struct expect_check check = NUMBER(EXPECT_TLS_EXPIRES_IN, EXPECT_GT, NULL, 0);

    result.finished_at = tls.not_after_at + 1;
    expect_fails(&check, "0.000");
    result.response.tls = NULL;
    expect_fails(&check, "null");
}
END_TEST

/* --- Hostile bodies --------------------------------------------------------------------------- */

static const char *const hostile[] = {
    "{\"a\": 1",
    "{\"a\": \"\xff\"}",
    "{\"a\": 1e999}",
    "{\"a\": 1} x",
    "<html>",
    "{\"a\\u0000\": 1}",
    "[",
    "\"",
    "\xef\xbb\xbf",
    "{\"a\":1,}",
};

START_TEST(in_a_body_that_is_no_json_every_check_fails)
{
    const struct expect_check absent = NUMBER(EXPECT_JSON, EXPECT_ABSENT, "/b", 0);
    const struct expect_check present = NUMBER(EXPECT_JSON, EXPECT_PRESENT, "", 0);
    char *copy = strdup(hostile[_i]);

    set_body(copy);
    expect_fails(&absent, "null");
    expect_fails(&present, "null");
    set_body(usual_body);
    free(copy);
}
END_TEST

START_TEST(of_a_key_that_is_there_twice_the_last_one_counts)
{
    const struct expect_check check = TEXT(EXPECT_JSON, EXPECT_EQUALS, "/a", "2");
    static char body[] = "{\"a\": 1, \"a\": 2}";

    set_body(body);
    expect_holds(&check);
}
END_TEST

START_TEST(huge_numbers_are_compared)
{
    const struct expect_check check = NUMBER(EXPECT_JSON, EXPECT_GT, "/0", 1e30);
    static char body[] = "[123456789012345678901234567890123, -1, 1e308]";

    set_body(body);
    expect_holds(&check);
}
END_TEST

START_TEST(deep_body_is_no_json)
{
    const struct expect_check check = NUMBER(EXPECT_JSON, EXPECT_PRESENT, "", 0);
    static char body[100000];

    memset(body, '[', sizeof(body) / 2);
    memset(body + sizeof(body) / 2, ']', sizeof(body) / 2);
    set_body_of(body, sizeof(body));
    expect_fails(&check, "null");
}
END_TEST

/* --- Showing what was there ------------------------------------------------------------------- */

START_TEST(long_texts_are_cut_between_characters)
{
    const struct expect_check check = TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, "xyz");
    static char body[1001] = "a";
    json_error_t error;

    for (size_t i = 1; i + 2 < sizeof(body); i += 2)
        memcpy(body + i, "\u00e4", 2);
    set_body(body);
    judge_check(&check);
    json_t *value = json_loads(verdict.failures[0].actual, JSON_DECODE_ANY, &error);
    ck_assert_msg(value != NULL, "%s", error.text);
    const char *text = json_string_value(value);
    ck_assert_uint_eq(strlen(text), 1 + 2 * 127 + 3);
    ck_assert_str_eq(text + strlen(text) - 5, "\u00e4...");
    json_decref(value);
}
END_TEST

START_TEST(long_json_is_shown_as_the_text_it_begins_with)
{
    const struct expect_check check = NUMBER(EXPECT_JSON, EXPECT_ABSENT, "", 0);
    static char body[4096] = "[";
    json_error_t error;

    for (size_t i = 1; i + 2 < sizeof(body); i += 2)
        memcpy(body + i, "1,", 2);
    memcpy(body + sizeof(body) - 3, "1]", 3);
    set_body(body);
    judge_check(&check);
    json_t *value = json_loads(verdict.failures[0].actual, JSON_DECODE_ANY, &error);
    ck_assert_msg(value != NULL, "%s in %s", error.text, verdict.failures[0].actual);
    ck_assert_uint_eq(strlen(json_string_value(value)), 256 + 3);
    json_decref(value);
}
END_TEST

/* --- The verdict ------------------------------------------------------------------------------ */

static struct expect with_status(int first, int last)
{
    struct expect expect = {.has_status = true};

    status_set_add(&expect.status, first, last);
    return expect;
}

START_TEST(without_a_word_statuses_below_400_are_good)
{
    const struct expect silent = {0};
    static const int good[] = {200, 204, 299, 300, 304, 399}, bad[] = {0, 100, 199, 400, 500, 999};

    for (size_t i = 0; i < N_ELEMENTS(good); i++) {
        ck_assert(expect_status_is_good(NULL, good[i]));
        ck_assert(expect_status_is_good(&silent, good[i]));
    }
    for (size_t i = 0; i < N_ELEMENTS(bad); i++)
        ck_assert(!expect_status_is_good(NULL, bad[i]));
}
END_TEST

START_TEST(an_expected_status_is_good_whatever_it_is)
{
    const struct expect expect = with_status(404, 404);

    ck_assert(expect_status_is_good(&expect, 404));
    ck_assert(!expect_status_is_good(&expect, 200));
    ck_assert(!expect_status_is_good(&expect, 999));
}
END_TEST

START_TEST(the_status_is_counted_if_it_was_asked_for)
{
    struct expect expect = with_status(200, 299);

    judge(&expect);
    ck_assert_uint_eq(verdict.n_passed, 1);
    result.response.status = 301;
    judge(&expect);
    ck_assert_uint_eq(verdict.n_failed, 1);
    ck_assert_ptr_null(verdict.failures[0].check);
    ck_assert_str_eq(verdict.failures[0].actual, "301");
    expect.has_status = false;
    judge(&expect);
    ck_assert_uint_eq(verdict.n_passed + verdict.n_failed, 0);
}
END_TEST

START_TEST(all_failures_are_counted_and_the_first_are_kept)
{
    struct expect_check many[EXPECT_FAILURES_MAX + 10];

    for (size_t i = 0; i < N_ELEMENTS(many); i++)
        many[i] = (struct expect_check)TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, "no such thing");
    many[3].text = "";
    many[3].length = 0;
    judge(&(struct expect){.checks = many, .n_checks = N_ELEMENTS(many), .needs_body = true});
    ck_assert_uint_eq(verdict.n_passed, 1);
    ck_assert_uint_eq(verdict.n_failed, N_ELEMENTS(many) - 1);
    ck_assert_uint_eq(verdict.n_failures, EXPECT_FAILURES_MAX);
    ck_assert_ptr_eq(verdict.failures[3].check, &many[4]);
}
END_TEST

static const struct expect_check various[] = {
    TEXT(EXPECT_BODY, EXPECT_CONTAINS, NULL, "nothing"),
    TEXT(EXPECT_HEADER, EXPECT_EQUALS, "content-type", "text/html"),
    TEXT(EXPECT_JSON, EXPECT_EQUALS, "/status", "\"down\""),
    NUMBER(EXPECT_JSON, EXPECT_LT, "/n", 6.5),
    NUMBER(EXPECT_JSON, EXPECT_ABSENT, "/tags", 0),
    TEXT(EXPECT_JSON, EXPECT_NOT_CONTAINS, "/tags", "\"a\""),
    NUMBER(EXPECT_TIME, EXPECT_LT, "total_ms", 800),
    NUMBER(EXPECT_TLS_EXPIRES_IN, EXPECT_GT, NULL, 1209600000000),
    NUMBER(EXPECT_HEADER, EXPECT_PRESENT, "etag", 0),
};

static struct expect various_expected(void)
{
    struct expect expect = with_status(200, 299);

    status_set_add(&expect.status, 304, 304);
    expect.checks = various;
    expect.n_checks = N_ELEMENTS(various);
    expect.needs_body = expect.needs_json = true;
    return expect;
}

START_TEST(without_memory_there_is_no_verdict)
{
    const struct expect expect = various_expected();

    result.response.status = 500;
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = expect_judge(&expect, &result, &verdict);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
        ck_assert_uint_eq(verdict.n_passed + verdict.n_failed, 0);
    }
    ck_assert_uint_eq(verdict.n_failed, N_ELEMENTS(various) + 1);
}
END_TEST

static void *judge_various(void *arg)
{
    struct expect_verdict *own = arg;
    const struct expect expect = various_expected();

    for (int i = 0; i < 50; i++) {
        expect_verdict_done(own);
        if (expect_judge(&expect, &result, own) < 0)
            return NULL;
    }
    return own;
}

START_TEST(it_may_be_judged_on_any_thread)
{
    struct expect_verdict others[4] = {0};
    pthread_t threads[N_ELEMENTS(others)];

    for (size_t i = 0; i < N_ELEMENTS(others); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, judge_various, &others[i]), 0);
    for (size_t i = 0; i < N_ELEMENTS(others); i++) {
        void *done;
        pthread_join(threads[i], &done);
        ck_assert_ptr_nonnull(done);
        ck_assert_uint_eq(others[i].n_failed, N_ELEMENTS(various));
        expect_verdict_done(&others[i]);
    }
}
END_TEST

START_TEST(much_text_is_slow_and_json_sooner)
{
    struct expect expect = {.checks = various, .n_checks = 4, .needs_body = true};
    static char body[(1 << 20) + 1];

    set_body_of(body, 1 << 20);
    ck_assert(!expect_judge_is_slow(&expect, &result));
    set_body_of(body, (1 << 20) + 1);
    ck_assert(expect_judge_is_slow(&expect, &result));
    expect.needs_json = true;
    set_body_of(body, 1 << 16);
    ck_assert(!expect_judge_is_slow(&expect, &result));
    set_body_of(body, (1 << 16) + 1);
    ck_assert(expect_judge_is_slow(&expect, &result));
}
END_TEST

START_TEST(without_checks_of_the_body_nothing_is_slow)
{
    const struct expect expect = with_status(200, 299);
    static char body[1 << 23];

    set_body_of(body, sizeof(body));
    ck_assert(!expect_judge_is_slow(&expect, &result));
}
END_TEST

/* --- The member of a result ------------------------------------------------------------------- */

static void render(const struct expect *expect)
{
    struct json_writer w;

    shown.len = 0;
    jw_init(&w, &shown);
    jw_object_begin(&w);
    expect_render(&w, expect, &verdict);
    jw_object_end(&w);
    ck_assert_int_eq(jw_finish(&w), 0);
    ck_assert_int_eq(buffer_append_byte(&shown, '\0'), 0);
}

START_TEST(failures_say_what_was_expected_and_what_was_there)
{
    const struct expect expect = various_expected();

    result.response.status = 500;
    judge(&expect);
    render(&expect);
    ck_assert_str_eq(
        shown.data,
        "{\"expect\":{\"passed\":0,\"failed\":10,\"failures\":["
        "{\"subject\":\"status\",\"name\":null,\"operator\":\"in\",\"expected\":[\"2xx\",304],"
        "\"actual\":500},"
        "{\"subject\":\"body\",\"name\":null,\"operator\":\"contains\",\"expected\":\"nothing\","
        "\"actual\":\"{\\\"status\\\": \\\"ok\\\", \\\"n\\\": 7, \\\"tags\\\": [\\\"a\\\", 2], "
        "\\\"none\\\": null, \\\"deep\\\": {\\\"x\\\": 1.5}}\"},"
        "{\"subject\":\"header\",\"name\":\"content-type\",\"operator\":\"equals\","
        "\"expected\":\"text/html\",\"actual\":\"application/json\"},"
        "{\"subject\":\"json\",\"name\":\"/status\",\"operator\":\"equals\","
        "\"expected\":\"down\",\"actual\":\"ok\"},"
        "{\"subject\":\"json\",\"name\":\"/n\",\"operator\":\"lt\",\"expected\":6.5,\"actual\":7},"
        "{\"subject\":\"json\",\"name\":\"/tags\",\"operator\":\"exists\",\"expected\":false,"
        "\"actual\":[\"a\",2]},"
        "{\"subject\":\"json\",\"name\":\"/tags\",\"operator\":\"not_contains\","
        "\"expected\":\"a\",\"actual\":[\"a\",2]},"
        "{\"subject\":\"total_ms\",\"name\":null,\"operator\":\"lt\",\"expected\":0.800,"
        "\"actual\":250.000},"
        "{\"subject\":\"tls_expires_in_ms\",\"name\":null,\"operator\":\"gt\","
        "\"expected\":1209600000.000,\"actual\":3000000.000},"
        "{\"subject\":\"header\",\"name\":\"etag\",\"operator\":\"exists\",\"expected\":true,"
        "\"actual\":null}]}}");
}
END_TEST

START_TEST(where_nothing_was_expected_nothing_is_shown)
{
    const struct expect expect = {0};

    render(NULL);
    ck_assert_str_eq(shown.data, "{\"expect\":null}");
    render(&expect);
    ck_assert_str_eq(shown.data, "{\"expect\":null}");
}
END_TEST

Suite *suite_expect(void);

Suite *suite_expect(void)
{
    Suite *suite = suite_create("daemon/model/expect");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, each_operator_does_what_it_says, 0, N_ELEMENTS(checks));
    tcase_add_test(tcase, body_equals_byte_by_byte);
    tcase_add_test(tcase, empty_body_is_a_text_that_does_not_exist);
    tcase_add_test(tcase, of_a_cut_body_only_what_is_in_it_is_known);
    tcase_add_test(tcase, certificate_that_has_expired_or_is_none_fails);
    tcase_add_loop_test(tcase, in_a_body_that_is_no_json_every_check_fails, 0, N_ELEMENTS(hostile));
    tcase_add_test(tcase, of_a_key_that_is_there_twice_the_last_one_counts);
    tcase_add_test(tcase, huge_numbers_are_compared);
    tcase_add_test(tcase, deep_body_is_no_json);
    tcase_add_test(tcase, long_texts_are_cut_between_characters);
    tcase_add_test(tcase, long_json_is_shown_as_the_text_it_begins_with);
    tcase_add_test(tcase, without_a_word_statuses_below_400_are_good);
    tcase_add_test(tcase, an_expected_status_is_good_whatever_it_is);
    tcase_add_test(tcase, the_status_is_counted_if_it_was_asked_for);
    tcase_add_test(tcase, all_failures_are_counted_and_the_first_are_kept);
    tcase_add_test(tcase, without_memory_there_is_no_verdict);
    tcase_add_test(tcase, it_may_be_judged_on_any_thread);
    tcase_add_test(tcase, much_text_is_slow_and_json_sooner);
    tcase_add_test(tcase, without_checks_of_the_body_nothing_is_slow);
    tcase_add_test(tcase, failures_say_what_was_expected_and_what_was_there);
    tcase_add_test(tcase, where_nothing_was_expected_nothing_is_shown);
    suite_add_tcase(suite, tcase);
    return suite;
}
