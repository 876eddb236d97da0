#include "daemon/model/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/daemon/model/parse_fixture.h"
#include "tests/support/fault.h"

/* --- The same batch, said in different ways --------------------------------------------------- */

static const struct {
    const char *type, *text;
} shorthands[] = {
    {NULL, "['http://a/','http://b/2']"},
    {"application/json", "[{'url':'http://a/'},{'url':'http://b/2'}]"},
    {"application/json; charset=utf-8", "['http://a/',{'url':'http://b/2'}]"},
    {"", "{'urls':['http://a/','http://b/2']}"},
    {"application/x-www-form-urlencoded", "{'requests':['http://a/','http://b/2']}"},
    {"application/xml", "{'requests':[{'url':'http://a/'},'http://b/2']}"},
    {"text/plain", "\r\n\t ['http://a/',\n'http://b/2'] \n"},
    {"TEXT/PLAIN", "{'urls':['http://a/','http://b/2']}"},
    {"application/x-ndjson", "['http://a/','http://b/2']"},
    {"application/x-ndjson", "{'urls':['http://a/','http://b/2']}\n"},
    {"application/x-ndjson", "{'urls':[\n'http://a/','http://b/2']}\n"},
    {"application/x-ndjson", "'http://a/'\n'http://b/2'\n"},
    {"application/x-ndjson", "\n'http://a/'\r\n \t\r\n{'url':'http://b/2'}"},
    {"application/x-ndjson; v=1", "{'url':'http://a/'}\n{'url':'http://b/2'}\n\n"},
    {"text/plain", "http://a/\nhttp://b/2\n"},
    {"text/plain;charset=utf-8", "\n  http://a/  \r\n# no\r\n\r\n\thttp://b/2"},
    {"text/uri-list", "# http://c/\r\nhttp://a/\r\nhttp://b/2\r\n"},
    {NULL, "['\\u0068ttp:\\/\\/a','http:\\/\\/b/2']"},
};

START_TEST(every_shorthand_is_the_same_batch)
{
    parse_typed(shorthands[_i].type, shorthands[_i].text);
    ck_assert_msg(parsed.rc == 0, "%s", parsed.refusal.detail);
    ck_assert_uint_eq(parsed.spec->n_requests, 2);
    ck_assert_uint_eq(parsed.spec->n_items, 2);
    ck_assert_str_eq(parsed.spec->requests[0].url.text, "http://a/");
    ck_assert_str_eq(parsed.spec->requests[1].url.text, "http://b/2");
    ck_assert_ptr_eq(parsed.spec->requests[0].options, parsed.spec->requests[1].options);
    ck_assert_ptr_null(parsed.spec->requests[0].url_text);
    ck_assert_uint_eq(parsed.defects.n_found, 0);
}
END_TEST

START_TEST(one_line_of_ndjson_is_a_batch)
{
    parse_typed("application/x-ndjson", _i == 0 ? "'http://a/'" : "{'url':'http://a/'}\n");
    ck_assert_int_eq(parsed.rc, 0);
    ck_assert_uint_eq(parsed.spec->n_items, 1);
}
END_TEST

START_TEST(urls_of_a_query_are_a_batch)
{
    const char *const urls[] = {"http://a/", "http://b/?q"};

    parsed.rc =
        job_parse_urls(&parse_settings, urls, 2, &parsed.defects, &parsed.refusal, &parsed.spec);
    ck_assert_int_eq(parsed.rc, 0);
    ck_assert_uint_eq(parsed.spec->n_items, 2);
    ck_assert_str_eq(parsed.spec->requests[1].url.text, "http://b/?q");
}
END_TEST

START_TEST(a_bad_url_of_a_query_is_a_defect_at_its_index)
{
    const char *const urls[] = {"http://a/", "nonsense"};

    parsed.rc =
        job_parse_urls(&parse_settings, urls, 2, &parsed.defects, &parsed.refusal, &parsed.spec);
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_int_eq(parsed.refusal.status, 422);
    ck_assert_str_eq(find_defect("/1")->code, "invalid_url");
}
END_TEST

START_TEST(no_urls_in_a_query_are_a_defect)
{
    parsed.rc =
        job_parse_urls(&parse_settings, NULL, 0, &parsed.defects, &parsed.refusal, &parsed.spec);
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_str_eq(parsed.defects.defects[0].code, "no_requests");
}
END_TEST

/* --- What cannot be read ---------------------------------------------------------------------- */

#define NESTED_64 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["

