#include <errno.h>

#include "lib/co/runtime.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

enum { MAX_TASKS = 10000 };

/* A task that sleeps and then ends with a status. */
struct act {
    co_time duration;
    int rc;
};

static struct act acts[MAX_TASKS];
static struct co_task *tasks[MAX_TASKS];

static int perform(void *arg, void **result)
{
    const struct act *act = arg;
    int rc = co_sleep(act->duration);

    *result = arg;
    return rc < 0 ? rc : act->rc;
}

static void start_one(size_t i, co_time duration, int rc)
{
    acts[i] = (struct act){duration, rc};
    assert_ok(co_create_task("act", perform, &acts[i], &tasks[i]));
}

/* Task number i ends after seconds[i]. */
static void start(const int *seconds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        start_one(i, seconds[i] * CO_SECOND, 0);
}

static void assert_unwatched(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert(co_list_is_empty(&tasks[i]->watchers));
}

static void stop(size_t n)
{
    assert_unwatched(n);
    for (size_t i = 0; i < n; i++)
        co_task_stop(tasks[i], "the test is over");
}

/* --- Waiting ------------------------------------------------------------------------------------
 */

CO_TEST(waiting_for_all_takes_as_long_as_the_slowest)
{
    start((int[]){2, 5, 1}, 3);
    ck_assert_int_eq(co_wait(tasks, 3, CO_ALL_COMPLETED), 3);
    ck_assert_int_eq(now_ms(), 5000);
    stop(3);
}

CO_TEST(waiting_for_one_takes_as_long_as_the_quickest)
{
    start((int[]){2, 5, 1}, 3);
    ck_assert_int_eq(co_wait(tasks, 3, CO_FIRST_COMPLETED), 1);
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert(co_task_is_done(tasks[2]));
    stop(3);
}

CO_TEST(a_failure_ends_only_the_wait_for_errors)
{
    start((int[]){2, 5, 1}, 3);
    acts[0].rc = -EIO;
    ck_assert_int_eq(co_wait(tasks, 3, CO_FIRST_ERROR), 2);
    ck_assert_int_eq(now_ms(), 2000);
    ck_assert_int_eq(co_wait(tasks, 3, CO_ALL_COMPLETED), 3);
    ck_assert_int_eq(now_ms(), 5000);
    ck_assert_int_eq(co_task_await(tasks[0], NULL), -EIO);
    stop(3);
}

CO_TEST(without_a_failure_the_wait_for_errors_is_one_for_all)
{
    start((int[]){2, 5, 1}, 3);
    ck_assert_int_eq(co_wait(tasks, 3, CO_FIRST_ERROR), 3);
    ck_assert_int_eq(now_ms(), 5000);
    stop(3);
}

CO_TEST(a_cancelled_task_is_no_error)
{
    start((int[]){2, 5, 1}, 3);
    settle();
    co_cancel(tasks[0], "not needed");
    ck_assert_int_eq(co_wait(tasks, 3, CO_FIRST_ERROR), 3);
    ck_assert_int_eq(now_ms(), 5000);
    stop(3);
}

CO_TEST(who_has_what_it_waits_for_does_not_wait)
{
    static const enum co_wait_until enough_with_two[] = {CO_FIRST_COMPLETED, CO_FIRST_ERROR};

    start((int[]){0, 9, 0}, 3);
    acts[0].rc = -EIO;
    settle();
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(co_wait(tasks, 3, enough_with_two[i]), 2);
    ck_assert_int_eq(co_wait(tasks, 1, CO_ALL_COMPLETED), 1);
    ck_assert_int_eq(now_ms(), 0);
    ck_assert_int_eq(co_task_await(tasks[0], NULL), -EIO);
    stop(3);
}

CO_TEST(there_is_nothing_to_wait_for_in_no_tasks)
{
    ck_assert_int_eq(co_wait(NULL, 0, CO_ALL_COMPLETED), 0);
    ck_assert_int_eq(co_wait(NULL, 0, CO_FIRST_COMPLETED), 0);
    ck_assert_int_eq(co_wait(NULL, 0, CO_FIRST_ERROR), 0);
}

CO_TEST(all_that_ended_by_then_are_counted)
{
    start((int[]){1, 1, 1, 2}, 4);
    ck_assert_int_eq(co_wait(tasks, 4, CO_FIRST_COMPLETED), 3);
    stop(4);
}

CO_TEST(a_task_may_be_waited_for_twice_in_one_call)
{
    start((int[]){1, 2}, 2);
    struct co_task *twice[] = {tasks[0], tasks[0], tasks[1]};
    ck_assert_int_eq(co_wait(twice, 3, CO_ALL_COMPLETED), 3);
    ck_assert_int_eq(now_ms(), 2000);
    stop(2);
}

static int wait_for_two(void *arg, void **result)
{
    int rc = co_wait(tasks, 2, (enum co_wait_until)(intptr_t)arg);

    (void)result;
    note((char)('0' + rc));
    return rc;
}

