#include "daemon/client/json_text.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "daemon/model/json_document.h"

#include "tests/support/fault.h"

static const char source[] =
    "{\"text\":\"a\\u0000b\",\"whole\":1764000000000,\"half\":0.5,\"less\":-3,\"yes\":true,"
    "\"no\":false,\"nothing\":null,\"empty\":\"\",\"list\":[1,\"two\"],"
    "\"data\":[{\"id\":\"first\"},{\"id\":\"second\"}]}";
static struct json_t *document;
static struct buffer out;

static void set_up(void)
{
    buffer_init(&out, SIZE_MAX);
    ck_assert_int_eq(json_document_load(source, strlen(source), &document), 0);
}

static void tear_down(void)
{
    json_document_free(document);
    buffer_done(&out);
}

static const char *text_of(const char *pointer)
{
    out.len = 0;
    int rc = json_text_append(&out, document, pointer);
    ck_assert_int_ge(rc, 0);
    ck_assert_int_eq(buffer_append_byte(&out, '\0'), 0);
    return rc == 1 ? out.data : NULL;
}

START_TEST(string_is_itself_and_anything_else_is_json)
{
    ck_assert_str_eq(text_of("/data/1/id"), "second");
    ck_assert_str_eq(text_of("/empty"), "");
    ck_assert_str_eq(text_of("/yes"), "true");
    ck_assert_str_eq(text_of("/list"), "[1,\"two\"]");
}
END_TEST

START_TEST(string_keeps_its_nul)
{
    text_of("/text");
    ck_assert_mem_eq(out.data, "a\0b", 4);
}
END_TEST

START_TEST(whole_numbers_look_whole)
{
    ck_assert_str_eq(text_of("/whole"), "1764000000000");
    ck_assert_str_eq(text_of("/half"), "0.5");
    ck_assert_str_eq(text_of("/less"), "-3");
}
END_TEST

START_TEST(null_is_nothing)
{
    ck_assert_ptr_null(text_of("/nothing"));
    ck_assert_ptr_null(text_of("/missing"));
    ck_assert_ptr_null(text_of("/text/deeper"));
    ck_assert_uint_eq(out.len, 1);
}
END_TEST

START_TEST(number_is_one_or_none)
{
    ck_assert_double_eq(json_text_number(document, "/half"), 0.5);
    ck_assert(isnan(json_text_number(document, "/empty")));
    ck_assert(isnan(json_text_number(document, "/missing")));
}
END_TEST

START_TEST(count_is_never_negative)
{
    ck_assert_uint_eq(json_text_count(document, "/whole"), 1764000000000);
    ck_assert_uint_eq(json_text_count(document, "/less"), 0);
    ck_assert_uint_eq(json_text_count(document, "/missing"), 0);
}
END_TEST

START_TEST(string_is_compared_as_a_whole)
{
    ck_assert(json_text_is(document, "/data/0/id", "first"));
    ck_assert(!json_text_is(document, "/data/0/id", "firs"));
    ck_assert(!json_text_is(document, "/text", "a"));
    ck_assert(!json_text_is(document, "/yes", "true"));
    ck_assert(!json_text_is(document, "/missing", ""));
}
END_TEST

START_TEST(only_true_is_true)
{
    ck_assert(json_text_is_true(document, "/yes"));
    ck_assert(!json_text_is_true(document, "/no"));
    ck_assert(!json_text_is_true(document, "/whole"));
    ck_assert(!json_text_is_true(document, "/missing"));
}
END_TEST

START_TEST(page_has_as_many_items_as_it_has)
{
    ck_assert(json_text_is(json_text_item(document, 1), "/id", "second"));
    ck_assert_ptr_null(json_text_item(document, 2));
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct buffer text;

    buffer_init(&text, SIZE_MAX);
    fault_arm(1);
    int rc = json_text_append(&text, document, "/data/0/id");
    ck_assert(fault_disarm());
    ck_assert_int_eq(rc, -ENOMEM);
    buffer_done(&text);
}
END_TEST

Suite *suite_json_text(void);

Suite *suite_json_text(void)
{
    Suite *suite = suite_create("daemon/client/json_text");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, string_is_itself_and_anything_else_is_json);
    tcase_add_test(tcase, string_keeps_its_nul);
    tcase_add_test(tcase, whole_numbers_look_whole);
    tcase_add_test(tcase, null_is_nothing);
    tcase_add_test(tcase, number_is_one_or_none);
    tcase_add_test(tcase, count_is_never_negative);
    tcase_add_test(tcase, string_is_compared_as_a_whole);
    tcase_add_test(tcase, only_true_is_true);
    tcase_add_test(tcase, page_has_as_many_items_as_it_has);
    tcase_add_test(tcase, lack_of_memory_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
