#include "daemon/model/render_har.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/spec.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { NOON = 1769860800 }; /* 2026-01-31T12:00:00Z */

static struct job_spec *spec;
static struct result result;
static json_t *entries;
static size_t live_before;

static struct co_http_header headers[] = {{"content-type", "text/plain"},
                                          {"set-cookie", "sid=canary"},
                                          {"location", "http://u:canary@two.example/"}};

static void set_up(void)
{
    live_before = fault_live();
    spec = spec_of("[{\"id\": \"api\", \"url\": \"http://one.example/a?b=1&c&d=%20\"}]");
    result_init(&result);
    result.started_at = result.attempt_started_at = NOON * INT64_C(1000000);
    result.queue_us = 1000;
    result.phase_us[CO_HTTP_DNS] = 1;
    result.phase_us[CO_HTTP_CONNECT] = 20;
    result.phase_us[CO_HTTP_TLS] = 300;
    result.phase_us[CO_HTTP_SEND] = 4000;
    result.phase_us[CO_HTTP_WAIT] = 50000;
    result.phase_us[CO_HTTP_RECEIVE] = 600000;
    result.total_us = 654321;
    result.finished_at = result.started_at + result.total_us;
    result.response = (struct co_http_response){
        .status = 200,
        .http_version = 11,
        .remote = {.bytes = {198, 51, 100, 7}, .port = 443, .family = AF_INET},
        .headers = headers,
        .n_headers = N_ELEMENTS(headers),
        .encoded_bytes = 131,
        .decoded_bytes = 402,
    };
}

static void tear_down(void)
{
    json_decref(entries);
    entries = NULL;
    job_spec_free(co_take(spec));
    ck_assert_uint_eq(fault_live(), live_before);
}

static void use_spec(const char *document)
{
    job_spec_free(spec);
    spec = spec_of(document);
}

/* The entries as text; the caller frees the buffer. */
static void write(struct buffer *out)
{
    const struct result_place place = {.spec = spec, .job_id = "job_1", .first = 7};
    struct json_writer w;

    jw_init(&w, out);
    jw_array_begin(&w);
    render_har_entries(&w, &place, &result);
    jw_array_end(&w);
    ck_assert_int_eq(jw_finish(&w), 0);
}

static void render(void)
{
    struct buffer out;
    json_error_t error;

    buffer_init(&out, 1 << 20);
    write(&out);
    ck_assert_msg(memmem(out.data, out.len, "canary", 6) == NULL, "%.*s", (int)out.len, out.data);
    json_decref(entries);
    entries = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(entries != NULL, "%s", error.text);
    buffer_done(&out);
}

static double number(size_t i, const char *object, const char *name)
{
    json_t *entry = json_array_get(entries, i);
    json_t *value = json_object_get(object != NULL ? json_object_get(entry, object) : entry, name);

    ck_assert_msg(json_is_number(value), "%s", name);
    return json_number_value(value);
}

static const char *text(size_t i, const char *object, const char *name)
{
    json_t *entry = json_array_get(entries, i);

    return json_string_value(
        json_object_get(object != NULL ? json_object_get(entry, object) : entry, name));
}

START_TEST(phases_become_timings_whose_sum_is_the_time)
{
    render();
    ck_assert_uint_eq(json_array_size(entries), 1);
    ck_assert_double_eq(number(0, "timings", "blocked"), 1.0);
    ck_assert_double_eq(number(0, "timings", "dns"), 0.001);
    ck_assert_double_eq(number(0, "timings", "connect"), 0.320);
    ck_assert_double_eq(number(0, "timings", "ssl"), 0.300);
    ck_assert_double_eq(number(0, "timings", "send"), 4.0);
    ck_assert_double_eq(number(0, "timings", "wait"), 50.0);
    ck_assert_double_eq(number(0, "timings", "receive"), 600.0);
    ck_assert_double_eq(number(0, NULL, "time"), 655.321);
}
END_TEST

START_TEST(entry_begins_with_the_wait_in_the_queue)
{
    render();
    ck_assert_str_eq(text(0, NULL, "startedDateTime"), "2026-01-31T11:59:59.999000Z");
}
END_TEST

START_TEST(what_did_not_happen_is_minus_one)
{
    result.phase_us[CO_HTTP_DNS] = result.phase_us[CO_HTTP_CONNECT] = -1;
    result.phase_us[CO_HTTP_TLS] = result.phase_us[CO_HTTP_RECEIVE] = -1;
    render();
    ck_assert_double_eq(number(0, "timings", "dns"), -1);
    ck_assert_double_eq(number(0, "timings", "connect"), -1);
    ck_assert_double_eq(number(0, "timings", "ssl"), -1);
    ck_assert_double_eq(number(0, "timings", "receive"), 0);
}
END_TEST

static void add_hop(struct result_hop *hop, const char *method, const char *url, int status)
{
    *hop = (struct result_hop){.method = method, .status = status, .total_us = 100};
    for (int phase = 0; phase < CO_HTTP_N_PHASES; phase++)
        hop->phase_us[phase] = -1;
    hop->phase_us[CO_HTTP_DNS] = 1;
    hop->phase_us[CO_HTTP_CONNECT] = 20;
    hop->phase_us[CO_HTTP_WAIT] = 79;
    ck_assert_int_eq(co_url_parse(url, strlen(url), &hop->url), 0);
}