static int await_first(void *arg, void **result)
{
    int rc = co_task_await(tasks[0], NULL);

    (void)arg, (void)result;
    note('a');
    return rc;
}

CO_TEST(many_may_wait_for_the_same_tasks_each_in_its_way)
{
    start((int[]){1, 2}, 2);
    assert_ok(co_create_task("one", wait_for_two, (void *)(intptr_t)CO_FIRST_COMPLETED, NULL));
    assert_ok(co_create_task("both", wait_for_two, (void *)(intptr_t)CO_ALL_COMPLETED, NULL));
    assert_ok(co_create_task("await", await_first, NULL, NULL));
    assert_ok(co_sleep(3 * CO_SECOND));
    ck_assert_str_eq(trace, "a12");
    stop(2);
}

CO_TEST(cancelling_who_waits_leaves_the_tasks_alone)
{
    struct co_scope scope;

    start((int[]){5, 6}, 2);
    co_scope_enter(&scope, CO_SECOND);
    int rc = co_wait(tasks, 2, CO_FIRST_COMPLETED);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    assert_unwatched(2);
    ck_assert_int_eq(co_wait(tasks, 2, CO_ALL_COMPLETED), 2);
    ck_assert_int_eq(now_ms(), 6000);
    assert_ok(co_task_await(tasks[0], NULL));
    stop(2);
}

CO_TEST(waiting_is_where_a_cancel_arrives_even_if_all_have_ended)
{
    struct co_scope scope;

    start((int[]){0}, 1);
    settle();
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_wait(tasks, 1, CO_ALL_COMPLETED), -ECANCELED);
    co_scope_exit(&scope, 0);
    stop(1);
}

static struct co_task *waiter;

static int cancel_the_waiter(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_sleep(0));
    ck_assert(co_task_is_done(tasks[0]));
    co_cancel(waiter, "in the turn in which the task ended");
    return 0;
}

/* The task that the waiter waits for ends, and in the same turn another one cancels the waiter. */
CO_TEST(a_wait_that_was_fulfilled_before_it_was_cancelled_says_so)
{
    struct co_task *canceller;

    start((int[]){0, 9}, 2);
    assert_ok(
        co_create_task("waiter", wait_for_two, (void *)(intptr_t)CO_FIRST_COMPLETED, &waiter));
    assert_ok(co_create_task("canceller", cancel_the_waiter, NULL, &canceller));
    ck_assert_int_eq(co_task_await(waiter, NULL), 1);
    ck_assert_str_eq(trace, "1");
    co_task_unref(canceller);
    co_task_unref(waiter);
    stop(2);
}

/* Each task that ends must cost one step, not one for each task there is. */
CO_TEST(ten_thousand_tasks_can_be_waited_for_at_once)
{
    for (size_t i = 0; i < MAX_TASKS; i++)
        start_one(i, (co_time)((i * 7919) % MAX_TASKS) * CO_MILLISECOND, 0);
    ck_assert_int_eq(co_wait(tasks, MAX_TASKS, CO_ALL_COMPLETED), MAX_TASKS);
    ck_assert_int_eq(now_ms(), MAX_TASKS - 1);
    stop(MAX_TASKS);
}

CO_TEST(without_memory_nobody_waits_and_the_tasks_go_on)
{
    size_t n_seen = 0, n;
    int rc;

    start((int[]){1, 2}, 2);
    for (n = 1;; n++) {
        fault_arm(n);
        rc = co_wait(tasks, 2, CO_FIRST_COMPLETED);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_int_eq(now_ms(), 0);
    }
    ck_assert_int_eq(rc, 1);
    ck_assert_uint_gt(n, 1);
    co_task_stop(tasks[0], "started again below");
    start_one(0, CO_SECOND, 0);
    fault_arm(1);
    ck_assert_int_eq(co_as_completed(tasks, 1, &n_seen), -ENOMEM);
    ck_assert(fault_disarm());
    ck_assert_uint_eq(n_seen, 0);
    stop(2);
}

/* --- As they end --------------------------------------------------------------------------------
 */

/* The numbers of the tasks in the order they are handed out in. */
static void assert_order(const int *order, size_t n)
{
    size_t n_seen = 0;
    void *result = NULL;

    while (co_as_completed(tasks, n, &n_seen) > 0) {
        assert_ok(co_task_await(tasks[n_seen - 1], &result));
        ck_assert_int_eq((struct act *)result - acts, order[n_seen - 1]);
        ck_assert_int_eq(co_now(), acts[order[n_seen - 1]].duration);
    }
    ck_assert_uint_eq(n_seen, n);
}

CO_TEST(tasks_are_handed_out_as_they_end)
{
    start((int[]){3, 5, 1, 4, 2}, 5);
    assert_order((int[]){2, 4, 0, 3, 1}, 5);
    stop(5);
}