static const struct {
    const char *type, *text;
    int status;
    const char *code, *word;
} refusals[] = {
    {NULL, "", 400, "invalid_json", "document is empty"},
    {NULL, " \n", 400, "invalid_json", "document is empty"},
    {NULL, "nonsense", 400, "invalid_json", "Line 1"},
    {NULL, "{", 400, "invalid_json", "too early"},
    {NULL, "['http://a/'", 400, "invalid_json", "too early"},
    {NULL, "[1,]", 400, "invalid_json", "not JSON"},
    {NULL, "{,}", 400, "invalid_json", "not JSON"},
    {NULL, "[\"\n\"]", 400, "invalid_json", "not JSON"},
    {NULL, "[01]", 400, "invalid_json", "not JSON"},
    {NULL, "[NaN]", 400, "invalid_json", "not JSON"},
    {NULL, "['\\ud800']", 400, "invalid_json", "not JSON"},
    {NULL, "\xef\xbb\xbf[]", 400, "invalid_json", "byte order mark"},
    {NULL, "['http://a/']x", 400, "invalid_json", "follows"},
    {NULL, "['http://a/'] {}", 400, "invalid_json", "follows"},
    {NULL, "['http://a/',\n'http://b/',\n oops]", 400, "invalid_json", "Line 3, column 5"},
    {NULL, "['http://a\\u0000b/']", 400, "nul_character", "\\u0000"},
    {NULL, "[{'u\\u0000rl':1}]", 400, "nul_character", "\\u0000"},
    {NULL, "[1e400]", 400, "number_out_of_range", "too large"},
    {NULL, "[1000000000000000000000000000000]", 400, "number_out_of_range", "too large"},
    {NULL, "['\xff']", 400, "invalid_utf8", "Line 1"},
    {NULL, "[\n'\xc0\xaf']", 400, "invalid_utf8", "Line 2"},
    {NULL, "['\xed\xa0\x80']", 400, "invalid_utf8", "UTF-8"},
    {"text/plain", "http://a/\nhttp://b/\xe2\x82", 400, "invalid_utf8", "Line 2"},
    {NULL, "http://a/\nhttp://b/", 400, "invalid_json", "text/uri-list"},
    {NULL, NESTED_64 "[", 400, "too_deep", "Line 1, column 65"},
    {NULL, "{'a':\n" NESTED_64, 400, "too_deep", "Line 2, column 64: arrays"},
    {NULL, "{'requests':[],'requests':[]}", 400, "duplicate_key", "\"requests\""},
    {NULL, "[{'url':'http://a/',\n'a\\'b\\\\':1, 'a\\'b\\\\':2}]", 400, "duplicate_key", "Line 2"},
    {NULL, "{'a':1,'a':2}", 400, "duplicate_key", "key \"a\" is"},
    {NULL, "{'':1,'':2}", 400, "duplicate_key", "key \"\" is"},
    {"text/plain", "['http://a/'", 400, "invalid_json", "too early"},
    {"text/uri-list", " {", 400, "invalid_json", "too early"},
    {"image/png", "[", 400, "invalid_json", "too early"},
    {"image/png", "<a/>", 415, "unsupported_media_type", "ndjson"},
    {"application/xml", "", 415, "unsupported_media_type", "text/plain"},
    {"application/x-www-form-urlencoded", "a=b", 400, "invalid_json", "not JSON"},
    {"application/x-ndjson", "'http://a/'\n'http://b/'\noops\n", 400, "invalid_json",
     "Line 3, column 4"},
    {"application/x-ndjson", "oops\n'http://b/'\n", 400, "invalid_json", "Line 1"},
    {"application/x-ndjson", "'http://a/'\n{'url':'x','url':'y'}\n", 400, "duplicate_key",
     "Line 2"},
    {"application/x-ndjson", "'http://a/'\n" NESTED_64 "[", 400, "too_deep", "Line 2"},
};

START_TEST(what_cannot_be_read_is_refused_with_the_place)
{
    parse_typed(refusals[_i].type, refusals[_i].text);
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_int_eq(parsed.refusal.status, refusals[_i].status);
    ck_assert_str_eq(parsed.refusal.code, refusals[_i].code);
    ck_assert_msg(strstr(parsed.refusal.detail, refusals[_i].word) != NULL, "%s",
                  parsed.refusal.detail);
    ck_assert_ptr_null(parsed.spec);
}
END_TEST

START_TEST(a_nul_byte_is_refused_everywhere)
{
    static const char *const types[] = {NULL, "text/plain", "application/x-ndjson", "image/png"};
    static const char inside[] = "http://a/\n\"http://b/\0\"", after[] = "[\"http://a/\"]\0";

    parse_bytes(types[_i], inside, sizeof(inside) - 1);
    ck_assert_str_eq(parsed.refusal.code, "nul_character");
    ck_assert_ptr_nonnull(strstr(parsed.refusal.detail, "Line 2"));
    parse_bytes(types[_i], after, sizeof(after) - 1);
    ck_assert_str_eq(parsed.refusal.code, "nul_character");
}
END_TEST

START_TEST(ten_thousand_levels_are_refused)
{
    static char text[50000];

    memset(text, '[', 10000);
    memset(text + 10000, ']', 10000);
    parse_bytes(NULL, text, 20000);
    ck_assert_str_eq(parsed.refusal.code, "too_deep");
    for (size_t i = 0; i < 10000; i++)
        memcpy(text + 5 * i, "{\"a\":", 5);
    parse_bytes(NULL, text, sizeof(text));
    ck_assert_str_eq(parsed.refusal.code, "too_deep");
}
END_TEST

START_TEST(sixty_four_levels_and_brackets_in_strings_are_fine)
{
    static char text[20000];
    char *end = text + sprintf(text, "[{\"url\":\"http://a/\",\"json\":");

    memset(end, '[', 62);
    memset(end + 62, ']', 62);
    sprintf(end + 124, ",\"method\":\"PUT\",\"id\":\"[[{{\"},{\"url\":\"http://a/\",\"body\":\"");
    end += strlen(end);
    memset(end, '[', 10000);
    strcpy(end + 10000, "\"}]");
    parse_bytes(NULL, text, strlen(text));
    ck_assert_msg(parsed.rc == 0, "%s", parsed.refusal.detail);
}
END_TEST

START_TEST(a_duplicate_key_that_is_long_is_cut)
{
    static char text[3000];
    char *end = text;

    for (int i = 0; i < 2; i++) {
        end += sprintf(end, "%c\"", i == 0 ? '{' : ',');
        memset(end, 'k', 1000);
        end = stpcpy(end + 1000, "\":1");
    }
    parse_bytes(NULL, text, (size_t)(end - text));
    ck_assert_str_eq(parsed.refusal.code, "duplicate_key");
    ck_assert_ptr_nonnull(strstr(parsed.refusal.detail, "kkkk... is there twice"));
}
END_TEST

/* --- What is wrong in it ---------------------------------------------------------------------- */

