#include "daemon/model/job_spec.h"

#include <check.h>

#include "tests/support/spec.h"

START_TEST(repetitions_are_due_one_interval_after_the_other)
{
    struct job_spec *spec = spec_of("[\"http://a/\", {\"url\": \"http://b/\", \"repeat\": "
                                    "{\"count\": 3, \"interval_ms\": 20}}]");
    const int64_t delays[] = {0, 0, 20000, 40000};

    ck_assert_uint_eq(spec->n_items, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(job_spec_delay_us(spec, i), delays[i]);
    job_spec_free(spec);
}
END_TEST

START_TEST(delay_beyond_all_numbers_is_the_largest)
{
    struct request request = {.repeat_interval_us = INT64_MAX / 2};
    struct item items[] = {{0, 2}, {0, 3}, {0, UINT32_MAX}};
    struct job_spec spec = {.requests = &request, .items = items};

    ck_assert_int_eq(job_spec_delay_us(&spec, 0), INT64_MAX - 1);
    ck_assert_int_eq(job_spec_delay_us(&spec, 1), INT64_MAX);
    ck_assert_int_eq(job_spec_delay_us(&spec, 2), INT64_MAX);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    struct job_spec *spec = NULL;

    job_spec_free(NULL);
    job_spec_freep(&spec);
}
END_TEST

Suite *suite_job_spec(void);

Suite *suite_job_spec(void)
{
    Suite *suite = suite_create("daemon/model/job_spec");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, repetitions_are_due_one_interval_after_the_other);
    tcase_add_test(tcase, delay_beyond_all_numbers_is_the_largest);
    tcase_add_test(tcase, freeing_nothing_is_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}
