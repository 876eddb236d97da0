#include "daemon/model/job.h"

#include <check.h>
#include <errno.h>

static const char *const wrong_ids[] = {
    "",
    "job_",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCF",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCFEE",
    "job_01jz9m4t6q3w8kx2b7v5n0rcfe",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCFU",
    "run_01JZ9M4T6Q3W8KX2B7V5N0RCFE",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCF/",
};

START_TEST(text_that_looks_like_an_id_is_one)
{
    ck_assert(job_id_is_valid("job_01JZ9M4T6Q3W8KX2B7V5N0RCFE"));
}
END_TEST

START_TEST(text_that_is_no_id_is_none)
{
    ck_assert(!job_id_is_valid(wrong_ids[_i]));
}
END_TEST

START_TEST(statuses_have_names)
{
    for (enum job_status i = 0; i < JOB_N_STATUSES; i++) {
        enum job_status status = JOB_N_STATUSES;
        ck_assert_int_eq(job_status_from_name(job_status_name(i), &status), 0);
        ck_assert_int_eq(status, i);
    }
    enum job_status status;
    ck_assert_int_eq(job_status_from_name("Done", &status), -EINVAL);
}
END_TEST

Suite *suite_job(void);

Suite *suite_job(void)
{
    Suite *suite = suite_create("daemon/model/job");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, text_that_looks_like_an_id_is_one);
    tcase_add_loop_test(tcase, text_that_is_no_id_is_none, 0,
                        sizeof(wrong_ids) / sizeof(*wrong_ids));
    tcase_add_test(tcase, statuses_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
