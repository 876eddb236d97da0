#include "daemon/model/result_fields.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/json_writer.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct result_fields fields;
static struct buffer buffer;

static void set_up(void)
{
    fields = (struct result_fields){0};
    buffer_init(&buffer, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&buffer);
}

/* What is left of a result, which others are before and behind. */
static const char *cut(const char *json)
{
    struct json_writer w;

    buffer.len = 0;
    jw_init(&w, &buffer);
    jw_array_begin(&w);
    jw_literal(&w, "{\"id\":\"before\"},");
    size_t start = buffer.len;
    jw_raw(&w, json, strlen(json));
    result_fields_cut(&fields, &w, start);
    jw_literal(&w, "{\"id\":\"behind\"},");
    jw_array_end(&w);
    ck_assert_int_eq(jw_finish(&w), 0);
    ck_assert_int_eq(buffer_append_byte(&buffer, '\0'), 0);
    ck_assert_int_eq(strncmp(buffer.data, "[{\"id\":\"before\"},", start), 0);
    char *end = strstr(buffer.data, ",{\"id\":\"behind\"}]");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return buffer.data + start;
}

static const struct {
    const char *names, *from, *to;
} cuts[] = {
    {"index", "{'index':7,'id':'a'}", "{'index':7}"},
    {"id", "{'index':7,'id':'a'}", "{'index':7,'id':'a'}"},
    {"id", "{'index':7}", "{'index':7}"},
    {"id", "{}", "{}"},
    {"ok", "{'index':0,'state':'finished','ok':true,'error':null}", "{'index':0,'ok':true}"},
    /* what is inside */
    {"timings", "{'timings':{'dns_ms':1.500,'total_ms':2.000}}",
     "{'timings':{'dns_ms':1.500,'total_ms':2.000}}"},
    {"timings.total_ms", "{'total_ms':5,'timings':{'dns_ms':1.500,'total_ms':2.000},'total_ms':6}",
     "{'timings':{'total_ms':2.000}}"},
    {"timings.total_ms,timings", "{'timings':{'dns_ms':1,'total_ms':2}}",
     "{'timings':{'dns_ms':1,'total_ms':2}}"},
    {"tls.version", "{'index':0,'tls':null,'ok':true}", "{'index':0,'tls':null}"},
    {"connection.proxy,tls.version,ok",
     "{'connection':{'reused':false,'proxy':null},'tls':{'version':'TLSv1.3'},'ok':true}",
     "{'connection':{'proxy':null},'tls':{'version':'TLSv1.3'},'ok':true}"},
    /* arrays */
    {"headers", "{'headers':[['a','1'],['b','2']],'ok':true}", "{'headers':[['a','1'],['b','2']]}"},
    {"attempts.n,attempts.error",
     "{'attempts':[{'n':1,'outcome':'x','error':'y'},{'n':2,'outcome':'z','error':null}]}",
     "{'attempts':[{'n':1,'error':'y'},{'n':2,'error':null}]}"},
    {"attempts.n", "{'attempts':[],'ok':true}", "{'attempts':[]}"},
    {"redirects.hops.url", "{'redirects':{'count':1,'hops':[{'method':'GET','url':'u'}]}}",
     "{'redirects':{'hops':[{'url':'u'}]}}"},
    /* texts that look like JSON */
    {"ok", "{'body':{'data':'}]\\\",\\\\'},'ok':true}", "{'ok':true}"},
    {"body.data", "{'body':{'encoding':'utf-8','data':'\\\\\\\"ok\\\":{[','truncated':false}}",
     "{'body':{'data':'\\\\\\\"ok\\\":{['}}"},
    /* members that are longer than any name there is */
    {"ok",
     "{'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa':1,'ok':"
     "0}",
     "{'ok':0}"},
};

static const char *with_quotes(const char *text, char *to)
{
    strcpy(to, text);
    for (char *at = to; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    return to;
}

START_TEST(what_was_chosen_stays)
{
    char from[256], to[256];

    ck_assert_int_eq(result_fields_add_list(&fields, cuts[_i].names), 0);
    ck_assert_str_eq(cut(with_quotes(cuts[_i].from, from)), with_quotes(cuts[_i].to, to));
}
END_TEST

START_TEST(without_a_choice_everything_stays)
{
    ck_assert(result_fields_is_all(&fields));
    ck_assert_str_eq(cut("{\"index\":1,\"new\":{\"a\":[]}}"), "{\"index\":1,\"new\":{\"a\":[]}}");
}
END_TEST

static const char *const unknown[] = {
    "",    ",",       "id,",      ",id",       "id,,ok", "ID",       " id",          "i",
    "ind", "indexes", "timings.", "timings.x", "hops",   "total_ms", "attempts[].n", "attempts.0.n",
};

START_TEST(unknown_names_are_refused)
{
    ck_assert_int_eq(result_fields_add_list(&fields, unknown[_i]), -EINVAL);
}
END_TEST

START_TEST(mistyped_names_are_recognised)
{
    ck_assert_str_eq(result_field_nearest("statuscode", 10), "status_code");
    ck_assert_str_eq(result_field_nearest("timings.total", 13), "timings.total_ms");
    ck_assert_ptr_null(result_field_nearest("", 0));
}
END_TEST

START_TEST(choices_are_the_same_in_any_order)
{
    struct result_fields other = {0};

    ck_assert_int_eq(result_fields_add_list(&fields, "id,error.rule,ok"), 0);
    ck_assert(!result_fields_is_same(&fields, &other));
    ck_assert_int_eq(result_fields_add_list(&other, "ok,index,id,ok,error.rule"), 0);
    ck_assert(result_fields_is_same(&fields, &other));
}
END_TEST

START_TEST(what_could_not_be_written_is_not_cut)
{
    struct json_writer w;

    ck_assert_int_eq(result_fields_add_list(&fields, "id"), 0);
    jw_init(&w, &buffer);
    jw_fail(&w, -ENOMEM);
    result_fields_cut(&fields, &w, 0);
    ck_assert_int_eq(jw_finish(&w), -ENOMEM);
}
END_TEST

Suite *suite_result_fields(void);

Suite *suite_result_fields(void)
{
    Suite *suite = suite_create("daemon/model/result_fields");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, what_was_chosen_stays, 0, N_ELEMENTS(cuts));
    tcase_add_test(tcase, without_a_choice_everything_stays);
    tcase_add_loop_test(tcase, unknown_names_are_refused, 0, N_ELEMENTS(unknown));
    tcase_add_test(tcase, mistyped_names_are_recognised);
    tcase_add_test(tcase, choices_are_the_same_in_any_order);
    tcase_add_test(tcase, what_could_not_be_written_is_not_cut);
    suite_add_tcase(suite, tcase);
    return suite;
}
