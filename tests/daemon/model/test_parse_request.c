#include "daemon/model/parse_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/daemon/model/parse_fixture.h"

/* --- Options ---------------------------------------------------------------------------------- */

START_TEST(options_of_a_request_are_its_own)
{
    const struct fetch_options *options =
        must_parse_request("[{'url':'http://a/','method':'PURGE','timeout_ms':50.5,"
                           "'connect_timeout_ms':1,'first_byte_timeout_ms':2.0004,"
                           "'idle_timeout_ms':86400000,'queue_timeout_ms':0.001,"
                           "'follow_redirects':false,'max_redirects':0,"
                           "'http_version':'1.1','ip_version':'any'}]")
            ->options;

    ck_assert_str_eq(options->method, "PURGE");
    ck_assert_int_eq(options->timeout_us, 50500);
    ck_assert_int_eq(options->connect_timeout_us, 1000);
    ck_assert_int_eq(options->first_byte_timeout_us, 2000);
    ck_assert_int_eq(options->idle_timeout_us, INT64_C(86400000000));
    ck_assert_int_eq(options->queue_timeout_us, 1);
    ck_assert(!options->follow_redirects);
    ck_assert_uint_eq(options->max_redirects, 0);
}
END_TEST

START_TEST(a_method_of_32_characters_is_accepted_as_it_is)
{
    const struct request *request =
        must_parse_request("[{'url':'http://a/','method':'MmMmMmMmMmMmMmMmMmMmMmMmMmMmMmMm'}]");

    ck_assert_str_eq(request->options->method, "MmMmMmMmMmMmMmMmMmMmMmMmMmMmMmMm");
}
END_TEST

START_TEST(defaults_count_where_a_request_says_nothing)
{
    const struct request *requests =
        must_parse_request("{'requests':['http://a/',{'url':'http://b/','timeout_ms':1},"
                           "{'url':'http://c/','id':'x'}],"
                           "'defaults':{'method':'PUT','timeout_ms':5,'max_redirects':2}}");

    ck_assert_str_eq(requests[0].options->method, "PUT");
    ck_assert_int_eq(requests[0].options->timeout_us, 5000);
    ck_assert_int_eq(requests[1].options->timeout_us, 1000);
    ck_assert_uint_eq(requests[1].options->max_redirects, 2);
    ck_assert_ptr_eq(requests[0].options, requests[2].options);
    ck_assert_str_eq(requests[2].id, "x");
}
END_TEST

START_TEST(objects_merge_deeply)
{
    const struct fetch_options *options =
        must_parse_request("{'defaults':{'capture':{'body':'full','hash':'none',"
                           "'headers':['etag','X-A']}},"
                           "'requests':[{'url':'http://a/','capture':{'max_body_bytes':10}}]}")
            ->options;

    ck_assert(options->capture_body);
    ck_assert_uint_eq(options->capture_max_bytes, 10);
    ck_assert_uint_eq(options->n_kept_headers, 2);
    ck_assert_str_eq(options->kept_headers[1], "X-A");
}
END_TEST

START_TEST(an_array_replaces_that_of_the_defaults)
{
    const struct request *requests =
        must_parse_request("{'defaults':{'capture':{'headers':['etag','X-A']}},'requests':["
                           "{'url':'http://a/','capture':{'headers':['date']}},"
                           "{'url':'http://a/','capture':{'headers':[],'body':'none'}}]}");

    ck_assert_uint_eq(requests[0].options->n_kept_headers, 1);
    ck_assert_str_eq(requests[0].options->kept_headers[0], "date");
    ck_assert_uint_eq(requests[1].options->n_kept_headers, 0);
    ck_assert_ptr_nonnull(requests[1].options->kept_headers);
}
END_TEST

START_TEST(too_many_captured_headers_are_a_defect)
{
    char text[2000] = "[{\"url\":\"http://a/\",\"capture\":{\"headers\":[";

    for (int i = 0; i < 101; i++)
        sprintf(text + strlen(text), "%s\"x%d\"", i > 0 ? "," : "", i);
    strcat(text, "]}}]");
    must_refuse(text, 422);
    ck_assert_str_eq(find_defect("/0/capture/headers")->code, "too_many");
}
END_TEST

