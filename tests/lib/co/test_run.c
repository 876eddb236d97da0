#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/reports.h"
#include "tests/support/runtime.h"

static struct co_loop *loop;

static void make_loop(co_time drain_timeout)
{
    const struct co_loop_options options = {
        .clock = &co_clock_virtual,
        .drain_timeout = drain_timeout,
        .report = collect_report,
    };

    trace[0] = '\0';
    forget_reports();
    assert_ok(co_loop_new(&loop, &options));
}

static void set_up(void)
{
    make_loop(0);
}

static void tear_down(void)
{
    co_loop_free(loop);
}

static int do_nothing(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static int sleep_forever(void *arg, void **result)
{
    (void)arg, (void)result;
    int rc = co_sleep(CO_NEVER);
    note(rc == -ECANCELED ? 'c' : '?');
    return rc;
}

/* --- For ever -----------------------------------------------------------------------------------
 */

static int stop_after_a_day(void *arg, void **result)
{
    (void)result;
    int rc = co_sleep(24 * 3600 * CO_SECOND);
    note('s');
    co_loop_stop(arg);
    return rc;
}

static int start_two(void *arg, void **result)
{
    (void)result;
    assert_ok(co_create_task("stopper", stop_after_a_day, arg, NULL));
    assert_ok(co_create_task("sleeper", sleep_forever, NULL, NULL));
    return 0;
}

START_TEST(a_run_goes_on_after_its_first_task_until_it_is_stopped)
{
    struct holdings before = holdings_now();

    assert_ok(co_loop_run_forever(loop, start_two, loop));
    ck_assert_str_eq(trace, "sc");
    assert_ok(co_loop_run_forever(loop, start_two, loop));
    ck_assert_str_eq(trace, "scsc");
    ck_assert_uint_eq(holdings_now().n_fds, before.n_fds);
}
END_TEST

static int stop_and_go_on(void *arg, void **result)
{
    (void)result;
    co_loop_stop(arg);
    co_loop_stop(arg);
    note('m');
    ck_assert_int_eq(co_sleep(CO_SECOND), -ECANCELED);
    ck_assert_str_eq(co_self()->loop->root.scope.why, "co_loop_stop() was called");
    return -ECANCELED;
}

START_TEST(a_task_that_stops_the_loop_is_cancelled_with_it)
{
    assert_ok(co_loop_run_forever(loop, stop_and_go_on, loop));
    ck_assert_str_eq(trace, "m");
    ck_assert_int_eq(co_loop_run_until_complete(loop, stop_and_go_on, loop, NULL), -ECANCELED);
    ck_assert_str_eq(trace, "mm");
    ck_assert_int_eq(co_loop_run_until_complete(loop, do_nothing, NULL, NULL), 0);
}
END_TEST

START_TEST(a_loop_that_was_stopped_before_enters_its_first_task_cancelled)
{
    co_loop_stop(loop);
    assert_ok(co_loop_run_forever(loop, sleep_forever, NULL));
    ck_assert_str_eq(trace, "c");
    co_loop_stop(loop);
    ck_assert_int_eq(co_loop_run_until_complete(loop, sleep_forever, NULL, NULL), -ECANCELED);
    ck_assert_str_eq(trace, "cc");
    ck_assert_int_eq(loop->now, 0);
}
END_TEST

static int step_until_cancelled(void *arg, void **result)
{
    int rc = 0;

    (void)result;
    co_loop_stop(arg);
    while (rc == 0)
        rc = co_sleep(0);
    return rc;
}

START_TEST(tasks_that_never_wait_are_stopped_too)
{
    assert_ok(co_loop_run_forever(loop, step_until_cancelled, loop));
}
END_TEST

static void *stop_from_outside(void *arg)
{
    co_loop_stop(arg);
    return NULL;
}

START_TEST(any_thread_may_stop_a_loop_that_has_nothing_to_do)
{
    pthread_t thread;

    assert_ok(pthread_create(&thread, NULL, stop_from_outside, loop));
    assert_ok(co_loop_run_forever(loop, do_nothing, NULL));
    assert_ok(pthread_join(thread, NULL));
}
END_TEST

static int wait_and_stop(void *arg, void **result)
{
    assert_ok(co_event_wait(arg));
    note('w');
    co_loop_stop(co_self()->loop);
    (void)result;
    return 0;
}

static void set_event(void *event)
{
    co_event_set(event);
}

static struct co_event event;

static void *call_from_outside(void *arg)
{
    (void)co_loop_call(arg, set_event, &event);
    return NULL;
}

START_TEST(a_task_that_waits_for_a_call_is_no_deadlock)
{
    pthread_t thread;

    co_event_init(&event);
    assert_ok(pthread_create(&thread, NULL, call_from_outside, loop));
    assert_ok(co_loop_run_forever(loop, wait_and_stop, &event));
    assert_ok(pthread_join(thread, NULL));
    ck_assert_str_eq(trace, "w");
    ck_assert_uint_eq(n_reports, 0);
}
END_TEST

static int stop_and_fail(void *arg, void **result)
{
    (void)result;
    co_loop_stop(arg);
    return -EIO;
}

START_TEST(a_first_task_that_fails_is_reported_since_its_status_is_not_returned)
{
    assert_ok(co_loop_run_forever(loop, stop_and_fail, loop));
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_TASK_FAILED, "task main (");
}
END_TEST

