/* Documents of schedules: what they become, and what is wrong with them. */
#include "daemon/model/parse_schedule.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/model/parse_fixture.h"
#include "tests/support/fault.h"

static struct schedule_document document;

/* With ' for ". returns as schedule_parse() */
static int try_to_read(const char *text)
{
    char *json = with_double_quotes(text);

    defect_list_done(&parsed.defects);
    defect_list_init(&parsed.defects);
    schedule_document_done(&document);
    document = (struct schedule_document){.spec = NULL};
    int rc = schedule_parse(&parse_settings, json, strlen(json), &parsed.defects, &parsed.refusal,
                            &document);
    free(json);
    return rc;
}

static void tear_down(void)
{
    schedule_document_done(&document);
    document = (struct schedule_document){.spec = NULL};
}

START_TEST(all_of_it_is_read)
{
    ck_assert_int_eq(try_to_read("{'name': 'x', 'labels': {'a': 'b'}, 'cron': '0 4 * * mon',"
                                 "'jitter_ms': 1500.5, 'overlap': 'queue', 'paused': true,"
                                 "'job': {'urls': ['http://a/'], 'name': 'y', 'weight': 3}}"),
                     0);
    ck_assert_str_eq(document.spec->name, "x");
    ck_assert_uint_eq(document.spec->n_labels, 1);
    ck_assert_str_eq(document.cron, "0 4 * * mon");
    ck_assert_int_eq(document.every_us, 0);
    ck_assert_int_eq(document.jitter_us, 1500500);
    ck_assert_int_eq(document.overlap, OVERLAP_QUEUE);
    ck_assert(document.is_paused);
    ck_assert_uint_eq(document.job_length,
                      strlen("{\"urls\":[\"http://a/\"],\"name\":\"y\",\"weight\":3}"));
    ck_assert_int_eq(memcmp(document.job, "{\"urls\":[\"http://a/\"],\"name\":\"y\",\"weight\":3}",
                            document.job_length),
                     0);
}
END_TEST

START_TEST(little_will_do)
{
    ck_assert_int_eq(try_to_read("{'name': 'x', 'every_ms': 1000, 'job': ['http://a/']}"), 0);
    ck_assert_int_eq(document.every_us, 1000000);
    ck_assert_ptr_null(document.cron);
    ck_assert_int_eq(document.overlap, OVERLAP_SKIP);
    ck_assert_int_eq(document.jitter_us, 0);
    ck_assert(!document.is_paused);
}
END_TEST

#define WITH(members) "{'name': 'x', 'job': ['http://a/'], " members "}"

static const struct expected_defect defects[] = {
    {"{'every_ms': 1000, 'job': ['http://a/']}", "/name", "missing_member", "name"},
    {"{'name': 7, 'every_ms': 1000, 'job': ['http://a/']}", "/name", "wrong_type", "string"},
    {"{'name': 'x', 'every_ms': 1000}", "/job", "missing_member", "job"},
    {"{'name': 'x', 'job': ['http://a/']}", "", "missing_member", "every_ms"},
    {"[]", "", "wrong_type", "object"},
    {WITH("'every_ms': 999"), "/every_ms", "out_of_range", "1000"},
    {WITH("'every_ms': 1e15"), "/every_ms", "out_of_range", "31622400000"},
    {WITH("'every_ms': '1s'"), "/every_ms", "wrong_type", "number"},
    {WITH("'every_ms': 1000, 'cron': '* * * * *'"), "/cron", "conflicting_members", "both"},
    {WITH("'cron': '0 0 30 2 *'"), "/cron", "invalid_value", "no such day"},
    {WITH("'cron': '@reboot'"), "/cron", "invalid_value", "no such time"},
    {WITH("'cron': 5"), "/cron", "wrong_type", "string"},
    {WITH("'cron': null"), "/cron", "wrong_type", "null"},
    {WITH("'every_ms': 1000, 'jitter_ms': 1000"), "/jitter_ms", "out_of_range", "1000"},
    {WITH("'cron': '*/5 * * * *', 'jitter_ms': 300000"), "/jitter_ms", "out_of_range", "300000"},
    {WITH("'every_ms': 1000, 'jitter_ms': -1"), "/jitter_ms", "out_of_range", "0"},
    {WITH("'every_ms': 1000, 'overlap': 'kill'"), "/overlap", "invalid_value", "queue"},
    {WITH("'every_ms': 1000, 'overlap': 1"), "/overlap", "wrong_type", "string"},
    {WITH("'every_ms': 1000, 'paused': 'no'"), "/paused", "wrong_type", "true or false"},
    {WITH("'every_ms': 1000, 'labels': {'a': 1}"), "/labels/a", "wrong_type", "string"},
    {WITH("'every_ms': 1000, 'pause': true"), "/pause", "unknown_member", "paused"},
    {"{'name': 'x', 'every_ms': 1000, 'job': []}", "/job", "no_requests", ""},
    {"{'name': 'x', 'every_ms': 1000, 'job': 'http://a/'}", "/job", "wrong_type", "array"},
    {"{'name': 'x', 'every_ms': 1000, 'job': {'urls': ['http://a/', 'ftp://b/']}}", "/job/urls/1",
     "unsupported_scheme", "http"},
    {"{'name': 'x', 'every_ms': 1000, 'job': {'urls': ['http://a/'], 'nme': 1}}", "/job/nme",
     "unknown_member", "name"},
    {"{'name': 'x', 'every_ms': 1000, 'job': [{'url': 'http://a/', 'headers': {'A/B': 'c'}}]}",
     "/job/0/headers/A~1B", "invalid_header", ""},
};

