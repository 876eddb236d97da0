#include <errno.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { MAX_CALLS = 10000 };

/* One call: sleeps, then ends with a status, and keeps a record of itself. */
struct work {
    co_time duration;
    int rc;
    int n_entered;
    int order; /* of being entered */
};

static struct work works[MAX_CALLS];
static struct co_call calls[MAX_CALLS];
static struct co_result results[MAX_CALLS];
static int n_entered, n_running, max_running;

static int do_work(void *arg, void **result)
{
    struct work *work = arg;

    work->n_entered++;
    work->order = n_entered++;
    if (++n_running > max_running)
        max_running = n_running;
    int rc = co_sleep(work->duration);
    n_running--;
    *result = work;
    return rc < 0 ? rc : work->rc;
}

/* The later a call is made, the sooner it finishes. */
static void prepare(int n)
{
    n_entered = n_running = max_running = 0;
    for (int i = 0; i < n; i++) {
        works[i] = (struct work){.duration = (n - i) * CO_MILLISECOND, .rc = i};
        calls[i] = (struct co_call){"work", do_work, &works[i]};
        results[i] = (struct co_result){-1, NULL};
    }
}

static void assert_each_entered_once_in_order(int n)
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(works[i].n_entered, 1);
        ck_assert_int_eq(works[i].order, i);
    }
}

static void assert_succeeded(int i)
{
    ck_assert_int_eq(results[i].rc, i);
    ck_assert_ptr_eq(results[i].value, &works[i]);
}

static void assert_failed(int i, int rc)
{
    ck_assert_int_eq(results[i].rc, rc);
    ck_assert_ptr_null(results[i].value);
}

CO_TEST(results_are_in_the_order_of_the_calls)
{
    prepare(100);
    assert_ok(co_gather(calls, 100, results, 0, CO_FAIL_FAST));
    for (int i = 0; i < 100; i++)
        assert_succeeded(i);
    assert_each_entered_once_in_order(100);
    ck_assert_int_eq(max_running, 100);
    ck_assert_int_eq(now_ms(), 100);
}

CO_TEST(results_that_nobody_wants_need_no_place)
{
    prepare(2);
    assert_ok(co_gather(calls, 2, NULL, 0, CO_FAIL_FAST));
    assert_each_entered_once_in_order(2);
    works[1].rc = -EIO;
    ck_assert_int_eq(co_gather(calls, 2, NULL, 0, CO_FAIL_FAST), -EIO);
}

CO_TEST(no_calls_give_no_results)
{
    assert_ok(co_gather(NULL, 0, NULL, 0, CO_FAIL_FAST));
    assert_ok(co_gather(NULL, 0, NULL, 3, CO_RETURN_ERRORS));
}

CO_TEST(no_more_than_the_limit_run_beside_each_other)
{
    prepare(100);
    assert_ok(co_gather(calls, 100, results, 7, CO_FAIL_FAST));
    for (int i = 0; i < 100; i++)
        assert_succeeded(i);
    assert_each_entered_once_in_order(100);
    ck_assert_int_eq(max_running, 7);
}

CO_TEST(a_limit_of_one_makes_them_run_one_after_the_other)
{
    prepare(10);
    assert_ok(co_gather(calls, 10, results, 1, CO_FAIL_FAST));
    ck_assert_int_eq(max_running, 1);
    ck_assert_int_eq(now_ms(), 55);
}

/* Number 30 fails when the clock stands at one second; the others would take four. */
CO_TEST(the_first_failure_ends_the_rest)
{
    prepare(100);
    for (int i = 0; i < 100; i++)
        works[i].duration = i < 20 ? CO_MILLISECOND : 4 * CO_SECOND;
    works[30].duration = CO_SECOND - CO_MILLISECOND;
    works[30].rc = -EIO;

    ck_assert_int_eq(co_gather(calls, 100, results, 40, CO_FAIL_FAST), -EIO);
    ck_assert_int_eq(now_ms(), 1000 - 1);
    for (int i = 0; i < 100; i++) {
        if (i < 20)
            assert_succeeded(i);
        else
            assert_failed(i, i == 30 ? -EIO : -ECANCELED);
    }
    assert_each_entered_once_in_order(100);
    ck_assert_int_eq(max_running, 40);
    ck_assert_int_eq(n_running, 0);
}

CO_TEST(failures_may_be_results_like_others)
{
    prepare(100);
    for (int i = 0; i < 100; i += 3)
        works[i].rc = -1 - i;
    assert_ok(co_gather(calls, 100, results, 10, CO_RETURN_ERRORS));
    for (int i = 0; i < 100; i++) {
        if (i % 3 == 0)
            assert_failed(i, -1 - i);
        else
            assert_succeeded(i);
    }
    assert_each_entered_once_in_order(100);
}

