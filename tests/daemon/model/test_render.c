#include "daemon/model/render.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/results.h"
#include "tests/support/spec.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { NOON = 1769860800 }; /* 2026-01-31T12:00:00Z */

static struct job_spec *spec;
static struct result result;
static struct result_place place;
static struct buffer buffer;
static json_t *row;
static size_t live_before;

static void use_spec(const char *document)
{
    job_spec_free(spec);
    spec = spec_of(document);
    place.spec = spec;
}

static struct co_http_header usual_headers[] = {
    {"Content-Type", "text/plain"}, {"Set-Cookie", "a=1"}, {"set-cookie", "b=2"}};

/* A response as usual; tests change what they are about. */
static void set_up(void)
{
    live_before = fault_live();
    place = (struct result_place){.seq = 3};
    use_spec("[{\"id\": \"api\", \"url\": \"http://one.example/\"}]");
    buffer_init(&buffer, 1 << 20);
    result_init(&result);
    result.started_at = result.attempt_started_at = NOON * INT64_C(1000000);
    result.queue_us = 14310;
    result.total_us = 163196;
    result.finished_at = result.started_at + result.total_us;
    result.sent_bytes = 214;
    result.phase_us[CO_HTTP_SEND] = 112;
    result.phase_us[CO_HTTP_WAIT] = 160213;
    result.phase_us[CO_HTTP_RECEIVE] = 2871;
    result.response = (struct co_http_response){
        .status = 200,
        .http_version = 11,
        .reused = true,
        .remote = {.bytes = {198, 51, 100, 7}, .port = 443, .family = AF_INET},
        .headers = usual_headers,
        .n_headers = N_ELEMENTS(usual_headers),
        .encoded_bytes = 131,
        .decoded_bytes = 402,
    };
}

static void tear_down(void)
{
    json_decref(row);
    row = NULL;
    buffer_done(&buffer);
    job_spec_free(co_take(spec));
    ck_assert_uint_eq(fault_live(), live_before);
}

static void parse_row(void)
{
    json_error_t error;

    json_decref(row);
    row = json_loadb(buffer.data, buffer.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    ck_assert_msg(row != NULL, "%s at %d in %.*s", error.text, error.position, (int)buffer.len,
                  buffer.data);
}

static void render_with(bool with_body)
{
    struct json_writer writer;

    buffer.len = 0;
    jw_init(&writer, &buffer);
    render_result(&writer, &place, &result, with_body);
    ck_assert_int_eq(jw_finish(&writer), 0);
    parse_row();
    results_expect_kept(&place, &result, with_body);
}

static void render(void)
{
    render_with(true);
}

/* The value at a path such as "body.encoding" or "attempts.0.n". */
static json_t *at(const char *path)
{
    json_t *value = row;

    while (*path != '\0') {
        char name[64];
        size_t length = strcspn(path, ".");
        memcpy(name, path, length);
        name[length] = '\0';
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(name))
                                     : json_object_get(value, name);
        ck_assert_msg(value != NULL, "there is no %s", path);
        path += length + (path[length] == '.');
    }
    return value;
}

static void expect(const char *path, const char *expected)
{
    char *text = json_dumps(at(path), JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));

    ck_assert_str_eq(text, expected);
    free(text);
}

static void expect_nowhere(const char *text)
{
    ck_assert_ptr_null(memmem(buffer.data, buffer.len, text, strlen(text)));
}

/* --- What there always is --------------------------------------------------------------------- */