/* _i: a document */
START_TEST(what_is_wrong_is_said_where_it_is)
{
    const struct expected_defect *expected = &defects[_i];

    ck_assert_int_eq(try_to_read(expected->text), 1);
    ck_assert_int_eq(parsed.refusal.status, 422);
    const struct defect *defect = find_defect(expected->pointer);
    ck_assert_msg(defect != NULL, "%s", parsed.defects.defects[0].pointer);
    ck_assert_str_eq(defect->code, expected->code);
    ck_assert_msg(strstr(defect->detail, expected->word) != NULL, "%s", defect->detail);
}
END_TEST

static const struct {
    const char *text;
    int status;
    const char *code;
} refusals[] = {
    {"{", 400, "invalid_json"},
    {"{'name': 'x', 'name': 'y'}", 400, "duplicate_key"},
    {"", 400, "invalid_json"},
    {"{'name': '\xff'}", 400, "invalid_utf8"},
};

/* _i: a document */
START_TEST(what_cannot_be_read_is_refused)
{
    ck_assert_int_eq(try_to_read(refusals[_i].text), 1);
    ck_assert_int_eq(parsed.refusal.status, refusals[_i].status);
    ck_assert_str_eq(parsed.refusal.code, refusals[_i].code);
}
END_TEST

START_TEST(job_of_more_items_than_may_be_is_refused)
{
    struct parse_settings settings = parse_settings;

    parse_settings.max_items = 1;
    ck_assert_int_eq(
        try_to_read("{'name': 'x', 'every_ms': 1000, 'job': ['http://a/', 'http://b/']}"), 1);
    parse_settings = settings;
    ck_assert_int_eq(parsed.refusal.status, 413);
    ck_assert_str_eq(parsed.refusal.code, "too_many_items");
}
END_TEST

START_TEST(all_defects_are_counted)
{
    ck_assert_int_eq(try_to_read("{'every_ms': 1, 'job': ['ftp://a/', 'ftp://b/', 7]}"), 1);
    ck_assert_uint_eq(parsed.defects.n_found, 5);
    ck_assert_uint_eq(parsed.defects.n_defects, 5);
}
END_TEST

START_TEST(lack_of_memory_is_no_refusal)
{
    static const char text[] = "{'name': 'x', 'labels': {'a': 'b'}, 'cron': '@daily',"
                               " 'job': {'requests': [{'url': 'http://a/', 'json': {'a': 1}}]}}";
    size_t n = 1;

    for (;; n++) {
        int rc = try_to_read("{}");
        ck_assert_int_eq(rc, 1);
        char *json = with_double_quotes(text);
        struct defect_list list;
        defect_list_init(&list);
        size_t before = fault_live();
        fault_arm(n);
        rc = schedule_parse(&parse_settings, json, strlen(json), &list, &parsed.refusal, &document);
        bool failed = fault_disarm();
        defect_list_done(&list);
        free(json);
        if (!failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live() + 1, before);
    }
    ck_assert_uint_gt(n, 10);
}
END_TEST

Suite *suite_parse_schedule(void);

Suite *suite_parse_schedule(void)
{
    Suite *suite = suite_create("parse_schedule");
    TCase *tcase = parse_case(suite, "schedule");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, all_of_it_is_read);
    tcase_add_test(tcase, little_will_do);
    tcase_add_loop_test(tcase, what_is_wrong_is_said_where_it_is, 0, N_ELEMENTS(defects));
    tcase_add_loop_test(tcase, what_cannot_be_read_is_refused, 0, N_ELEMENTS(refusals));
    tcase_add_test(tcase, job_of_more_items_than_may_be_is_refused);
    tcase_add_test(tcase, all_defects_are_counted);
    tcase_add_test(tcase, lack_of_memory_is_no_refusal);
    return suite;
}
