#include "daemon/model/parse_expect.h"

#include <stdio.h>

#include "daemon/model/result.h"

#include "tests/daemon/model/parse_fixture.h"

static const struct expect *parse_over(const char *defaults, const char *own)
{
    char text[4000];

    snprintf(text, sizeof(text),
             "{'defaults':{'expect':{%s}},'requests':[{'url':'http://a/','expect':%s}]}", defaults,
             own);
    return must_parse_request(text)->options->expect;
}

static const struct expect *parse_expectation(const char *own)
{
    return parse_over("", own);
}

/* The checks as text: "body contains 'a'|total_ms lt 800000". */
static const char *describe(const struct expect *expect)
{
    static const char *const subjects[] = {"body", "header", "json", "", "expiry"};
    static const char *const operators[EXPECT_N_OPERATORS] = {
        "equals", "not_equals", "contains", "not_contains", "present",
        "absent", "lt",         "lte",      "gt",           "gte"};
    static char text[4000];
    char *end = text;

    *end = '\0';
    for (size_t i = 0; i < expect->n_checks; i++) {
        const struct expect_check *check = &expect->checks[i];

        end += sprintf(end, "%s%s%s %s", i > 0 ? "|" : "", subjects[check->subject],
                       check->name != NULL ? check->name : "", operators[check->op]);
        if (check->text == NULL)
            end += sprintf(end, " %.17g", check->number);
        else if (check->op != EXPECT_PRESENT && check->op != EXPECT_ABSENT)
            end += sprintf(end, " '%.*s'", (int)check->length, check->text);
    }
    return text;
}

/* --- Status ----------------------------------------------------------------------------------- */

static const struct {
    const char *status;
    int n, some[6]; /* of which some are named; ends with 0 */
} statuses[] = {
    {"200", 1, {200}},
    {"[200,404.0]", 2, {200, 404}},
    {"'2xx'", 100, {200, 299}},
    {"'2XX'", 100, {250}},
    {"['2xx',304]", 101, {200, 299, 304}},
    {"'200-299'", 100, {200, 299}},
    {"['204-204','500-503','404']", 6, {204, 500, 503, 404}},
    {"['1xx','9xx']", 200, {100, 999}},
    {"'100-599'", 500, {100, 599}},
};

START_TEST(statuses_are_numbers_classes_and_ranges)
{
    char own[100];
    int n = 0;

    snprintf(own, sizeof(own), "{'status':%s}", statuses[_i].status);
    const struct expect *expect = parse_expectation(own);
    ck_assert(expect->has_status);
    for (int status = 0; status < 1000; status++)
        n += status_set_has(&expect->status, status);
    ck_assert_int_eq(n, statuses[_i].n);
    for (const int *status = statuses[_i].some; *status != 0; status++)
        ck_assert(status_set_has(&expect->status, *status));
    ck_assert_uint_eq(expect->n_checks, 0);
    ck_assert(!expect->needs_body);
}
END_TEST

/* --- Checks ----------------------------------------------------------------------------------- */

static const struct {
    const char *own, *checks;
    bool needs_body, needs_json;
} checks[] = {
    {"{'body':{'contains':'ok'}}", "body contains 'ok'", true, false},
    {"{'body':{'contains':['a','b'],'not_contains':['c'],'equals':'','not_equals':'\xc3\xa9'}}",
     "body contains 'a'|body contains 'b'|body not_contains 'c'|body equals ''|"
     "body not_equals '\xc3\xa9'",
     true, false},
    {"{'header':[{'name':'Content-TYPE','contains':'json'},{'exists':false,'name':'x-a'},"
     "{'name':'x-b','exists':true,'not_contains':['a','b']},{'equals':'1','name':'X'}]}",
     "headercontent-type contains 'json'|headerx-a absent|headerx-b present|"
     "headerx-b not_contains 'a'|headerx-b not_contains 'b'|headerx equals '1'",
     false, false},
    {"{'json':[{'pointer':'/status','equals':'ok'}]}", "json/status equals '\"ok\"'", true, true},
    {"{'json':[{'pointer':'','equals':{'b':[1,2.5,null],'a':true}},{'pointer':'/a~0~1','equals':1},"
     "{'exists':true,'pointer':'/x'},{'pointer':'/y','not_equals':null},"
     "{'pointer':'/z','contains':{'k':'\xc3\xa9'}}]}",
     "json equals '{\"a\":true,\"b\":[1,2.5,null]}'|json/a~0~1 equals '1'|json/x present|"
     "json/y not_equals 'null'|json/z contains '{\"k\":\"\xc3\xa9\"}'",
     true, true},
    {"{'json':[{'pointer':'/n','gt':-1,'lte':2.5,'gte':1e300,'lt':3}]}",
     "json/n gt -1|json/n lte 2.5|json/n gte 1.0000000000000001e+300|json/n lt 3", true, true},
    {"{'total_ms':{'lt':800,'gte':0},'dns_ms':{'lte':0.5}}",
     "total_ms lt 800000|total_ms gte 0|dns_ms lte 500", false, false},
    {"{'tls_expires_in_ms':{'gt':1209600000}}", "expiry gt 1209600000000", false, false},
    {"{'status':200,'body':{},'total_ms':{},'json':[],'header':[]}", "", false, false},
};