static void assert_gather_times_out(enum co_gather_mode mode, unsigned limit)
{
    struct co_scope scope;

    prepare(100);
    co_scope_enter(&scope, 50 * CO_MILLISECOND + 1);
    int rc = co_gather(calls, 100, results, limit, mode);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    for (int i = 0; i < 100; i++) {
        if (limit == 0 && i >= 50)
            assert_succeeded(i);
        else
            assert_failed(i, -ECANCELED);
    }
    assert_each_entered_once_in_order(100);
    ck_assert_int_eq(max_running, limit == 0 ? 100 : limit);
    ck_assert_int_eq(n_running, 0);
}

CO_TEST(cancelling_who_gathers_cancels_all_calls)
{
    assert_gather_times_out(CO_FAIL_FAST, 0);
    assert_gather_times_out(CO_RETURN_ERRORS, 0);
    assert_gather_times_out(CO_FAIL_FAST, 7);
    assert_gather_times_out(CO_RETURN_ERRORS, 7);
}

CO_TEST(a_gather_that_is_cancelled_from_the_start_still_enters_every_call)
{
    struct co_scope scope;

    prepare(20);
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_gather(calls, 20, results, 3, CO_FAIL_FAST), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
    for (int i = 0; i < 20; i++)
        assert_failed(i, -ECANCELED);
    assert_each_entered_once_in_order(20);
    ck_assert_int_le(max_running, 3);
}

static int gather_all(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_gather(calls, MAX_CALLS, results, 0, CO_FAIL_FAST);
}

CO_TEST(ten_thousand_calls_run_beside_each_other)
{
    struct co_task *task;

    prepare(MAX_CALLS);
    assert_ok(co_create_task("gather", gather_all, NULL, &task));
    assert_ok(co_task_await(task, NULL));
    for (int i = 0; i < MAX_CALLS; i++)
        assert_succeeded(i);
    ck_assert_int_eq(max_running, MAX_CALLS);
    co_task_unref(task);
}

CO_TEST(without_memory_every_call_is_entered_all_the_same)
{
    enum { N_CALLS = 130 };

    for (size_t n = 1; n < 200; n++) {
        prepare(N_CALLS);
        fault_arm(n);
        int rc = co_gather(calls, N_CALLS, results, 0, CO_RETURN_ERRORS);
        bool failed = fault_disarm();
        ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
        assert_each_entered_once_in_order(N_CALLS);
        for (int i = 0; i < N_CALLS; i++)
            ck_assert(results[i].rc == (failed ? -ECANCELED : i));
        if (!failed)
            return;
    }
    ck_abort_msg("the allocations never ended");
}

static int find_own_site(void *arg, const struct co_task_info *info)
{
    if (strcmp(info->state, "running") == 0)
        *(const char **)arg = info->site;
    return 0;
}

static int say_own_site(void *arg, void **result)
{
    (void)result;
    return co_tasks_visit(find_own_site, arg);
}

CO_TEST(calls_are_tasks_of_the_place_that_gathers_them)
{
    const char *site = NULL;
    const struct co_call call = {"call", say_own_site, &site};

    assert_ok(co_gather(&call, 1, NULL, 0, CO_FAIL_FAST));
    ck_assert_ptr_nonnull(strstr(site, "test_gather.c:"));
}

Suite *suite_co_gather(void);

Suite *suite_co_gather(void)
{
    Suite *suite = suite_create("co_gather");
    TCase *tcase = tcase_create("gather");

    tcase_add_test(tcase, results_are_in_the_order_of_the_calls);
    tcase_add_test(tcase, results_that_nobody_wants_need_no_place);
    tcase_add_test(tcase, no_calls_give_no_results);
    tcase_add_test(tcase, no_more_than_the_limit_run_beside_each_other);
    tcase_add_test(tcase, a_limit_of_one_makes_them_run_one_after_the_other);
    tcase_add_test(tcase, the_first_failure_ends_the_rest);
    tcase_add_test(tcase, failures_may_be_results_like_others);
    tcase_add_test(tcase, cancelling_who_gathers_cancels_all_calls);
    tcase_add_test(tcase, a_gather_that_is_cancelled_from_the_start_still_enters_every_call);
    tcase_add_test(tcase, ten_thousand_calls_run_beside_each_other);
    tcase_add_test(tcase, without_memory_every_call_is_entered_all_the_same);
    tcase_add_test(tcase, calls_are_tasks_of_the_place_that_gathers_them);
    suite_add_tcase(suite, tcase);
    return suite;
}
