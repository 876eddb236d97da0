#include "daemon/base/prometheus_text.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct buffer out;
static struct prometheus_writer w;

static void set_up(void)
{
    buffer_init(&out, SIZE_MAX);
    prometheus_init(&w, &out);
}

static void tear_down(void)
{
    buffer_done(&out);
}

static void assert_written(const char *expected)
{
    ck_assert_int_eq(prometheus_finish(&w), 0);
    ck_assert_int_eq(buffer_append_byte(&out, '\0'), 0);
    ck_assert_str_eq(out.data, expected);
}

START_TEST(family_has_help_type_and_samples)
{
    prometheus_family(&w, "x_total", PROMETHEUS_COUNTER, "How many.");
    prometheus_sample(&w, PROMETHEUS_NO_LABELS, 3);
    prometheus_family(&w, "y", PROMETHEUS_GAUGE, "How much.");
    prometheus_sample(&w, PROMETHEUS_LABELS({"a", "1"}), 0.25);
    prometheus_sample(&w, PROMETHEUS_LABELS({"a", "2"}, {"b", ""}), -4);
    assert_written("# HELP x_total How many.\n# TYPE x_total counter\nx_total 3\n"
                   "# HELP y How much.\n# TYPE y gauge\ny{a=\"1\"} 0.25\n"
                   "y{a=\"2\",b=\"\"} -4\n");
}
END_TEST

START_TEST(histogram_is_cumulative)
{
    static const double bounds[] = {0.001, 2.5};
    static const uint64_t counts[] = {1, 0, 4};
    const struct prometheus_buckets buckets = {bounds, counts, 2, 40.5};

    prometheus_family(&w, "t", PROMETHEUS_HISTOGRAM, "T.");
    prometheus_histogram(&w, PROMETHEUS_LABELS({"p", "dns"}), &buckets);
    prometheus_histogram(&w, PROMETHEUS_NO_LABELS, &buckets);
    assert_written("# HELP t T.\n# TYPE t histogram\n"
                   "t_bucket{p=\"dns\",le=\"0.001\"} 1\nt_bucket{p=\"dns\",le=\"2.5\"} 1\n"
                   "t_bucket{p=\"dns\",le=\"+Inf\"} 5\nt_sum{p=\"dns\"} 40.5\n"
                   "t_count{p=\"dns\"} 5\n"
                   "t_bucket{le=\"0.001\"} 1\nt_bucket{le=\"2.5\"} 1\nt_bucket{le=\"+Inf\"} 5\n"
                   "t_sum 40.5\nt_count 5\n");
}
END_TEST

START_TEST(what_would_end_a_text_is_escaped)
{
    prometheus_family(&w, "x", PROMETHEUS_GAUGE, "a \\ b\n\"c\"");
    prometheus_sample(&w, PROMETHEUS_LABELS({"l", "\"a\\b\"\n} 1\n\xc3\xa9"}), 1);
    assert_written("# HELP x a \\\\ b\\n\"c\"\n# TYPE x gauge\n"
                   "x{l=\"\\\"a\\\\b\\\"\\n} 1\\n\xc3\xa9\"} 1\n");
}
END_TEST

static const struct {
    double value;
    const char *expected;
} numbers[] = {
    {0, "# HELP x .\n# TYPE x gauge\nx 0\n"},
    {1e15, "# HELP x .\n# TYPE x gauge\nx 1e+15\n"},
    {9007199254740992, "# HELP x .\n# TYPE x gauge\nx 9007199254740992\n"},
    {0.1, "# HELP x .\n# TYPE x gauge\nx 0.1\n"},
    {0.1 + 0.2, "# HELP x .\n# TYPE x gauge\nx 0.30000000000000004\n"},
    {1769860800.000213, "# HELP x .\n# TYPE x gauge\nx 1769860800.0002129\n"},
    {NAN, "# HELP x .\n# TYPE x gauge\nx NaN\n"},
    {INFINITY, "# HELP x .\n# TYPE x gauge\nx +Inf\n"},
    {-INFINITY, "# HELP x .\n# TYPE x gauge\nx -Inf\n"},
};

START_TEST(number_is_short_and_exact)
{
    prometheus_family(&w, "x", PROMETHEUS_GAUGE, ".");
    prometheus_sample(&w, PROMETHEUS_NO_LABELS, numbers[_i].value);
    assert_written(numbers[_i].expected);
}
END_TEST

START_TEST(what_does_not_fit_is_not_begun)
{
    struct buffer small;

    buffer_init(&small, 24);
    ck_assert_int_eq(buffer_append(&small, "before", 6), 0);
    prometheus_init(&w, &small);
    prometheus_family(&w, "x", PROMETHEUS_GAUGE, "A help text.");
    prometheus_sample(&w, PROMETHEUS_NO_LABELS, 1);
    ck_assert_int_eq(prometheus_finish(&w), -EMSGSIZE);
    ck_assert_uint_eq(small.len, 6);
    buffer_done(&small);
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    fault_arm(1);
    prometheus_family(&w, "x", PROMETHEUS_GAUGE, "A \\ help text.");
    prometheus_sample(&w, PROMETHEUS_LABELS({"l", "a\\b"}), 1);
    ck_assert(fault_disarm());
    ck_assert_int_eq(prometheus_finish(&w), -ENOMEM);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

Suite *suite_prometheus_text(void);

Suite *suite_prometheus_text(void)
{
    Suite *suite = suite_create("prometheus_text");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, family_has_help_type_and_samples);
    tcase_add_test(tcase, histogram_is_cumulative);
    tcase_add_test(tcase, what_would_end_a_text_is_escaped);
    tcase_add_loop_test(tcase, number_is_short_and_exact, 0, (int)N_ELEMENTS(numbers));
    tcase_add_test(tcase, what_does_not_fit_is_not_begun);
    tcase_add_test(tcase, lack_of_memory_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