START_TEST(checks_are_taken_over)
{
    const struct expect *expect = parse_expectation(checks[_i].own);

    ck_assert_str_eq(describe(expect), checks[_i].checks);
    ck_assert_int_eq(expect->needs_body, checks[_i].needs_body);
    ck_assert_int_eq(expect->needs_json, checks[_i].needs_json);
}
END_TEST

START_TEST(every_timing_of_a_result_can_be_checked)
{
    for (const char *const *name = result_timing_names; *name != NULL; name++) {
        char own[100];

        snprintf(own, sizeof(own), "{'%s':{'lt':1}}", *name);
        const struct expect *expect = parse_expectation(own);
        ck_assert_uint_eq(expect->n_checks, 1);
        ck_assert_int_eq(expect->checks[0].subject, EXPECT_TIME);
        ck_assert_str_eq(expect->checks[0].name, *name);
    }
}
END_TEST

START_TEST(what_expects_nothing_is_nothing)
{
    ck_assert_ptr_null(must_parse_request("['http://a/']")->options->expect);
    ck_assert_ptr_null(parse_expectation("{}"));
    ck_assert_ptr_null(parse_expectation("{'body':{},'json':[]}"));
}
END_TEST

/* --- Merging ---------------------------------------------------------------------------------- */

#define BELOW                                                                                      \
    "'status':404,'body':{'contains':['a','b'],'equals':'c'},'header':[{'name':'x','equals':'y'}]" \
    ","                                                                                            \
    "'json':[{'pointer':'/p','equals':1}],'total_ms':{'lt':8,'gt':1},'dns_ms':{'lt':9}"
#define BODY    "body contains 'a'|body contains 'b'|body equals 'c'"
#define HEADER  "headerx equals 'y'"
#define JSON    "json/p equals '1'"
#define TIMINGS "total_ms lt 8000|total_ms gt 1000|dns_ms lt 9000"

static const struct {
    const char *own, *checks;
    bool has_status;
} merged[] = {
    {"{}", BODY "|" HEADER "|" JSON "|" TIMINGS, true},
    {"{'status':null}", BODY "|" HEADER "|" JSON "|" TIMINGS, false},
    {"{'status':200}", BODY "|" HEADER "|" JSON "|" TIMINGS, true},
    {"{'body':{'contains':'z'}}",
     "body equals 'c'|" HEADER "|" JSON "|" TIMINGS "|body contains 'z'", true},
    {"{'body':{'equals':null}}", "body contains 'a'|body contains 'b'|" HEADER "|" JSON "|" TIMINGS,
     true},
    {"{'body':null}", HEADER "|" JSON "|" TIMINGS, true},
    {"{'header':[{'name':'z','exists':true}]}", BODY "|" JSON "|" TIMINGS "|headerz present", true},
    {"{'header':[],'json':null}", BODY "|" TIMINGS, true},
    {"{'json':[{'pointer':'/q','lt':2}]}", BODY "|" HEADER "|" TIMINGS "|json/q lt 2", true},
    {"{'total_ms':{'lt':5}}",
     BODY "|" HEADER "|" JSON "|total_ms gt 1000|dns_ms lt 9000|total_ms lt 5000", true},
    {"{'total_ms':{'gt':null}}", BODY "|" HEADER "|" JSON "|total_ms lt 8000|dns_ms lt 9000", true},
    {"{'total_ms':null,'tls_expires_in_ms':{'gt':1}}",
     BODY "|" HEADER "|" JSON "|dns_ms lt 9000|expiry gt 1000", true},
};

START_TEST(expectations_merge_member_by_member)
{
    const struct expect *expect = parse_over(BELOW, merged[_i].own);

    ck_assert_str_eq(describe(expect), merged[_i].checks);
    ck_assert_int_eq(expect->has_status, merged[_i].has_status);
}
END_TEST