static const struct expected_defect defects[] = {
    /* the document */
    {"5", "", "wrong_type", "not a number"},
    {"null", "", "wrong_type", "not null"},
    {"true", "", "wrong_type", "not true"},
    {"'text'", "", "wrong_type", "an array of requests or an object"},
    {"{}", "/requests", "missing_member", "urls"},
    {"[]", "", "no_requests", "nothing"},
    {"{'requests':[]}", "/requests", "no_requests", "nothing"},
    {"{'urls':[]}", "/urls", "no_requests", "nothing"},
    {"{'requests':{}}", "/requests", "wrong_type", "an array, not an object"},
    {"{'urls':'http://a/'}", "/urls", "wrong_type", "not a string"},
    {"{'requests':['http://a/'],'urls':['http://a/']}", "/urls", "conflicting_members", "both"},
    {"{'requsts':['http://a/']}", "/requsts", "unknown_member", "mean \"requests\""},
    {"{'urls':['http://a/'],'dedline_ms':1}", "/dedline_ms", "unknown_member", "\"deadline_ms\""},
    {"{'urls':['http://a/'],'Limits':{}}", "/Limits", "unknown_member", "\"limits\""},
    {"{'urls':['http://a/'],'zzzzzz':{}}", "/zzzzzz", "unknown_member", "member \"zzzzzz\""},
    {"{'urls':['http://a/'],'':{}}", "/", "unknown_member", "member \"\""},
    {"{'urls':['http://a/'],'timeout_ms':1}", "/timeout_ms", "unknown_member",
     "here; it belongs in \"defaults\" or a request"},
    {"{'urls':['http://a/'],'on_failure':'continue'}", "/on_failure", "unknown_member",
     "it belongs in \"gather\""},
    {"{'urls':['http://a/'],'concurrency':1}", "/concurrency", "unknown_member",
     "it belongs in \"limits\""},
    {"[{'url':'http://a/','weight':1}]", "/0/weight", "unknown_member",
     "it belongs in the document itself"},
    {"[{'url':'http://a/','max_attempts':1}]", "/0/max_attempts", "unknown_member",
     "it belongs in \"retry\""},
    {"{'urls':['http://a/'],'name':5}", "/name", "wrong_type", "a string, not a number"},
    {"{'urls':['http://a/'],'labels':['a']}", "/labels", "wrong_type", "an object, not an array"},
    {"{'urls':['http://a/'],'labels':{'a':5}}", "/labels/a", "wrong_type", "a string"},
    {"{'urls':['http://a/'],'defaults':[]}", "/defaults", "wrong_type", "an object"},
    {"{'urls':['http://a/'],'defaults':{'timeout':5}}", "/defaults/timeout", "unknown_member",
     "\"timeout_ms\""},
    {"{'urls':['http://a/'],'defaults':{'timeout_ms':-1}}", "/defaults/timeout_ms", "out_of_range",
     "0.001 to 86400000"},
    {"{'urls':['http://a/'],'defaults':{'url':'http://a/'}}", "/defaults/url", "unknown_member",
     "url"},
    {"{'urls':['http://a/'],'defaults':{'headers':{'X-A':'\\n'}}}", "/defaults/headers/X-A",
     "invalid_header", "line breaks"},
    {"{'urls':['http://a/'],'limits':5}", "/limits", "wrong_type", "an object"},
    {"{'urls':['http://a/'],'limits':{'concurency':1}}", "/limits/concurency", "unknown_member",
     "\"concurrency\""},
    {"{'urls':['http://a/'],'limits':{'concurrency':0}}", "/limits/concurrency", "out_of_range",
     "1 to"},
    {"{'urls':['http://a/'],'limits':{'concurrency':1.5}}", "/limits/concurrency", "wrong_type",
     "whole number"},
    {"{'urls':['http://a/'],'limits':{'concurrency':true}}", "/limits/concurrency", "wrong_type",
     "not true"},
    {"{'urls':['http://a/'],'limits':{'per_host_concurrency':-1}}", "/limits/per_host_concurrency",
     "out_of_range", "1 to"},
    {"{'urls':['http://a/'],'limits':{'per_host_rate':5}}", "/limits/per_host_rate", "wrong_type",
     "an object"},
    {"{'urls':['http://a/'],'limits':{'per_host_rate':{'requests':0,'per_ms':1}}}",
     "/limits/per_host_rate/requests", "out_of_range", "1 to"},
    {"{'urls':['http://a/'],'limits':{'per_host_rate':{'requests':1,'per_ms':0}}}",
     "/limits/per_host_rate/per_ms", "out_of_range", "0.001"},
    {"{'urls':['http://a/'],'limits':{'per_host_rate':{'requests':1}}}",
     "/limits/per_host_rate/per_ms", "missing_member", "per_ms"},
    {"{'urls':['http://a/'],'gather':'all'}", "/gather", "wrong_type", "an object"},
    {"{'urls':['http://a/'],'gather':{'untill':'all'}}", "/gather/untill", "unknown_member",
     "\"until\""},
    {"{'urls':['http://a/'],'gather':{'until':'some'}}", "/gather/until", "invalid_value",
     "\"all\", \"first_success\", \"first_completed\""},
    {"{'urls':['http://a/'],'gather':{'until':1}}", "/gather/until", "wrong_type",
     "a string or an object"},
    {"{'urls':['http://a/'],'gather':{'until':{'successes':0}}}", "/gather/until/successes",
     "out_of_range", "1 to"},
    {"{'urls':['http://a/'],'gather':{'until':{'sucesses':1}}}", "/gather/until/sucesses",
     "unknown_member", "\"successes\""},
    {"{'urls':['http://a/'],'gather':{'until':{}}}", "/gather/until/successes", "missing_member",
     "successes"},
    {"{'urls':['http://a/'],'gather':{'on_failure':'panic'}}", "/gather/on_failure",
     "invalid_value", "cancel_rest"},
    {"{'urls':['http://a/'],'deadline_ms':'1'}", "/deadline_ms", "wrong_type", "milliseconds"},
    {"{'urls':['http://a/'],'deadline_ms':0}", "/deadline_ms", "out_of_range", "0.001"},
    {"{'urls':['http://a/'],'ttl_ms':1e15}", "/ttl_ms", "out_of_range", "2592000000"},
    {"{'urls':['http://a/'],'on_invalid':'ignore'}", "/on_invalid", "invalid_value", "report"},
    {"{'urls':['http://a/'],'callback':{'url':'x'}}", "/callback/url", "invalid_url", "http"},
    {"{'urls':['http://a/'],'fields':['id']}", "/fields", "not_supported", "results?fields="},

    /* requests */
    {"[5]", "/0", "wrong_type", "a URL or an object, not a number"},
    {"['http://a/',[]]", "/1", "wrong_type", "not an array"},
    {"{'urls':['http://a/',null]}", "/urls/1", "wrong_type", "not null"},
    {"{'requests':['http://a/',true]}", "/requests/1", "wrong_type", "not true"},
    {"[{'method':'GET'}]", "/0/url", "missing_member", "\"url\" is missing"},
    {"[{'url':5}]", "/0/url", "wrong_type", "a string"},
    {"[{'url':null}]", "/0/url", "wrong_type", "not null"},
    {"['']", "/0", "invalid_url", "http://"},
    {"['/path']", "/0", "invalid_url", "http://"},
    {"['http://a b/']", "/0", "invalid_url", "spaces"},
    {"['http://a/\\r\\nX: 1']", "/0", "invalid_url", "line breaks"},
    {"{'urls':['http://a/','http://a:99999/']}", "/urls/1", "invalid_url", "65535"},
    {"[{'url':'http://256.0.0.1/'}]", "/0/url", "invalid_url", "IPv4"},
    {"{'requests':[{'url':'ftp://a/'}]}", "/requests/0/url", "unsupported_scheme", "http://"},
    {"['javascript://a/']", "/0", "unsupported_scheme", "https://"},
    {"[{'url':'http://a/','metod':'PUT'}]", "/0/metod", "unknown_member", "\"method\""},
    {"[{'url':'http://a/','header':{}}]", "/0/header", "unknown_member", "\"headers\""},
    {"[{'url':'http://a/','bdy':''}]", "/0/bdy", "unknown_member", "\"body\""},
    {"[{'url':'http://a/','id':5}]", "/0/id", "wrong_type", "a string"},
    {"[{'url':'http://a/','method':7}]", "/0/method", "wrong_type", "a string"},
    {"[{'url':'http://a/','method':''}]", "/0/method", "invalid_method", "32"},
    {"[{'url':'http://a/','method':'get'}]", "/0/method", "invalid_method", "\"GET\""},
    {"[{'url':'http://a/','method':'Options'}]", "/0/method", "invalid_method", "\"OPTIONS\""},
    {"[{'url':'http://a/','method':'GET '}]", "/0/method", "invalid_method", "letters"},
    {"[{'url':'http://a/','method':'G,T'}]", "/0/method", "invalid_method", "letters"},
    {"[{'url':'http://a/','method':'G\xc3\x89T'}]", "/0/method", "invalid_method", "letters"},
    {"[{'url':'http://a/','method':'GET\\r\\nX: 1'}]", "/0/method", "invalid_method", "letters"},
    {"[{'url':'http://a/','method':'MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM'}]", "/0/method",
     "invalid_method", "32"},
    {"[{'url':'http://a/','method':'CONNECT'}]", "/0/method", "not_supported", "tunnel"},
    {"[{'url':'http://a/','timeout_ms':'5'}]", "/0/timeout_ms", "wrong_type", "a number"},
    {"[{'url':'http://a/','timeout_ms':0}]", "/0/timeout_ms", "out_of_range", "0.001"},
    {"[{'url':'http://a/','timeout_ms':0.0009}]", "/0/timeout_ms", "out_of_range", "0.001"},
    {"[{'url':'http://a/','connect_timeout_ms':-0.001}]", "/0/connect_timeout_ms", "out_of_range",
     "0.001"},
    {"[{'url':'http://a/','first_byte_timeout_ms':1e300}]", "/0/first_byte_timeout_ms",
     "out_of_range", "86400000"},
    {"[{'url':'http://a/','idle_timeout_ms':9223372036854775807}]", "/0/idle_timeout_ms",
     "out_of_range", "86400000"},
    {"[{'url':'http://a/','queue_timeout_ms':null}]", "/0/queue_timeout_ms", "wrong_type",
     "not null"},
    {"[{'url':'http://a/','follow_redirects':'yes'}]", "/0/follow_redirects", "wrong_type",
     "true or false, not a string"},
    {"[{'url':'http://a/','max_redirects':21}]", "/0/max_redirects", "out_of_range", "0 to 20"},
    {"[{'url':'http://a/','max_redirects':-1}]", "/0/max_redirects", "out_of_range", "0 to 20"},
    {"[{'url':'http://a/','max_redirects':1e300}]", "/0/max_redirects", "out_of_range", "0 to"},
    {"[{'url':'http://a/','max_redirects':-0.001}]", "/0/max_redirects", "wrong_type", "whole"},
    {"[{'url':'http://a/','repeat':'5'}]", "/0/repeat", "wrong_type", "a number or an object"},
    {"[{'url':'http://a/','repeat':0}]", "/0/repeat", "out_of_range", "1 to"},
    {"[{'url':'http://a/','repeat':-3}]", "/0/repeat", "out_of_range", "1 to"},
    {"[{'url':'http://a/','repeat':2.5}]", "/0/repeat", "wrong_type", "whole"},
    {"[{'url':'http://a/','repeat':9223372036854775807}]", "/0/repeat", "out_of_range", "1 to"},
    {"[{'url':'http://a/','repeat':{'count':0}}]", "/0/repeat/count", "out_of_range", "1 to"},
    {"[{'url':'http://a/','repeat':{'interval_ms':1}}]", "/0/repeat/count", "missing_member",
     "count"},
    {"[{'url':'http://a/','repeat':{'count':2,'interval_ms':-1}}]", "/0/repeat/interval_ms",
     "out_of_range", "0 to"},
    {"[{'url':'http://a/','capture':'none'}]", "/0/capture", "wrong_type", "an object"},
    {"[{'url':'http://a/','capture':{'bdy':''}}]", "/0/capture/bdy", "unknown_member", "\"body\""},
    {"[{'url':'http://a/','capture':{'body':'some'}}]", "/0/capture/body", "invalid_value",
     "\"none\", \"full\""},
    {"[{'url':'http://a/','capture':{'body':true}}]", "/0/capture/body", "wrong_type",
     "a string, not true"},
    {"[{'url':'http://a/','capture':{'max_body_bytes':1048577}}]", "/0/capture/max_body_bytes",
     "out_of_range", "0 to 1048576"},
    {"[{'url':'http://a/','capture':{'headers':'etag'}}]", "/0/capture/headers", "wrong_type",
     "an array"},
    {"[{'url':'http://a/','capture':{'headers':['etag',5]}}]", "/0/capture/headers/1", "wrong_type",
     "a string"},
    {"[{'url':'http://a/','capture':{'headers':['e tag']}}]", "/0/capture/headers/0",
     "invalid_header", "name"},

    /* headers */
    {"[{'url':'http://a/','headers':[]}]", "/0/headers", "wrong_type", "an object"},
    {"[{'url':'http://a/','headers':{'X-A':1}}]", "/0/headers/X-A", "wrong_type",
     "a string or an array of strings, not a number"},
    {"[{'url':'http://a/','headers':{'X-A':['ok',{}]}}]", "/0/headers/X-A/1", "wrong_type",
     "a string, not an object"},
    {"[{'url':'http://a/','headers':{'X-A':'a\\r\\nX-B: 1'}}]", "/0/headers/X-A", "invalid_header",
     "line breaks"},
    {"[{'url':'http://a/','headers':{'X-A':['ok','a\\rb']}}]", "/0/headers/X-A/1", "invalid_header",
     "line breaks"},
    {"[{'url':'http://a/','headers':{'X-A':'\\u007f'}}]", "/0/headers/X-A", "invalid_header",
     "control"},
    {"[{'url':'http://a/','headers':{'':'1'}}]", "/0/headers/", "invalid_header", "name"},
    {"[{'url':'http://a/','headers':{'X A':'1'}}]", "/0/headers/X A", "invalid_header", "name"},
    {"[{'url':'http://a/','headers':{'X:A':'1'}}]", "/0/headers/X:A", "invalid_header", "name"},
    {"[{'url':'http://a/','headers':{'X\\r\\nY':'1'}}]", "/0/headers/X\r\nY", "invalid_header",
     "name"},
    {"[{'url':'http://a/','headers':{'X-\xc3\x89':'1'}}]", "/0/headers/X-\xc3\x89",
     "invalid_header", "name"},
    {"[{'url':'http://a/','headers':{'a/b~c':'1'}}]", "/0/headers/a~1b~0c", "invalid_header",
     "name"},
    {"[{'url':'http://a/','headers':{'Content-Length':'1'}}]", "/0/headers/Content-Length",
     "forbidden_header", "gatherd"},
    {"[{'url':'http://a/','headers':{'transfer-encoding':'x'}}]", "/0/headers/transfer-encoding",
     "forbidden_header", "gatherd"},
    {"[{'url':'http://a/','headers':{'CONNECTION':'x'}}]", "/0/headers/CONNECTION",
     "forbidden_header", "gatherd"},
    {"[{'url':'http://a/','headers':{'Expect':null}}]", "/0/headers/Expect", "forbidden_header",
     "gatherd"},
    {"[{'url':'http://a/','headers':{'TE':['x']}}]", "/0/headers/TE", "forbidden_header",
     "gatherd"},
    {"[{'url':'http://a/','headers':{'X-A':'1','x-a':'2'}}]", "/0/headers/x-a", "duplicate_header",
     "array"},
    {"[{'url':'http://a/','headers':{'Host':['a','b']}}]", "/0/headers/Host/1", "invalid_header",
     "once"},

    /* bodies */
    {"[{'url':'http://a/','body':5}]", "/0/body", "wrong_type", "a string"},
    {"[{'url':'http://a/','body_base64':5}]", "/0/body_base64", "wrong_type", "a string"},
    {"[{'url':'http://a/','body_base64':'YQ='}]", "/0/body_base64", "invalid_base64", "padding"},
    {"[{'url':'http://a/','form':'a=1'}]", "/0/form", "wrong_type", "an object"},
    {"[{'url':'http://a/','form':{'a':1}}]", "/0/form/a", "wrong_type", "array of strings"},
    {"[{'url':'http://a/','body':'a','json':{}}]", "/0/json", "conflicting_members", "\"body\""},
    {"[{'url':'http://a/','form':{},'body_base64':''}]", "/0/body_base64", "conflicting_members",
     "\"form\""},
};

