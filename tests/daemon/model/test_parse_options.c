/* Options that say how to fetch: HTTP, TLS, addresses, proxies, retries, cookies. */

#include "daemon/model/parse.h"

#include <stdio.h>

#include "tests/daemon/model/parse_fixture.h"

static const struct fetch_options *options_of(const char *members)
{
    char text[1000];

    snprintf(text, sizeof(text), "[{'url':'https://a/',%s}]", members);
    return must_parse_request(text)->options;
}

/* The options of a request that has members, with defaults that have some. */
static const struct fetch_options *options_over(const char *defaults, const char *members)
{
    char text[2000];

    snprintf(text, sizeof(text), "{'defaults':{%s},'requests':[{'url':'https://a/',%s}]}", defaults,
             members);
    return must_parse_request(text)->options;
}

/* --- Versions --------------------------------------------------------------------------------- */

START_TEST(versions_are_taken_over)
{
    ck_assert_int_eq(options_of("'id':'x'")->http_version, CO_HTTP_VERSION_ANY);
    ck_assert_int_eq(options_of("'http_version':'auto'")->http_version, CO_HTTP_VERSION_ANY);
    ck_assert_int_eq(options_of("'http_version':'1.1'")->http_version, CO_HTTP_VERSION_1_1);
    ck_assert_int_eq(options_of("'http_version':'2'")->http_version, CO_HTTP_VERSION_2);
    ck_assert_int_eq(options_of("'ip_version':'any'")->ip_family, AF_UNSPEC);
    ck_assert_int_eq(options_of("'ip_version':'4'")->ip_family, AF_INET);
    ck_assert_int_eq(options_of("'ip_version':'6'")->ip_family, AF_INET6);
    must_parse("{'urls':['http://127.0.0.1/','http://a/'],'defaults':{'ip_version':'4'}}");
}
END_TEST

START_TEST(http_2_of_the_defaults_holds_for_https_and_may_be_taken_back)
{
    const struct request *requests =
        must_parse_request("{'defaults':{'http_version':'2'},'requests':['https://a/',"
                           "{'url':'http://b/','http_version':'auto'}]}");

    ck_assert_int_eq(requests[0].options->http_version, CO_HTTP_VERSION_2);
    ck_assert_int_eq(requests[1].options->http_version, CO_HTTP_VERSION_ANY);
}
END_TEST

START_TEST(hashes_are_taken_over)
{
    ck_assert_int_eq(options_of("'capture':{'hash':'sha256'}")->hash, HASH_SHA256);
    ck_assert_int_eq(options_over("'capture':{'hash':'sha256'}", "'capture':{'hash':'none'}")->hash,
                     HASH_NONE);
}
END_TEST

START_TEST(null_forgets_what_the_defaults_capture)
{
    const struct fetch_options *options =
        options_over("'capture':{'body':'full','max_body_bytes':1,'hash':'sha256','headers':['x']}",
                     "'capture':null");

    ck_assert(!options->capture_body);
    ck_assert_uint_eq(options->capture_max_bytes, 65536);
    ck_assert_int_eq(options->hash, HASH_NONE);
    ck_assert_ptr_null(options->kept_headers);
    options = options_over("'capture':{'headers':['x']}", "'capture':{'headers':null}");
    ck_assert_ptr_null(options->kept_headers);
}
END_TEST

/* --- TLS -------------------------------------------------------------------------------------- */

START_TEST(tls_is_as_safe_as_the_client_says)
{
    const struct co_http_tls_options *tls = &options_of("'id':'x'")->tls;
    ck_assert(!tls->is_unverified);
    ck_assert_int_eq(tls->min_version, 0);
    ck_assert_ptr_null(tls->ca_file);

    tls = &options_of("'tls':{'verify':false,'min_version':'1.0','ca_ref':'lab-ca'}")->tls;
    ck_assert(tls->is_unverified);
    ck_assert_int_eq(tls->min_version, 10);
    ck_assert_ptr_nonnull(strstr(tls->ca_file, "/lab-ca.pem"));
    ck_assert_ptr_null(tls->client_file);

    tls = &options_of("'tls':{'verify':true,'min_version':'1.3','client_cert_ref':'lab-ca'}")->tls;
    ck_assert(!tls->is_unverified);
    ck_assert_int_eq(tls->min_version, 13);
    ck_assert_ptr_nonnull(strstr(tls->client_file, "/lab-ca.pem"));
}
END_TEST

