#include "daemon/engine/job_table.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fault.h"

enum { N_JOBS = 300 };

static struct job_table table;
static struct active_job jobs[N_JOBS];

static void set_up(void)
{
    ck_assert_int_eq(job_table_init(&table), 0);
    for (int i = 0; i < N_JOBS; i++) {
        jobs[i].record = job_record_new();
        jobs[i].record->number = 7 * i + 1;
        snprintf(jobs[i].record->id, sizeof(jobs[i].record->id), "job_%d", i);
    }
}

static void tear_down(void)
{
    for (int i = 0; i < N_JOBS; i++)
        job_record_unref(co_take(jobs[i].record));
    job_table_done(&table);
}

static void add_all(void)
{
    for (int i = 0; i < N_JOBS; i++)
        job_table_add(&table, &jobs[i]);
}

static void expect(int i, const struct active_job *job)
{
    ck_assert_ptr_eq(job_table_find(&table, jobs[i].record->number), job);
    ck_assert_ptr_eq(job_table_find_id(&table, jobs[i].record->id), job);
}

START_TEST(jobs_are_found_by_number_and_by_id)
{
    add_all();
    ck_assert_uint_eq(table.n_jobs, N_JOBS);
    for (int i = 0; i < N_JOBS; i++)
        expect(i, &jobs[i]);
    ck_assert_ptr_null(job_table_find(&table, 2));
    ck_assert_ptr_null(job_table_find_id(&table, "job_x"));
}
END_TEST

START_TEST(removed_jobs_are_not_found)
{
    add_all();
    for (int i = 0; i < N_JOBS; i += 2)
        job_table_remove(&table, &jobs[i]);
    ck_assert_uint_eq(table.n_jobs, N_JOBS / 2);
    for (int i = 0; i < N_JOBS; i++)
        expect(i, i % 2 == 0 ? NULL : &jobs[i]);
}
END_TEST

START_TEST(without_memory_the_table_does_not_grow)
{
    fault_arm_sticky(1);
    add_all();
    ck_assert(fault_disarm());
    for (int i = 0; i < N_JOBS; i++)
        expect(i, &jobs[i]);
}
END_TEST

START_TEST(without_memory_there_is_no_table)
{
    for (size_t n = 1;; n++) {
        struct job_table other;
        size_t live = fault_live();
        fault_arm(n);
        int rc = job_table_init(&other);
        if (!fault_disarm()) {
            job_table_done(&other);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
    }
}
END_TEST

Suite *suite_job_table(void);

Suite *suite_job_table(void)
{
    Suite *suite = suite_create("daemon/engine/job_table");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, jobs_are_found_by_number_and_by_id);
    tcase_add_test(tcase, removed_jobs_are_not_found);
    tcase_add_test(tcase, without_memory_the_table_does_not_grow);
    tcase_add_test(tcase, without_memory_there_is_no_table);
    suite_add_tcase(suite, tcase);
    return suite;
}