START_TEST(a_defect_has_a_pointer_a_code_and_a_sentence)
{
    must_find_defect(&defects[_i]);
    ck_assert_str_eq(parsed.refusal.code, "invalid_request");
}
END_TEST

START_TEST(nonsense_gets_no_suggestion)
{
    must_refuse("{'urls':['http://a/'],'zzzzzz':1}", 422);
    ck_assert_ptr_null(strstr(parsed.defects.defects[0].detail, "mean"));
}
END_TEST

START_TEST(all_defects_are_reported_at_once)
{
    must_refuse("{'requests':[{'url':'ftp://x/'},'http://a/',"
                "{'url':'http://a/','method':'A B','timeout_ms':-1}],'deadline_ms':'x'}",
                422);
    ck_assert_uint_eq(parsed.defects.n_found, 4);
    ck_assert_ptr_nonnull(find_defect("/requests/0/url"));
    ck_assert_ptr_nonnull(find_defect("/requests/2/method"));
    ck_assert_ptr_nonnull(find_defect("/requests/2/timeout_ms"));
    ck_assert_ptr_nonnull(find_defect("/deadline_ms"));
    ck_assert_str_eq(parsed.refusal.detail, "The request has 4 errors.");
}
END_TEST

START_TEST(defects_of_lines_have_the_index_as_pointer_and_say_the_line)
{
    parse_typed("text/plain", "http://a/\n\n# no\nnonsense\nftp://x/\n");
    ck_assert_str_eq(find_defect("/1")->code, "invalid_url");
    ck_assert_int_eq(strncmp(find_defect("/1")->detail, "line 4: ", 8), 0);
    ck_assert_int_eq(strncmp(find_defect("/2")->detail, "line 5: ", 8), 0);

    parse_typed("application/x-ndjson", "'http://a/'\n\n{'url':'http://a/','x':1}\n5\n");
    ck_assert_int_eq(parsed.refusal.status, 422);
    ck_assert_int_eq(strncmp(find_defect("/1/x")->detail, "line 3: ", 8), 0);
    ck_assert_int_eq(strncmp(find_defect("/2")->detail, "line 4: ", 8), 0);
}
END_TEST