START_TEST(tls_merges_and_null_takes_away)
{
    static const char defaults[] = "'tls':{'verify':false,'min_version':'1.1','ca_ref':'lab-ca'}";
    const struct co_http_tls_options *tls =
        &options_over(defaults, "'tls':{'min_version':'1.2','ca_ref':null}")->tls;

    ck_assert(tls->is_unverified);
    ck_assert_int_eq(tls->min_version, 12);
    ck_assert_ptr_null(tls->ca_file);

    tls = &options_over(defaults, "'tls':null")->tls;
    ck_assert(!tls->is_unverified);
    ck_assert_int_eq(tls->min_version, 0);
}
END_TEST

/* --- Addresses and proxies -------------------------------------------------------------------- */

static const struct {
    const char *text, *host, *address;
    uint16_t port;
} pins[] = {
    {"www.example.com:443:203.0.113.7", "www.example.com", "203.0.113.7", 443},
    {"WWW.Example.com.:65535:2001:db8::1", "www.example.com", "2001:db8::1", 65535},
    {"a:80:[2001:db8::1]", "a", "2001:db8::1", 80},
    {"b\\u00fccher.example:8443:192.0.2.1", "xn--bcher-kva.example", "192.0.2.1", 8443},
    {"[::1]:80:192.0.2.1", "::1", "192.0.2.1", 80},
};

START_TEST(a_host_is_pinned_to_an_address)
{
    char members[200], address[CO_ADDRESS_TEXT_SIZE];

    snprintf(members, sizeof(members), "'resolve':['%s']", pins[_i].text);
    const struct fetch_options *options = options_of(members);
    ck_assert_uint_eq(options->n_pins, 1);
    ck_assert_str_eq(options->pins[0].host, pins[_i].host);
    ck_assert_uint_eq(options->pins[0].port, pins[_i].port);
    ck_assert_uint_eq(options->pins[0].n_addresses, 1);
    co_address_format(&options->pins[0].addresses[0], address);
    ck_assert_str_eq(address, pins[_i].address);
    ck_assert_uint_eq(options->pins[0].addresses[0].port, 0);
}
END_TEST

START_TEST(hosts_have_several_addresses_and_an_array_replaces_that_of_the_defaults)
{
    const struct fetch_options *options =
        options_over("'resolve':'old:1:192.0.2.1'",
                     "'resolve':['a:1:192.0.2.1,192.0.2.2,2001:db8::1','a:2:192.0.2.4']");

    ck_assert_uint_eq(options->n_pins, 2);
    ck_assert_uint_eq(options->pins[0].n_addresses, 3);
    ck_assert_int_eq(options->pins[0].addresses[2].family, AF_INET6);
    ck_assert_uint_eq(options->pins[1].port, 2);
    ck_assert_uint_eq(options_over("'resolve':'old:1:192.0.2.1'", "'resolve':null")->n_pins, 0);
    ck_assert_uint_eq(options_over("'resolve':'old:1:192.0.2.1'", "'resolve':[]")->n_pins, 0);
}
END_TEST

START_TEST(a_proxy_is_the_operators_with_its_password)
{
    const struct co_url *proxy = options_of("'proxy':'http://Proxy.example:3128/'")->proxy;
    ck_assert_ptr_eq(proxy, &parse_settings.proxies[0]);
    ck_assert_str_eq(proxy->password, "hidden");

    proxy = options_over("'proxy':'http://proxy.example:3128'", "'proxy':'https://[2001:db8::1]'")
                ->proxy;
    ck_assert_ptr_eq(proxy, &parse_settings.proxies[1]);
    ck_assert_ptr_null(options_over("'proxy':'http://proxy.example:3128'", "'proxy':null")->proxy);
}
END_TEST

/* --- Retries ---------------------------------------------------------------------------------- */

#define BIT(name) (UINT64_C(1) << CO_HTTP_##name)

START_TEST(nothing_is_tried_again_unless_it_was_asked_for)
{
    ck_assert_uint_eq(options_of("'id':'x'")->retry.max_attempts, 0);
    ck_assert_uint_eq(options_over("'retry':{}", "'retry':null")->retry.max_attempts, 0);
}
END_TEST