static int run_inside(void *arg, void **result)
{
    (void)result;
    ck_assert_int_eq(co_loop_run_forever(arg, do_nothing, NULL), -EDEADLK);
    ck_assert_int_eq(co_loop_run_until_complete(arg, do_nothing, NULL, NULL), -EDEADLK);
    return 0;
}

START_TEST(a_task_cannot_run_a_loop)
{
    ck_assert_int_eq(co_loop_run_until_complete(loop, run_inside, loop, NULL), 0);
}
END_TEST

START_TEST(without_memory_nothing_is_run)
{
    for (size_t n = 1; n <= 3; n++) {
        fault_arm(n);
        int rc = co_loop_run_forever(loop, stop_and_go_on, loop);
        ck_assert_int_eq(rc, fault_disarm() ? -ENOMEM : 0);
    }
    ck_assert_str_ne(trace, "mmm");
}
END_TEST

/* --- Deadlock -----------------------------------------------------------------------------------
 */

struct locks {
    struct co_lock first;
    struct co_lock second;
    struct co_event never;
};

static int take(struct co_lock *mine, struct co_lock *theirs)
{
    assert_ok(co_lock_acquire(mine));
    int rc = co_sleep(0);
    if (rc == 0)
        rc = co_lock_acquire(theirs);
    note(rc == -ECANCELED ? 'c' : '?');
    co_lock_release(mine);
    return rc;
}

static int take_first(void *arg, void **result)
{
    struct locks *locks = arg;

    (void)result;
    return take(&locks->first, &locks->second);
}

static int take_second(void *arg, void **result)
{
    struct locks *locks = arg;

    (void)result;
    return take(&locks->second, &locks->first);
}

static int wait_for_event(void *arg, void **result)
{
    struct locks *locks = arg;

    (void)result;
    return co_event_wait(&locks->never);
}

static int take_locks(void *arg, void **result)
{
    struct locks locks;
    struct co_group group;

    (void)arg, (void)result;
    co_lock_init(&locks.first);
    co_lock_init(&locks.second);
    co_event_init(&locks.never);
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "ada", take_first, &locks, NULL));
    assert_ok(co_group_spawn(&group, "bob", take_second, &locks, NULL));
    assert_ok(co_group_spawn(&group, "eve", wait_for_event, &locks, NULL));
    return co_group_exit(&group, 0);
}

START_TEST(each_task_of_a_deadlock_is_named_with_what_it_waits_for)
{
    ck_assert_int_eq(co_loop_run_until_complete(loop, take_locks, NULL, NULL), -EDEADLK);
    ck_assert_str_eq(trace, "cc");
    ck_assert_uint_eq(n_reports, 4);
    assert_reported(0, CO_REPORT_DEADLOCK, "task main (");
    assert_reported(0, CO_REPORT_DEADLOCK, ") waits for the tasks of its group");
    assert_reported(1, CO_REPORT_DEADLOCK, "deadlock: task ada (");
    assert_reported(1, CO_REPORT_DEADLOCK, ") waits for lock held by task bob (");
    assert_reported(2, CO_REPORT_DEADLOCK, "deadlock: task bob (");
    assert_reported(2, CO_REPORT_DEADLOCK, ") waits for lock held by task ada (");
    assert_reported(2, CO_REPORT_DEADLOCK, "test_run.c:");
    assert_reported(3, CO_REPORT_DEADLOCK, "task eve (");
    assert_reported(3, CO_REPORT_DEADLOCK, ") waits for event");
}
END_TEST

