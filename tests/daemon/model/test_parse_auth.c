#include "daemon/model/parse_auth.h"

#include <stdio.h>

#include "tests/daemon/model/parse_fixture.h"

#define BASIC  "'auth':{'type':'basic','username':'u','password':'hidden'}"
#define BEARER "'auth':{'type':'bearer','secret_ref':'api-token'}"

static const struct fetch_options *parse_over(const char *defaults, const char *request)
{
    char text[1000];

    snprintf(text, sizeof(text), "{'defaults':{%s},'requests':[%s]}", defaults, request);
    return must_parse_request(text)->options;
}

/* --- What is meant ---------------------------------------------------------------------------- */

START_TEST(each_type_is_taken_over)
{
    const struct fetch_auth *auth = parse_over("", "{'url':'http://a/'," BASIC "}")->auth;
    ck_assert_int_eq(auth->type, AUTH_BASIC);
    ck_assert_str_eq(auth->user, "u");
    ck_assert_str_eq(auth->secret, "hidden");
    ck_assert_ptr_null(auth->secret_ref);

    auth = parse_over("", "{'url':'http://a/'," BEARER "}")->auth;
    ck_assert_int_eq(auth->type, AUTH_BEARER);
    ck_assert_ptr_null(auth->user);
    ck_assert_ptr_null(auth->secret);
    ck_assert_str_eq(auth->secret_ref, "api-token");

    auth = parse_over("", "{'url':'http://a/','auth':{'secret_ref':'hook_1','username':'',"
                          "'type':'digest'}}")
               ->auth;
    ck_assert_int_eq(auth->type, AUTH_DIGEST);
    ck_assert_str_eq(auth->user, "");
    ck_assert_str_eq(auth->secret_ref, "hook_1");

    auth = parse_over("", "{'url':'http://a/','auth':{'type':'basic','username':'h\xc3\xa9',"
                          "'password':''}}")
               ->auth;
    ck_assert_str_eq(auth->secret, "");
}
END_TEST

START_TEST(nobody_is_asked_for_by_default)
{
    ck_assert_ptr_null(must_parse_request("['http://a/']")->options->auth);
}
END_TEST

static const struct {
    const char *own;
    int type;
    const char *user, *secret, *secret_ref;
} merged[] = {
    {"{}", AUTH_BASIC, "u", "hidden", NULL},
    {"{'username':'v'}", AUTH_BASIC, "v", "hidden", NULL},
    {"{'password':'p'}", AUTH_BASIC, "u", "p", NULL},
    {"{'secret_ref':'hook_1'}", AUTH_BASIC, "u", NULL, "hook_1"},
    {"{'type':'basic','secret_ref':'hook_1'}", AUTH_BASIC, "u", NULL, "hook_1"},
    {"{'type':'bearer','token':'t'}", AUTH_BEARER, NULL, "t", NULL},
    {"{'type':'digest','username':'v','password':'p'}", AUTH_DIGEST, "v", "p", NULL},
};

START_TEST(auth_merges_with_that_of_the_defaults)
{
    char request[200];

    snprintf(request, sizeof(request), "{'url':'http://a/','auth':%s}", merged[_i].own);
    const struct fetch_auth *auth = parse_over(BASIC, request)->auth;
    ck_assert_int_eq(auth->type, merged[_i].type);
    ck_assert_pstr_eq(auth->user, merged[_i].user);
    ck_assert_pstr_eq(auth->secret, merged[_i].secret);
    ck_assert_pstr_eq(auth->secret_ref, merged[_i].secret_ref);
}
END_TEST

START_TEST(a_reference_gives_way_to_a_secret_that_is_written)
{
    const struct fetch_auth *auth =
        parse_over(BEARER, "{'url':'http://a/','auth':{'token':'t'}}")->auth;

    ck_assert_str_eq(auth->secret, "t");
    ck_assert_ptr_null(auth->secret_ref);
}
END_TEST

START_TEST(null_takes_it_away)
{
    ck_assert_ptr_null(parse_over(BASIC, "{'url':'http://a/','auth':null}")->auth);
}
END_TEST

/* --- And the header --------------------------------------------------------------------------- */

