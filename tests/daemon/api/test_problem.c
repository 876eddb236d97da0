#include "daemon/api/problem.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/api/http_exchange_private.h"
#include "daemon/model/problem_text.h"
#include "tests/support/fault.h"

static struct http_exchange exchange;
static json_t *document;

static void set_up(void)
{
    http_exchange_init(&exchange);
}

static void tear_down(void)
{
    json_decref(co_take(document));
    http_exchange_done(&exchange);
}

static void parse_answer(void)
{
    const struct http_answer *answer = &exchange.answer;

    document = json_loadb(answer->body.data, answer->body.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(document);
}

static const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

START_TEST(problem_says_what_is_wrong)
{
    const char *name = NULL;
    const char *value;

    ck_assert_int_eq(
        http_answer_problem(&exchange, 404, "not_found", "There is no %s with %d.", "job", 7), 0);
    parse_answer();
    ck_assert_int_eq(exchange.answer.status, 404);
    ck_assert_str_eq(text_of(document, "type"), "about:blank");
    ck_assert_str_eq(text_of(document, "title"), "Not Found");
    ck_assert_int_eq(json_integer_value(json_object_get(document, "status")), 404);
    ck_assert_str_eq(text_of(document, "code"), "not_found");
    ck_assert_str_eq(text_of(document, "detail"), "There is no job with 7.");
    ck_assert_ptr_null(json_object_get(document, "errors"));
    ck_assert(http_answer_next_field(&exchange.answer, &name, &value));
    ck_assert_str_eq(name, "Content-Type");
    ck_assert_str_eq(value, "application/problem+json");
}
END_TEST

START_TEST(defects_are_listed_with_the_number_of_all)
{
    static struct defect_list defects = {.n_defects = 2, .n_found = 10000};

    defects.defects[0] = (struct defect){"/requests/0/url", "bad_scheme", "No \"ftp\" here."};
    defects.defects[1] = (struct defect){"", "too_many", "x"};
    ck_assert_int_eq(http_answer_defects(&exchange, 422, "invalid", "Many errors.", &defects), 0);
    parse_answer();
    const json_t *errors = json_object_get(document, "errors");
    ck_assert_uint_eq(json_array_size(errors), 2);
    ck_assert_str_eq(text_of(json_array_get(errors, 0), "pointer"), "/requests/0/url");
    ck_assert_str_eq(text_of(json_array_get(errors, 0), "code"), "bad_scheme");
    ck_assert_str_eq(text_of(json_array_get(errors, 0), "detail"), "No \"ftp\" here.");
    ck_assert_str_eq(text_of(json_array_get(errors, 1), "pointer"), "");
    ck_assert_int_eq(json_integer_value(json_object_get(document, "error_count")), 10000);
}
END_TEST

START_TEST(long_detail_is_cut_between_characters)
{
    char path[2000];

    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "\xc3\xbc", 3);
    ck_assert_int_eq(http_answer_problem(&exchange, 404, "not_found", "%s", path), 0);
    parse_answer();
    ck_assert_uint_eq(strlen(text_of(document, "detail")), 510);
}
END_TEST

START_TEST(detail_of_any_bytes_is_json)
{
    ck_assert_int_eq(http_answer_problem(&exchange, 400, "x", "%s", "\"\\\x01\xff\n"), 0);
    parse_answer();
    ck_assert_str_eq(text_of(document, "detail"), "\"\\\x01\xc3\xbf\n");
}
END_TEST

START_TEST(every_status_has_a_title)
{
    ck_assert_str_eq(http_status_title(413), "Content Too Large");
    ck_assert_str_eq(http_status_title(418), "Client Error");
    ck_assert_str_eq(http_status_title(599), "Server Error");
    ck_assert_str_eq(http_status_title(99), "Unknown");
    ck_assert_str_eq(http_status_title(600), "Unknown");
}
END_TEST

START_TEST(every_failing_allocation_is_reported)
{
    size_t live_before = fault_live();

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = http_answer_problem(&exchange, 404, "not_found", "Nothing.");
        bool has_failed = fault_disarm();
        ck_assert_int_eq(rc, has_failed ? -ENOMEM : 0);
        ck_assert_int_eq(exchange.answer.status, has_failed ? 0 : 404);
        http_answer_reset(&exchange);
        ck_assert_uint_eq(fault_live(), live_before);
        if (!has_failed)
            break;
    }
}
END_TEST

Suite *suite_problem(void);

Suite *suite_problem(void)
{
    Suite *suite = suite_create("problem");
    TCase *tcase = tcase_create("problem");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, problem_says_what_is_wrong);
    tcase_add_test(tcase, defects_are_listed_with_the_number_of_all);
    tcase_add_test(tcase, long_detail_is_cut_between_characters);
    tcase_add_test(tcase, detail_of_any_bytes_is_json);
    tcase_add_test(tcase, every_status_has_a_title);
    tcase_add_test(tcase, every_failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
