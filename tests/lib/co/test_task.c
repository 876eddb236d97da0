#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

static void start(co_fn *fn, char letter)
{
    assert_ok(co_create_task("letter", fn, (void *)(intptr_t)letter, NULL));
}

static int note_letter(void *letter, void **result)
{
    (void)result;
    note((char)(intptr_t)letter);
    return 0;
}

static int answer(void *arg, void **result)
{
    *result = arg;
    return 7;
}

static int fail_with_eio(void *arg, void **result)
{
    *result = arg;
    return -EIO;
}

static int return_at_once(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static int sleep_long(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(CO_SECOND);
}

/* --- Starting and ending ------------------------------------------------------------------------
 */

CO_TEST(a_task_starts_when_its_creator_blocks)
{
    struct co_task *task;

    assert_ok(co_create_task("task", note_letter, (void *)'a', &task));
    ck_assert_str_eq(trace, "");
    assert_ok(co_task_await(task, NULL));
    ck_assert_str_eq(trace, "a");
    co_task_unref(task);
}

CO_TEST(tasks_start_in_the_order_they_were_created_in)
{
    start(note_letter, 'a');
    start(note_letter, 'b');
    start(note_letter, 'c');
    settle();
    ck_assert_str_eq(trace, "abc");
}

CO_TEST(awaiting_a_task_gives_its_status_and_result)
{
    struct co_task *task;
    void *result = NULL;

    assert_ok(co_create_task("answer", answer, &task, &task));
    ck_assert_int_eq(co_task_await(task, &result), 7);
    ck_assert_ptr_eq(result, &task);
    co_task_unref(task);
}

CO_TEST(a_failed_task_has_no_result)
{
    struct co_task *task;
    void *result = &task;

    assert_ok(co_create_task("failing", fail_with_eio, NULL, &task));
    ck_assert_int_eq(co_task_await(task, &result), -EIO);
    ck_assert_ptr_eq(result, &task);
    co_task_unref(task);
}

CO_TEST(a_task_that_has_ended_can_be_awaited_again)
{
    struct co_task *task;
    void *result = NULL;

    assert_ok(co_create_task("answer", answer, &task, &task));
    settle();
    ck_assert(co_task_is_done(task));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(co_task_await(task, &result), 7);
    co_task_unref(task);
}

static int await_and_note(void *arg, void **result)
{
    int rc = co_task_await(arg, result);

    note('0' + (char)rc);
    return rc;
}

CO_TEST(all_who_await_a_task_get_its_status)
{
    struct co_task *task;

    assert_ok(co_create_task("answer", answer, NULL, &task));
    for (int i = 0; i < 3; i++)
        assert_ok(co_create_task("waiter", await_and_note, task, NULL));
    settle();
    ck_assert_str_eq(trace, "777");
    co_task_unref(task);
}

CO_TEST(a_task_knows_itself_and_its_name)
{
    ck_assert_ptr_nonnull(co_self());
    ck_assert_str_eq(co_task_name(co_self()), "main");
}

START_TEST(outside_of_a_loop_there_is_no_task)
{
    ck_assert_ptr_null(co_self());
}
END_TEST

CO_TEST(ended_tasks_and_their_stacks_are_used_again)
{
    struct co_loop_stats before, after;
    size_t n_blocks = 0;

    for (int i = 0; i < 1000; i++) {
        start(return_at_once, 0);
        settle();
        if (i == 0) {
            co_loop_stats(&before);
            n_blocks = fault_live();
        }
    }
    co_loop_stats(&after);
    ck_assert_uint_eq(after.n_stacks, before.n_stacks);
    ck_assert_uint_eq(fault_live(), n_blocks);
}

static int note_frame(void *arg, void **result)
{
    (void)result;
    *(void **)arg = __builtin_frame_address(0);
    return 0;
}

CO_TEST(a_task_that_ends_leaves_its_stack_to_the_next_one_that_begins)
{
    void *first = NULL, *second = NULL, *third = NULL;

    assert_ok(co_create_task("first", note_frame, &first, NULL));
    assert_ok(co_create_task("second", note_frame, &second, NULL));
    settle();
    assert_ok(co_create_task("third", note_frame, &third, NULL));
    settle();
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_eq(second, first);
    ck_assert_ptr_eq(third, first);
}

CO_TEST(of_many_tasks_that_have_ended_few_are_kept_once_there_is_nothing_to_do)
{
    size_t n_blocks = fault_live();

    for (int i = 0; i < 5000; i++)
        start(return_at_once, 0);
    settle();
    ck_assert_uint_gt(fault_live(), n_blocks + 5000);
    assert_ok(co_sleep(CO_SECOND));
    ck_assert_uint_lt(fault_live(), n_blocks + 2000);
}

static int count_up(void *arg, void **result)
{
    (void)result;
    ++*(int *)arg;
    return 0;
}

CO_TEST(ten_thousand_tasks_all_run)
{
    int n = 0;

    for (int i = 0; i < 10000; i++)
        assert_ok(co_create_task("count", count_up, &n, NULL));
    settle();
    ck_assert_int_eq(n, 10000);
}

CO_TEST(without_memory_a_task_is_not_entered_and_nothing_is_lost)
{
    enum { N_TASKS = 65 }; /* more than fit on the stacks that are mapped together */
    struct co_loop_stats stats;
    int n_started = 0, n_entered = 0;

    for (size_t n = 1; n < 100; n++) {
        int before = n_started;
        fault_arm(n);
        for (int i = 0; i < N_TASKS; i++)
            n_started += co_create_task("count", count_up, &n_entered, NULL) == 0;
        bool failed = fault_disarm();
        co_loop_stats(&stats);
        ck_assert_int_eq(stats.n_tasks, n_started - before + 1);
        settle();
        if (!failed)
            break;
        ck_assert_int_eq(n_started - before, N_TASKS - 1);
    }
    ck_assert_int_eq(n_entered, n_started);
    ck_assert_int_gt(n_started, N_TASKS);
}

/* --- Taking turns -------------------------------------------------------------------------------
 */

static int note_three_times(void *letter, void **result)
{
    (void)result;
    for (int i = 0; i < 3; i++) {
        note((char)(intptr_t)letter);
        assert_ok(co_sleep(0));
    }
    return 0;
}

CO_TEST(tasks_that_yield_take_turns)
{
    start(note_three_times, 'a');
    start(note_three_times, 'b');
    start(note_three_times, 'c');
    settle();
    ck_assert_str_eq(trace, "abcabcabc");
}

CO_TEST(a_task_that_yields_alone_on_a_stack_it_was_left_goes_on_where_it_was)
{
    start(return_at_once, 0);
    start(note_three_times, 'a');
    settle();
    ck_assert_str_eq(trace, "aaa");
}

CO_TEST(a_sleep_takes_its_time_and_not_less)
{
    assert_ok(co_sleep(5 * CO_SECOND));
    ck_assert_int_eq(now_ms(), 5000);
    assert_ok(co_sleep(1));
    ck_assert_int_eq(co_now(), 5 * CO_SECOND + 1);
}

CO_TEST(a_sleep_of_no_time_does_not_wind_the_clock)
{
    assert_ok(co_sleep(0));
    assert_ok(co_sleep(-CO_SECOND));
    ck_assert_int_eq(co_now(), 0);
}

struct nap {
    co_time duration;
    char letter;
};

static int nap(void *arg, void **result)
{
    const struct nap *nap = arg;
    int rc = co_sleep(nap->duration);

    (void)result;
    note(nap->letter);
    return rc;
}

CO_TEST(sleepers_wake_in_order_of_time_and_then_of_falling_asleep)
{
    static struct nap naps[] = {{30, 'c'}, {10, 'a'}, {40, 'e'}, {20, 'b'}, {30, 'd'}};

    for (int i = 0; i < 5; i++)
        assert_ok(co_create_task("nap", nap, &naps[i], NULL));
    assert_ok(co_sleep(50));
    ck_assert_str_eq(trace, "abcde");
}

/* --- Cancelling ---------------------------------------------------------------------------------
 */

static int tidy_up_slowly(void *arg, void **result)
{
    struct co_scope shield;
    int rc = sleep_long(arg, result);

    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_sleep(CO_SECOND));
    co_scope_exit(&shield, 0);
    note('!');
    return rc;
}

