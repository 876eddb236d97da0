#include "daemon/client/input_detect.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name, *text, *format;
} inputs[] = {
    {"stdin", "", "urls"},
    {"stdin", "https://one.example/", "urls"},
    {"stdin", "# comment\n\n  <urlset>", "sitemap"},
    {"stdin", "[1]", "json"},
    {"stdin", "{}", "ndjson"},
    {"stdin", "\"https://one.example/\"", "ndjson"},
    {"stdin", "url = \"https://one.example/\"", "curl"},
    {"stdin", "# a\n-H \"X: y\"", "curl"},
    {"stdin", "--header \"X: y\"", "curl"},
    {"stdin", "--no-such-option", "curl"},
    {"stdin", "one.example", "urls"},
    {"sitemap.xml", "", "sitemap"},
    {"sitemap.XML.gz", "https://one.example/", "sitemap"},
    {"/home/me/.curlrc", "", "curl"},
    {"a.ndjson", "[", "ndjson"},
    {"a.jsonl.gz", "", "ndjson"},
    {"a.urls", "url = a", "urls"},
    {".gz", "[", "json"},
};

START_TEST(name_tells_the_format_or_else_the_first_line)
{
    const struct input_line bytes = {inputs[_i].text, strlen(inputs[_i].text)};

    ck_assert_str_eq(input_detect(inputs[_i].name, bytes), inputs[_i].format);
}
END_TEST

START_TEST(whole_line_that_counts_is_enough)
{
    ck_assert(!input_detect_is_enough((struct input_line){"", 0}));
    ck_assert(!input_detect_is_enough((struct input_line){"# a\n", 4}));
    ck_assert(!input_detect_is_enough((struct input_line){"# a\nb", 5}));
    ck_assert(input_detect_is_enough((struct input_line){"# a\nb\n", 6}));
}
END_TEST

START_TEST(more_bytes_are_not_waited_for_when_there_are_many)
{
    static char blanks[INPUT_DETECT_MAX];

    memset(blanks, ' ', sizeof(blanks));
    ck_assert(!input_detect_is_enough((struct input_line){blanks, sizeof(blanks) - 1}));
    ck_assert(input_detect_is_enough((struct input_line){blanks, sizeof(blanks)}));
}
END_TEST

Suite *suite_input_detect(void);

Suite *suite_input_detect(void)
{
    Suite *suite = suite_create("daemon/client/input_detect");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, name_tells_the_format_or_else_the_first_line, 0, N_ELEMENTS(inputs));
    tcase_add_test(tcase, whole_line_that_counts_is_enough);
    tcase_add_test(tcase, more_bytes_are_not_waited_for_when_there_are_many);
    suite_add_tcase(suite, tcase);
    return suite;
}