static const struct {
    const char *path, *value; /* NULL: whatever */
} usual_members[] = {
    {"object", "\"result\""},
    {"index", "0"},
    {"id", "\"api\""},
    {"seq", "3"},
    {"state", "\"finished\""},
    {"outcome", "\"success\""},
    {"ok", "true"},
    {"request.method", "\"GET\""},
    {"request.url", "\"http://one.example/\""},
    {"request.sent_bytes", "214"},
    {"effective_url", "\"http://one.example/\""},
    {"status_code", "200"},
    {"http_version", "\"1.1\""},
    {"headers", "[[\"Content-Type\",\"text/plain\"],[\"Set-Cookie\",\"a=1\"],"
                "[\"set-cookie\",\"b=2\"]]"},
    {"remote_ip", "\"198.51.100.7\""},
    {"remote_port", "443"},
    {"connection", "{\"reused\":true,\"proxy\":null}"},
    {"tls", "null"},
    {"body", "{\"encoding\":\"none\",\"encoded_bytes\":131,\"decoded_bytes\":402,"
             "\"truncated\":false,\"sha256\":null}"},
    {"redirects", "{\"count\":0,\"hops\":[]}"},
    {"attempts.0.n", "1"},
    {"attempts.0.outcome", "\"success\""},
    {"attempts.0.status_code", "200"},
    {"attempts.0.started_at", "\"2026-01-31T12:00:00.000000Z\""},
    {"attempts.0.total_ms", "163.196"},
    {"attempts.0.error", "null"},
    {"attempts.0.backoff_ms", "null"},
    {"timings", "{\"queue_ms\":14.31,\"dns_ms\":null,\"connect_ms\":null,\"tls_ms\":null,"
                "\"send_ms\":0.112,\"wait_ms\":160.213,\"receive_ms\":2.871,\"total_ms\":163.196,"
                "\"redirect_ms\":null,\"elapsed_ms\":177.506}"},
    {"started_at", "\"2026-01-31T12:00:00.000000Z\""},
    {"finished_at", "\"2026-01-31T12:00:00.163196Z\""},
    {"expect", "null"},
    {"error", "null"},
};

START_TEST(every_member_of_the_contract_is_there)
{
    render();
    expect(usual_members[_i].path, usual_members[_i].value);
}
END_TEST

START_TEST(members_are_in_the_order_of_the_contract)
{
    const char *const order[] = {"object",        "index",       "id",           "seq",
                                 "state",         "outcome",     "ok",           "request",
                                 "effective_url", "status_code", "http_version", "headers",
                                 "remote_ip",     "remote_port", "connection",   "tls",
                                 "body",          "redirects",   "attempts",     "timings",
                                 "started_at",    "finished_at", "expect",       "error"};
    const char *name;
    json_t *value;
    size_t i = 0;

    render();
    json_object_foreach(row, name, value) ck_assert_str_eq(name, order[i++]);
    ck_assert_uint_eq(i, N_ELEMENTS(order));
}
END_TEST

START_TEST(result_of_a_job_names_it)
{
    place.job_id = "job_1";
    render();
    expect("job_id", "\"job_1\"");
}
END_TEST

START_TEST(repetition_is_numbered)
{
    use_spec("[\"http://a/\", {\"url\": \"http://b/\", \"repeat\": 3}]");
    place.index = 3;
    render();
    expect("index", "3");
    expect("repetition", "2");
    expect("request.url", "\"http://b/\"");
    place.index = 0;
    render();
    ck_assert_ptr_null(json_object_get(row, "repetition"));
    expect("id", "null");
}
END_TEST

START_TEST(pending_item_has_a_place_and_a_state)
{
    struct json_writer writer;

    place.job_id = "job_1";
    jw_init(&writer, &buffer);
    render_pending(&writer, &place);
    ck_assert_int_eq(jw_finish(&writer), 0);
    parse_row();
    expect("", "{\"object\":\"result\",\"job_id\":\"job_1\",\"index\":0,\"id\":\"api\","
               "\"state\":\"pending\"}");
}
END_TEST

/* --- Failures --------------------------------------------------------------------------------- */

static void fail_with(const struct result_error *error)
{
    result.outcome = OUTCOME_TRANSPORT_ERROR;
    result.error = *error;
    result.response = (struct co_http_response){0};
}

START_TEST(failure_has_no_response_but_an_error)
{
    fail_with(&(struct result_error){.code = "connect_refused",
                                     .phase = "connect",
                                     .message = "it was refused",
                                     .curl_code = 7,
                                     .curl_name = "CURLE_COULDNT_CONNECT",
                                     .retryable = true});
    render();
    expect("error", "{\"code\":\"connect_refused\",\"phase\":\"connect\",\"curl_code\":7,"
                    "\"curl_name\":\"CURLE_COULDNT_CONNECT\",\"message\":\"it was refused\","
                    "\"retryable\":true}");
    expect("ok", "false");
    expect("outcome", "\"transport_error\"");
    expect("attempts.0.error", "\"connect_refused\"");
    for (const char *const *path = (const char *[]){"status_code", "http_version", "remote_ip",
                                                    "remote_port", "connection", NULL};
         *path != NULL; path++)
        expect(*path, "null");
    expect("headers", "[]");
}
END_TEST

START_TEST(error_that_is_not_from_libcurl_says_nothing_of_it)
{
    fail_with(&(struct result_error){.code = "canceled", .phase = "wait", .message = "given up"});
    render();
    expect("error.curl_code", "null");
    expect("error.curl_name", "null");
    expect("error.retryable", "false");
    ck_assert_ptr_null(json_object_get(at("error"), "rule"));
}
END_TEST