/* --- Repetitions ------------------------------------------------------------------------------ */

START_TEST(each_repetition_is_an_item_beside_its_siblings)
{
    static const struct item expected[] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {2, 0}, {2, 1}};
    const struct job_spec *spec =
        must_parse("[{'url':'http://a/','repeat':3},'http://b/',"
                   "{'url':'http://c/','repeat':{'count':2.0,'interval_ms':0.5}}]");

    ck_assert_uint_eq(spec->n_items, N_ELEMENTS(expected));
    for (size_t i = 0; i < spec->n_items; i++) {
        ck_assert_uint_eq(spec->items[i].request, expected[i].request);
        ck_assert_uint_eq(spec->items[i].repetition, expected[i].repetition);
    }
    ck_assert_int_eq(spec->requests[0].repeat_interval_us, 0);
    ck_assert_int_eq(spec->requests[2].repeat_interval_us, 500);
    ck_assert_ptr_eq(job_spec_request(spec, 5), &spec->requests[2]);
}
END_TEST

/* --- Headers ---------------------------------------------------------------------------------- */

static const struct {
    const char *defaults, *own, *name, *values;
} headers[] = {
    {"{}", "{}", "User-Agent", "gatherd/test"},
    {"{}", "{'user-agent':'acme'}", "User-Agent", "acme"},
    {"{}", "{'USER-AGENT':null}", "User-Agent", NULL},
    {"{'User-Agent':null}", "{}", "User-Agent", NULL},
    {"{'User-Agent':'acme'}", "{}", "User-Agent", "acme"},
    {"{'User-Agent':null}", "{'User-Agent':'acme'}", "User-Agent", "acme"},
    {"{'X-A':'1'}", "{'x-a':'2'}", "X-A", "2"},
    {"{'X-A':'1'}", "{'X-B':'2'}", "X-A", "1"},
    {"{'X-A':'1'}", "{'x-a':null}", "X-A", NULL},
    {"{'X-A':['1','2']}", "{'X-A':['3','4','3']}", "X-A", "3|4|3"},
    {"{'X-A':['1','2']}", "{'X-A':[]}", "X-A", NULL},
    {"{'X-A':['1','2']}", "{}", "X-A", "1|2"},
    {"{}", "{'X-A':''}", "X-A", ""},
    {"{}", "{'X-A':' a\\tb '}", "X-A", " a\tb "},
    {"{}", "{'X-A':'caf\xc3\xa9'}", "X-A", "caf\xc3\xa9"},
    {"{}", "{'x-a':null,'X-A':'1'}", "X-A", "1"},
    {"{}", "{'Host':'other.example'}", "Host", "other.example"},
};

START_TEST(headers_merge_without_regard_to_case)
{
    char text[500];

    sprintf(text, "{'defaults':{'headers':%s},'requests':[{'url':'http://a/','headers':%s}]}",
            headers[_i].defaults, headers[_i].own);
    const char *values = header_values(must_parse_request(text)->options, headers[_i].name);
    ck_assert_pstr_eq(values, headers[_i].values);
}
END_TEST

START_TEST(headers_stay_in_order)
{
    const struct fetch_options *options =
        must_parse_request("[{'url':'http://a/','headers':{'X-B':'1','X-A':['2','3'],'X-C':'4'}}]")
            ->options;

    ck_assert_uint_eq(options->n_headers, 5);
    ck_assert_str_eq(options->headers[1].name, "X-B");
    ck_assert_str_eq(options->headers[2].value, "2");
    ck_assert_str_eq(options->headers[3].value, "3");
    ck_assert_str_eq(options->headers[4].name, "X-C");
}
END_TEST

/* Headers x0.., as many as n. */
static void parse_with_headers(int n)
{
    char text[3000] = "[{\"url\":\"http://u:p@a/\",\"json\":1,\"headers\":{\"User-Agent\":null";

    for (int i = 0; i < n; i++)
        sprintf(text + strlen(text), ",\"x%d\":\"\"", i);
    strcat(text, "}}]");
    parse_bytes(NULL, text, strlen(text));
}

