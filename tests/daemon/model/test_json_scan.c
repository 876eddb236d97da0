#include "daemon/model/json_scan.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *text;
    size_t depth;
} texts[] = {
    {"", 0},
    {"5", 0},
    {"\"[[[\"", 0},
    {"[]", 1},
    {"[[],[],{}]", 2},
    {"{\"a\": [{\"b\": []}]}", 4},
    {"[\"[[[\"]", 1},
    {"[\"\\\"[[[\"]", 1},
    {"[\"\\\\\",[]]", 2},
    {"[\"\\\\\\\"[[\"]", 1},
    {"[\"", 1},
    {"[\"\\", 1},
    {"\"", 0},
    {"]]]][[", 2},
    {"[}{]", 1},
    {"[\"a\",\"b\",[\"c\"]]", 2},
};

START_TEST(depth_is_what_is_nested_outside_strings)
{
    const char *text = texts[_i].text;
    size_t depth = texts[_i].depth;

    ck_assert_ptr_null(json_scan_deeper(text, strlen(text), depth));
    if (depth > 0)
        ck_assert_ptr_nonnull(json_scan_deeper(text, strlen(text), depth - 1));
}
END_TEST

START_TEST(the_first_bracket_that_is_too_deep_is_found)
{
    static const char text[] = "[1, [2, \"[[[\", {\"a\": []}]]";

    for (size_t max = 0; max < 4; max++) {
        static const ptrdiff_t places[] = {0, 4, 15, 21};
        ck_assert_int_eq(json_scan_deeper(text, strlen(text), max) - text, places[max]);
    }
}
END_TEST

START_TEST(ten_thousand_levels_are_counted)
{
    char text[10000];

    memset(text, '[', sizeof(text));
    ck_assert_ptr_null(json_scan_deeper(text, sizeof(text), sizeof(text)));
    ck_assert_ptr_eq(json_scan_deeper(text, sizeof(text), sizeof(text) - 1),
                     text + sizeof(text) - 1);
}
END_TEST

/* The same, byte by byte. */
static size_t slow_depth(const char *text, size_t length)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && strchr("[{", text[i]) != NULL)
            depth++;
        else if (!in_string && strchr("]}", text[i]) != NULL)
            depth -= depth > 0;
        if (depth > deepest)
            deepest = depth;
    }
    return deepest;
}

START_TEST(random_text_is_seen_as_by_a_simpler_scan)
{
    static const char alphabet[] = "[]{}\"\"\\\\a,";
    struct random random = {1};

    for (int round = 0; round < 20000; round++) {
        size_t length = random_below(&random, 40);
        char *text = malloc(length + 1);

        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[random_below(&random, sizeof(alphabet) - 1)];
        text[length] = '\0';
        size_t depth = slow_depth(text, length);
        ck_assert_ptr_null(json_scan_deeper(text, length, depth));
        ck_assert(depth == 0 || json_scan_deeper(text, length, depth - 1) != NULL);
        free(text);
    }
}
END_TEST

Suite *suite_json_scan(void);

Suite *suite_json_scan(void)
{
    Suite *suite = suite_create("daemon/model/json_scan");
    TCase *tcase = tcase_create("json_scan");

    tcase_add_loop_test(tcase, depth_is_what_is_nested_outside_strings, 0, N_ELEMENTS(texts));
    tcase_add_test(tcase, the_first_bracket_that_is_too_deep_is_found);
    tcase_add_test(tcase, ten_thousand_levels_are_counted);
    tcase_add_test(tcase, random_text_is_seen_as_by_a_simpler_scan);
    suite_add_tcase(suite, tcase);
    return suite;
}
