#include "daemon/client/text_table.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/support/fault.h"

enum { N_COLUMNS = 3 };

static const struct text_column columns[N_COLUMNS] = {
    {.title = "STATUS"},
    {.title = "TIME", .is_right = true, .gives_way = 1},
    {.title = "URL", .gives_way = 2, .min_width = 8},
};
static struct terminal terminal;
static struct text_table table;
static struct buffer out;
static char *locale_before;

static void set_up(void)
{
    locale_before = strdup(setlocale(LC_CTYPE, NULL));
    setlocale(LC_CTYPE, "C.UTF-8");
    terminal = (struct terminal){.is_utf8 = true};
    buffer_init(&out, SIZE_MAX);
    text_table_init(&table, columns, N_COLUMNS, &terminal);
}

static void tear_down(void)
{
    text_table_done(&table);
    buffer_done(&out);
    setlocale(LC_CTYPE, locale_before);
    free(locale_before);
}

static void add_row(const char *status, uint64_t ms, const char *url)
{
    text_table_text(&table, TONE_GOOD, status);
    text_table_uint(&table, TONE_PLAIN, ms);
    text_table_text(&table, TONE_PLAIN, url);
}

static const char *printed(void)
{
    out.len = 0;
    ck_assert_int_eq(text_table_flush(&table, &out), 0);
    ck_assert_int_eq(buffer_append_byte(&out, '\0'), 0);
    return out.data;
}

START_TEST(columns_are_as_wide_as_what_is_in_them)
{
    add_row("200", 12, "https://one.example/");
    add_row("503", 1234567, NULL);
    ck_assert_uint_eq(text_table_n_rows(&table), 2);
    ck_assert_str_eq(printed(), "STATUS     TIME  URL\n"
                                "200          12  https://one.example/\n"
                                "503     1234567  -\n");
}
END_TEST

START_TEST(table_without_rows_has_titles)
{
    ck_assert_str_eq(printed(), "STATUS  TIME  URL\n");
}
END_TEST

START_TEST(table_that_goes_on_keeps_its_columns_and_widens_them)
{
    add_row("200", 12, "a");
    printed();
    add_row("200", 12, "b");
    ck_assert_str_eq(printed(), "200       12  b\n");
    add_row("canceled", 12, "c");
    ck_assert_str_eq(printed(), "canceled    12  c\n");
    add_row("200", 12, "d");
    ck_assert_str_eq(printed(), "200         12  d\n");
}
END_TEST

START_TEST(column_that_gives_way_first_is_left_out_first)
{
    terminal.width = 25;
    add_row("200", 12, "https://one.ex/1");
    ck_assert_str_eq(printed(), "STATUS  URL\n"
                                "200     https://one.ex/1\n");
}
END_TEST

START_TEST(column_that_may_be_cut_is_cut_where_it_must)
{
    terminal.width = 20;
    add_row("200", 12, "https://one.example/");
    add_row("200", 12, "short");
    ck_assert_str_eq(printed(), "STATUS  URL\n"
                                "200     https://one\u2026\n"
                                "200     short\n");
}
END_TEST

START_TEST(no_column_is_cut_below_its_least_width)
{
    terminal.width = 3;
    add_row("200", 12, "https://one.example/");
    ck_assert_str_eq(printed(), "STATUS  URL\n"
                                "200     https:/\u2026\n");
}
END_TEST

START_TEST(cut_is_shown_in_ascii_where_there_is_nothing_else)
{
    terminal.width = 16;
    terminal.is_utf8 = false;
    add_row("200", 12, "https://one.example/");
    ck_assert_str_eq(printed(), "STATUS  URL\n"
                                "200     https:/~\n");
}
END_TEST

START_TEST(wide_characters_are_counted_as_wide)
{
    terminal.width = 16;
    add_row("200", 12, "\u6771\u4eac\u6771\u4eac\u6771\u4eac");
    ck_assert_str_eq(printed(), "STATUS  URL\n"
                                "200     \u6771\u4eac\u6771\u2026\n");
}
END_TEST

START_TEST(wider_terminal_is_made_use_of)
{
    terminal.width = 20;
    add_row("200", 12, "https://one.example/");
    printed();
    terminal.width = 80;
    add_row("200", 12, "https://one.example/");
    ck_assert_str_eq(printed(), "200       12  https://one.example/\n");
}
END_TEST

START_TEST(cell_cannot_leave_its_line)
{
    add_row("200", 12, "a\n\033[2Jb");
    ck_assert_str_eq(printed(), "STATUS  TIME  URL\n"
                                "200       12  a\\n\\x1b[2Jb\n");
}
END_TEST

START_TEST(colours_take_no_room)
{
    terminal.has_colours = true;
    add_row("200", 12, "a");
    ck_assert_str_eq(printed(), "\033[1mSTATUS\033[0m  \033[1mTIME\033[0m  \033[1mURL\033[0m\n"
                                "\033[32m200\033[0m       12  a\n");
}
END_TEST

START_TEST(no_line_ends_with_a_space)
{
    add_row("200", 12, "https://one.example/");
    add_row("", 1, "");
    ck_assert_str_eq(printed(), "STATUS  TIME  URL\n"
                                "200       12  https://one.example/\n"
                                "           1\n");
}
END_TEST

START_TEST(lack_of_memory_is_told_in_the_end)
{
    for (size_t n = 1;; n++) {
        struct text_table other;
        struct buffer lines;
        size_t before = fault_live();

        buffer_init(&lines, SIZE_MAX);
        fault_arm(n);
        text_table_init(&other, columns, N_COLUMNS, &terminal);
        for (size_t i = 0; i < (size_t)400 * N_COLUMNS; i++)
            text_table_uint(&other, TONE_PLAIN, i);
        int rc = text_table_flush(&other, &lines);
        bool has_failed = fault_disarm();
        text_table_done(&other);
        buffer_done(&lines);
        ck_assert_uint_eq(fault_live(), before);
        ck_assert_int_eq(rc, has_failed ? -ENOMEM : 0);
        if (!has_failed)
            break;
    }
}
END_TEST

Suite *suite_text_table(void);

Suite *suite_text_table(void)
{
    Suite *suite = suite_create("daemon/client/text_table");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, columns_are_as_wide_as_what_is_in_them);
    tcase_add_test(tcase, table_without_rows_has_titles);
    tcase_add_test(tcase, table_that_goes_on_keeps_its_columns_and_widens_them);
    tcase_add_test(tcase, column_that_gives_way_first_is_left_out_first);
    tcase_add_test(tcase, column_that_may_be_cut_is_cut_where_it_must);
    tcase_add_test(tcase, no_column_is_cut_below_its_least_width);
    tcase_add_test(tcase, cut_is_shown_in_ascii_where_there_is_nothing_else);
    tcase_add_test(tcase, wide_characters_are_counted_as_wide);
    tcase_add_test(tcase, wider_terminal_is_made_use_of);
    tcase_add_test(tcase, cell_cannot_leave_its_line);
    tcase_add_test(tcase, colours_take_no_room);
    tcase_add_test(tcase, no_line_ends_with_a_space);
    tcase_add_test(tcase, lack_of_memory_is_told_in_the_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