static int sleep_past_the_end_of_time(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_sleep(CO_NEVER - 1));
    return co_sleep(1);
}

START_TEST(a_deadline_at_the_end_of_time_is_none)
{
    ck_assert_int_eq(co_loop_run_until_complete(loop, sleep_past_the_end_of_time, NULL, NULL),
                     -EDEADLK);
}
END_TEST

static int await_oneself(void *arg, void **result)
{
    (void)arg;
    return co_task_await(co_self(), result);
}

START_TEST(a_task_that_awaits_itself_is_named)
{
    ck_assert_int_eq(co_loop_run_until_complete(loop, await_oneself, NULL, NULL), -EDEADLK);
    ck_assert_uint_eq(n_reports, 1);
    assert_reported(0, CO_REPORT_DEADLOCK, "waits for task main (");
}
END_TEST

static int wait_in_a_shield(void *arg, void **result)
{
    struct co_scope shield;
    struct co_event never;

    (void)arg, (void)result;
    co_event_init(&never);
    co_scope_shield(&shield, CO_NEVER);
    return co_scope_exit(&shield, co_event_wait(&never));
}

static int leave_a_shield_behind(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_create_task("shielded", wait_in_a_shield, NULL, NULL));
    return co_sleep(0);
}

static void deadlock_at_the_end(void)
{
    (void)co_run(leave_a_shield_behind, NULL, NULL);
}

START_TEST(a_deadlock_at_the_end_ends_the_process_with_the_names)
{
    assert_dies(deadlock_at_the_end, SIGABRT, "deadlock: task shielded (");
    assert_dies(deadlock_at_the_end, SIGABRT, "the loop cannot go on: its 1 tasks wait for each");
}
END_TEST

/* --- The end ------------------------------------------------------------------------------------
 */

static int clean_up_slowly(void *arg, void **result)
{
    struct co_scope shield;

    (void)result;
    ck_assert_int_eq(co_sleep(CO_NEVER), -ECANCELED);
    co_scope_shield(&shield, CO_NEVER);
    int rc = co_sleep((intptr_t)arg * CO_SECOND);
    note(n_reports == 0 ? 'e' : 'r');
    return co_scope_exit(&shield, rc);
}

static int leave_behind(void *arg, void **result)
{
    (void)arg, (void)result;
    for (intptr_t seconds = 1; seconds < 100; seconds *= 4)
        assert_ok(co_create_task("slow", clean_up_slowly, (void *)seconds, NULL));
    return co_sleep(0);
}

START_TEST(who_has_not_ended_in_time_is_reported_once)
{
    ck_assert_int_eq(co_loop_run_until_complete(loop, leave_behind, NULL, NULL), 0);
    ck_assert_str_eq(trace, "eerr");
    ck_assert_uint_eq(n_reports, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_reported(i, CO_REPORT_STUCK, "the loop cannot end: task slow (");
        assert_reported(i, CO_REPORT_STUCK, "test_run.c:");
        assert_reported(i, CO_REPORT_STUCK, ") waits for time");
    }
}
END_TEST

START_TEST(the_time_after_which_it_is_reported_can_be_chosen)
{
    co_loop_free(loop);
    make_loop(20 * CO_SECOND);
    ck_assert_int_eq(co_loop_run_until_complete(loop, leave_behind, NULL, NULL), 0);
    ck_assert_str_eq(trace, "eeer");
    ck_assert_uint_eq(n_reports, 1);
}
END_TEST

START_TEST(after_an_end_in_time_nothing_is_left_to_report)
{
    co_loop_free(loop);
    make_loop(100 * CO_SECOND);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(co_loop_run_until_complete(loop, leave_behind, NULL, NULL), 0);
    ck_assert_str_eq(trace, "eeeeeeee");
    ck_assert_uint_eq(n_reports, 0);
    ck_assert_uint_eq(loop->timers.n_nodes, 0);
}
END_TEST

/* --- Misuse -------------------------------------------------------------------------------------
 */

static void *run_it_too(void *arg)
{
    (void)co_loop_run_until_complete(arg, do_nothing, NULL, NULL);
    return NULL;
}