/* has_auth: the options have it; authorization: what is among the headers. There is never both. */
static const struct {
    const char *defaults, *request;
    bool has_auth;
    const char *authorization;
} headers[] = {
    {BASIC, "'http://a/'", true, NULL},
    {BASIC, "{'url':'http://a/','timeout_ms':5}", true, NULL},
    {BASIC, "{'url':'http://a/','headers':{'X-A':'1'}}", true, NULL},
    {BASIC, "{'url':'http://a/','json':1}", true, NULL},
    {BASIC, "'http://v:w@a/'", true, NULL},
    {BASIC, "{'url':'http://v:w@a/','auth':null}", false, "Basic djp3"},
    {BASIC, "{'url':'http://a/','headers':{'authorization':'mine'}}", false, "mine"},
    {BASIC, "{'url':'http://a/','headers':{'Authorization':null}}", false, NULL},
    {BASIC, "{'url':'http://a/','headers':{'Authorization':[]}}", false, NULL},
    {BASIC, "{'url':'http://v:w@a/','headers':{'Authorization':null}}", false, NULL},
    {"'headers':{'AUTHORIZATION':'x'}", "{'url':'http://a/'," BEARER "}", true, NULL},
    {"'headers':{'AUTHORIZATION':'x'}", "{'url':'http://a/','auth':null}", false, "x"},
    {"'headers':{'AUTHORIZATION':'x'}", "{'url':'http://v:w@a/'," BEARER "}", true, NULL},
    {"", "{'url':'http://v:w@a/'," BEARER "}", true, NULL},
    {"", "{'url':'http://a/','headers':{'Authorization':null}," BEARER "}", true, NULL},
};

START_TEST(whoever_is_nearer_to_the_request_is_sent_and_never_two)
{
    const struct fetch_options *options = parse_over(headers[_i].defaults, headers[_i].request);

    ck_assert_int_eq(options->auth != NULL, headers[_i].has_auth);
    ck_assert_pstr_eq(header_values(options, "Authorization"), headers[_i].authorization);
    ck_assert_pstr_eq(header_values(options, "User-Agent"), "gatherd/test");
}
END_TEST

START_TEST(one_request_without_it_takes_it_from_no_other)
{
    const struct request *requests =
        must_parse_request("{'defaults':{" BASIC "},'requests':["
                           "{'url':'http://a/','headers':{'Authorization':'mine'}},'http://b/']}");

    ck_assert_ptr_null(requests[0].options->auth);
    ck_assert_ptr_nonnull(requests[1].options->auth);
}
END_TEST

/* --- What is wrong ---------------------------------------------------------------------------- */

#define AUTH(members) "[{'url':'http://a/','auth':{" members "}}]"