START_TEST(texts_without_requests_are_a_defect)
{
    static const char *const types[] = {"text/plain", "text/uri-list"};

    parse_typed(types[_i], "\n# nothing\n\r\n");
    ck_assert_int_eq(parsed.refusal.status, 422);
    ck_assert_str_eq(find_defect("")->code, "no_requests");
}
END_TEST

static char *repeated(const char *head, const char *text, size_t n, const char *tail)
{
    char *document = malloc(strlen(head) + n * (strlen(text) + 1) + strlen(tail) + 1);
    char *end = stpcpy(document, head);

    for (size_t i = 0; i < n; i++)
        end = stpcpy(stpcpy(end, i > 0 ? "," : ""), text);
    strcpy(end, tail);
    return document;
}

START_TEST(of_ten_thousand_defects_the_first_hundred_are_described)
{
    static const struct {
        const char *head, *text, *tail;
    } documents[] = {
        {"[", "5", "]"},
        {"{'urls':[", "'ftp://x/'", "]}"},
        {"[", "{'url':'http://a/','metod':1}", "]"},
    };
    char *text = repeated(documents[_i].head, documents[_i].text, 10000, documents[_i].tail);

    parse_settings.max_items = 20000;
    must_refuse(text, 422);
    ck_assert_uint_eq(parsed.defects.n_defects, 100);
    ck_assert_uint_eq(parsed.defects.n_found, 10000);
    ck_assert_uint_lt(parsed.defects.arena.n_bytes, 300000);
    ck_assert_str_eq(parsed.refusal.detail, "The request has 10000 errors.");
    free(text);
}
END_TEST