START_TEST(blocked_result_names_the_rule)
{
    fail_with(&(struct result_error){.code = "blocked_by_policy", .rule = "ipv4-loopback"});
    result.outcome = OUTCOME_BLOCKED;
    render();
    expect("error.rule", "\"ipv4-loopback\"");
    expect("outcome", "\"blocked\"");
}
END_TEST

START_TEST(what_was_never_started_has_no_attempt)
{
    fail_with(&(struct result_error){.code = "canceled", .phase = "queue"});
    result.total_us = 0;
    result.attempt_started_at = 0;
    render();
    expect("attempts", "[]");
    expect("timings.total_ms", "0.0");
    expect("timings.elapsed_ms", "14.31");
}
END_TEST

START_TEST(request_with_a_defect_shows_what_was_written)
{
    use_spec("{\"on_invalid\": \"report\", \"urls\": [\"ftp://a/\"]}");
    fail_with(&(struct result_error){.code = "unsupported_scheme"});
    render();
    expect("request.url", "\"ftp://a/\"");
    expect("effective_url", "null");
}
END_TEST

/* --- Redirects -------------------------------------------------------------------------------- */

static struct result_hop usual_hops[] = {
    {.method = "POST",
     .url.text = (char[]){"http://one.example/"},
     .status = 302,
     .phase_us = {-1, 100, -1, 200, 300, 400},
     .total_us = 1000},
    {.method = "GET",
     .url.text = (char[]){"http://two.example/"},
     .status = 307,
     .phase_us = {500, 0, 2000, -1, -1, -1},
     .total_us = 2500},
};

START_TEST(redirects_are_listed_in_order)
{
    result.hops = usual_hops;
    result.n_hops = N_ELEMENTS(usual_hops);
    result.redirect_us = 3500;
    result.final_url.text = (char[]){"http://three.example/"};
    render();
    expect("redirects.count", "2");
    expect("redirects.hops.0",
           "{\"method\":\"POST\",\"url\":\"http://one.example/\",\"status_code\":302,"
           "\"dns_ms\":null,\"connect_ms\":0.1,\"tls_ms\":null,\"send_ms\":0.2,"
           "\"wait_ms\":0.3,\"receive_ms\":0.4,\"total_ms\":1.0}");
    expect("redirects.hops.1",
           "{\"method\":\"GET\",\"url\":\"http://two.example/\",\"status_code\":307,"
           "\"dns_ms\":0.5,\"connect_ms\":0.0,\"tls_ms\":2.0,\"send_ms\":null,"
           "\"wait_ms\":null,\"receive_ms\":null,\"total_ms\":2.5}");
    expect("effective_url", "\"http://three.example/\"");
    expect("request.url", "\"http://one.example/\"");
    expect("timings.redirect_ms", "3.5");
}
END_TEST

/* --- Attempts --------------------------------------------------------------------------------- */

static struct result_attempt usual_attempts[] = {
    {.outcome = OUTCOME_TRANSPORT_ERROR,
     .error_code = "connect_refused",
     .started_at = NOON * INT64_C(1000000),
     .total_us = 1001,
     .backoff_us = 200002},
    {.outcome = OUTCOME_HTTP_ERROR,
     .status = 503,
     .started_at = NOON * INT64_C(1000000) + 201003,
     .total_us = 5005,
     .backoff_us = 400040},
};

static void use_attempts(void)
{
    result.attempts = usual_attempts;
    result.n_attempts = N_ELEMENTS(usual_attempts);
    result.attempt_started_at = result.started_at + 606048;
}

START_TEST(attempts_are_listed_in_order)
{
    use_attempts();
    render();
    ck_assert_uint_eq(json_array_size(at("attempts")), 3);
    expect("attempts.0", "{\"n\":1,\"outcome\":\"transport_error\",\"status_code\":null,"
                         "\"started_at\":\"2026-01-31T12:00:00.000000Z\",\"total_ms\":1.001,"
                         "\"error\":\"connect_refused\",\"backoff_ms\":200.002}");
    expect("attempts.1", "{\"n\":2,\"outcome\":\"http_error\",\"status_code\":503,"
                         "\"started_at\":\"2026-01-31T12:00:00.201003Z\",\"total_ms\":5.005,"
                         "\"error\":null,\"backoff_ms\":400.04}");
    expect("attempts.2", "{\"n\":3,\"outcome\":\"success\",\"status_code\":200,"
                         "\"started_at\":\"2026-01-31T12:00:00.606048Z\",\"total_ms\":163.196,"
                         "\"error\":null,\"backoff_ms\":null}");
}
END_TEST

