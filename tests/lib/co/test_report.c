/* What nobody is told by a status must be reported, once; and nothing else. */

#include "tests/support/reports.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/support/death.h"
#include "tests/support/runtime.h"

static int fail_at_once(void *arg, void **result)
{
    (void)arg, (void)result;
    return -EIO;
}

static int fail_differently(void *arg, void **result)
{
    (void)arg, (void)result;
    return -EPIPE;
}

static int say_cancelled(void *arg, void **result)
{
    (void)arg, (void)result;
    return -ECANCELED;
}

static int sleep_long(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(CO_SECOND);
}

static struct co_task *start(co_fn *fn)
{
    struct co_task *task;

    assert_ok(co_create_task("the task", fn, NULL, &task));
    settle();
    return task;
}

/* --- Tasks without a group ----------------------------------------------------------------------
 */

CO_TEST(a_failed_task_without_a_handle_is_reported_once_at_its_end)
{
    assert_ok(co_create_task("the task", fail_at_once, NULL, NULL));
    ck_assert_uint_eq(n_reports, 0);
    settle();
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_TASK_FAILED, "the task");
    assert_reported(0, CO_REPORT_TASK_FAILED, "test_report.c:");
    assert_reported(0, CO_REPORT_TASK_FAILED, "-5");
    assert_ok(co_sleep(CO_SECOND));
    ck_assert_uint_eq(n_reports, 1);
}

CO_TEST(a_failed_task_that_nobody_awaited_is_reported_with_its_last_handle)
{
    struct co_task *task = start(fail_at_once);

    ck_assert_uint_eq(n_reports, 0);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_TASK_FAILED, "the task");
}

CO_TEST(a_handle_dropped_before_the_end_is_as_good_as_none)
{
    struct co_task *task;

    assert_ok(co_create_task("the task", fail_at_once, NULL, &task));
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 0);
    settle();
    ck_assert_uint_eq(n_reports, 1);
}

CO_TEST(a_failure_that_was_awaited_is_not_reported)
{
    struct co_task *task = start(fail_at_once);

    ck_assert_int_eq(co_task_await(task, NULL), -EIO);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 0);
}

CO_TEST(a_failure_awaited_before_it_came_is_not_reported)
{
    struct co_task *task;

    assert_ok(co_create_task("the task", fail_at_once, NULL, &task));
    ck_assert_int_eq(co_task_await(task, NULL), -EIO);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 0);
}

CO_TEST(who_was_cancelled_while_awaiting_has_not_been_told)
{
    struct co_task *task = start(fail_at_once);
    struct co_scope scope;

    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    co_scope_exit(&scope, 0);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 1);
}

CO_TEST(to_have_waited_for_a_failed_task_is_not_to_have_been_told)
{
    struct co_task *task = start(fail_at_once);

    ck_assert_int_eq(co_wait(&task, 1, CO_ALL_COMPLETED), 1);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 1);
}

CO_TEST(stopping_a_task_that_had_failed_reports_it)
{
    co_task_stop(start(fail_at_once), "the end of a task that serves");
    ck_assert_uint_eq(n_reports, 1);
}

CO_TEST(a_task_that_was_cancelled_is_not_reported)
{
    co_task_stop(start(sleep_long), "enough");
    assert_ok(co_create_task("left to the end of the loop", sleep_long, NULL, NULL));
    settle();
    assert_ok(co_sleep(2 * CO_SECOND));
    ck_assert_uint_eq(n_reports, 0);
}

CO_TEST(a_task_that_says_it_was_cancelled_and_was_not_is_reported)
{
    co_task_unref(start(say_cancelled));
    ck_assert_uint_eq(n_reports, 1);
}

static int succeed(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

CO_TEST(success_is_not_reported)
{
    assert_ok(co_create_task("the task", succeed, NULL, NULL));
    co_task_unref(start(succeed));
    ck_assert_uint_eq(n_reports, 0);
}

START_TEST(the_failure_of_main_is_returned_and_not_reported)
{
    struct co_loop *loop;

    forget_reports();
    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.report = collect_report}));
    ck_assert_int_eq(co_loop_run_until_complete(loop, fail_at_once, NULL, NULL), -EIO);
    ck_assert_uint_eq(n_reports, 0);
    co_loop_free(loop);
}
END_TEST