START_TEST(huge_texts_are_not_repeated)
{
    static const struct {
        const char *head, *tail;
    } documents[] = {
        {"[{\"url\":\"http://a/\",\"", "\":1}]"},
        {"[{\"url\":\"http://a/\",\"", "\":{\"a\":{}}}]"},
        {"[{\"url\":\"", "\"}]"},
        {"[{\"url\":\"http://a/\",\"method\":\"", "\"}]"},
        {"[{\"url\":\"http://a/\",\"headers\":{\"", "\":\"1\"}}]"},
        {"[{\"url\":\"http://a/\",\"headers\":{\"X\":\"", "\"}}]"},
        {"{\"urls\":[\"http://a/\"],\"labels\":{\"", "\":\"1\"}}"},
        {"{\"urls\":[\"http://a/\"],\"name\":\"", "\"}"},
    };
    size_t n = 500000;
    char *text = malloc(n + 200), *end = stpcpy(text, documents[_i].head);

    memset(end, 'm', n);
    strcpy(end + n, documents[_i].tail);
    parse_bytes(NULL, text, strlen(text));
    free(text);
    ck_assert_int_eq(parsed.refusal.status, 422);
    const struct defect *defect = &parsed.defects.defects[0];
    ck_assert_uint_lt(strlen(defect->detail), 200);
    ck_assert_uint_lt(strlen(defect->pointer), 30);
}
END_TEST

START_TEST(a_pointer_that_gets_too_long_is_that_of_the_nearest_value_around)
{
    char text[2000];
    char *end = stpcpy(text, "[{\"url\":\"http://a/\",\"headers\":{\"");

    memset(end, '/', 254);
    strcpy(end + 254, "\":\"1\"}}]");
    parse_bytes(NULL, text, strlen(text));
    ck_assert_str_eq(parsed.defects.defects[0].pointer, "/0/headers");
}
END_TEST

/* --- Limits ----------------------------------------------------------------------------------- */

static const struct {
    const char *type, *text;
} too_many[] = {
    {NULL, "['http://a/','http://a/','http://a/','http://a/']"},
    {NULL, "[5,5,5,5]"},
    {NULL, "{'urls':['http://a/','http://a/','http://a/','http://a/']}"},
    {NULL, "[{'url':'http://a/','repeat':4}]"},
    {NULL, "[{'url':'http://a/','repeat':2},{'url':'http://a/','repeat':{'count':2}}]"},
    {NULL, "[{'url':'http://a/','repeat':4294967295},{'url':'http://a/','repeat':4294967295}]"},
    {"application/x-ndjson", "'http://a/'\n'http://a/'\n'http://a/'\n'http://a/'\n"},
    {"text/plain", "http://a/\nhttp://a/\nhttp://a/\nhttp://a/\n"},
};

START_TEST(too_many_items_are_refused_with_the_limit_and_its_key)
{
    parse_settings.max_items = 3;
    parse_typed(too_many[_i].type, too_many[_i].text);
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_int_eq(parsed.refusal.status, 413);
    ck_assert_str_eq(parsed.refusal.code, "too_many_items");
    ck_assert_ptr_nonnull(strstr(parsed.refusal.detail, "more than 3 items"));
    ck_assert_ptr_nonnull(strstr(parsed.refusal.detail, "api.max_items"));
}
END_TEST

START_TEST(as_many_items_as_allowed_are_accepted)
{
    parse_settings.max_items = 3;
    ck_assert_uint_eq(must_parse("['http://a/',{'url':'http://a/','repeat':2}]")->n_items, 3);
}
END_TEST

START_TEST(a_batch_that_needs_too_much_memory_is_refused)
{
    static const char *const texts[] = {
        "[{'url':'http://a/','json':'%s'}]",          "[{'url':'http://a/','body':'%s'}]",
        "[{'url':'http://a/','body_base64':'%s'}]",   "[{'url':'http://a/','form':{'a':'%s'}}]",
        "[{'url':'http://a/','headers':{'a':'%s'}}]",
    };
    static char text[20000], value[10001];

    memset(value, 'a', 10000);
    sprintf(text, texts[_i], value);
    parse_settings.max_arena_bytes = 8000;
    must_refuse(text, 413);
    ck_assert_str_eq(parsed.refusal.code, "too_large");
    ck_assert_ptr_nonnull(strstr(parsed.refusal.detail, "8000"));

    parse_settings.max_arena_bytes = 100;
    must_refuse("['http://a/']", 413);
}
END_TEST

/* Documents of 1 MiB, made of one piece. */
static const struct {
    const char *piece;
    bool is_refused;
} pieces[] = {
    {"{}", true},
    {"[]", true},
    {"{'':0}", true},
    {"'http://a/'", false},
    {"{'url':'http://a/'}", false},
    {"{'url':'http://a/','headers':{'a':'b'}}", false},
};