static int let_another_run_it(void *arg, void **result)
{
    pthread_t thread;

    (void)result;
    pthread_create(&thread, NULL, run_it_too, arg);
    pthread_join(thread, NULL);
    return 0;
}

static void run_on_two_threads(void)
{
    set_up();
    (void)co_loop_run_until_complete(loop, let_another_run_it, loop, NULL);
}

START_TEST(a_loop_that_two_threads_run_ends_the_process)
{
    assert_dies(run_on_two_threads, SIGABRT, "a loop was run that another thread runs already");
}
END_TEST

static void *free_it(void *arg)
{
    co_loop_free(arg);
    return NULL;
}

static int let_another_free_it(void *arg, void **result)
{
    pthread_t thread;

    (void)result;
    pthread_create(&thread, NULL, free_it, arg);
    pthread_join(thread, NULL);
    return 0;
}

static void free_on_another_thread(void)
{
    set_up();
    (void)co_loop_run_until_complete(loop, let_another_free_it, loop, NULL);
}

START_TEST(freeing_a_loop_that_another_thread_runs_ends_the_process)
{
    assert_dies(free_on_another_thread, SIGABRT, "co_loop_free() of a loop that is running");
}
END_TEST

static int fail_to_wait(struct co_loop *any, co_time deadline)
{
    (void)any, (void)deadline;
    return -EIO;
}

static co_time no_time(struct co_loop *any)
{
    (void)any;
    return 0;
}

static void run_with_a_broken_clock(void)
{
    static const struct co_clock broken = {.now = no_time, .wait = fail_to_wait};

    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.clock = &broken}));
    (void)co_loop_run_until_complete(loop, stop_after_a_day, loop, NULL);
}

START_TEST(a_clock_that_cannot_wait_ends_the_process)
{
    assert_dies(run_with_a_broken_clock, SIGABRT, "waiting failed, status -5");
}
END_TEST

Suite *suite_co_run(void);

Suite *suite_co_run(void)
{
    Suite *suite = suite_create("co_run");
    TCase *forever = tcase_create("for ever"), *deadlock = tcase_create("deadlock");
    TCase *end = tcase_create("end"), *misuse = tcase_create("misuse");

    tcase_add_checked_fixture(forever, set_up, tear_down);
    tcase_add_test(forever, a_run_goes_on_after_its_first_task_until_it_is_stopped);
    tcase_add_test(forever, a_task_that_stops_the_loop_is_cancelled_with_it);
    tcase_add_test(forever, a_loop_that_was_stopped_before_enters_its_first_task_cancelled);
    tcase_add_test(forever, tasks_that_never_wait_are_stopped_too);
    tcase_add_test(forever, any_thread_may_stop_a_loop_that_has_nothing_to_do);
    tcase_add_test(forever, a_task_that_waits_for_a_call_is_no_deadlock);
    tcase_add_test(forever, a_first_task_that_fails_is_reported_since_its_status_is_not_returned);
    tcase_add_test(forever, a_task_cannot_run_a_loop);
    tcase_add_test(forever, without_memory_nothing_is_run);
    suite_add_tcase(suite, forever);

    tcase_add_checked_fixture(deadlock, set_up, tear_down);
    tcase_add_test(deadlock, each_task_of_a_deadlock_is_named_with_what_it_waits_for);
    tcase_add_test(deadlock, a_deadline_at_the_end_of_time_is_none);
    tcase_add_test(deadlock, a_task_that_awaits_itself_is_named);
    tcase_add_test(deadlock, a_deadlock_at_the_end_ends_the_process_with_the_names);
    suite_add_tcase(suite, deadlock);

    tcase_add_checked_fixture(end, set_up, tear_down);
    tcase_add_test(end, who_has_not_ended_in_time_is_reported_once);
    tcase_add_test(end, the_time_after_which_it_is_reported_can_be_chosen);
    tcase_add_test(end, after_an_end_in_time_nothing_is_left_to_report);
    suite_add_tcase(suite, end);

    tcase_add_test(misuse, a_loop_that_two_threads_run_ends_the_process);
    tcase_add_test(misuse, freeing_a_loop_that_another_thread_runs_ends_the_process);
    tcase_add_test(misuse, a_clock_that_cannot_wait_ends_the_process);
    suite_add_tcase(suite, misuse);
    return suite;
}
