#include "daemon/base/csv_writer.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fault.h"

static struct buffer out;
static struct csv_writer csv;

static void set_up(void)
{
    buffer_init(&out, 1000);
    csv_init(&csv, &out);
}

static void tear_down(void)
{
    buffer_done(&out);
}

static void assert_written(const char *expected)
{
    ck_assert_int_eq(csv.rc, 0);
    ck_assert_uint_eq(out.len, strlen(expected));
    ck_assert(out.len == 0 || memcmp(out.data, expected, out.len) == 0);
}

START_TEST(row_is_cells_with_commas_between)
{
    csv_text(&csv, "a");
    csv_uint(&csv, 7);
    csv_empty(&csv);
    csv_text(&csv, NULL);
    csv_ms(&csv, 301234);
    csv_ms(&csv, -1);
    csv_end_row(&csv);
    csv_text(&csv, "b");
    csv_end_row(&csv);
    assert_written("a,7,,,301.234,\r\nb\r\n");
}
END_TEST

START_TEST(instant_is_as_in_json)
{
    csv_instant(&csv, 213);
    csv_instant(&csv, INT64_MIN);
    assert_written("1970-01-01T00:00:00.000213Z,");
}
END_TEST

static const struct {
    const char *text, *cell;
} cells[] = {
    {"", ""},
    {"plain text", "plain text"},
    {"a,b", "\"a,b\""},
    {"say \"hi\"", "\"say \"\"hi\"\"\""},
    {"\"", "\"\"\"\""},
    {"two\nlines", "\"two\nlines\""},
    {"two\r\nlines", "\"two\r\nlines\""},
    {"=1+1", "'=1+1"},
    {"+1", "'+1"},
    {"-1", "'-1"},
    {"@A1", "'@A1"},
    {"\tx", "'\tx"},
    {"\rx", "\"'\rx\""},
    {"=\"a\",1", "\"'=\"\"a\"\",1\""},
    {"a=1", "a=1"},
    {"'", "'"},
};

START_TEST(cell_neither_breaks_its_row_nor_is_a_formula)
{
    csv_text(&csv, cells[_i].text);
    assert_written(cells[_i].cell);
}
END_TEST

START_TEST(first_failure_sticks)
{
    fault_arm(1);
    csv_text(&csv, "a");
    ck_assert(fault_disarm());
    csv_text(&csv, "b");
    csv_end_row(&csv);
    ck_assert_int_eq(csv.rc, -ENOMEM);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

Suite *suite_csv_writer(void);

Suite *suite_csv_writer(void)
{
    Suite *suite = suite_create("csv_writer");
    TCase *tcase = tcase_create("csv_writer");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, row_is_cells_with_commas_between);
    tcase_add_test(tcase, instant_is_as_in_json);
    tcase_add_loop_test(tcase, cell_neither_breaks_its_row_nor_is_a_formula, 0,
                        sizeof(cells) / sizeof(cells[0]));
    tcase_add_test(tcase, first_failure_sticks);
    suite_add_tcase(suite, tcase);
    return suite;
}
