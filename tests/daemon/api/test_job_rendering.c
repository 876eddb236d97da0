#include "daemon/api/job_rendering.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"

static struct job_renderings renderings;

#define RENDERING_TEST(name)                                                                       \
    static void name##_of(struct jobs_fixture *fixture);                                           \
    JOBS_TEST(name)                                                                                \
    {                                                                                              \
        job_renderings_init(&renderings, fixture->store, &fixture->parse);                         \
        name##_of(fixture);                                                                        \
        job_renderings_done(&renderings);                                                          \
    }                                                                                              \
    static void name##_of(CK_ATTRIBUTE_UNUSED struct jobs_fixture *fixture)

static struct job_rendering *get(const struct job_record *record, bool with_results)
{
    struct job_rendering *rendering;

    assert_ok(job_rendering_get(&renderings, record, with_results, &rendering));
    return rendering;
}

/* A record of the test's own. */
static struct job_record *copy(struct jobs_fixture *fixture, struct job_record *job)
{
    struct job_record *stored;

    assert_ok(store_find_number(fixture->store, job->number, &stored));
    job_record_unref(job);
    return stored;
}

static struct job_record *ended_job(struct jobs_fixture *fixture)
{
    return copy(fixture, wait_for_end(fixture, submit(fixture, "[\"http://10.0.0.1/\"]")));
}

static struct job_record *running_job(struct jobs_fixture *fixture)
{
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/hang\"]");

    return copy(fixture, wait_until_running(fixture, job, 1));
}

/* --- Sharing ---------------------------------------------------------------------------------- */

RENDERING_TEST(rendering_of_an_ended_job_is_made_once)
{
    struct job_record *job = ended_job(fixture);
    struct job_rendering *first = get(job, false);
    struct job_rendering *second = get(job, false);

    ck_assert_ptr_eq(first, second);
    job_rendering_release(first);
    job_rendering_release(second);
    wind(3600 * CO_SECOND);
    second = get(job, false);
    ck_assert_uint_eq(renderings.n_made, 1);
    ck_assert_uint_eq(job_rendering_version(second), job_record_version(job));
    job_rendering_release(second);
    job_record_unref(job);
}

RENDERING_TEST(rendering_of_a_job_that_goes_on_is_soon_made_anew)
{
    struct job_record *job = running_job(fixture);

    job_rendering_release(get(job, false));
    job_rendering_release(get(job, false));
    ck_assert_uint_eq(renderings.n_made, 1);
    wind(JOB_RENDERING_TIME);
    job_rendering_release(get(job, false));
    ck_assert_uint_eq(renderings.n_made, 2);
    job_record_unref(job);
}

RENDERING_TEST(versions_and_forms_are_told_apart)
{
    struct job_record *job = ended_job(fixture);
    struct job_rendering *before = get(job, false);
    struct job_rendering *with_results = get(job, true);

    ck_assert_ptr_ne(before, with_results);
    job->version++;
    struct job_rendering *after = get(job, false);
    ck_assert_ptr_ne(before, after);
    job_rendering_release(before);
    job_rendering_release(with_results);
    job_rendering_release(after);
    job_record_unref(job);
}

/* --- In the making ---------------------------------------------------------------------------- */

enum { CROWD = 50 };

static int get_with_results(void *arg, void **ret_result)
{
    struct job_rendering *rendering;
    int rc = job_rendering_get(&renderings, arg, true, &rendering);

    (void)ret_result;
    if (rc == 0)
        job_rendering_release(rendering);
    return rc;
}