START_TEST(retries_have_the_defaults_of_the_contract)
{
    const struct fetch_retry *retry = &options_of("'retry':{}")->retry;

    ck_assert_uint_eq(retry->max_attempts, 3);
    ck_assert(retry->on_errors & BIT(DNS_TIMEOUT));
    ck_assert(retry->on_errors & BIT(CONNECT_REFUSED));
    ck_assert(retry->on_errors & BIT(TIMEOUT_IDLE));
    ck_assert(retry->on_errors & BIT(RECV_RESET));
    ck_assert(!(retry->on_errors & BIT(TLS_CERT_EXPIRED)));
    ck_assert(!(retry->on_errors & (BIT(OK) | BIT(BLOCKED) | BIT(CANCELED))));
    for (int status = 100; status < 600; status++)
        ck_assert_int_eq(status_set_has(&retry->on_status, status),
                         status == 429 || (status >= 502 && status <= 504));
    ck_assert_ptr_null(retry->methods);
    ck_assert_int_eq(retry->backoff_us, 200000);
    ck_assert_int_eq(retry->max_backoff_us, 5000000);
    ck_assert_double_eq(retry->jitter, 0.2);
    ck_assert(retry->respect_retry_after);
    ck_assert_int_eq(retry->max_retry_after_us, 30000000);
}
END_TEST

START_TEST(fewer_attempts_are_the_default_where_fewer_are_allowed)
{
    parse_settings.max_attempts = 2;
    ck_assert_uint_eq(options_of("'retry':{}")->retry.max_attempts, 2);
}
END_TEST

START_TEST(retries_are_taken_over_and_merge)
{
    static const char defaults[] =
        "'retry':{'max_attempts':1,'on':['tls_cert_expired','body_too_large',404,'5xx'],"
        "'methods':['POST','PURGE'],'backoff_ms':0,'max_backoff_ms':0.5,'jitter':1,"
        "'respect_retry_after':false,'max_retry_after_ms':7}";
    const struct fetch_retry *retry = &options_over(defaults, "'retry':{'jitter':0}")->retry;

    ck_assert_uint_eq(retry->max_attempts, 1);
    ck_assert_uint_eq(retry->on_errors,
                      BIT(TLS_CERT_EXPIRED) | BIT(BODY_TOO_LARGE) | BIT(DECODE_RATIO));
    ck_assert(status_set_has(&retry->on_status, 404));
    ck_assert(status_set_has(&retry->on_status, 599));
    ck_assert(!status_set_has(&retry->on_status, 403));
    ck_assert_uint_eq(retry->n_methods, 2);
    ck_assert_str_eq(retry->methods[1], "PURGE");
    ck_assert_int_eq(retry->backoff_us, 0);
    ck_assert_int_eq(retry->max_backoff_us, 500);
    ck_assert_double_eq(retry->jitter, 0);
    ck_assert(!retry->respect_retry_after);
    ck_assert_int_eq(retry->max_retry_after_us, 7000);

    retry = &options_over(defaults, "'retry':{'on':'dns','methods':null}")->retry;
    ck_assert_uint_eq(retry->on_errors, BIT(DNS_NOT_FOUND) | BIT(DNS_TIMEOUT) | BIT(DNS_ERROR));
    ck_assert(!status_set_has(&retry->on_status, 404));
    ck_assert_ptr_null(retry->methods);
}
END_TEST

/* --- Of the batch ----------------------------------------------------------------------------- */

START_TEST(cookies_and_weight_are_of_the_batch)
{
    const struct job_spec *spec = must_parse("['http://a/']");
    ck_assert(!spec->keeps_cookies);
    ck_assert_uint_eq(spec->weight, 1);

    spec = must_parse("{'urls':['http://a/'],'cookies':true,'weight':100}");
    ck_assert(spec->keeps_cookies);
    ck_assert_uint_eq(spec->weight, 100);
}
END_TEST

START_TEST(requests_without_options_of_their_own_share_those_of_the_defaults)
{
    const struct request *requests = must_parse_request(
        "{'defaults':{'auth':{'type':'bearer','token':'t'},'retry':{},'expect':{'status':200},"
        "'resolve':['a:80:192.0.2.1'],'tls':{'verify':false}},'requests':['http://a/','http://b/',"
        "{'url':'http://c/','id':'x','repeat':3},{'url':'http://d/','timeout_ms':1}]}");

    for (int i = 1; i < 3; i++)
        ck_assert_ptr_eq(requests[i].options, requests[0].options);
    ck_assert_ptr_ne(requests[3].options, requests[0].options);
    ck_assert_ptr_eq(requests[3].options->auth, requests[0].options->auth);
    ck_assert_ptr_eq(requests[3].options->pins, requests[0].options->pins);
    ck_assert_ptr_eq(requests[3].options->expect, requests[0].options->expect);
    ck_assert_uint_eq(requests[3].options->retry.max_attempts, 3);
    ck_assert(requests[3].options->tls.is_unverified);
}
END_TEST