START_TEST(redirect_is_an_entry_of_its_own)
{
    struct result_hop hops[2];

    add_hop(&hops[0], "POST", "http://one.example/", 302);
    add_hop(&hops[1], "GET", "http://two.example/", 307);
    ck_assert_int_eq(co_url_parse("http://three.example/", 21, &result.final_url), 0);
    result.hops = hops;
    result.n_hops = 2;
    result.phase_us[CO_HTTP_DNS] = 2;
    result.phase_us[CO_HTTP_CONNECT] = 40;
    render();
    ck_assert_uint_eq(json_array_size(entries), 3);
    ck_assert_str_eq(text(0, "request", "method"), "POST");
    ck_assert_str_eq(text(0, "response", "redirectURL"), "http://two.example/");
    ck_assert_str_eq(text(1, "request", "url"), "http://two.example/");
    ck_assert_str_eq(text(1, NULL, "startedDateTime"), "2026-01-31T12:00:00.000100Z");
    ck_assert_str_eq(text(2, "request", "method"), "GET");
    ck_assert_str_eq(text(2, "request", "url"), "http://three.example/");
    ck_assert_double_eq(number(2, "timings", "dns"), -1);
    ck_assert_double_eq(number(2, "timings", "wait"), 50.0 - 2 * 0.079);
    for (size_t i = 0; i < 2; i++)
        co_url_done(&hops[i].url);
    co_url_done(&result.final_url);
}
END_TEST

START_TEST(credentials_are_not_shown)
{
    use_spec(
        "[{\"url\": \"http://u:canary\\u0040one.example/\", \"json\": \"canary\", \"headers\": "
        "{\"Cookie\": \"a=canary\", \"X-Api-Key\": \"canary\", \"X-Auth-Token\": \"canary\", "
        "\"Accept\": \"text/html\"}}]");
    render();
    json_t *shown =
        json_object_get(json_object_get(json_array_get(entries, 0), "request"), "headers");
    char *dumped = json_dumps(shown, JSON_COMPACT);
    ck_assert_ptr_nonnull(strstr(dumped, "{\"name\":\"Cookie\",\"value\":\"***\"}"));
    ck_assert_ptr_nonnull(strstr(dumped, "{\"name\":\"Authorization\",\"value\":\"***\"}"));
    ck_assert_ptr_nonnull(strstr(dumped, "{\"name\":\"Accept\",\"value\":\"text/html\"}"));
    free(dumped);
}
END_TEST

START_TEST(query_is_taken_apart)
{
    render();
    char *dumped = json_dumps(
        json_object_get(json_object_get(json_array_get(entries, 0), "request"), "queryString"),
        JSON_COMPACT);
    ck_assert_str_eq(dumped, "[{\"name\":\"b\",\"value\":\"1\"},{\"name\":\"c\",\"value\":\"\"},"
                             "{\"name\":\"d\",\"value\":\"%20\"}]");
    free(dumped);
}
END_TEST

START_TEST(captured_body_is_the_text)
{
    char bytes[] = "\xff";

    use_spec("[{\"url\": \"http://one.example/\", \"capture\": {\"body\": \"full\"}}]");
    result.response.body = bytes;
    result.response.body_length = 1;
    render();
    json_t *content =
        json_object_get(json_object_get(json_array_get(entries, 0), "response"), "content");
    ck_assert_str_eq(json_string_value(json_object_get(content, "text")), "/w==");
    ck_assert_str_eq(json_string_value(json_object_get(content, "encoding")), "base64");
    ck_assert_str_eq(json_string_value(json_object_get(content, "mimeType")), "text/plain");
}
END_TEST

START_TEST(what_was_never_sent_has_no_entry)
{
    result.attempt_started_at = 0;
    render();
    ck_assert_uint_eq(json_array_size(entries), 0);
}
END_TEST

START_TEST(failure_has_status_zero_and_says_why)
{
    result_fail(&result, OUTCOME_TRANSPORT_ERROR, "connect_refused", "connect", "no");
    result.response = (struct co_http_response){.error = CO_HTTP_CONNECT_REFUSED};
    render();
    ck_assert_double_eq(number(0, "response", "status"), 0);
    ck_assert_str_eq(text(0, "_gatherd", "error"), "connect_refused");
    ck_assert_double_eq(number(0, "_gatherd", "index"), 7);
    ck_assert_ptr_null(text(0, NULL, "serverIPAddress"));
}
END_TEST

Suite *suite_render_har(void);

Suite *suite_render_har(void)
{
    Suite *suite = suite_create("daemon/model/render_har");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, phases_become_timings_whose_sum_is_the_time);
    tcase_add_test(tcase, entry_begins_with_the_wait_in_the_queue);
    tcase_add_test(tcase, what_did_not_happen_is_minus_one);
    tcase_add_test(tcase, redirect_is_an_entry_of_its_own);
    tcase_add_test(tcase, credentials_are_not_shown);
    tcase_add_test(tcase, query_is_taken_apart);
    tcase_add_test(tcase, captured_body_is_the_text);
    tcase_add_test(tcase, what_was_never_sent_has_no_entry);
    tcase_add_test(tcase, failure_has_status_zero_and_says_why);
    suite_add_tcase(suite, tcase);
    return suite;
}