START_TEST(elapsed_is_all_of_it_to_the_microsecond)
{
    use_attempts();
    render();
    expect("timings.total_ms", "163.196");
    /* 14.310 + 1.001 + 200.002 + 5.005 + 400.040 + 163.196 */
    expect("timings.elapsed_ms", "783.554");
}
END_TEST

START_TEST(what_ended_in_a_pause_has_only_the_attempts_before)
{
    fail_with(&(struct result_error){.code = "deadline_exceeded", .phase = "queue"});
    use_attempts();
    result.attempt_started_at = 0;
    result.total_us = 0;
    render();
    ck_assert_uint_eq(json_array_size(at("attempts")), 2);
    expect("timings.elapsed_ms", "620.358");
}
END_TEST

/* --- The connection --------------------------------------------------------------------------- */

static const struct co_http_tls usual_tls = {
    .version = "TLSv1.3",
    .cipher = "TLS_AES_128_GCM_SHA256",
    .subject = "CN=api.example.com",
    .issuer = "CN=Example \"CA\",O=\u00c4",
    .not_after_at = (NOON + 60) * INT64_C(1000000),
    .is_verified = true,
};

START_TEST(certificate_and_ciphers_are_shown)
{
    result.response.tls = &usual_tls;
    result.response.http_version = 20;
    render();
    expect("http_version", "\"2\"");
    expect("tls", "{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\","
                  "\"verified\":true,\"subject\":\"CN=api.example.com\","
                  "\"issuer\":\"CN=Example \\\"CA\\\",O=\u00c4\","
                  "\"not_after_at\":\"2026-01-31T12:01:00.000000Z\",\"expires_in_ms\":59836.804}");
}
END_TEST

START_TEST(expired_certificate_is_not_negative)
{
    struct co_http_tls tls = usual_tls;

    tls.not_after_at = result.finished_at - 1;
    tls.is_verified = false;
    tls.subject = NULL;
    result.response.tls = &tls;
    render();
    expect("tls.expires_in_ms", "0.0");
    expect("tls.verified", "false");
    expect("tls.subject", "null");
}
END_TEST

START_TEST(proxy_is_named_without_its_password)
{
    struct fetch_options options = *spec->requests[0].options;
    struct co_url proxy;

    ck_assert_int_eq(co_url_parse("http://user:secret@proxy.example:3128", 37, &proxy), 0);
    options.proxy = &proxy;
    spec->requests[0].options = &options;
    render();
    expect("connection.proxy", "\"http://proxy.example:3128\"");
    expect_nowhere("secret");
    co_url_done(&proxy);
}
END_TEST

START_TEST(expectations_are_shown)
{
    struct fetch_options options = *spec->requests[0].options;
    const struct expect expected = {.has_status = true};

    options.expect = &expected;
    spec->requests[0].options = &options;
    result.verdict = (struct expect_verdict){.n_passed = 5};
    render();
    expect("expect", "{\"passed\":5,\"failed\":0,\"failures\":[]}");
}
END_TEST

/* --- Secrets ---------------------------------------------------------------------------------- */

static const struct {
    const char *location, *shown;
} locations[] = {
    {"http://user:secret@host/path", "\"http://***@host/path\""},
    {"//secret@host", "\"//***@host\""},
    {"https://a:secret@b:secret@host:8443/?q=a@b", "\"https://***@host:8443/?q=a@b\""},
    {"http://host/a@b", "\"http://host/a@b\""},
    {"http://host?a@b", "\"http://host?a@b\""},
    {"http://user:secret\\@host/", "\"http://***@host/\""},
    {"/path/to@somewhere", "\"/path/to@somewhere\""},
    {"/a?next=http://user@host/", "\"/a?next=http://***@host/\""},
    {"", "\"\""},
};

START_TEST(password_in_a_location_is_not_shown)
{
    struct co_http_header header = {"location", locations[_i].location};

    result.response.headers = &header;
    result.response.n_headers = 1;
    render();
    expect("headers.0.1", locations[_i].shown);
}
END_TEST

START_TEST(inline_credentials_are_not_shown)
{
    use_spec("[{\"url\": \"http://user:secret\\u0040one.example/\", \"headers\":"
             " {\"Authorization\": \"Bearer secret\", \"Cookie\": \"secret\"}}]");
    render();
    expect("request.url", "\"http://one.example/\"");
    expect_nowhere("secret");
    expect_nowhere("user");
}
END_TEST