START_TEST(requests_that_differ_in_url_and_body_only_share_their_options)
{
    const struct request *requests = must_parse_request(
        "{'defaults':{'auth':{'type':'bearer','token':'t'}},'requests':["
        "{'url':'http://a/','json':1},{'url':'http://b/','json':2,'id':'x'},"
        "{'url':'http://c/','form':{}},{'url':'http://d/','headers':{'X-A':'1'},'method':'PUT'},"
        "{'url':'http://e/','headers':{'X-A':'1'},'method':'PUT'},"
        "{'url':'http://f/','headers':{'X-A':'2'},'method':'PUT'},"
        "{'url':'http://g/','headers':{'X-A':'2'},'method':'GET'},"
        "{'url':'http://h/','headers':{'X-A':'2','Authorization':null},'method':'GET'},"
        "{'url':'http://i/','headers':{'X-A':'2'},'method':'GET','timeout_ms':5}]}");

    ck_assert_ptr_eq(requests[1].options, requests[0].options);
    ck_assert_ptr_eq(requests[4].options, requests[3].options);
    for (int i = 2; i < 9; i++)
        if (i != 4)
            ck_assert_ptr_ne(requests[i].options, requests[i - 1].options);
    ck_assert_ptr_nonnull(requests[6].options->auth);
    ck_assert_ptr_null(requests[7].options->auth);
    ck_assert_int_eq(requests[8].options->timeout_us, 5000);
}
END_TEST

/* --- What is wrong ---------------------------------------------------------------------------- */

#define REQUEST(members) "[{'url':'http://a/'," members "}]"
#define PIN_FORM         "HOST:PORT:ADDRESS"

