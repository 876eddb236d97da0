#include "daemon/api/probe_module.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/config_file.h"
#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct config config;
static struct parse_settings settings;
static struct probe_modules modules;
static struct err err;
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    err = (struct err){""};
    modules = (struct probe_modules){.list = NULL};
    settings = (struct parse_settings){
        .max_items = 10,
        .max_arena_bytes = 1 << 20,
        .json_room = 1 << 20,
        .max_capture_bytes = 1 << 16,
        .max_redirects = 10,
        .max_attempts = 3,
        .defaults = {.method = "GET", .follow_redirects = true, .max_redirects = 10},
    };
    ck_assert_int_eq(config_init(&config), 0);
}

static void tear_down(void)
{
    probe_modules_done(&modules);
    config_done(&config);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void set(const char *assignment)
{
    ck_assert_msg(config_set(&config, assignment, &err) == 0, "%s", err.message);
}

static int init(void)
{
    return probe_modules_init(&modules, &config, &settings, &err);
}

/* The request that a module makes; the caller frees the spec. */
static const struct request *request_of(const char *name, const char *url, struct job_spec **spec)
{
    struct defect_list defects;

    defect_list_init(&defects);
    ck_assert_int_eq(probe_module_spec(probe_modules_find(&modules, name), &modules.parse, url,
                                       1500000, &defects, spec),
                     0);
    defect_list_done(&defects);
    return job_spec_request(*spec, 0);
}

START_TEST(usual_module_gets_a_target_on_a_connection_of_its_own)
{
    struct job_spec *spec;

    ck_assert_int_eq(init(), 0);
    const struct request *request = request_of("http_2xx", "http://one.example/a", &spec);
    ck_assert_str_eq(request->url.text, "http://one.example/a");
    ck_assert_str_eq(request->options->method, "GET");
    ck_assert(request->options->is_alone);
    ck_assert(request->options->follow_redirects);
    ck_assert(!request->options->capture_body);
    ck_assert_int_eq(request->options->timeout_us, 1500000);
    ck_assert_int_eq(spec->deadline_us, 1500000);
    job_spec_free(spec);
}
END_TEST

START_TEST(module_says_how_a_target_is_asked)
{
    struct job_spec *spec;

    set("probe.a.method=POST");
    set("probe.a.headers=X-A: b c");
    set("probe.a.body={\"a\": 1}");
    set("probe.a.follow_redirects=false");
    set("probe.a.ip_protocol=ip6");
    set("probe.a.enable_http2=false");
    set("probe.a.insecure_skip_verify=true");
    set("probe.a.fail_if_body_matches_regexp=x");
    set("probe.a.max_match_bytes=7");
    ck_assert_msg(init() == 0, "%s", err.message);
    const struct request *request = request_of("a", "http://one.example/", &spec);
    const struct fetch_options *options = request->options;
    ck_assert_str_eq(options->method, "POST");
    ck_assert_str_eq(options->headers[0].value, "b c");
    ck_assert_mem_eq(request->body, "{\"a\": 1}", request->body_length);
    ck_assert(!options->follow_redirects);
    ck_assert_int_eq(options->ip_family, AF_INET6);
    ck_assert_int_eq(options->http_version, CO_HTTP_VERSION_1_1);
    ck_assert(options->tls.is_unverified);
    ck_assert(options->capture_body);
    ck_assert_uint_eq(options->capture_max_bytes, 7);
    job_spec_free(spec);
}
END_TEST

START_TEST(only_the_statuses_of_the_module_are_a_success)
{
    struct job_spec *spec;

    set("probe.a.valid_status_codes=404 5xx");
    ck_assert_int_eq(init(), 0);
    const struct expect *expect = request_of("a", "http://one.example/", &spec)->options->expect;
    ck_assert(expect_status_is_good(expect, 404));
    ck_assert(expect_status_is_good(expect, 503));
    ck_assert(!expect_status_is_good(expect, 200));
    job_spec_free(spec);
}
END_TEST

START_TEST(what_is_no_url_is_a_defect)
{
    struct defect_list defects;
    struct job_spec *spec = NULL;

    ck_assert_int_eq(init(), 0);
    defect_list_init(&defects);
    ck_assert_int_eq(probe_module_spec(&modules.list[0], &modules.parse, "http://[::1", 1000000,
                                       &defects, &spec),
                     1);
    ck_assert_uint_eq(defects.n_defects, 1);
    defect_list_done(&defects);
}
END_TEST

static const struct {
    const char *assignment, *message;
} wrong[] = {
    {"probe.a.method=a b", "[probe.a] method: a method is made of"},
    {"probe.a.headers=nonsense", "[probe.a] headers: 'nonsense' is not NAME: VALUE"},
    {"probe.a.headers=Content-Length: 5", "[probe.a] headers/Content-Length"},
    {"probe.a.valid_status_codes=2yy", "[probe.a] expect/status/0: must be a status"},
    {"probe.a.valid_http_versions=HTTP/3", "[probe.a] valid_http_versions: 'HTTP/3' is not"},
    {"probe.a.bearer_secret_ref=nope", "[probe.a] auth/secret_ref: there is no secret"},
    {"probe.a.basic_auth_user=me", "[probe.a] basic_auth_user and basic_auth_secret_ref go"},
    {"probe.a.tls_ca_ref=nope", "[probe.a] tls/ca_ref: there is no certificate"},
    {"probe.a.proxy_url=http://nope:1", "[probe.a] proxy: this is none of the proxies"},
    {"probe.a.fail_if_body_matches_regexp=(", "[probe.a] fail_if_body_matches_regexp: '(' is no"},
    {"probe.a.fail_if_body_matches_regexp=(a)\\1", "[probe.a] fail_if_body_matches_regexp: '(a)"},
    {"probe.a.fail_if_header_matches=Server",
     "[probe.a] fail_if_header_matches: 'Server' is not NAME: EXPRESSION"},
};

START_TEST(what_is_wrong_with_a_module_is_told)
{
    set(wrong[_i].assignment);
    ck_assert_int_eq(init(), -EINVAL);
    err.message[strlen(wrong[_i].message)] = '\0';
    ck_assert_str_eq(err.message, wrong[_i].message);
}
END_TEST

START_TEST(versions_are_those_of_the_module)
{
    set("probe.a.valid_http_versions=HTTP/1.1 HTTP/2.0");
    ck_assert_int_eq(init(), 0);
    const struct probe_module *module = probe_modules_find(&modules, "a");
    ck_assert(!probe_module_takes_version(module, 10));
    ck_assert(probe_module_takes_version(module, 11));
    ck_assert(probe_module_takes_version(module, 20));
    ck_assert(probe_module_takes_version(probe_modules_find(&modules, "http_2xx"), 10));
}
END_TEST

START_TEST(failed_allocation_leaks_nothing)
{
    set("probe.a.fail_if_body_matches_regexp=a+");
    set("probe.a.fail_if_header_matches=Server: nginx");
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = init();
        bool has_failed = fault_disarm();
        probe_modules_done(&modules);
        if (!has_failed) {
            ck_assert_int_eq(rc, 0);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

/* --- Regular expressions ---------------------------------------------------------------------- */

static struct co_http_header headers[] = {{"server", "nginx"}, {"x-a", "1"}, {"x-a", "2"}};
static const struct co_http_response response = {.headers = headers,
                                                 .n_headers = N_ELEMENTS(headers)};

static const struct {
    const char *text;
    bool fails_if_same, is_fine;
} of_headers[] = {
    {"Server: ^ngi", true, false},   {"Server: apache", true, true}, {"X-A: 2", true, false},
    {"X-A: 2", false, true},         {"X-A: 3", false, false},       {"X-B: 1", true, false},
    {"X-B: 1", false, false},        {"X-B?: 1", true, true},        {"X-B?: 1", false, true},
    {"Server?: nginx", true, false},
};

START_TEST(headers_are_matched)
{
    struct probe_pattern pattern;

    ck_assert_int_eq(
        probe_pattern_init(&pattern, of_headers[_i].text, true, of_headers[_i].fails_if_same, &err),
        0);
    ck_assert_int_eq(probe_pattern_suits_headers(&pattern, &response), of_headers[_i].is_fine);
    probe_pattern_done(&pattern);
}
END_TEST

static const struct {
    const char *text, *body;
    size_t length;
    bool matches;
} of_bodies[] = {
    {"^ok", "ok\n", 3, true},
    {"^ok$", "a\nok\n", 5, false},
    {"a.b", "a\nb", 3, true},
    {"b", "a\0b", 3, true},
    {"b", "ab", 1, false},
    {"^$", "", 0, true},
    {"x|y{2}", "ayy", 3, true},
    {"caf\xc3\xa9$", "caf\xc3\xa9", 5, true},
    {"a",
     "\xff\xfe"
     "a",
     3, true},
};

START_TEST(bodies_are_matched)
{
    struct probe_pattern pattern;

    ck_assert_int_eq(probe_pattern_init(&pattern, of_bodies[_i].text, false, false, &err), 0);
    ck_assert_int_eq(probe_pattern_suits_body(&pattern, of_bodies[_i].body, of_bodies[_i].length),
                     of_bodies[_i].matches);
    probe_pattern_done(&pattern);
}
END_TEST

Suite *suite_probe_module(void);

Suite *suite_probe_module(void)
{
    Suite *suite = suite_create("daemon/api/probe_module");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, usual_module_gets_a_target_on_a_connection_of_its_own);
    tcase_add_test(tcase, module_says_how_a_target_is_asked);
    tcase_add_test(tcase, only_the_statuses_of_the_module_are_a_success);
    tcase_add_test(tcase, what_is_no_url_is_a_defect);
    tcase_add_loop_test(tcase, what_is_wrong_with_a_module_is_told, 0, N_ELEMENTS(wrong));
    tcase_add_test(tcase, versions_are_those_of_the_module);
    tcase_add_test(tcase, failed_allocation_leaks_nothing);
    tcase_add_loop_test(tcase, headers_are_matched, 0, N_ELEMENTS(of_headers));
    tcase_add_loop_test(tcase, bodies_are_matched, 0, N_ELEMENTS(of_bodies));
    suite_add_tcase(suite, tcase);
    return suite;
}
