#include "daemon/client/shown_text.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct buffer out;
static char *locale_before;

static void set_up(void)
{
    locale_before = strdup(setlocale(LC_CTYPE, NULL));
    setlocale(LC_CTYPE, "C.UTF-8");
    buffer_init(&out, SIZE_MAX);
}

static void tear_down(void)
{
    buffer_done(&out);
    setlocale(LC_CTYPE, locale_before);
    free(locale_before);
}

static const char *shown(const char *text, bool is_utf8)
{
    out.len = 0;
    ck_assert_int_eq(shown_text_append(&out, text, strlen(text), is_utf8), 0);
    ck_assert_int_eq(buffer_append_byte(&out, '\0'), 0);
    out.len--;
    return out.data;
}

static const struct {
    const char *text, *shown, *shown_in_ascii;
    size_t width;
} texts[] = {
    {"", "", "", 0},
    {"https://one.example/?a=b", "https://one.example/?a=b", "https://one.example/?a=b", 24},
    {"a\tb\r\nc", "a\\tb\\r\\nc", "a\\tb\\r\\nc", 9},
    {"\033[31mred", "\\x1b[31mred", "\\x1b[31mred", 11},
    {"\x7f\x01", "\\x7f\\x01", "\\x7f\\x01", 8},
    {"\xc2\x9b"
     "31m",
     "\\u{9b}31m", "\\u{9b}31m", 9},
    {"M\u00fcller", "M\u00fcller", "M\\u{fc}ller", 6},
    {"\u6771\u4eac", "\u6771\u4eac", "\\u{6771}\\u{4eac}", 4},
    {"\U0001f600", "\U0001f600", "\\u{1f600}", 2},
    {"e\u0301", "e\u0301", "e\\u{301}", 1},
    {"\xff\xfe", "\\xff\\xfe", "\\xff\\xfe", 8},
    {"a\u202egpj.exe", "a\\u{202e}gpj.exe", "a\\u{202e}gpj.exe", 16},
    {"a\u2066b\u2069", "a\\u{2066}b\\u{2069}", "a\\u{2066}b\\u{2069}", 18},
    {"pay\u200bpal", "pay\\u{200b}pal", "pay\\u{200b}pal", 14},
    {"\ufeff", "\\u{feff}", "\\u{feff}", 8},
    {"\U000e0041", "\\u{e0041}", "\\u{e0041}", 9},
    {"\u2028", "\\u{2028}", "\\u{2028}", 8},
};

START_TEST(what_strangers_say_can_only_be_read)
{
    ck_assert_str_eq(shown(texts[_i].text, true), texts[_i].shown);
    ck_assert_uint_eq(shown_text_width(out.data, out.len), texts[_i].width);
    ck_assert_str_eq(shown(texts[_i].text, false), texts[_i].shown_in_ascii);
    ck_assert_uint_eq(shown_text_width(out.data, out.len), out.len);
}
END_TEST

START_TEST(wide_character_that_would_only_half_fit_is_left_out)
{
    const char *text = "a\u6771b";

    ck_assert_uint_eq(shown_text_fit(text, 5, 0), 0);
    ck_assert_uint_eq(shown_text_fit(text, 5, 1), 1);
    ck_assert_uint_eq(shown_text_fit(text, 5, 2), 1);
    ck_assert_uint_eq(shown_text_fit(text, 5, 3), 4);
    ck_assert_uint_eq(shown_text_fit(text, 5, 9), 5);
}
END_TEST

START_TEST(mark_stays_with_its_letter)
{
    ck_assert_uint_eq(shown_text_fit("e\u0301x", 4, 1), 3);
}
END_TEST

START_TEST(nothing_is_shown_without_memory)
{
    fault_arm(1);
    ck_assert_int_eq(shown_text_append(&out, "\033", 1, true), -ENOMEM);
    ck_assert(fault_disarm());
}
END_TEST

Suite *suite_shown_text(void);

Suite *suite_shown_text(void)
{
    Suite *suite = suite_create("daemon/client/shown_text");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, what_strangers_say_can_only_be_read, 0, N_ELEMENTS(texts));
    tcase_add_test(tcase, wide_character_that_would_only_half_fit_is_left_out);
    tcase_add_test(tcase, mark_stays_with_its_letter);
    tcase_add_test(tcase, nothing_is_shown_without_memory);
    suite_add_tcase(suite, tcase);
    return suite;
}