START_TEST(a_hundred_headers_are_accepted_and_not_more)
{
    parse_with_headers(98);
    ck_assert_int_eq(parsed.rc, 0);
    ck_assert_uint_eq(parsed.spec->requests[0].options->n_headers, 100);
    parse_with_headers(99);
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_str_eq(find_defect("/0/headers/x98")->code, "too_many");
}
END_TEST

/* --- Bodies ----------------------------------------------------------------------------------- */

static const struct {
    const char *members, *bytes, *type;
    size_t length;
} bodies[] = {
    {"'body':'text \xe2\x98\x83'", "text \xe2\x98\x83", NULL, 8},
    {"'body':''", "", NULL, 0},
    {"'body_base64':'AAH/'", "\0\1\xff", NULL, 3},
    {"'body_base64':''", "", NULL, 0},
    {"'json':{'b':true,'a':[1,2.5,null,'h\xc3\xa9']}",
     "{\"b\":true,\"a\":[1,2.5,null,\"h\xc3\xa9\"]}", "application/json", 33},
    {"'json':'text'", "\"text\"", "application/json", 6},
    {"'json':null", "null", "application/json", 4},
    {"'json':9007199254740991", "9007199254740991", "application/json", 16},
    {"'form':{'a':'1 & 2 = 3','b c':'h\xc3\xa9*-._~','':'','d':['x','y']}",
     "a=1+%26+2+%3D+3&b+c=h%C3%A9*-._%7E&=&d=x&d=y", "application/x-www-form-urlencoded", 44},
    {"'form':{}", "", "application/x-www-form-urlencoded", 0},
    {"'form':{'a':[]}", "", "application/x-www-form-urlencoded", 0},
    {"'json':1,'headers':{'content-type':'a/b'}", "1", "a/b", 1},
    {"'headers':{'content-type':'a/b'},'json':1", "1", "a/b", 1},
    {"'form':{},'headers':{'Content-Type':null}", "", NULL, 0},
};

START_TEST(a_body_is_sent_with_its_type)
{
    char text[300];

    sprintf(text, "[{'url':'http://a/',%s}]", bodies[_i].members);
    const struct request *request = must_parse_request(text);
    ck_assert_uint_eq(request->body_length, bodies[_i].length);
    ck_assert_ptr_nonnull(request->body);
    ck_assert_mem_eq(request->body, bodies[_i].bytes, bodies[_i].length);
    ck_assert_pstr_eq(header_values(request->options, "Content-Type"), bodies[_i].type);
    ck_assert_str_eq(request->options->method, "POST");
}
END_TEST

START_TEST(a_content_type_of_the_defaults_is_kept)
{
    const struct request *request =
        must_parse_request("{'defaults':{'headers':{'content-type':'a/b'}},"
                           "'requests':[{'url':'http://a/','json':1}]}");

    ck_assert_str_eq(header_values(request->options, "Content-Type"), "a/b");
}
END_TEST

START_TEST(a_method_that_is_given_is_kept_with_a_body)
{
    const struct request *requests =
        must_parse_request("[{'url':'http://a/','body':'x','method':'GET'}]");
    ck_assert_str_eq(requests[0].options->method, "GET");

    requests = must_parse_request("{'defaults':{'method':'PATCH'},"
                                  "'requests':[{'url':'http://a/','body':'x'}]}");
    ck_assert_str_eq(requests[0].options->method, "PATCH");
}
END_TEST

START_TEST(a_body_changes_nothing_for_other_requests)
{
    const struct request *requests =
        must_parse_request("['http://a/',{'url':'http://a/','json':1},'http://a/']");

    ck_assert_str_eq(requests[0].options->method, "GET");
    ck_assert_ptr_eq(requests[0].options, requests[2].options);
    ck_assert_ptr_null(requests[2].body);
    ck_assert_ptr_null(header_values(requests[2].options, "Content-Type"));
}
END_TEST