static const struct expected_defect defects[] = {
    {"{'urls':['http://a/'],'cookies':1}", "/cookies", "wrong_type", "true or false"},
    {"{'urls':['http://a/'],'weight':0}", "/weight", "out_of_range", "1 to 100"},
    {"{'urls':['http://a/'],'weight':101}", "/weight", "out_of_range", "1 to 100"},
    {"{'urls':['http://a/'],'wieght':1}", "/wieght", "unknown_member", "\"weight\""},
    {"{'urls':['http://a/'],'defaults':{'retry':{'max_atempts':2}}}", "/defaults/retry/max_atempts",
     "unknown_member", "\"max_attempts\""},

    {REQUEST("'http_version':'3'"), "/0/http_version", "invalid_value", "\"auto\", \"1.1\", \"2\""},
    {REQUEST("'http_version':2"), "/0/http_version", "wrong_type", "a string"},
    {REQUEST("'http_version':'2'"), "/0", "conflicting_members", "https://"},
    {"{'urls':['https://a/','http://b/'],'defaults':{'http_version':'2'}}", "/urls/1",
     "conflicting_members", "\"auto\""},
    {REQUEST("'ip_version':'5'"), "/0/ip_version", "invalid_value", "\"any\", \"4\", \"6\""},
    {"[{'url':'http://127.0.0.1/','ip_version':'6'}]", "/0", "conflicting_members", "\"any\""},
    {"{'urls':['http://[::1]/'],'defaults':{'ip_version':'4'}}", "/urls/0", "conflicting_members",
     "ip_version"},
    {REQUEST("'ip_version':6"), "/0/ip_version", "wrong_type", "a string"},
    {REQUEST("'capture':{'hash':'md5'}"), "/0/capture/hash", "invalid_value",
     "\"none\", \"sha256\""},

    {REQUEST("'tls':true"), "/0/tls", "wrong_type", "an object"},
    {REQUEST("'tls':{'verfy':false}"), "/0/tls/verfy", "unknown_member", "\"verify\""},
    {REQUEST("'tls':{'verify':0}"), "/0/tls/verify", "wrong_type", "true or false"},
    {REQUEST("'tls':{'min_version':'1.4'}"), "/0/tls/min_version", "invalid_value", "\"1.3\""},
    {REQUEST("'tls':{'min_version':1.2}"), "/0/tls/min_version", "wrong_type", "a string"},
    {REQUEST("'tls':{'ca_ref':'hidden'}"), "/0/tls/ca_ref", "unknown_reference", "fetch.certs_dir"},
    {REQUEST("'tls':{'ca_ref':'../lab-ca'}"), "/0/tls/ca_ref", "unknown_reference", "operator"},
    {REQUEST("'tls':{'client_cert_ref':5}"), "/0/tls/client_cert_ref", "wrong_type", "name"},

    {REQUEST("'resolve':5"), "/0/resolve", "wrong_type", "an array"},
    {REQUEST("'resolve':['a:80:192.0.2.1',5]"), "/0/resolve/1", "wrong_type", "a string"},
    {REQUEST("'resolve':['']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:192.0.2.1']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a::192.0.2.1']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:80:']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:80:192.0.2.1,']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:80:b.example']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:80:192.0.2.1:80']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['*:80:192.0.2.1']"), "/0/resolve/0", "invalid_value", "host"},
    {REQUEST("'resolve':[':80:192.0.2.1']"), "/0/resolve/0", "invalid_value", "host"},
    {REQUEST("'resolve':['[::1:80:192.0.2.1']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:0:192.0.2.1']"), "/0/resolve/0", "invalid_value", "port"},
    {REQUEST("'resolve':['a:99999:192.0.2.1']"), "/0/resolve/0", "invalid_value", "port"},
    {REQUEST("'resolve':['u@a:80:192.0.2.1']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a/b:80:192.0.2.1']"), "/0/resolve/0", "invalid_value", PIN_FORM},
    {REQUEST("'resolve':['a:80:192.0.2.1','A:80:192.0.2.2']"), "/0/resolve/1",
     "conflicting_members", "commas"},
    {REQUEST("'resolve':['a:80:1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
             "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1']"),
     "/0/resolve/0", "too_many", "16"},

    {REQUEST("'proxy':5"), "/0/proxy", "wrong_type", "the URL of a proxy"},
    {REQUEST("'proxy':'proxy.example:3128'"), "/0/proxy", "unsupported_scheme", "http://"},
    {REQUEST("'proxy':'http://proxy.example'"), "/0/proxy", "unknown_reference", "fetch.proxies"},
    {REQUEST("'proxy':'socks5://proxy.example:3128'"), "/0/proxy", "unsupported_scheme", "http"},
    {REQUEST("'proxy':'http://u:hidden@proxy.example:3128'"), "/0/proxy", "invalid_value",
     "leave out"},
    {REQUEST("'proxy':'http://proxy.example:3128','resolve':'a:80:192.0.2.1'"), "/0/proxy",
     "conflicting_members", "\"resolve\""},

    {REQUEST("'retry':3"), "/0/retry", "wrong_type", "an object"},
    {REQUEST("'retry':{'max_attempts':0}"), "/0/retry/max_attempts", "out_of_range", "1 to 10"},
    {REQUEST("'retry':{'max_attempts':11}"), "/0/retry/max_attempts", "out_of_range", "1 to 10"},
    {REQUEST("'retry':{'max_attempts':1.5}"), "/0/retry/max_attempts", "wrong_type", "whole"},
    {REQUEST("'retry':{'on':['conect']}"), "/0/retry/on/0", "invalid_value", "\"connect\"?"},
    {REQUEST("'retry':{'on':['dns',true]}"), "/0/retry/on/1", "wrong_type", "a number or a string"},
    {REQUEST("'retry':{'on':'timeout_totl'}"), "/0/retry/on", "invalid_value", "timeout_total"},
    {REQUEST("'retry':{'on':['canceled']}"), "/0/retry/on/0", "invalid_value", "\"dns\""},
    {REQUEST("'retry':{'on':['blocked_by_policy']}"), "/0/retry/on/0", "invalid_value", "\"dns\""},
    {REQUEST("'retry':{'on':[99]}"), "/0/retry/on/0", "out_of_range", "100 to 999"},
    {REQUEST("'retry':{'on':['0xx']}"), "/0/retry/on/0", "invalid_value", "\"5xx\""},
    {REQUEST("'retry':{'on':{}}"), "/0/retry/on", "wrong_type", "a number or a string"},
    {REQUEST("'retry':{'methods':['GET','put']}"), "/0/retry/methods/1", "invalid_method",
     "\"PUT\""},
    {REQUEST("'retry':{'methods':['G T']}"), "/0/retry/methods/0", "invalid_method", "method"},
    {REQUEST("'retry':{'methods':5}"), "/0/retry/methods", "wrong_type", "strings"},
    {REQUEST("'retry':{'backoff_ms':-1}"), "/0/retry/backoff_ms", "out_of_range", "0 to"},
    {REQUEST("'retry':{'backoff_ms':5001}"), "/0/retry", "conflicting_members", "5000"},
    {REQUEST("'retry':{'max_backoff_ms':199.9}"), "/0/retry", "conflicting_members", "199.9"},
    {REQUEST("'retry':{'jitter':1.1}"), "/0/retry/jitter", "out_of_range", "0 to 1"},
    {REQUEST("'retry':{'jitter':'0'}"), "/0/retry/jitter", "wrong_type", "a number"},
    {REQUEST("'retry':{'respect_retry_after':1}"), "/0/retry/respect_retry_after", "wrong_type",
     "true or false"},
    {REQUEST("'retry':{'max_retry_after_ms':1e15}"), "/0/retry/max_retry_after_ms", "out_of_range",
     "86400000"},
};