/* --- Tasks of a group ---------------------------------------------------------------------------
 */

static struct co_group group;

static void spawn(const char *name, co_fn *fn)
{
    assert_ok(co_group_spawn(&group, name, fn, NULL, NULL));
}

CO_TEST(the_failure_that_a_group_returns_is_not_reported)
{
    struct co_task *task;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "first", fail_at_once, NULL, &task));
    spawn("other", sleep_long);
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 0);
}

CO_TEST(a_failure_after_the_first_is_reported_and_names_the_first)
{
    struct co_task *task;

    co_group_enter(&group, CO_NEVER);
    spawn("first", fail_at_once);
    assert_ok(co_group_spawn(&group, "second", fail_differently, NULL, &task));
    spawn("third", fail_at_once);
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 2);
    assert_reported(0, CO_REPORT_SUPPRESSED, "task second");
    assert_reported(0, CO_REPORT_SUPPRESSED, "task first");
    assert_reported(1, CO_REPORT_SUPPRESSED, "task third");
}

CO_TEST(a_failure_that_the_body_hides_with_its_own_is_reported)
{
    co_group_enter(&group, CO_NEVER);
    spawn("first", fail_at_once);
    ck_assert_int_eq(co_sleep(CO_SECOND), -ECANCELED);
    ck_assert_int_eq(co_group_exit(&group, -EBADMSG), -EBADMSG);
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_SUPPRESSED, "task first");
    assert_reported(0, CO_REPORT_SUPPRESSED, "task main");
}

CO_TEST(a_failure_that_the_body_passes_on_is_not_reported)
{
    struct co_task *task;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "first", fail_at_once, NULL, &task));
    ck_assert_int_eq(co_sleep(CO_SECOND), -ECANCELED);
    ck_assert_int_eq(co_group_exit(&group, -EIO), -EIO);
    co_task_unref(task);
    ck_assert_uint_eq(n_reports, 0);
}

CO_TEST(gather_reports_a_later_failure_only_if_nobody_wants_the_results)
{
    static const struct co_call calls[] = {{"a", fail_at_once, NULL},
                                           {"b", fail_differently, NULL}};
    struct co_result results[2];

    ck_assert_int_eq(co_gather(calls, 2, results, 0, CO_FAIL_FAST), -EIO);
    ck_assert_int_eq(results[1].rc, -EPIPE);
    assert_ok(co_gather(calls, 2, results, 0, CO_RETURN_ERRORS));
    ck_assert_uint_eq(n_reports, 0);
    ck_assert_int_eq(co_gather(calls, 2, NULL, 0, CO_FAIL_FAST), -EIO);
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_SUPPRESSED, "task b");
}

/* --- Deafness -----------------------------------------------------------------------------------
 */

static int n_calls;

static int ignore_cancellation(void *arg, void **result)
{
    (void)arg, (void)result;
    for (int i = 0; i < n_calls; i++)
        ck_assert_int_eq(co_sleep(CO_SECOND), -ECANCELED);
    return 0;
}

static void run_deaf(int n)
{
    struct co_task *task;

    n_calls = n;
    assert_ok(co_create_task("the deaf", ignore_cancellation, NULL, &task));
    co_cancel(task, "enough is enough");
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
}

CO_TEST(a_loop_that_ignores_its_cancellation_is_reported_once)
{
    run_deaf(1000);
    ck_assert_uint_eq(n_reports, 0);
    run_deaf(1001);
    ck_assert_uint_eq(n_reports, 1);
    run_deaf(5000);
    ck_assert_uint_eq(n_reports, 2);
    assert_reported(1, CO_REPORT_CANCEL_IGNORED, "the deaf");
    assert_reported(1, CO_REPORT_CANCEL_IGNORED, "enough is enough");
}

