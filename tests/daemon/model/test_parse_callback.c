#include "daemon/model/parse_callback.h"

#include "daemon/model/job_text.h"

#include "tests/daemon/model/parse_fixture.h"

#define URLS "'urls':['http://a/']"

static const struct job_callback *must_parse_callback(const char *text)
{
    const struct job_spec *spec = must_parse(text);

    ck_assert_ptr_nonnull(spec->callback);
    return spec->callback;
}

START_TEST(it_is_taken_over)
{
    const struct job_callback *callback = must_parse_callback(
        "{" URLS ",'callback':{'url':'https://u:p@Api.Example/x?y','events':['job.done'],"
        "'secret_ref':'hook_1'}}");

    ck_assert_str_eq(callback->url, "https://u:p@Api.Example/x?y");
    ck_assert_str_eq(callback->host, "api.example");
    ck_assert_str_eq(callback->secret_ref, "hook_1");
}
END_TEST

START_TEST(a_url_is_enough)
{
    ck_assert_ptr_null(
        must_parse_callback("{" URLS ",'callback':{'url':'http://a/'}}")->secret_ref);
}
END_TEST

START_TEST(nobody_is_told_by_default)
{
    ck_assert_ptr_null(must_parse("{" URLS "}")->callback);
}
END_TEST

static const struct expected_defect defects[] = {
    {"{" URLS ",'callback':null}", "/callback", "wrong_type", "an object"},
    {"{" URLS ",'callback':'http://a/'}", "/callback", "wrong_type", "an object"},
    {"{" URLS ",'callback':{}}", "/callback/url", "missing_member", "url"},
    {"{" URLS ",'callback':{'url':null}}", "/callback/url", "wrong_type", "a URL"},
    {"{" URLS ",'callback':{'url':'/x'}}", "/callback/url", "invalid_url", "http://"},
    {"{" URLS ",'callback':{'url':'ws://a/'}}", "/callback/url", "unsupported_scheme", "http"},
    {"{" URLS ",'callback':{'url':'http://a/','events':'job.done'}}", "/callback/events",
     "wrong_type", "an array"},
    {"{" URLS ",'callback':{'url':'http://a/','events':[]}}", "/callback/events", "invalid_value",
     "name an event"},
    {"{" URLS ",'callback':{'url':'http://a/','events':['job.done','job.do']}}",
     "/callback/events/1", "invalid_value", "job.done"},
    {"{" URLS ",'callback':{'url':'http://a/','secret_ref':1}}", "/callback/secret_ref",
     "wrong_type", "name of a secret"},
    {"{" URLS ",'callback':{'url':'http://a/','secret_ref':'hidden'}}", "/callback/secret_ref",
     "unknown_reference", "fetch.secrets_file"},
    {"{" URLS ",'callback':{'url':'http://a/','secret_ref':'hook_1'}}", "/callback/secret_ref",
     "invalid_value", "other hosts"},
    {"{" URLS ",'callback':{'url':'http://a/','uri':'x'}}", "/callback/uri", "unknown_member",
     "\"url\""},
};

START_TEST(what_is_wrong_is_said)
{
    must_find_defect(&defects[_i]);
}
END_TEST

/* --- What was accepted once ------------------------------------------------------------------- */

START_TEST(a_secret_that_is_gone_does_not_spoil_the_job)
{
    static const char head[] = "{\"callback\":{\"url\":\"http://a/\",\"secret_ref\":\"gone\"}}";
    CO_CLEANUP(defect_list_done) struct defect_list list;
    struct parse_refusal refusal;
    struct job_head *kept;

    defect_list_init(&list);
    ck_assert_int_eq(job_head_parse(&parse_settings, head, strlen(head), &list, &refusal, &kept),
                     0);
    ck_assert_str_eq(job_head_spec(kept)->callback->secret_ref, "gone");
    job_head_free(kept);
}
END_TEST

Suite *suite_parse_callback(void);

Suite *suite_parse_callback(void)
{
    Suite *suite = suite_create("daemon/model/parse_callback");
    TCase *tcase = parse_case(suite, "all");

    tcase_add_test(tcase, it_is_taken_over);
    tcase_add_test(tcase, a_url_is_enough);
    tcase_add_test(tcase, nobody_is_told_by_default);
    tcase_add_loop_test(tcase, what_is_wrong_is_said, 0, N_ELEMENTS(defects));
    tcase_add_test(tcase, a_secret_that_is_gone_does_not_spoil_the_job);
    return suite;
}