static const struct expected_defect defects[] = {
    {"[{'url':'http://a/','auth':'hidden'}]", "/0/auth", "wrong_type", "an object"},
    {AUTH(""), "/0/auth/type", "missing_member", "\"type\""},
    {AUTH("'username':'u','password':'hidden'"), "/0/auth/type", "missing_member", "\"type\""},
    {AUTH("'type':'hidden'"), "/0/auth/type", "invalid_value", "\"basic\", \"bearer\", \"digest\""},
    {AUTH("'type':5"), "/0/auth/type", "wrong_type", "a string"},
    {AUTH("'type':'basic','usrname':'u','password':'hidden'"), "/0/auth/usrname", "unknown_member",
     "\"username\""},
    {AUTH("'type':'basic','password':'hidden'"), "/0/auth/username", "missing_member", "username"},
    {AUTH("'type':'basic','username':'u'"), "/0/auth/password", "missing_member", "secret_ref"},
    {AUTH("'type':'digest','username':'u'"), "/0/auth/password", "missing_member", "secret_ref"},
    {AUTH("'type':'bearer'"), "/0/auth/token", "missing_member", "secret_ref"},
    {AUTH("'type':'bearer','token':''"), "/0/auth/token", "invalid_value", "empty"},
    {AUTH("'type':'bearer','token':5"), "/0/auth/token", "wrong_type", "a string"},
    {AUTH("'type':'bearer','token':'hidden\\n'"), "/0/auth/token", "invalid_value", "control"},
    {AUTH("'type':'basic','username':'u\\r','password':'hidden'"), "/0/auth/username",
     "invalid_value", "control"},
    {AUTH("'type':'basic','username':'a:hidden','password':'x'"), "/0/auth/username",
     "invalid_value", "colon"},
    {AUTH("'type':'basic','username':'u','password':'hidden\\u007f'"), "/0/auth/password",
     "invalid_value", "control"},
    {AUTH("'type':'bearer','secret_ref':'hidden'"), "/0/auth/secret_ref", "unknown_reference",
     "fetch.secrets_file"},
    {AUTH("'type':'bearer','secret_ref':null"), "/0/auth/secret_ref", "wrong_type", "name"},
    {AUTH("'type':'bearer','secret_ref':'api-token','token':'hidden'"), "/0/auth/secret_ref",
     "conflicting_members", "either"},
    {AUTH("'type':'basic','username':'u','secret_ref':'api-token','password':'hidden'"),
     "/0/auth/secret_ref", "conflicting_members", "either"},
    {AUTH("'type':'bearer','token':'hidden','username':'u'"), "/0/auth/username",
     "conflicting_members", "no username"},
    {AUTH("'type':'bearer','password':'hidden'"), "/0/auth/password", "conflicting_members",
     "\"token\""},
    {AUTH("'type':'basic','username':'u','token':'hidden'"), "/0/auth/token", "conflicting_members",
     "\"password\""},
    {"[{'url':'http://a/'," BASIC ",'headers':{'authorization':'hidden'}}]",
     "/0/headers/authorization", "conflicting_members", "\"auth\""},
    {"{'urls':['http://a/'],'defaults':{'headers':{'Authorization':'hidden'}," BEARER "}}",
     "/defaults/headers/Authorization", "conflicting_members", "\"auth\""},
    /* Nothing of another type is taken over. */
    {"{'defaults':{" BEARER "},'requests':[{'url':'http://a/','auth':{'type':'basic',"
     "'username':'u'}}]}",
     "/requests/0/auth/password", "missing_member", "secret_ref"},
    {"{'defaults':{" BASIC "},'requests':[{'url':'http://a/','auth':{'token':'hidden'}}]}",
     "/requests/0/auth/token", "conflicting_members", "\"password\""},
};

START_TEST(a_defect_has_a_pointer_a_code_and_a_sentence_without_the_secret)
{
    must_find_defect(&defects[_i]);
}
END_TEST

START_TEST(a_secret_that_is_too_long_is_not_repeated)
{
    static char text[20000];
    char *end = stpcpy(text, "[{\"url\":\"http://a/\",\"auth\":{\"type\":\"bearer\",\"token\":\"");

    memset(end, 't', 16385);
    strcpy(end + 16385, "\"}}]");
    parse_bytes(NULL, text, strlen(text));
    ck_assert_str_eq(find_defect("/0/auth/token")->code, "too_long");
    ck_assert_uint_lt(strlen(find_defect("/0/auth/token")->detail), 100);
}
END_TEST

Suite *suite_parse_auth(void);

Suite *suite_parse_auth(void)
{
    Suite *suite = suite_create("daemon/model/parse_auth");
    TCase *tcase = parse_case(suite, "parse_auth");

    tcase_add_test(tcase, each_type_is_taken_over);
    tcase_add_test(tcase, nobody_is_asked_for_by_default);
    tcase_add_loop_test(tcase, auth_merges_with_that_of_the_defaults, 0, N_ELEMENTS(merged));
    tcase_add_test(tcase, a_reference_gives_way_to_a_secret_that_is_written);
    tcase_add_test(tcase, null_takes_it_away);
    tcase_add_loop_test(tcase, whoever_is_nearer_to_the_request_is_sent_and_never_two, 0,
                        N_ELEMENTS(headers));
    tcase_add_test(tcase, one_request_without_it_takes_it_from_no_other);
    tcase_add_loop_test(tcase, a_defect_has_a_pointer_a_code_and_a_sentence_without_the_secret, 0,
                        N_ELEMENTS(defects));
    tcase_add_test(tcase, a_secret_that_is_too_long_is_not_repeated);
    return suite;
}