START_TEST(without_memory_there_is_no_row)
{
    struct co_http_header header = {"location", "http://user:secret@host/"};
    struct buffer out;
    struct json_writer writer;

    result.response.headers = &header;
    result.response.n_headers = 1;
    for (size_t n = 1;; n++) {
        buffer_init(&out, 1 << 20);
        jw_init(&writer, &out);
        fault_arm(n);
        render_result(&writer, &place, &result, true);
        int rc = jw_finish(&writer);
        bool has_failed = fault_disarm();
        buffer_done(&out);
        if (!has_failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

/* --- Headers ---------------------------------------------------------------------------------- */

START_TEST(only_headers_that_were_asked_for_are_shown)
{
    use_spec("[{\"url\": \"http://a/\", \"capture\": {\"headers\": [\"SET-Cookie\"]}}]");
    render();
    expect("headers", "[[\"Set-Cookie\",\"a=1\"],[\"set-cookie\",\"b=2\"]]");
    use_spec("[{\"url\": \"http://a/\", \"capture\": {\"headers\": []}}]");
    render();
    expect("headers", "[]");
}
END_TEST

START_TEST(hostile_header_bytes_leave_the_json_valid)
{
    struct random random = {(uint64_t)_i};
    char name[40], value[300];
    struct co_http_header header = {name, value};

    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = (char)(1 + random_below(&random, 255));
    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (char)(1 + random_below(&random, 255));
    name[sizeof(name) - 1] = value[sizeof(value) - 1] = '\0';
    result.response.headers = &header;
    result.response.n_headers = 1;
    render();
    ck_assert_uint_eq(json_array_size(at("headers.0")), 2);
}
END_TEST

START_TEST(header_that_is_latin_1_is_read_as_such)
{
    struct co_http_header header = {"x", "caf\xe9 \"\\\t"};

    result.response.headers = &header;
    result.response.n_headers = 1;
    render();
    ck_assert_str_eq(json_string_value(at("headers.0.1")), "caf\u00e9 \"\\\t");
}
END_TEST

START_TEST(hostile_id_leaves_the_json_valid)
{
    use_spec("[{\"url\": \"http://a/\", \"id\": \"\\\"}],\\\\ \\u0001 \\u2028 \\ud83d\\ude00\"}]");
    render();
    ck_assert_str_eq(json_string_value(at("id")), "\"}],\\ \x01 \u2028 \U0001f600");
}
END_TEST

/* --- Bodies ----------------------------------------------------------------------------------- */

static void capture(const char *bytes, size_t length)
{
    use_spec("[{\"url\": \"http://a/\", \"capture\": {\"body\": \"full\"}}]");
    result.response.body = (char *)bytes;
    result.response.body_length = length;
    result.response.encoded_bytes = result.response.decoded_bytes = length;
}

START_TEST(text_is_shown_as_it_is)
{
    capture("\u00e4 \"b\"\n", 7);
    render();
    expect("body.encoding", "\"utf-8\"");
    ck_assert_str_eq(json_string_value(at("body.data")), "\u00e4 \"b\"\n");
}
END_TEST

START_TEST(hash_is_hexadecimal)
{
    result.has_hash = true;
    for (size_t i = 0; i < sizeof(result.hash); i++)
        result.hash[i] = (unsigned char)(8 * i + 1);
    render();
    expect("body.sha256", "\"0109111921293139414951596169717981899199a1a9b1b9c1c9d1d9e1e9f1f9\"");
}
END_TEST

START_TEST(text_may_hold_a_nul)
{
    capture("a\0b", 3);
    render();
    ck_assert_uint_eq(json_string_length(at("body.data")), 3);
    ck_assert_mem_eq(json_string_value(at("body.data")), "a\0b", 3);
}
END_TEST

START_TEST(what_is_not_utf_8_is_base64)
{
    capture("\xff\x00\xfe", 3);
    render();
    expect("body.encoding", "\"base64\"");
    expect("body.data", "\"/wD+\"");
}
END_TEST

START_TEST(empty_body_that_was_captured_is_empty_data)
{
    capture(NULL, 0);
    render();
    expect("body", "{\"encoding\":\"utf-8\",\"data\":\"\",\"encoded_bytes\":0,\"decoded_bytes\":0,"
                   "\"truncated\":false,\"sha256\":null}");
    render_with(false);
    expect("body.truncated", "false");
}
END_TEST

START_TEST(without_a_response_no_body_was_captured)
{
    capture(NULL, 0);
    fail_with(&(struct result_error){.code = "connect_refused"});
    render();
    expect("body.encoding", "\"none\"");
}
END_TEST

START_TEST(truncated_body_says_so)
{
    capture("abc", 3);
    result.response.body_truncated = true;
    result.response.decoded_bytes = 10;
    render();
    expect("body.truncated", "true");
    expect("body.decoded_bytes", "10");
}
END_TEST

START_TEST(body_that_is_left_out_counts_as_truncated)
{
    capture("abc", 3);
    render_with(false);
    expect("body", "{\"encoding\":\"none\",\"encoded_bytes\":3,\"decoded_bytes\":3,"
                   "\"truncated\":true,\"sha256\":null}");
}
END_TEST

START_TEST(any_bytes_of_a_body_come_through)
{
    struct random random = {(uint64_t)_i};
    char bytes[200];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)random_next(&random);
    capture(bytes, sizeof(bytes));
    render();
    expect("body.encoding", "\"base64\"");
    ck_assert_uint_eq(json_string_length(at("body.data")), (sizeof(bytes) + 2) / 3 * 4);
}
END_TEST

static const struct {
    int version;
    const char *name;
} versions[] = {{10, "\"1.0\""}, {11, "\"1.1\""}, {20, "\"2\""}, {0, "null"}};

START_TEST(version_of_http_has_its_name)
{
    result.response.http_version = versions[_i].version;
    render();
    expect("http_version", versions[_i].name);
}
END_TEST

Suite *suite_render(void);

Suite *suite_render(void)
{
    Suite *suite = suite_create("daemon/model/render");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, every_member_of_the_contract_is_there, 0, N_ELEMENTS(usual_members));
    tcase_add_test(tcase, members_are_in_the_order_of_the_contract);
    tcase_add_test(tcase, result_of_a_job_names_it);
    tcase_add_test(tcase, repetition_is_numbered);
    tcase_add_test(tcase, pending_item_has_a_place_and_a_state);
    tcase_add_test(tcase, failure_has_no_response_but_an_error);
    tcase_add_test(tcase, error_that_is_not_from_libcurl_says_nothing_of_it);
    tcase_add_test(tcase, blocked_result_names_the_rule);
    tcase_add_test(tcase, what_was_never_started_has_no_attempt);
    tcase_add_test(tcase, request_with_a_defect_shows_what_was_written);
    tcase_add_test(tcase, redirects_are_listed_in_order);
    tcase_add_test(tcase, attempts_are_listed_in_order);
    tcase_add_test(tcase, elapsed_is_all_of_it_to_the_microsecond);
    tcase_add_test(tcase, what_ended_in_a_pause_has_only_the_attempts_before);
    tcase_add_test(tcase, certificate_and_ciphers_are_shown);
    tcase_add_test(tcase, expired_certificate_is_not_negative);
    tcase_add_test(tcase, proxy_is_named_without_its_password);
    tcase_add_test(tcase, expectations_are_shown);
    tcase_add_loop_test(tcase, password_in_a_location_is_not_shown, 0, N_ELEMENTS(locations));
    tcase_add_test(tcase, inline_credentials_are_not_shown);
    tcase_add_test(tcase, without_memory_there_is_no_row);
    tcase_add_test(tcase, only_headers_that_were_asked_for_are_shown);
    tcase_add_loop_test(tcase, hostile_header_bytes_leave_the_json_valid, 0, 20);
    tcase_add_test(tcase, header_that_is_latin_1_is_read_as_such);
    tcase_add_test(tcase, hostile_id_leaves_the_json_valid);
    tcase_add_test(tcase, text_is_shown_as_it_is);
    tcase_add_test(tcase, hash_is_hexadecimal);
    tcase_add_test(tcase, text_may_hold_a_nul);
    tcase_add_test(tcase, what_is_not_utf_8_is_base64);
    tcase_add_test(tcase, empty_body_that_was_captured_is_empty_data);
    tcase_add_test(tcase, without_a_response_no_body_was_captured);
    tcase_add_test(tcase, truncated_body_says_so);
    tcase_add_test(tcase, body_that_is_left_out_counts_as_truncated);
    tcase_add_loop_test(tcase, any_bytes_of_a_body_come_through, 0, 10);
    tcase_add_loop_test(tcase, version_of_http_has_its_name, 0, N_ELEMENTS(versions));
    suite_add_tcase(suite, tcase);
    return suite;
}