START_TEST(null_takes_all_away)
{
    ck_assert_ptr_null(parse_over(BELOW, "null"));
}
END_TEST

/* --- What is wrong ---------------------------------------------------------------------------- */

#define EXPECT(members) "[{'url':'http://a/','expect':{" members "}}]"

static const struct expected_defect defects[] = {
    {"[{'url':'http://a/','expect':200}]", "/0/expect", "wrong_type", "an object"},
    {EXPECT("'stats':200"), "/0/expect/stats", "unknown_member", "\"status\""},
    {EXPECT("'total':{'lt':1}"), "/0/expect/total", "unknown_member", "\"total_ms\""},
    {EXPECT("'status':99"), "/0/expect/status", "out_of_range", "100 to 999"},
    {EXPECT("'status':1000"), "/0/expect/status", "out_of_range", "100 to 999"},
    {EXPECT("'status':200.5"), "/0/expect/status", "wrong_type", "whole"},
    {EXPECT("'status':true"), "/0/expect/status", "wrong_type", "a number or a string"},
    {EXPECT("'status':[]"), "/0/expect/status", "invalid_value", "at least one"},
    {EXPECT("'status':[200,'2x']"), "/0/expect/status/1", "invalid_value", "\"2xx\""},
    {EXPECT("'status':'0xx'"), "/0/expect/status", "invalid_value", "\"2xx\""},
    {EXPECT("'status':'299-200'"), "/0/expect/status", "invalid_value", "range"},
    {EXPECT("'status':'200-'"), "/0/expect/status", "invalid_value", "range"},
    {EXPECT("'status':'200-2999'"), "/0/expect/status", "invalid_value", "range"},
    {EXPECT("'status':'20'"), "/0/expect/status", "invalid_value", "range"},
    {EXPECT("'status':''"), "/0/expect/status", "invalid_value", "range"},
    {EXPECT("'status':'\xc3\xa9'"), "/0/expect/status", "invalid_value", "range"},

    {EXPECT("'body':'ok'"), "/0/expect/body", "wrong_type", "an object"},
    {EXPECT("'body':{'contain':'ok'}"), "/0/expect/body/contain", "unknown_member", "\"contains\""},
    {EXPECT("'body':{'contains':5}"), "/0/expect/body/contains", "wrong_type", "strings"},
    {EXPECT("'body':{'contains':['a',5]}"), "/0/expect/body/contains/1", "wrong_type", "a string"},
    {EXPECT("'body':{'equals':['a']}"), "/0/expect/body/equals", "wrong_type", "a string"},
    {EXPECT("'body':{'lt':5}"), "/0/expect/body/lt", "unknown_member", "lt"},

    {EXPECT("'header':{'name':'a','equals':'b'}"), "/0/expect/header", "wrong_type", "an array"},
    {EXPECT("'header':['a']"), "/0/expect/header/0", "wrong_type", "an object"},
    {EXPECT("'header':[{'equals':'b'}]"), "/0/expect/header/0/name", "missing_member", "\"name\""},
    {EXPECT("'header':[{'name':'a'}]"), "/0/expect/header/0", "missing_member", "operator"},
    {EXPECT("'header':[{'name':'a b','equals':'b'}]"), "/0/expect/header/0/name", "invalid_header",
     "name"},
    {EXPECT("'header':[{'name':5,'equals':'b'}]"), "/0/expect/header/0/name", "wrong_type", "name"},
    {EXPECT("'header':[{'name':'a','equals':null}]"), "/0/expect/header/0/equals", "wrong_type",
     "a string"},
    {EXPECT("'header':[{'name':'a','exists':1}]"), "/0/expect/header/0/exists", "wrong_type",
     "true or false"},
    {EXPECT("'header':[{'name':'a','exists':false,'equals':'b'}]"), "/0/expect/header/0",
     "conflicting_members", "exist"},

    {EXPECT("'json':{'pointer':'/a','equals':1}"), "/0/expect/json", "wrong_type", "an array"},
    {EXPECT("'json':[{'equals':1}]"), "/0/expect/json/0/pointer", "missing_member", "\"pointer\""},
    {EXPECT("'json':[{'pointer':'/a'}]"), "/0/expect/json/0", "missing_member", "operator"},
    {EXPECT("'json':[{'pointer':'a','equals':1}]"), "/0/expect/json/0/pointer", "invalid_value",
     "begins with /"},
    {EXPECT("'json':[{'pointer':'/a~2','equals':1}]"), "/0/expect/json/0/pointer", "invalid_value",
     "~0"},
    {EXPECT("'json':[{'pointer':'/a~','equals':1}]"), "/0/expect/json/0/pointer", "invalid_value",
     "~0"},
    {EXPECT("'json':[{'pointer':5,'equals':1}]"), "/0/expect/json/0/pointer", "wrong_type",
     "a string"},
    {EXPECT("'json':[{'pointer':'/a','lt':'5'}]"), "/0/expect/json/0/lt", "wrong_type", "a number"},
    {EXPECT("'json':[{'pointer':'/a','eqals':1}]"), "/0/expect/json/0/eqals", "unknown_member",
     "\"equals\""},

    {EXPECT("'total_ms':5"), "/0/expect/total_ms", "wrong_type", "an object"},
    {EXPECT("'total_ms':{'lt':'5'}"), "/0/expect/total_ms/lt", "wrong_type", "milliseconds"},
    {EXPECT("'total_ms':{'lt':-1}"), "/0/expect/total_ms/lt", "out_of_range", "0 to 86400000"},
    {EXPECT("'total_ms':{'less':1}"), "/0/expect/total_ms/less", "unknown_member", "less"},
    {EXPECT("'tls_expires_in_ms':{'gt':1e300}"), "/0/expect/tls_expires_in_ms/gt", "out_of_range",
     "0 to 3162240000000"},
};