CO_TEST(who_is_deaf_twice_is_reported_once)
{
    struct co_scope scope;

    for (int i = 0; i < 2; i++) {
        co_scope_enter(&scope, 0);
        n_calls = 2000;
        assert_ok(ignore_cancellation(NULL, NULL));
        co_scope_exit(&scope, 0);
        assert_ok(co_sleep(1));
    }
    ck_assert_uint_eq(n_reports, 1);
}

/* --- To whom ------------------------------------------------------------------------------------
 */

static int leave_a_failure(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_create_task("the task", fail_at_once, NULL, NULL));
    assert_ok(co_sleep(0));
    abort();
}

static void fail_unseen(void)
{
    (void)co_run(leave_a_failure, NULL, NULL);
}

START_TEST(reports_go_to_stderr_unless_somebody_takes_them)
{
    assert_dies(fail_unseen, SIGABRT, "libgather: task the task (");
}
END_TEST

struct seen {
    enum co_report_kind kind;
    const char *task;
    const char *site;
    int rc;
};

static void see(void *arg, const struct co_report *report)
{
    *(struct seen *)arg = (struct seen){report->kind, report->task, report->site, report->rc};
}

static int fail_unseen_and_sleep(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_create_task_at("the task", fail_at_once, NULL, NULL, "here"));
    return co_sleep(0);
}

START_TEST(a_report_says_what_it_is_about_to_programs_too)
{
    struct seen seen = {0};
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.report = see, .report_arg = &seen}));
    assert_ok(co_loop_run_until_complete(loop, fail_unseen_and_sleep, NULL, NULL));
    co_loop_free(loop);
    ck_assert_int_eq(seen.kind, CO_REPORT_TASK_FAILED);
    ck_assert_str_eq(seen.task, "the task");
    ck_assert_str_eq(seen.site, "here");
    ck_assert_int_eq(seen.rc, -EIO);
}
END_TEST

Suite *suite_co_report(void);

Suite *suite_co_report(void)
{
    Suite *suite = suite_create("co_report");
    TCase *alone = tcase_create("alone"), *grouped = tcase_create("group");
    TCase *deaf = tcase_create("deaf"), *to_whom = tcase_create("to_whom");

    tcase_add_test(alone, a_failed_task_without_a_handle_is_reported_once_at_its_end);
    tcase_add_test(alone, a_failed_task_that_nobody_awaited_is_reported_with_its_last_handle);
    tcase_add_test(alone, a_handle_dropped_before_the_end_is_as_good_as_none);
    tcase_add_test(alone, a_failure_that_was_awaited_is_not_reported);
    tcase_add_test(alone, a_failure_awaited_before_it_came_is_not_reported);
    tcase_add_test(alone, who_was_cancelled_while_awaiting_has_not_been_told);
    tcase_add_test(alone, to_have_waited_for_a_failed_task_is_not_to_have_been_told);
    tcase_add_test(alone, stopping_a_task_that_had_failed_reports_it);
    tcase_add_test(alone, a_task_that_was_cancelled_is_not_reported);
    tcase_add_test(alone, a_task_that_says_it_was_cancelled_and_was_not_is_reported);
    tcase_add_test(alone, success_is_not_reported);
    tcase_add_test(alone, the_failure_of_main_is_returned_and_not_reported);
    suite_add_tcase(suite, alone);

    tcase_add_test(grouped, the_failure_that_a_group_returns_is_not_reported);
    tcase_add_test(grouped, a_failure_after_the_first_is_reported_and_names_the_first);
    tcase_add_test(grouped, a_failure_that_the_body_hides_with_its_own_is_reported);
    tcase_add_test(grouped, a_failure_that_the_body_passes_on_is_not_reported);
    tcase_add_test(grouped, gather_reports_a_later_failure_only_if_nobody_wants_the_results);
    suite_add_tcase(suite, grouped);

    tcase_add_test(deaf, a_loop_that_ignores_its_cancellation_is_reported_once);
    tcase_add_test(deaf, who_is_deaf_twice_is_reported_once);
    suite_add_tcase(suite, deaf);

    tcase_add_test(to_whom, reports_go_to_stderr_unless_somebody_takes_them);
    tcase_add_test(to_whom, a_report_says_what_it_is_about_to_programs_too);
    suite_add_tcase(suite, to_whom);
    return suite;
}