RENDERING_TEST(all_wait_for_the_one_who_reads_the_results)
{
    struct job_record *job = ended_job(fixture);
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    for (size_t i = 0; i < CROWD; i++)
        assert_ok(co_group_spawn(&group, "reader", get_with_results, job, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_uint_eq(renderings.n_made, 1);
    job_record_unref(job);
}

RENDERING_TEST(another_one_goes_on_when_the_maker_is_cancelled)
{
    struct job_record *job = ended_job(fixture);
    struct co_task *tasks[CROWD];

    for (size_t i = 0; i < CROWD; i++)
        assert_ok(co_create_task("reader", get_with_results, job, &tasks[i]));
    assert_ok(co_sleep(0));
    ck_assert_uint_eq(renderings.n_made, 0);
    co_task_stop(tasks[0], "its client has gone");
    for (size_t i = 1; i < CROWD; i++) {
        assert_ok(co_task_await(tasks[i], NULL));
        co_task_unref(tasks[i]);
    }
    ck_assert_uint_le(renderings.n_made, 2);
    job_record_unref(job);
}

RENDERING_TEST(rendering_that_fails_leaves_nothing)
{
    struct job_record *job = ended_job(fixture);
    struct job_rendering *rendering;
    int rc = -ENOMEM;

    job_rendering_release(get(job, true));
    job->version++;
    for (size_t n = 1; rc != 0; n++) {
        size_t before = fault_live();
        fault_arm(n);
        rc = job_rendering_get(&renderings, job, true, &rendering);
        ck_assert(fault_disarm() || rc == 0);
        ck_assert(rc == 0 || rc == -ENOMEM);
        ck_assert(rc == 0 || fault_live() <= before);
    }
    job_rendering_release(rendering);
    job_record_unref(job);
}

RENDERING_TEST(forgotten_job_has_no_results_to_show)
{
    struct job_record *job = ended_job(fixture);
    struct job_rendering *rendering;

    assert_ok(jobs_delete(fixture->jobs, job));
    ck_assert_int_eq(job_rendering_get(&renderings, job, true, &rendering), -ENOENT);
    job_record_unref(job);
}

/* --- Keeping ---------------------------------------------------------------------------------- */

RENDERING_TEST(no_more_is_kept_than_the_bound)
{
    struct job_record *job = ended_job(fixture);
    size_t before = fault_live();

    for (int64_t i = 1; i < 5000; i++) {
        job->number = i;
        job_rendering_release(get(job, false));
        ck_assert_uint_le(renderings.idle_bytes, JOB_RENDERING_IDLE_BYTES);
    }
    ck_assert_uint_gt(renderings.idle_bytes, JOB_RENDERING_IDLE_BYTES / 2);
    ck_assert_uint_lt(fault_live() - before, 5000);
    job_record_unref(job);
}

RENDERING_TEST(older_versions_are_not_kept)
{
    struct job_record *job = ended_job(fixture);

    job_rendering_release(get(job, false));
    size_t bytes = renderings.idle_bytes;
    for (int i = 0; i < 100; i++) {
        job->version++;
        job_rendering_release(get(job, false));
    }
    ck_assert_uint_lt(renderings.idle_bytes, 2 * bytes);
    job_record_unref(job);
}

/* --- How often -------------------------------------------------------------------------------- */

RENDERING_TEST(changes_are_shown_twenty_times_a_second_at_most)
{
    struct job_record *job = running_job(fixture);

    assert_ok(job_renderings_pace(&renderings, job));
    job_rendering_release(get(job, false));
    assert_ok(job_renderings_pace(&renderings, job)); /* it is the same */
    job->version++;
    co_time before = co_clock_now();
    ck_assert_int_eq(job_renderings_pace(&renderings, job), 1);
    ck_assert_int_gt(co_clock_now() - before, JOB_RENDERING_TIME / 2);
    wind(JOB_RENDERING_TIME);
    assert_ok(job_renderings_pace(&renderings, job));
    job_rendering_release(get(job, false));
    job->version++;
    job->ended_at = 1; /* its end is shown at once */
    assert_ok(job_renderings_pace(&renderings, job));
    job->ended_at = JOB_NEVER;
    job_record_unref(job);
}

Suite *suite_job_rendering(void);

Suite *suite_job_rendering(void)
{
    Suite *suite = suite_create("daemon/api/job_rendering");
    TCase *tcase = tcase_create("job_rendering");

    tcase_add_test(tcase, rendering_of_an_ended_job_is_made_once);
    tcase_add_test(tcase, rendering_of_a_job_that_goes_on_is_soon_made_anew);
    tcase_add_test(tcase, versions_and_forms_are_told_apart);
    tcase_add_test(tcase, all_wait_for_the_one_who_reads_the_results);
    tcase_add_test(tcase, another_one_goes_on_when_the_maker_is_cancelled);
    tcase_add_test(tcase, rendering_that_fails_leaves_nothing);
    tcase_add_test(tcase, forgotten_job_has_no_results_to_show);
    tcase_add_test(tcase, no_more_is_kept_than_the_bound);
    tcase_add_test(tcase, older_versions_are_not_kept);
    tcase_add_test(tcase, changes_are_shown_twenty_times_a_second_at_most);
    suite_add_tcase(suite, tcase);
    return suite;
}