START_TEST(json_of_too_many_small_values_is_refused)
{
    size_t size = 1 << 20, n = 0, before = fault_live();
    char *piece = with_double_quotes(pieces[_i].piece);
    size_t length = strlen(piece);
    char *text = malloc(size);

    for (; n + length + 2 < size; n += length + 1)
        sprintf(text + n, "%c%s", n == 0 ? '[' : ',', piece);
    text[n++] = ']';
    parse_settings.json_room = 64 * 1024;
    parse_settings.max_items = 1;
    ck_assert_int_eq(job_parse(&parse_settings, PARSE_GATHER, NULL, text, n, &parsed.defects,
                               &parsed.refusal, &parsed.spec),
                     1);
    ck_assert_str_eq(parsed.refusal.code, pieces[_i].is_refused ? "too_large" : "too_many_items");
    free(text);
    free(piece);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

/* --- What a document says of all requests ----------------------------------------------------- */

START_TEST(a_plain_batch_has_the_settings_of_the_daemon)
{
    const struct job_spec *spec = must_parse("['http://a/']");
    const struct fetch_options *options = spec->requests[0].options;

    ck_assert_str_eq(options->method, "GET");
    ck_assert_str_eq(header_values(options, "user-agent"), "gatherd/test");
    ck_assert_int_eq(options->timeout_us, 30000000);
    ck_assert(options->follow_redirects);
    ck_assert_uint_eq(options->max_redirects, 10);
    ck_assert(!options->capture_body);
    ck_assert_ptr_null(options->kept_headers);
    ck_assert_ptr_null(spec->name);
    ck_assert_uint_eq(spec->n_labels, 0);
    ck_assert_int_eq(spec->until, UNTIL_ALL);
    ck_assert(!spec->cancel_rest_on_failure);
    ck_assert_int_eq(spec->deadline_us, 0);
    ck_assert_uint_eq(spec->limits.concurrency, 0);
    ck_assert_ptr_null(spec->requests[0].id);
    ck_assert_ptr_null(spec->requests[0].body);
    ck_assert_uint_eq(spec->requests[0].n_repeats, 1);
}
END_TEST

START_TEST(name_labels_limits_and_times_are_taken_over)
{
    const struct job_spec *spec =
        must_parse("{'name':'nightly','labels':{'team':'web','':''},'deadline_ms':60000.5,"
                   "'ttl_ms':1,'limits':{'concurrency':50,'per_host_concurrency':6.0,"
                   "'per_host_rate':{'requests':3,'per_ms':1}},'urls':['http://a/']}");

    ck_assert_str_eq(spec->name, "nightly");
    ck_assert_uint_eq(spec->n_labels, 2);
    ck_assert_str_eq(spec->labels[0].key, "team");
    ck_assert_str_eq(spec->labels[0].value, "web");
    ck_assert_str_eq(spec->labels[1].key, "");
    ck_assert_int_eq(spec->deadline_us, 60000500);
    ck_assert_int_eq(spec->ttl_us, 1000);
    ck_assert_uint_eq(spec->limits.concurrency, 50);
    ck_assert_uint_eq(spec->limits.per_host_concurrency, 6);
    ck_assert_int_eq(spec->limits.per_host_interval_us, 334); /* 333.3 would be too fast */
}
END_TEST

START_TEST(too_many_labels_are_a_defect)
{
    char text[2000] = "{\"urls\":[\"http://a/\"],\"labels\":{";

    for (int i = 0; i < 65; i++)
        sprintf(text + strlen(text), "%s\"%d\":\"\"", i > 0 ? "," : "", i);
    strcat(text, "}}");
    must_refuse(text, 422);
    ck_assert_str_eq(find_defect("/labels")->code, "too_many");
}
END_TEST

static const struct {
    const char *gather;
    enum gather_until until;
    size_t n_successes;
    bool cancel_rest;
} policies[] = {
    {"{}", UNTIL_ALL, 0, false},
    {"{'until':'all','on_failure':'continue'}", UNTIL_ALL, 1, false},
    {"{'until':'first_success'}", UNTIL_SUCCESSES, 1, false},
    {"{'until':'first_completed'}", UNTIL_FIRST_COMPLETED, 1, false},
    {"{'until':{'successes':7},'on_failure':'cancel_rest'}", UNTIL_SUCCESSES, 7, true},
};

START_TEST(gather_policies_are_understood)
{
    char text[200];

    sprintf(text, "{'urls':['http://a/'],'gather':%s}", policies[_i].gather);
    const struct job_spec *spec = must_parse(text);
    ck_assert_int_eq(spec->until, policies[_i].until);
    ck_assert_uint_eq(spec->n_successes, policies[_i].n_successes);
    ck_assert_int_eq(spec->cancel_rest_on_failure, policies[_i].cancel_rest);
}
END_TEST

/* returns as job_parse() */
static int parse_gather(const char *text)
{
    parsed.rc = job_parse(&parse_settings, PARSE_GATHER, NULL, text, strlen(text), &parsed.defects,
                          &parsed.refusal, &parsed.spec);
    return parsed.rc;
}

START_TEST(only_a_stored_job_has_a_time_to_live)
{
    ck_assert_int_eq(parse_gather("{\"urls\":[\"http://a/\"],\"ttl_ms\":5}"), 1);
    ck_assert_str_eq(find_defect("/ttl_ms")->code, "not_supported");
}
END_TEST

/* --- The members of results that are wanted --------------------------------------------------- */

static const struct {
    const char *fields, *names;
} choices[] = {
    {"[\"id\", \"timings.total_ms\"]", "id,timings.total_ms"},
    {"\"ok\"", "ok"},
    {"[]", "index"},
};

START_TEST(members_of_results_are_chosen)
{
    struct result_fields expected = {0};
    char text[128];

    sprintf(text, "{\"urls\":[\"http://a/\"],\"fields\":%s}", choices[_i].fields);
    ck_assert_int_eq(parse_gather(text), 0);
    ck_assert_int_eq(result_fields_add_list(&expected, choices[_i].names), 0);
    ck_assert(result_fields_is_same(&parsed.spec->fields, &expected));
}
END_TEST

static const struct {
    const char *fields, *pointer, *code, *detail;
} bad_choices[] = {
    {"[\"ok\", \"statuscode\"]", "/fields/1", "invalid_value",
     "results have no such member; did you mean \"status_code\"?"},
    {"\"-\"", "/fields", "invalid_value", "results have no such member"},
    {"[5]", "/fields/0", "wrong_type", "must be a string, not a number"},
};

START_TEST(members_that_results_do_not_have_are_told)
{
    char text[128];

    sprintf(text, "{\"urls\":[\"http://a/\"],\"fields\":%s}", bad_choices[_i].fields);
    ck_assert_int_eq(parse_gather(text), 1);
    const struct defect *defect = find_defect(bad_choices[_i].pointer);
    ck_assert_str_eq(defect->code, bad_choices[_i].code);
    ck_assert_str_eq(defect->detail, bad_choices[_i].detail);
}
END_TEST

/* --- "on_invalid": "report" ------------------------------------------------------------------- */

static const struct {
    const char *url, *code, *shown;
} reported[] = {
    {"nonsense", "invalid_url", "nonsense"},
    {"ftp://x/y", "unsupported_scheme", "ftp://x/y"},
    {"http://user:pa55@host:99999/p", "invalid_url", "http://***@host:99999/p"},
    {"http://user:p a@55/w@host:x/p", "invalid_url", "http://***@host:x/p"},
    {"http:/user:pa55@host/", "invalid_url", "http:/***@host/"},
    {"user:pa55@host", "unsupported_scheme", "user:***@host"},
    {"//user:pa55@host", "invalid_url", "***@host"},
    {"pa55@@", "invalid_url", "***@"},
    {"", "invalid_url", ""},
};

START_TEST(reported_urls_are_results_and_show_no_password)
{
    char text[300];

    sprintf(text, "{'on_invalid':'report','urls':['http://a/','%s']}", reported[_i].url);
    const struct request *request = &must_parse(text)->requests[1];
    ck_assert_str_eq(request->defect->code, reported[_i].code);
    ck_assert_uint_gt(strlen(request->defect->message), 10);
    ck_assert_str_eq(request->url_text, reported[_i].shown);
    ck_assert_ptr_null(request->url.text);
    ck_assert_uint_eq(parsed.spec->n_items, 2);
    ck_assert_ptr_null(parsed.spec->requests[0].defect);
}
END_TEST

START_TEST(a_reported_url_may_be_after_the_requests_and_is_cut)
{
    static char text[20000];
    char *end = stpcpy(text, "{\"urls\":[\"");

    memset(end, 'x', 10000);
    strcpy(end + 10000, "\"],\"on_invalid\":\"report\"}");
    ck_assert_uint_lt(strlen(must_parse(text)->requests[0].url_text), 2000);
}
END_TEST

START_TEST(other_mistakes_are_defects_all_the_same)
{
    must_refuse("{'on_invalid':'report','requests':[5,{'url':7},{'url':'http://a/','x':1}]}", 422);
    ck_assert_uint_eq(parsed.defects.n_found, 3);
}
END_TEST

START_TEST(on_invalid_error_is_the_default)
{
    must_refuse("{'on_invalid':'error','urls':['nonsense']}", 422);
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

START_TEST(nothing_is_left_of_good_and_bad_documents)
{
    size_t before = fault_live();

    must_parse("{'name':'n','requests':[{'url':'http://u:p@a/','json':{'a':[1]}},'http://b/']}");
    job_spec_free(parsed.spec);
    parsed.spec = NULL;
    ck_assert_uint_eq(fault_live(), before);

    must_refuse("{'requests':['http://a/',{'url':'http://b/','x':1}]}", 422);
    defect_list_done(&parsed.defects);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

START_TEST(a_plain_url_costs_no_allocation_of_its_own_but_the_url)
{
    char *text = repeated("[", "'http://a.example/'", 1000, "]");
    size_t before = fault_live();

    must_parse(text);
    ck_assert_uint_le(fault_live() - before, 1000 + 10);
    free(text);
}
END_TEST

Suite *suite_parse(void);

Suite *suite_parse(void)
{
    Suite *suite = suite_create("daemon/model/parse");
    TCase *tcase = parse_case(suite, "parse");

    tcase_add_loop_test(tcase, every_shorthand_is_the_same_batch, 0, N_ELEMENTS(shorthands));
    tcase_add_loop_test(tcase, one_line_of_ndjson_is_a_batch, 0, 2);
    tcase_add_test(tcase, urls_of_a_query_are_a_batch);
    tcase_add_test(tcase, a_bad_url_of_a_query_is_a_defect_at_its_index);
    tcase_add_test(tcase, no_urls_in_a_query_are_a_defect);
    tcase_add_loop_test(tcase, what_cannot_be_read_is_refused_with_the_place, 0,
                        N_ELEMENTS(refusals));
    tcase_add_loop_test(tcase, a_nul_byte_is_refused_everywhere, 0, 4);
    tcase_add_test(tcase, ten_thousand_levels_are_refused);
    tcase_add_test(tcase, sixty_four_levels_and_brackets_in_strings_are_fine);
    tcase_add_test(tcase, a_duplicate_key_that_is_long_is_cut);
    tcase_add_loop_test(tcase, a_defect_has_a_pointer_a_code_and_a_sentence, 0,
                        N_ELEMENTS(defects));
    tcase_add_test(tcase, nonsense_gets_no_suggestion);
    tcase_add_test(tcase, all_defects_are_reported_at_once);
    tcase_add_test(tcase, defects_of_lines_have_the_index_as_pointer_and_say_the_line);
    tcase_add_loop_test(tcase, texts_without_requests_are_a_defect, 0, 2);
    tcase_add_loop_test(tcase, of_ten_thousand_defects_the_first_hundred_are_described, 0, 3);
    tcase_add_loop_test(tcase, huge_texts_are_not_repeated, 0, 8);
    tcase_add_test(tcase, a_pointer_that_gets_too_long_is_that_of_the_nearest_value_around);
    tcase_add_loop_test(tcase, too_many_items_are_refused_with_the_limit_and_its_key, 0,
                        N_ELEMENTS(too_many));
    tcase_add_test(tcase, as_many_items_as_allowed_are_accepted);
    tcase_add_loop_test(tcase, a_batch_that_needs_too_much_memory_is_refused, 0, 5);
    tcase_add_loop_test(tcase, json_of_too_many_small_values_is_refused, 0, N_ELEMENTS(pieces));
    tcase_add_test(tcase, a_plain_batch_has_the_settings_of_the_daemon);
    tcase_add_test(tcase, name_labels_limits_and_times_are_taken_over);
    tcase_add_test(tcase, too_many_labels_are_a_defect);
    tcase_add_loop_test(tcase, gather_policies_are_understood, 0, N_ELEMENTS(policies));
    tcase_add_test(tcase, only_a_stored_job_has_a_time_to_live);
    tcase_add_loop_test(tcase, members_of_results_are_chosen, 0, N_ELEMENTS(choices));
    tcase_add_loop_test(tcase, members_that_results_do_not_have_are_told, 0,
                        N_ELEMENTS(bad_choices));
    tcase_add_loop_test(tcase, reported_urls_are_results_and_show_no_password, 0,
                        N_ELEMENTS(reported));
    tcase_add_test(tcase, a_reported_url_may_be_after_the_requests_and_is_cut);
    tcase_add_test(tcase, other_mistakes_are_defects_all_the_same);
    tcase_add_test(tcase, on_invalid_error_is_the_default);
    tcase_add_test(tcase, nothing_is_left_of_good_and_bad_documents);
    tcase_add_test(tcase, a_plain_url_costs_no_allocation_of_its_own_but_the_url);
    return suite;
}