START_TEST(a_defect_has_a_pointer_a_code_and_a_sentence)
{
    must_find_defect(&defects[_i]);
}
END_TEST

/* An array of n texts that differ. */
static void parse_many(const char *head, const char *format, int n, const char *tail)
{
    static char text[20000];
    char *end = text + sprintf(text, "[{\"url\":\"http://a/\",%s[", head);

    for (int i = 0; i < n; i++) {
        end = stpcpy(end, i > 0 ? "," : "");
        end += sprintf(end, format, i);
    }
    sprintf(end, "]%s}]", tail);
    parse_bytes(NULL, text, strlen(text));
}

START_TEST(pins_and_methods_have_a_limit)
{
    parse_many("\"resolve\":", "\"h%d:80:192.0.2.1\"", 64, "");
    ck_assert_int_eq(parsed.rc, 0);
    parse_many("\"resolve\":", "\"h%d:80:192.0.2.1\"", 65, "");
    ck_assert_str_eq(find_defect("/0/resolve")->code, "too_many");
    parse_many("\"retry\":{\"methods\":", "\"M%d\"", 33, "}");
    ck_assert_str_eq(find_defect("/0/retry/methods")->code, "too_many");
}
END_TEST

START_TEST(nothing_can_be_named_where_the_operator_keeps_nothing)
{
    parse_settings.credentials = NULL;
    parse_settings.n_proxies = 0;
    must_refuse("[{'url':'http://a/','auth':{'type':'bearer','secret_ref':'api-token'},"
                "'tls':{'ca_ref':'lab-ca'},'proxy':'http://proxy.example:3128'}]",
                422);
    ck_assert_uint_eq(parsed.defects.n_found, 3);
    ck_assert_str_eq(find_defect("/0/auth/secret_ref")->code, "unknown_reference");
}
END_TEST

Suite *suite_parse_options(void);

Suite *suite_parse_options(void)
{
    Suite *suite = suite_create("daemon/model/parse_options");
    TCase *tcase = parse_case(suite, "parse_options");

    tcase_add_test(tcase, versions_are_taken_over);
    tcase_add_test(tcase, http_2_of_the_defaults_holds_for_https_and_may_be_taken_back);
    tcase_add_test(tcase, hashes_are_taken_over);
    tcase_add_test(tcase, null_forgets_what_the_defaults_capture);
    tcase_add_test(tcase, tls_is_as_safe_as_the_client_says);
    tcase_add_test(tcase, tls_merges_and_null_takes_away);
    tcase_add_loop_test(tcase, a_host_is_pinned_to_an_address, 0, N_ELEMENTS(pins));
    tcase_add_test(tcase, hosts_have_several_addresses_and_an_array_replaces_that_of_the_defaults);
    tcase_add_test(tcase, a_proxy_is_the_operators_with_its_password);
    tcase_add_test(tcase, nothing_is_tried_again_unless_it_was_asked_for);
    tcase_add_test(tcase, retries_have_the_defaults_of_the_contract);
    tcase_add_test(tcase, fewer_attempts_are_the_default_where_fewer_are_allowed);
    tcase_add_test(tcase, retries_are_taken_over_and_merge);
    tcase_add_test(tcase, cookies_and_weight_are_of_the_batch);
    tcase_add_test(tcase, requests_without_options_of_their_own_share_those_of_the_defaults);
    tcase_add_test(tcase, requests_that_differ_in_url_and_body_only_share_their_options);
    tcase_add_loop_test(tcase, a_defect_has_a_pointer_a_code_and_a_sentence, 0,
                        N_ELEMENTS(defects));
    tcase_add_test(tcase, pins_and_methods_have_a_limit);
    tcase_add_test(tcase, nothing_can_be_named_where_the_operator_keeps_nothing);
    return suite;
}