START_TEST(a_defect_has_a_pointer_a_code_and_a_sentence)
{
    must_find_defect(&defects[_i]);
}
END_TEST

static void parse_many_texts(int n)
{
    static char text[2000];
    char *end = stpcpy(text, "[{\"url\":\"http://a/\",\"expect\":{\"body\":{\"contains\":[\"\"");

    for (int i = 1; i < n; i++)
        end = stpcpy(end, ",\"a\"");
    strcpy(end, "]}}}]");
    parse_bytes(NULL, text, strlen(text));
}

START_TEST(sixty_four_checks_are_accepted_and_no_more)
{
    parse_many_texts(64);
    ck_assert_int_eq(parsed.rc, 0);
    ck_assert_uint_eq(parsed.spec->requests[0].options->expect->n_checks, 64);
    parse_many_texts(65);
    ck_assert_int_eq(parsed.rc, 1);
    ck_assert_str_eq(find_defect("/0/expect/body/contains/64")->code, "too_many");
}
END_TEST

static void parse_long(const char *head, size_t n, const char *tail)
{
    static char text[100000];
    char *end = stpcpy(stpcpy(text, "[{\"url\":\"http://a/\",\"expect\":{"), head);

    memset(end, '/', n);
    strcpy(stpcpy(end + n, tail), "}}]");
    parse_bytes(NULL, text, strlen(text));
}

START_TEST(texts_have_a_limit)
{
    parse_long("\"body\":{\"contains\":\"", 65536, "\"}");
    ck_assert_int_eq(parsed.rc, 0);
    parse_long("\"body\":{\"contains\":\"", 65537, "\"}");
    ck_assert_str_eq(find_defect("/0/expect/body/contains")->code, "too_long");
    parse_long("\"json\":[{\"pointer\":\"\",\"equals\":\"", 65536, "\"}]");
    ck_assert_str_eq(find_defect("/0/expect/json/0/equals")->code, "too_long");
    parse_long("\"json\":[{\"equals\":0,\"pointer\":\"", 1025, "\"}]");
    ck_assert_str_eq(find_defect("/0/expect/json/0/pointer")->code, "too_long");
}
END_TEST

Suite *suite_parse_expect(void);

Suite *suite_parse_expect(void)
{
    Suite *suite = suite_create("daemon/model/parse_expect");
    TCase *tcase = parse_case(suite, "parse_expect");

    tcase_add_loop_test(tcase, statuses_are_numbers_classes_and_ranges, 0, N_ELEMENTS(statuses));
    tcase_add_loop_test(tcase, checks_are_taken_over, 0, N_ELEMENTS(checks));
    tcase_add_test(tcase, every_timing_of_a_result_can_be_checked);
    tcase_add_test(tcase, what_expects_nothing_is_nothing);
    tcase_add_loop_test(tcase, expectations_merge_member_by_member, 0, N_ELEMENTS(merged));
    tcase_add_test(tcase, null_takes_all_away);
    tcase_add_loop_test(tcase, a_defect_has_a_pointer_a_code_and_a_sentence, 0,
                        N_ELEMENTS(defects));
    tcase_add_test(tcase, sixty_four_checks_are_accepted_and_no_more);
    tcase_add_test(tcase, texts_have_a_limit);
    return suite;
}