/* --- Userinfo --------------------------------------------------------------------------------- */

static const struct {
    const char *request, *authorization;
} userinfos[] = {
    {"'http://Aladdin:open%20sesame@a/'", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"{'url':'http://Aladdin:open%20sesame@a/'}", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"'http://u@a/'", "Basic dTo="},
    {"'http://:p@a/'", "Basic OnA="},
    {"'http://@a/'", NULL},
    {"'http://a/'", NULL},
    {"{'url':'http://u:p@a/','headers':{'authorization':'Bearer x'}}", "Bearer x"},
    {"{'url':'http://u:p@a/','headers':{'authorization':null}}", NULL},
};

START_TEST(userinfo_becomes_a_header_unless_one_is_given)
{
    char text[300];

    sprintf(text, "[%s]", userinfos[_i].request);
    const struct request *request = must_parse_request(text);
    ck_assert_str_eq(request->url.text, "http://a/");
    ck_assert_pstr_eq(header_values(request->options, "Authorization"),
                      userinfos[_i].authorization);
    ck_assert_str_eq(request->options->method, "GET");
}
END_TEST

START_TEST(userinfo_does_not_replace_a_header_of_the_defaults)
{
    const struct request *request = must_parse_request(
        "{'defaults':{'headers':{'Authorization':'Bearer x'}},'urls':['http://u:p@a/']}");

    ck_assert_str_eq(header_values(request->options, "Authorization"), "Bearer x");
}
END_TEST

START_TEST(secrets_are_in_no_defect)
{
    static const char *const documents[] = {
        "['http://u:secret@a:x/']",
        "['secret:secret@a']",
        "[{'url':'http://a/','headers':{'X':'secret\\n'}}]",
        "[{'url':'http://a/','method':'secret '}]",
        "[{'url':'http://a/','body':'secret','json':'secret'}]",
        "[{'url':'http://a/','auth':{'token':'secret'}}]",
        "[{'url':'http://a/','body_base64':'secret!'}]",
    };

    must_refuse(documents[_i], 422);
    for (size_t i = 0; i < parsed.defects.n_defects; i++)
        ck_assert_ptr_null(strstr(parsed.defects.defects[i].detail, "secret"));
    ck_assert_ptr_null(strstr(parsed.refusal.detail, "secret"));
}
END_TEST

Suite *suite_parse_request(void);

Suite *suite_parse_request(void)
{
    Suite *suite = suite_create("daemon/model/parse_request");
    TCase *tcase = parse_case(suite, "parse_request");

    tcase_add_test(tcase, options_of_a_request_are_its_own);
    tcase_add_test(tcase, a_method_of_32_characters_is_accepted_as_it_is);
    tcase_add_test(tcase, defaults_count_where_a_request_says_nothing);
    tcase_add_test(tcase, objects_merge_deeply);
    tcase_add_test(tcase, an_array_replaces_that_of_the_defaults);
    tcase_add_test(tcase, too_many_captured_headers_are_a_defect);
    tcase_add_test(tcase, each_repetition_is_an_item_beside_its_siblings);
    tcase_add_loop_test(tcase, headers_merge_without_regard_to_case, 0, N_ELEMENTS(headers));
    tcase_add_test(tcase, headers_stay_in_order);
    tcase_add_test(tcase, a_hundred_headers_are_accepted_and_not_more);
    tcase_add_loop_test(tcase, a_body_is_sent_with_its_type, 0, N_ELEMENTS(bodies));
    tcase_add_test(tcase, a_content_type_of_the_defaults_is_kept);
    tcase_add_test(tcase, a_method_that_is_given_is_kept_with_a_body);
    tcase_add_test(tcase, a_body_changes_nothing_for_other_requests);
    tcase_add_loop_test(tcase, userinfo_becomes_a_header_unless_one_is_given, 0,
                        N_ELEMENTS(userinfos));
    tcase_add_test(tcase, userinfo_does_not_replace_a_header_of_the_defaults);
    tcase_add_loop_test(tcase, secrets_are_in_no_defect, 0, 7);
    return suite;
}
