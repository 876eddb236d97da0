#include "daemon/engine/ended_jobs.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"

enum { N_JOBS = 3 * ENDED_JOBS_BUCKETS };

static struct ended_jobs jobs;

static void set_up(void)
{
    ended_jobs_init(&jobs, N_JOBS, SIZE_MAX);
}

static void tear_down(void)
{
    ended_jobs_done(&jobs);
}

static const char *id_of(int64_t number)
{
    static char id[JOB_ID_SIZE];

    snprintf(id, sizeof(id), "job_%d", (int)number);
    return id;
}

static struct job_record *new_record(int64_t number)
{
    struct job_record *record = job_record_new();

    record->number = number;
    snprintf(record->id, sizeof(record->id), "%s", id_of(number));
    record->tenant = strdup("us");
    record->ended_at = 1;
    return record;
}

static void keep(int64_t number)
{
    struct job_record *record = new_record(number);

    ended_jobs_keep(&jobs, record, jobs.n_forgotten);
    job_record_unref(record);
}

static bool is_here(int64_t number)
{
    struct job_record *record = ended_jobs_find(&jobs, "us", id_of(number));

    ck_assert(record == NULL || record->number == number);
    job_record_unref(record);
    return record != NULL;
}

START_TEST(what_is_kept_is_found)
{
    for (int i = 0; i < N_JOBS; i++)
        keep(i);
    for (int i = 0; i < N_JOBS; i++)
        ck_assert(is_here(i));
    ck_assert(!is_here(N_JOBS));
    ck_assert_uint_eq(jobs.n_jobs, N_JOBS);
}
END_TEST

START_TEST(other_tenants_do_not_find_it)
{
    keep(1);
    ck_assert_ptr_null(ended_jobs_find(&jobs, "them", id_of(1)));
    ck_assert_ptr_null(ended_jobs_find(&jobs, "", id_of(1)));
    ck_assert(is_here(1));
}
END_TEST

START_TEST(without_a_tenant_it_is_that_of_the_empty_name)
{
    struct job_record *record = new_record(1), *found;

    free(co_take(record->tenant));
    ended_jobs_keep(&jobs, record, jobs.n_forgotten);
    found = ended_jobs_find(&jobs, "", record->id);
    ck_assert_ptr_eq(found, record);
    job_record_unref(found);
    job_record_unref(record);
}
END_TEST

START_TEST(a_job_that_has_not_ended_is_not_kept)
{
    struct job_record *record = new_record(1);

    record->ended_at = JOB_NEVER;
    ended_jobs_keep(&jobs, record, jobs.n_forgotten);
    ck_assert(!is_here(1));
    job_record_unref(record);
}
END_TEST

START_TEST(a_job_that_is_being_worked_on_is_not_kept)
{
    struct job_record *record = new_record(1);

    record->active = (struct active_job *)record;
    ended_jobs_keep(&jobs, record, jobs.n_forgotten);
    ck_assert(!is_here(1));
    job_record_unref(record);
}
END_TEST

START_TEST(a_job_is_kept_once)
{
    keep(1);
    keep(1);
    ck_assert_uint_eq(jobs.n_jobs, 1);
}
END_TEST

START_TEST(what_is_forgotten_is_not_found)
{
    for (int i = 0; i < N_JOBS; i++)
        keep(i);
    for (int i = 0; i < N_JOBS; i += 2)
        ended_jobs_forget(&jobs, i);
    for (int i = 0; i < N_JOBS; i++)
        ck_assert_int_eq(is_here(i), i % 2 == 1);
    ck_assert_uint_eq(jobs.n_jobs, N_JOBS / 2);
}
END_TEST

START_TEST(what_was_read_before_something_was_forgotten_is_not_kept)
{
    struct job_record *record = new_record(1);
    uint64_t n_forgotten = jobs.n_forgotten;

    ended_jobs_forget(&jobs, 1);
    ended_jobs_keep(&jobs, record, n_forgotten);
    ck_assert(!is_here(1));
    job_record_unref(record);
}
END_TEST

START_TEST(a_record_that_is_held_outlives_its_place)
{
    keep(1);
    struct job_record *record = ended_jobs_find(&jobs, "us", id_of(1));
    ended_jobs_forget(&jobs, 1);
    ck_assert_str_eq(record->tenant, "us");
    job_record_unref(record);
}
END_TEST

START_TEST(beyond_their_number_the_one_asked_for_longest_ago_goes)
{
    jobs.max_jobs = 3;
    for (int i = 1; i <= 3; i++)
        keep(i);
    ck_assert(is_here(1));
    keep(4);
    ck_assert(!is_here(2));
    ck_assert(is_here(1) && is_here(3) && is_here(4));
    ck_assert_uint_eq(jobs.n_jobs, 3);
}
END_TEST

START_TEST(their_texts_count_for_the_bytes)
{
    struct job_record *record = new_record(3);

    jobs.max_bytes = 3 * sizeof(struct job_record);
    keep(1);
    keep(2);
    record->labels = calloc(1, jobs.max_bytes);
    memset(record->labels, ' ', sizeof(struct job_record));
    ended_jobs_keep(&jobs, record, jobs.n_forgotten);
    ck_assert(!is_here(1) && !is_here(2));
    ck_assert(is_here(3));
    ck_assert_uint_le(jobs.n_bytes, jobs.max_bytes);
    job_record_unref(record);
}
END_TEST

START_TEST(one_that_is_larger_than_all_may_be_is_not_kept)
{
    jobs.max_bytes = sizeof(struct job_record);
    keep(1);
    ck_assert(!is_here(1));
    ck_assert_uint_eq(jobs.n_bytes, 0);
}
END_TEST

START_TEST(without_memory_nothing_is_kept)
{
    struct job_record *record = new_record(1);
    size_t live = fault_live();

    fault_arm(1);
    ended_jobs_keep(&jobs, record, jobs.n_forgotten);
    ck_assert(fault_disarm());
    ck_assert_uint_eq(fault_live(), live);
    ck_assert(!is_here(1));
    job_record_unref(record);
}
END_TEST

Suite *suite_ended_jobs(void);

Suite *suite_ended_jobs(void)
{
    Suite *suite = suite_create("daemon/engine/ended_jobs");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_is_kept_is_found);
    tcase_add_test(tcase, other_tenants_do_not_find_it);
    tcase_add_test(tcase, without_a_tenant_it_is_that_of_the_empty_name);
    tcase_add_test(tcase, a_job_that_has_not_ended_is_not_kept);
    tcase_add_test(tcase, a_job_that_is_being_worked_on_is_not_kept);
    tcase_add_test(tcase, a_job_is_kept_once);
    tcase_add_test(tcase, what_is_forgotten_is_not_found);
    tcase_add_test(tcase, what_was_read_before_something_was_forgotten_is_not_kept);
    tcase_add_test(tcase, a_record_that_is_held_outlives_its_place);
    tcase_add_test(tcase, beyond_their_number_the_one_asked_for_longest_ago_goes);
    tcase_add_test(tcase, their_texts_count_for_the_bytes);
    tcase_add_test(tcase, one_that_is_larger_than_all_may_be_is_not_kept);
    tcase_add_test(tcase, without_memory_nothing_is_kept);
    suite_add_tcase(suite, tcase);
    return suite;
}
