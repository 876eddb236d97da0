#include "daemon/model/histogram.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/random.h"

enum { N_VALUES = 5000 };

static struct histogram histogram;
static uint64_t values[N_VALUES];

static void set_up(void)
{
    histogram = (struct histogram){0};
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void fill(uint64_t (*draw)(struct random *random), size_t n, uint64_t seed)
{
    struct random random = {seed};

    for (size_t i = 0; i < n; i++) {
        values[i] = draw(&random);
        histogram_add(&histogram, values[i]);
    }
    qsort(values, n, sizeof(*values), compare);
}

static uint64_t draw_small(struct random *random)
{
    return random_next(random) % 32;
}

static uint64_t draw_uniform(struct random *random)
{
    return random_next(random) % 1000000;
}

static uint64_t draw_any_magnitude(struct random *random)
{
    return random_next(random) >> (24 + random_next(random) % 40);
}

static uint64_t draw_one_of_two(struct random *random)
{
    return random_next(random) % 10 == 0 ? 30000000 : 1500;
}

static uint64_t draw_always_the_same(struct random *random)
{
    (void)random;
    return 123457;
}

static uint64_t (*const draws[])(struct random *random) = {
    draw_small, draw_uniform, draw_any_magnitude, draw_one_of_two, draw_always_the_same};
enum { N_DRAWS = sizeof(draws) / sizeof(*draws) };

static const double shares[] = {0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1};
enum { N_SHARES = sizeof(shares) / sizeof(*shares) };

static uint64_t exact_percentile(size_t n, double share)
{
    size_t rank = (size_t)ceil(share * (double)n - 1e-9);

    return values[rank > 0 ? rank - 1 : 0];
}

static void check_percentiles(size_t n)
{
    for (int i = 0; i < N_SHARES; i++) {
        double exact = (double)exact_percentile(n, shares[i]);
        double found = (double)histogram_percentile(&histogram, shares[i]);
        ck_assert_double_le_tol(fabs(found - exact), exact / 64, 1e-9);
    }
}

START_TEST(percentiles_are_within_their_error)
{
    fill(draws[_i % N_DRAWS], N_VALUES, (uint64_t)_i);
    check_percentiles(N_VALUES);
}
END_TEST

START_TEST(percentiles_of_few_values_are_right_too)
{
    fill(draw_any_magnitude, (size_t)_i, 7);
    check_percentiles((size_t)_i);
}
END_TEST

START_TEST(percentiles_never_fall_or_leave_the_range)
{
    uint64_t before = 0;

    fill(draw_any_magnitude, N_VALUES, (uint64_t)_i);
    for (int permille = 0; permille <= 1000; permille++) {
        uint64_t value = histogram_percentile(&histogram, permille / 1000.0);
        ck_assert_uint_ge(value, before);
        ck_assert_uint_ge(value, values[0]);
        ck_assert_uint_le(value, values[N_VALUES - 1]);
        before = value;
    }
}
END_TEST

START_TEST(smallest_largest_and_sum_are_exact)
{
    uint64_t sum = 0;

    fill(draw_any_magnitude, N_VALUES, 11);
    for (size_t i = 0; i < N_VALUES; i++)
        sum += values[i];
    ck_assert_uint_eq(histogram.n, N_VALUES);
    ck_assert_uint_eq(histogram.sum, sum);
    ck_assert_uint_eq(histogram.min, values[0]);
    ck_assert_uint_eq(histogram.max, values[N_VALUES - 1]);
    ck_assert_uint_eq(histogram_percentile(&histogram, 0), values[0]);
    ck_assert_uint_eq(histogram_percentile(&histogram, 1), values[N_VALUES - 1]);
}
END_TEST

static const uint64_t edges[] = {
    0,
    1,
    31,
    32,
    33,
    63,
    64,
    (UINT64_C(1) << 20) - 1,
    UINT64_C(1) << 20,
    (UINT64_C(1) << 40) - 1,
    UINT64_C(1) << 40,
    UINT64_MAX,
};
enum { N_EDGES = sizeof(edges) / sizeof(*edges) };

START_TEST(one_value_is_every_percentile)
{
    histogram_add(&histogram, edges[_i]);
    for (int i = 0; i < N_SHARES; i++)
        ck_assert_uint_eq(histogram_percentile(&histogram, shares[i]), edges[_i]);
}
END_TEST

START_TEST(values_beyond_the_cap_are_counted_in_the_last_bucket)
{
    histogram_add(&histogram, 1);
    histogram_add(&histogram, UINT64_C(1) << 50);
    histogram_add(&histogram, UINT64_C(1) << 60);
    ck_assert_uint_eq(histogram.counts[HISTOGRAM_BUCKETS - 1], 2);
    ck_assert_uint_ge(histogram_percentile(&histogram, 0.6), (UINT64_C(1) << 39));
}
END_TEST

Suite *suite_histogram(void);

Suite *suite_histogram(void)
{
    Suite *suite = suite_create("daemon/model/histogram");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, percentiles_are_within_their_error, 0, 4 * N_DRAWS);
    tcase_add_loop_test(tcase, percentiles_of_few_values_are_right_too, 1, 20);
    tcase_add_loop_test(tcase, percentiles_never_fall_or_leave_the_range, 0, 3);
    tcase_add_test(tcase, smallest_largest_and_sum_are_exact);
    tcase_add_loop_test(tcase, one_value_is_every_percentile, 0, N_EDGES);
    tcase_add_test(tcase, values_beyond_the_cap_are_counted_in_the_last_bucket);
    suite_add_tcase(suite, tcase);
    return suite;
}