CO_TEST(a_cancelled_sleeper_wakes_at_once)
{
    struct co_task *task;

    assert_ok(co_create_task("sleeper", sleep_long, NULL, &task));
    settle();
    co_cancel(task, "enough");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_int_eq(now_ms(), 0);
    co_task_unref(task);
}

static int free_and_sleep(void *arg, void **result)
{
    free(arg);
    return sleep_long(NULL, result);
}

CO_TEST(a_task_cancelled_before_its_first_step_is_entered_once)
{
    struct co_task *task;

    assert_ok(co_create_task("owner", free_and_sleep, malloc(10), &task));
    co_cancel(task, "never mind");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_int_eq(now_ms(), 0);
    co_task_unref(task);
}

CO_TEST(cancelling_who_awaits_a_task_leaves_the_task_alone)
{
    struct co_task *task, *waiter;

    assert_ok(co_create_task("sleeper", sleep_long, NULL, &task));
    assert_ok(co_create_task("waiter", await_and_note, task, &waiter));
    settle();
    co_cancel(waiter, "enough");
    ck_assert_int_eq(co_task_await(waiter, NULL), -ECANCELED);
    ck_assert(!co_task_is_done(task));
    ck_assert_int_eq(co_task_await(task, NULL), 0);
    ck_assert_int_eq(now_ms(), 1000);
    co_task_unref(task);
    co_task_unref(waiter);
}

