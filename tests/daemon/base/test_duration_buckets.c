#include "daemon/base/duration_buckets.h"

#include <check.h>

static struct duration_buckets buckets;

static void set_up(void)
{
    buckets = (struct duration_buckets){0};
}

START_TEST(bounds_grow)
{
    for (size_t i = 1; i < DURATION_N_BOUNDS; i++)
        ck_assert_uint_gt(duration_bounds_us[i], duration_bounds_us[i - 1]);
}
END_TEST

START_TEST(bound_belongs_to_the_bucket_below)
{
    uint32_t bound = duration_bounds_us[_i];

    duration_buckets_add(&buckets, bound);
    duration_buckets_add(&buckets, bound - 1);
    duration_buckets_add(&buckets, bound + 1);
    ck_assert_uint_eq(buckets.counts[_i], 2);
    ck_assert_uint_eq(buckets.counts[_i + 1], 1);
    ck_assert_uint_eq(buckets.sum_us, 3 * (uint64_t)bound);
}
END_TEST

START_TEST(extremes_have_a_bucket)
{
    duration_buckets_add(&buckets, 0);
    duration_buckets_add(&buckets, INT64_MAX);
    ck_assert_uint_eq(buckets.counts[0], 1);
    ck_assert_uint_eq(buckets.counts[DURATION_N_BOUNDS], 1);
}
END_TEST

Suite *suite_duration_buckets(void);

Suite *suite_duration_buckets(void)
{
    Suite *suite = suite_create("duration_buckets");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, bounds_grow);
    tcase_add_loop_test(tcase, bound_belongs_to_the_bucket_below, 0, DURATION_N_BOUNDS);
    tcase_add_test(tcase, extremes_have_a_bucket);
    suite_add_tcase(suite, tcase);
    return suite;
}
