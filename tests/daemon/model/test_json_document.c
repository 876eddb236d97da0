#include "daemon/model/json_document.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/json_memory.h"
#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static size_t live_before;

static void set_up(void)
{
    json_memory_init();
    live_before = fault_live();
}

static void tear_down(void)
{
    ck_assert_uint_eq(fault_live(), live_before);
}

static struct json_t *load(const char *text)
{
    struct json_t *document;

    ck_assert_msg(json_document_load(text, strlen(text), &document) == 0, "%s", text);
    return document;
}

static void expect_written(const struct json_t *value, const char *expected)
{
    char text[256];
    size_t length;

    ck_assert_int_eq(json_value_write(value, text, sizeof(text), &length), 0);
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(text, expected, length);
}

/* --- Loading ---------------------------------------------------------------------------------- */

static const struct {
    const char *text, *read_as;
} readable[] = {
    {"{\"a\": [1, 2.5, null, true, \"x\"]}", "{\"a\":[1,2.5,null,true,\"x\"]}"},
    {" 7 ", "7"},
    {"\"\"", "\"\""},
    {"\xef\xbb\xbf{}", "{}"},
    {"{\"a\": 1, \"a\": 2}", "{\"a\":2}"},
    {"301.234", "301.234"},
    {"18446744073709551616", "1.84467440737096e19"},
    {"[9223372036854775807]", "[9223372036854775807]"},
    {"\"a\\u0000b\"", "\"a\\u0000b\""},
    {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
};

START_TEST(what_an_origin_may_well_send_is_read)
{
    struct json_t *document = load(readable[_i].text);

    expect_written(document, readable[_i].read_as);
    json_document_free(document);
}
END_TEST

static const char *const unreadable[] = {
    "",      "{",      "[1, 2",    "\"abc",        "{\"a\" 1}",
    "{} {}", "1e999",  "\"\xff\"", "\"\xc0\x80\"", "\"\\ud800\"",
    "nul",   "<html>", "{'a': 1}", "\xef\xbb",     "{\"a\\u0000b\": 1}",
};

START_TEST(what_is_no_json_is_no_document)
{
    struct json_t *document;

    ck_assert_int_eq(json_document_load(unreadable[_i], strlen(unreadable[_i]), &document), 1);
}
END_TEST

START_TEST(nul_bytes_do_not_end_a_document)
{
    static const char text[] = "[1]\0[2]";
    struct json_t *document;

    ck_assert_int_eq(json_document_load(text, sizeof(text) - 1, &document), 1);
}
END_TEST

START_TEST(a_document_may_be_nested_so_deep_and_not_deeper)
{
    char text[2 * JSON_DOCUMENT_DEPTH_MAX + 4];
    struct json_t *document;

    for (int depth = JSON_DOCUMENT_DEPTH_MAX; depth <= JSON_DOCUMENT_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        int rc = json_document_load(text, 2 * (size_t)depth, &document);
        ck_assert_int_eq(rc, depth > JSON_DOCUMENT_DEPTH_MAX);
        if (rc == 0)
            json_document_free(document);
    }
}
END_TEST

START_TEST(a_bomb_of_brackets_does_no_harm)
{
    static char text[1 << 20];
    struct json_t *document;

    memset(text, '[', sizeof(text));
    ck_assert_int_eq(json_document_load(text, sizeof(text), &document), 1);
    for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
        memcpy(text + i, "{\"a\":", 5);
    ck_assert_int_eq(json_document_load(text, sizeof(text), &document), 1);
}
END_TEST

START_TEST(a_document_takes_so_much_memory_and_not_more)
{
    size_t length = 8 * 1024 * 1024;
    char *text = malloc(length);
    struct json_t *document;

    for (size_t i = 1; i + 3 <= length; i += 3)
        memcpy(text + i, "[],", 3);
    text[0] = '[';
    memcpy(text + length - 3, "[]]", 3);
    ck_assert_int_eq(json_document_load(text, length, &document), 1);
    memset(text + 1, ' ', length - 2);
    ck_assert_int_eq(json_document_load(text, length, &document), 0);
    json_document_free(document);
    free(text);
}
END_TEST

/* --- Pointers --------------------------------------------------------------------------------- */

/* The example of RFC 6901 section 5, and what is not in it. */
static const char example[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
    "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"deep\":{\"\":{\"x\":[[],{\"y\":null}]}}}";

static const struct {
    const char *pointer, *value; /* NULL: nowhere */
} pointers[] = {
    {"/foo", "[\"bar\",\"baz\"]"},
    {"/foo/0", "\"bar\""},
    {"/foo/1", "\"baz\""},
    {"/", "0"},
    {"/a~1b", "1"},
    {"/c%d", "2"},
    {"/e^f", "3"},
    {"/g|h", "4"},
    {"/i\\j", "5"},
    {"/k\"l", "6"},
    {"/ ", "7"},
    {"/m~0n", "8"},
    {"/~01", "9"},
    {"/deep//x/1/y", "null"},
    {"/deep//x/0", "[]"},
    {"/foo/2", NULL},
    {"/foo/-", NULL},
    {"/foo/-1", NULL},
    {"/foo/00", NULL},
    {"/foo/01", NULL},
    {"/foo/1x", NULL},
    {"/foo/", NULL},
    {"/foo/18446744073709551616", NULL},
    {"/foo/0/0", NULL},
    {"/nothing", NULL},
    {"/deep/x", NULL},
    {"/deep//x/1/y/z", NULL},
    {"foo", NULL},
};

START_TEST(a_pointer_leads_where_rfc_6901_says)
{
    struct json_t *document = load(example);
    const struct json_t *value = json_document_find(document, pointers[_i].pointer);

    ck_assert_msg((value == NULL) == (pointers[_i].value == NULL), "%s", pointers[_i].pointer);
    if (value != NULL)
        expect_written(value, pointers[_i].value);
    json_document_free(document);
}
END_TEST

START_TEST(the_empty_pointer_is_the_whole_document)
{
    struct json_t *document = load(example);

    ck_assert_ptr_eq(json_document_find(document, ""), document);
    json_document_free(document);
}
END_TEST

/* --- Comparing -------------------------------------------------------------------------------- */

static const struct {
    const char *a, *b;
    bool are_equal;
} pairs[] = {
    {"1", "1", true},
    {"1", "1.0", true},
    {"1", "1.5", false},
    {"1", "\"1\"", false},
    {"1", "true", false},
    {"null", "null", true},
    {"null", "false", false},
    {"\"a\\u0000b\"", "\"a\\u0000b\"", true},
    {"\"a\\u0000b\"", "\"a\\u0000c\"", false},
    {"\"a\"", "\"A\"", false},
    {"[1, 2]", "[1.0, 2]", true},
    {"[1, 2]", "[2, 1]", false},
    {"[1]", "[1, 1]", false},
    {"{\"a\": 1, \"b\": [2]}", "{\"b\": [2.0], \"a\": 1}", true},
    {"{\"a\": 1}", "{\"b\": 1}", false},
    {"{\"a\": 1}", "{\"a\": 1, \"b\": 1}", false},
    {"{}", "[]", false},
};

START_TEST(values_are_equal_by_value)
{
    struct json_t *a = load(pairs[_i].a), *b = load(pairs[_i].b);

    ck_assert_int_eq(json_value_equals(a, b), pairs[_i].are_equal);
    ck_assert_int_eq(json_value_equals(b, a), pairs[_i].are_equal);
    json_document_free(a);
    json_document_free(b);
}
END_TEST

static const struct {
    const char *value, *part;
    int rc;
} contents[] = {
    {"\"hello\"", "\"ell\"", 1},
    {"\"hello\"", "\"\"", 1},
    {"\"hello\"", "\"ELL\"", 0},
    {"\"a\\u0000bc\"", "\"\\u0000b\"", 1},
    {"[1, \"x\", {\"a\": 2}]", "\"x\"", 1},
    {"[1, \"x\", {\"a\": 2}]", "{\"a\": 2.0}", 1},
    {"[1, \"x\"]", "\"\"", 0},
    {"[]", "1", 0},
    {"\"1\"", "1", -EINVAL},
    {"17", "1", -EINVAL},
    {"{\"a\": 1}", "\"a\"", -EINVAL},
    {"null", "null", -EINVAL},
};

START_TEST(strings_and_arrays_contain)
{
    struct json_t *value = load(contents[_i].value), *part = load(contents[_i].part);

    ck_assert_int_eq(json_value_contains(value, part), contents[_i].rc);
    json_document_free(value);
    json_document_free(part);
}
END_TEST

START_TEST(numbers_and_strings_are_known)
{
    struct json_t *number = load("2.5"), *string = load("\"a\\u0000b\"");
    double value = 0;
    size_t length = 0;

    ck_assert(json_value_number(number, &value));
    ck_assert_double_eq(value, 2.5);
    ck_assert(!json_value_number(string, &value));
    ck_assert_mem_eq(json_value_string(string, &length), "a\0b", 3);
    ck_assert_uint_eq(length, 3);
    ck_assert_ptr_null(json_value_string(number, &length));
    json_document_free(number);
    json_document_free(string);
}
END_TEST

/* --- Writing, and no memory ------------------------------------------------------------------- */

START_TEST(what_does_not_fit_is_cut_off)
{
    struct json_t *document = load("[1,22,333]");
    char text[16];
    size_t length;

    ck_assert_int_eq(json_value_write(document, text, 10, &length), 0);
    ck_assert_uint_eq(length, 10);
    ck_assert_int_eq(json_value_write(document, text, 9, &length), 1);
    ck_assert_uint_eq(length, 9);
    ck_assert_mem_eq(text, "[1,22,333", 9);
    ck_assert_int_eq(json_value_write(document, text, 0, &length), 1);
    json_document_free(document);
}
END_TEST

/* returns 0, -ENOMEM */
static int do_everything(void)
{
    struct json_t *document;
    char text[256];
    size_t length;
    int rc = json_document_load(example, sizeof(example) - 1, &document);

    if (rc < 0)
        return rc;
    rc = json_value_write(json_document_find(document, "/deep//x"), text, sizeof(text), &length);
    json_document_free(document);
    ck_assert_int_le(rc, 0);
    return rc;
}

START_TEST(no_memory_is_said_and_nothing_leaks)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = do_everything();
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
    ck_assert_int_eq(do_everything(), 0);
}
END_TEST

Suite *suite_json_document(void);

Suite *suite_json_document(void)
{
    Suite *suite = suite_create("daemon/model/json_document");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, what_an_origin_may_well_send_is_read, 0, N_ELEMENTS(readable));
    tcase_add_loop_test(tcase, what_is_no_json_is_no_document, 0, N_ELEMENTS(unreadable));
    tcase_add_test(tcase, nul_bytes_do_not_end_a_document);
    tcase_add_test(tcase, a_document_may_be_nested_so_deep_and_not_deeper);
    tcase_add_test(tcase, a_bomb_of_brackets_does_no_harm);
    tcase_add_test(tcase, a_document_takes_so_much_memory_and_not_more);
    tcase_add_loop_test(tcase, a_pointer_leads_where_rfc_6901_says, 0, N_ELEMENTS(pointers));
    tcase_add_test(tcase, the_empty_pointer_is_the_whole_document);
    tcase_add_loop_test(tcase, values_are_equal_by_value, 0, N_ELEMENTS(pairs));
    tcase_add_loop_test(tcase, strings_and_arrays_contain, 0, N_ELEMENTS(contents));
    tcase_add_test(tcase, numbers_and_strings_are_known);
    tcase_add_test(tcase, what_does_not_fit_is_cut_off);
    tcase_add_test(tcase, no_memory_is_said_and_nothing_leaks);
    suite_add_tcase(suite, tcase);
    return suite;
}