CO_TEST(awaiting_is_where_a_cancel_arrives_even_if_the_task_has_ended)
{
    struct co_task *task;
    struct co_scope scope;

    assert_ok(co_create_task("answer", answer, NULL, &task));
    settle();
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    co_scope_exit(&scope, 0);
    ck_assert_int_eq(co_task_await(task, NULL), 7);
    co_task_unref(task);
}

CO_TEST(stopping_a_task_waits_for_its_end_even_when_the_caller_is_cancelled)
{
    struct co_task *task;
    struct co_scope scope;

    assert_ok(co_create_task("tidy", tidy_up_slowly, NULL, &task));
    settle();
    co_scope_enter(&scope, 0);
    co_task_stop(task, "enough");
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
    ck_assert_str_eq(trace, "!");
    ck_assert_int_eq(now_ms(), 1000);
    co_task_stop(NULL, "nobody");
}

CO_TEST(cancelling_a_task_that_has_ended_does_nothing)
{
    struct co_task *task;

    assert_ok(co_create_task("answer", answer, NULL, &task));
    settle();
    co_cancel(task, "too late");
    ck_assert_int_eq(co_task_await(task, NULL), 7);
    co_task_unref(task);
}

/* A loop that does not look at what its calls return. */
static int ignore_cancellation(void *arg, void **result)
{
    const bool *may_end = arg;

    (void)result;
    while (!*may_end)
        if (co_sleep(CO_SECOND) == 0)
            note('!');
    return 0;
}

CO_TEST(a_task_that_ignores_its_cancellation_does_not_keep_others_from_running)
{
    struct co_task *task;
    bool may_end = false;

    assert_ok(co_create_task("deaf", ignore_cancellation, &may_end, &task));
    co_cancel(task, "enough");
    start(note_three_times, 'a');
    for (int i = 0; i < 10; i++)
        assert_ok(co_sleep(0));
    may_end = true;
    assert_ok(co_task_await(task, NULL));
    ck_assert_str_eq(trace, "aaa");
    co_task_unref(task);
}

/* --- The stack ----------------------------------------------------------------------------------
 */

__attribute__((noinline)) static size_t left_below(int depth)
{
    volatile size_t left = depth == 0 ? co_stack_left() : left_below(depth - 1);

    return left;
}

CO_TEST(the_stack_left_shrinks_with_depth)
{
    size_t here = co_stack_left();

    ck_assert_uint_lt(here, 256 * 1024);
    ck_assert_uint_gt(here, 150 * 1024);
    ck_assert_uint_lt(left_below(10), here);
    ck_assert_uint_lt(left_below(100), left_below(10));
}

static int go_deep(void *arg, void **result)
{
    volatile char frame[1000];

    frame[0] = 1;
    if (co_stack_left() < 60 * 1024)
        return co_sleep(0);
    int rc = go_deep(arg, result);
    return frame[0] == 1 ? rc : -EIO;
}

static size_t resident_kib(void)
{
    size_t n_pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");

    ck_assert_ptr_nonnull(statm);
    ck_assert_int_eq(fscanf(statm, "%*u %zu", &n_pages), 1);
    fclose(statm);
    return n_pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

CO_TEST(the_memory_of_tasks_that_went_deep_is_given_back)
{
    for (int i = 0; i < 100; i++)
        assert_ok(co_create_task("deep", go_deep, NULL, NULL));
    settle();
    size_t before = resident_kib();
    assert_ok(co_sleep(1)); /* leaves the loop time to tidy up */
    ck_assert_uint_lt(resident_kib(), before - 100 * 100);
}

/* Ends only when arg does not point to NULL, which it always does. */
static int recurse(void *arg, void **result)
{
    volatile char frame[1000];

    frame[0] = 1;
    return *(void *volatile *)arg != NULL ? 0 : recurse(arg, result) + frame[0];
}

static void overflow_in_a_task(void)
{
    void *nothing = NULL;

    (void)co_run(recurse, &nothing, NULL);
}

START_TEST(endless_recursion_ends_at_the_guard)
{
    assert_dies(overflow_in_a_task, SIGSEGV, NULL);
}
END_TEST

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int leave_a_scope_open(void *arg, void **result)
{
    struct co_scope scope;

    (void)arg, (void)result;
    co_scope_enter(&scope, CO_NEVER);
    return 0;
}

static void end_inside_a_scope(void)
{
    (void)co_run(leave_a_scope_open, NULL, NULL);
}

static void sleep_outside_of_a_loop(void)
{
    assert_ok(co_sleep(CO_SECOND));
}

static int drop_a_handle_twice(void *arg, void **result)
{
    struct co_task *task;

    (void)arg, (void)result;
    assert_ok(co_create_task("sleeper", sleep_long, NULL, &task));
    co_task_unref(task);
    co_task_unref(task);
    return 0;
}

static void drop_one_handle_too_many(void)
{
    (void)co_run(drop_a_handle_twice, NULL, NULL);
}

static co_time no_time(struct co_loop *loop)
{
    (void)loop;
    return 0;
}

static int sleep_on_the_loops_own_stack(struct co_loop *loop, co_time deadline)
{
    (void)loop;
    return co_sleep(deadline);
}

static void sleep_outside_of_a_task(void)
{
    static const struct co_clock clock = {no_time, sleep_on_the_loops_own_stack};
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.clock = &clock}));
    assert_ok(co_loop_run_until_complete(loop, sleep_long, NULL, NULL));
}