CO_TEST(tasks_that_ended_together_are_handed_out_in_the_order_they_ended_in)
{
    size_t n_seen = 0;
    int order[4];

    start((int[]){4, 2, 3, 1}, 4);
    assert_ok(co_sleep(10 * CO_SECOND));
    while (co_as_completed(tasks, 4, &n_seen) > 0) {
        void *result;
        assert_ok(co_task_await(tasks[n_seen - 1], &result));
        order[n_seen - 1] = (int)((struct act *)result - acts);
    }
    ck_assert_mem_eq(order, ((int[]){3, 1, 2, 0}), sizeof(order));
    stop(4);
}

CO_TEST(of_no_tasks_none_is_handed_out)
{
    size_t n_seen = 0;

    ck_assert_int_eq(co_as_completed(tasks, 0, &n_seen), 0);
    ck_assert_uint_eq(n_seen, 0);
}

CO_TEST(after_a_timeout_the_handing_out_goes_on_where_it_was)
{
    struct co_scope scope;
    size_t n_seen = 0;

    start((int[]){5, 1}, 2);
    co_scope_enter(&scope, 2 * CO_SECOND);
    ck_assert_int_eq(co_as_completed(tasks, 2, &n_seen), 1);
    int rc = co_as_completed(tasks, 2, &n_seen);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    ck_assert_uint_eq(n_seen, 1);
    ck_assert_int_eq(co_as_completed(tasks, 2, &n_seen), 1);
    ck_assert_int_eq(co_as_completed(tasks, 2, &n_seen), 0);
    ck_assert_int_eq(now_ms(), 5000);
    stop(2);
}

CO_TEST(failed_and_cancelled_tasks_are_handed_out_like_others)
{
    size_t n_seen = 0;

    start((int[]){1, 2, 3}, 3);
    acts[0].rc = -EIO;
    settle();
    co_cancel(tasks[2], "not needed");
    static const int statuses[] = {-ECANCELED, -EIO, 0};
    while (co_as_completed(tasks, 3, &n_seen) > 0)
        ck_assert_int_eq(co_task_await(tasks[n_seen - 1], NULL), statuses[n_seen - 1]);
    ck_assert_uint_eq(n_seen, 3);
    stop(3);
}

/* Against sorting: by time, and where that is the same, by the order they fell asleep in. */
CO_TEST(any_tasks_are_handed_out_each_once_and_in_order)
{
    enum { N = 200 };
    struct random chance = {(uint64_t)_i};
    int order[N];

    for (int i = 0; i < N; i++) {
        start_one((size_t)i, 1 + random_below(&chance, 50), 0);
        int j = i;
        for (; j > 0 && acts[order[j - 1]].duration > acts[i].duration; j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
    assert_order(order, N);
    stop(N);
}

Suite *suite_co_wait(void);

Suite *suite_co_wait(void)
{
    Suite *suite = suite_create("co_wait");
    TCase *wait = tcase_create("wait"), *as_completed = tcase_create("as_completed");

    tcase_add_test(wait, waiting_for_all_takes_as_long_as_the_slowest);
    tcase_add_test(wait, waiting_for_one_takes_as_long_as_the_quickest);
    tcase_add_test(wait, a_failure_ends_only_the_wait_for_errors);
    tcase_add_test(wait, without_a_failure_the_wait_for_errors_is_one_for_all);
    tcase_add_test(wait, a_cancelled_task_is_no_error);
    tcase_add_test(wait, who_has_what_it_waits_for_does_not_wait);
    tcase_add_test(wait, there_is_nothing_to_wait_for_in_no_tasks);
    tcase_add_test(wait, all_that_ended_by_then_are_counted);
    tcase_add_test(wait, a_task_may_be_waited_for_twice_in_one_call);
    tcase_add_test(wait, many_may_wait_for_the_same_tasks_each_in_its_way);
    tcase_add_test(wait, cancelling_who_waits_leaves_the_tasks_alone);
    tcase_add_test(wait, waiting_is_where_a_cancel_arrives_even_if_all_have_ended);
    tcase_add_test(wait, a_wait_that_was_fulfilled_before_it_was_cancelled_says_so);
    tcase_add_test(wait, ten_thousand_tasks_can_be_waited_for_at_once);
    tcase_add_test(wait, without_memory_nobody_waits_and_the_tasks_go_on);
    suite_add_tcase(suite, wait);

    tcase_add_test(as_completed, tasks_are_handed_out_as_they_end);
    tcase_add_test(as_completed,
                   tasks_that_ended_together_are_handed_out_in_the_order_they_ended_in);
    tcase_add_test(as_completed, of_no_tasks_none_is_handed_out);
    tcase_add_test(as_completed, after_a_timeout_the_handing_out_goes_on_where_it_was);
    tcase_add_test(as_completed, failed_and_cancelled_tasks_are_handed_out_like_others);
    tcase_add_loop_test(as_completed, any_tasks_are_handed_out_each_once_and_in_order, 0, 10);
    suite_add_tcase(suite, as_completed);
    return suite;
}