static const struct {
    void (*misuse)(void);
    const char *sentence;
} misuses[] = {
    {end_inside_a_scope, "ended inside a scope"},
    {drop_one_handle_too_many, "a handle of task sleeper"},
    {sleep_outside_of_a_loop, "called outside of a running loop"},
    {sleep_outside_of_a_task, "called outside of a task"},
};

START_TEST(misuse_ends_the_process_with_a_sentence)
{
    assert_dies(misuses[_i].misuse, SIGABRT, misuses[_i].sentence);
}
END_TEST

Suite *suite_co_task(void);

Suite *suite_co_task(void)
{
    Suite *suite = suite_create("co_task");
    TCase *life = tcase_create("life"), *turns = tcase_create("turns");
    TCase *cancel = tcase_create("cancel"), *stack = tcase_create("stack");
    TCase *misuse = tcase_create("misuse");

    tcase_add_test(life, a_task_starts_when_its_creator_blocks);
    tcase_add_test(life, tasks_start_in_the_order_they_were_created_in);
    tcase_add_test(life, awaiting_a_task_gives_its_status_and_result);
    tcase_add_test(life, a_failed_task_has_no_result);
    tcase_add_test(life, a_task_that_has_ended_can_be_awaited_again);
    tcase_add_test(life, all_who_await_a_task_get_its_status);
    tcase_add_test(life, a_task_knows_itself_and_its_name);
    tcase_add_test(life, outside_of_a_loop_there_is_no_task);
    tcase_add_test(life, ended_tasks_and_their_stacks_are_used_again);
    tcase_add_test(life, a_task_that_ends_leaves_its_stack_to_the_next_one_that_begins);
    tcase_add_test(life, of_many_tasks_that_have_ended_few_are_kept_once_there_is_nothing_to_do);
    tcase_add_test(life, ten_thousand_tasks_all_run);
    tcase_add_test(life, without_memory_a_task_is_not_entered_and_nothing_is_lost);
    suite_add_tcase(suite, life);

    tcase_add_test(turns, tasks_that_yield_take_turns);
    tcase_add_test(turns, a_task_that_yields_alone_on_a_stack_it_was_left_goes_on_where_it_was);
    tcase_add_test(turns, a_sleep_takes_its_time_and_not_less);
    tcase_add_test(turns, a_sleep_of_no_time_does_not_wind_the_clock);
    tcase_add_test(turns, sleepers_wake_in_order_of_time_and_then_of_falling_asleep);
    suite_add_tcase(suite, turns);

    tcase_add_test(cancel, a_cancelled_sleeper_wakes_at_once);
    tcase_add_test(cancel, a_task_cancelled_before_its_first_step_is_entered_once);
    tcase_add_test(cancel, cancelling_who_awaits_a_task_leaves_the_task_alone);
    tcase_add_test(cancel, awaiting_is_where_a_cancel_arrives_even_if_the_task_has_ended);
    tcase_add_test(cancel, stopping_a_task_waits_for_its_end_even_when_the_caller_is_cancelled);
    tcase_add_test(cancel, cancelling_a_task_that_has_ended_does_nothing);
    tcase_add_test(cancel, a_task_that_ignores_its_cancellation_does_not_keep_others_from_running);
    suite_add_tcase(suite, cancel);

    tcase_add_test(stack, the_stack_left_shrinks_with_depth);
    tcase_add_test(stack, the_memory_of_tasks_that_went_deep_is_given_back);
    tcase_add_test(stack, endless_recursion_ends_at_the_guard);
    suite_add_tcase(suite, stack);

    tcase_add_loop_test(misuse, misuse_ends_the_process_with_a_sentence, 0,
                        sizeof(misuses) / sizeof(*misuses));
    suite_add_tcase(suite, misuse);
    return suite;
}
