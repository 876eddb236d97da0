#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/limit.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

static int answer(void *arg, void **result)
{
    *result = arg;
    return 7;
}

static int sleep_a_day(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(24 * 3600 * CO_SECOND);
}

static int run_on_virtual_clock(co_fn *fn, void *arg, void **ret_result)
{
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.clock = &co_clock_virtual}));
    int rc = co_loop_run_until_complete(loop, fn, arg, ret_result);
    co_loop_free(loop);
    return rc;
}

/* --- Running ------------------------------------------------------------------------------------
 */

START_TEST(a_run_gives_the_status_and_result_of_its_main)
{
    struct holdings before = holdings_now();
    void *result = NULL;

    ck_assert_int_eq(co_run(answer, &result, &result), 7);
    ck_assert_ptr_eq(result, &result);
    ck_assert_int_eq(co_run(answer, NULL, NULL), 7);
    holdings_assert_unchanged(before);
}
END_TEST

START_TEST(a_loop_can_run_again)
{
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, NULL));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(co_loop_run_until_complete(loop, answer, NULL, NULL), 7);
    co_loop_free(loop);
    co_loop_free(NULL);
}
END_TEST

CO_TEST(a_loop_inside_of_a_loop_is_refused)
{
    ck_assert_int_eq(co_run(answer, NULL, NULL), -EDEADLK);
}

static void clean_up(void)
{
    struct co_scope shield;

    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_sleep(CO_SECOND));
    co_scope_exit(&shield, 0);
}

/* Clean-up may start more tasks, which start more. */
static int start_more(void *arg, void **result)
{
    intptr_t n = (intptr_t)arg;
    int rc = sleep_a_day(NULL, result);

    note(rc == -ECANCELED ? 'c' : '?');
    if (n > 1)
        assert_ok(co_create_task("more", start_more, (void *)(n - 1), NULL));
    clean_up();
    note('e');
    return rc;
}

static int leave_tasks_behind(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_create_task("left", start_more, (void *)3, NULL));
    assert_ok(co_sleep(CO_MILLISECOND));
    return 5;
}

START_TEST(what_main_leaves_behind_is_cancelled_and_runs_to_its_end)
{
    struct holdings before = holdings_now();

    ck_assert_int_eq(run_on_virtual_clock(leave_tasks_behind, NULL, NULL), 5);
    ck_assert_str_eq(trace, "ccceee");
    holdings_assert_unchanged(before);
}
END_TEST

static int fail_alone(void *arg, void **result)
{
    (void)arg, (void)result;
    return -EIO;
}

CO_TEST(a_failing_task_without_a_group_harms_nobody)
{
    assert_ok(co_create_task("failing", fail_alone, NULL, NULL));
    assert_ok(co_sleep(CO_SECOND));
}

/* --- Deadlock -----------------------------------------------------------------------------------
 */

static int take_both(void *arg, void **result)
{
    struct co_semaphore *const *forks = arg;

    (void)result;
    assert_ok(co_semaphore_acquire(forks[0]));
    int rc = co_sleep(0);
    if (rc == 0)
        rc = co_semaphore_acquire(forks[1]);
    note(rc == -ECANCELED ? 'c' : '?');
    return rc;
}

static int dine(void *arg, void **result)
{
    struct co_semaphore a, b;
    struct co_semaphore *left[] = {&a, &b}, *right[] = {&b, &a};
    struct co_group group;

    (void)arg, (void)result;
    co_semaphore_init(&a, 1);
    co_semaphore_init(&b, 1);
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "left", take_both, left, NULL));
    assert_ok(co_group_spawn(&group, "right", take_both, right, NULL));
    return co_group_exit(&group, 0);
}

START_TEST(tasks_that_wait_for_each_other_are_found_out_and_unwound)
{
    struct holdings before = holdings_now();

    ck_assert_int_eq(co_run(dine, NULL, NULL), -EDEADLK);
    ck_assert_str_eq(trace, "cc");
    holdings_assert_unchanged(before);
}
END_TEST

static int read_and_deadlock(void *arg, void **result)
{
    struct co_event never;
    struct co_scope scope;
    int ends[2];
    char byte;

    assert_ok(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    co_scope_enter(&scope, CO_MICROSECOND);
    ck_assert_int_eq(co_scope_exit(&scope, (int)co_read(ends[0], &byte, 1)), -ETIMEDOUT);
    assert_ok(co_close(ends[0]));
    assert_ok(co_close(ends[1]));
    ck_assert_int_eq(co_to_thread(answer, arg, result, NULL), 7);
    co_event_init(&never);
    return co_event_wait(&never);
}

START_TEST(a_deadlock_after_waits_for_descriptors_and_threads_is_found_out)
{
    ck_assert_int_eq(co_run(read_and_deadlock, NULL, NULL), -EDEADLK);
}
END_TEST

static int wait_for_oneself(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_task_await(co_self(), NULL);
}

START_TEST(a_task_that_awaits_itself_is_found_out)
{
    ck_assert_int_eq(co_run(wait_for_oneself, NULL, NULL), -EDEADLK);
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

static void deadlock_behind_a_shield(void)
{
    (void)co_run(wait_in_a_shield, NULL, NULL);
}

START_TEST(a_deadlock_that_cannot_be_unwound_ends_the_process)
{
    assert_dies(deadlock_behind_a_shield, SIGABRT, "the loop cannot go on");
}
END_TEST

/* --- Clocks -------------------------------------------------------------------------------------
 */

CO_TEST(the_virtual_clock_starts_at_zero_and_jumps)
{
    ck_assert_int_eq(co_now(), 0);
    assert_ok(sleep_a_day(NULL, NULL));
    ck_assert_int_eq(co_now(), 24 * 3600 * CO_SECOND);
    ck_assert_int_eq(co_clock_now(), co_now());
}

static int spin(void *arg, void **result)
{
    (void)arg, (void)result;
    for (int i = 0; i < 1000; i++)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(co_now(), 0);
    return 0;
}

CO_TEST(the_virtual_clock_stands_still_while_anything_can_run)
{
    assert_ok(co_create_task("spin", spin, NULL, NULL));
    assert_ok(co_sleep(1));
    ck_assert_int_eq(co_now(), 1);
}

static int write_when_asked(void *arg, void **result)
{
    const int *fds = arg;
    char byte;

    (void)result;
    ck_assert_int_eq(co_read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(co_write(fds[1], &byte, 1), 1);
    return 0;
}

CO_TEST(the_virtual_clock_stands_still_while_a_descriptor_is_ready)
{
    int there[2], back[2];
    char byte = 'x';
    struct co_scope scope;

    assert_ok(pipe2(there, O_NONBLOCK | O_CLOEXEC));
    assert_ok(pipe2(back, O_NONBLOCK | O_CLOEXEC));
    int echo[] = {there[0], back[1]};
    assert_ok(co_create_task("echo", write_when_asked, echo, NULL));
    settle();
    co_scope_enter(&scope, 1);
    ck_assert_int_eq(co_write(there[1], &byte, 1), 1);
    ck_assert_int_eq(co_read(back[0], &byte, 1), 1);
    ck_assert_int_eq(co_scope_exit(&scope, 0), 0);
    ck_assert_int_eq(co_now(), 0);
    for (int i = 0; i < 2; i++) {
        assert_ok(co_close(there[i]));
        assert_ok(co_close(back[i]));
    }
}

static int sleep_really(void *arg, void **result)
{
    (void)arg, (void)result;
    for (co_time duration = 1; duration <= 100 * CO_MICROSECOND; duration *= 10) {
        co_time before = co_now();
        assert_ok(co_sleep(duration));
        ck_assert_int_ge(co_now() - before, duration);
    }
    while (co_clock_now() == co_now()) /* the clock goes on while the turn does */
        continue;
    return 0;
}

START_TEST(by_the_real_clock_nobody_wakes_early)
{
    assert_ok(co_run(sleep_really, NULL, NULL));
}
END_TEST

static int n_polls;

static co_time counting_now(struct co_loop *loop)
{
    return co_clock_real.now(loop);
}

static int count_poll(struct co_loop *loop, co_time deadline)
{
    n_polls++;
    return co_clock_real.wait(loop, deadline);
}

static int sleep_briefly(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(3 * CO_MILLISECOND / 2);
}

START_TEST(by_the_real_clock_the_loop_sleeps_and_does_not_spin)
{
    static const struct co_clock counting = {counting_now, count_poll};
    struct co_loop *loop;

    n_polls = 0;
    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.clock = &counting}));
    assert_ok(co_loop_run_until_complete(loop, sleep_briefly, NULL, NULL));
    co_loop_free(loop);
    ck_assert_int_le(n_polls, 3);
}
END_TEST

/* --- Order --------------------------------------------------------------------------------------
 */

static struct random chance;
static uint64_t digest;

static int wander(void *arg, void **result)
{
    (void)result;
    for (int i = 0; i < 100; i++) {
        digest = (digest ^ (uintptr_t)arg ^ (uint64_t)co_now()) * UINT64_C(0x100000001b3);
        assert_ok(co_sleep(random_below(&chance, 4)));
    }
    return 0;
}

static int wander_together(void *arg, void **result)
{
    struct co_group group;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    for (intptr_t i = 0; i < 100; i++)
        assert_ok(co_group_spawn(&group, "wander", wander, (void *)i, NULL));
    return co_group_exit(&group, 0);
}

static uint64_t digest_of(uint64_t seed)
{
    chance = (struct random){seed};
    digest = 0;
    assert_ok(run_on_virtual_clock(wander_together, NULL, NULL));
    return digest;
}

START_TEST(what_ran_once_runs_the_same_way_again)
{
    ck_assert_uint_eq(digest_of(1), digest_of(1));
    ck_assert_uint_ne(digest_of(1), digest_of(2));
}
END_TEST

static int yield_forever(void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    while (rc == 0)
        rc = co_sleep(0);
    return rc;
}

CO_TEST(descriptors_get_their_turn_among_many_tasks_that_never_wait)
{
    struct co_group group;
    int ends[2];
    char byte = 'x';

    assert_ok(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 1000; i++)
        assert_ok(co_group_spawn(&group, "busy", yield_forever, NULL, NULL));
    assert_ok(co_sleep(0));
    ck_assert_int_eq(write(ends[1], &byte, 1), 1);
    assert_ok(co_wait_fd(ends[0], CO_READABLE));
    co_group_cancel(&group, 0, "seen it");
    assert_ok(co_group_exit(&group, 0));
    assert_ok(co_close(ends[0]));
    assert_ok(co_close(ends[1]));
}

/* No assertions of Check here: those are for one thread. */
static int yield_often(void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    for (int i = 0; i < 100 && rc == 0; i++)
        rc = co_sleep(0);
    return rc;
}

static void *run_a_loop(void *arg)
{
    uintptr_t n_done = 0;

    for (int i = 0; i < 20; i++)
        n_done += co_run(yield_often, arg, NULL) == 0;
    return (void *)n_done;
}

START_TEST(each_thread_may_have_a_loop)
{
    enum { N_THREADS = 4 };
    pthread_t threads[N_THREADS];
    void *n_done;

    for (int i = 0; i < N_THREADS; i++)
        assert_ok(pthread_create(&threads[i], NULL, run_a_loop, NULL));
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], &n_done);
        ck_assert_uint_eq((uintptr_t)n_done, 20);
    }
}
END_TEST

/* --- Making and freeing -------------------------------------------------------------------------
 */

START_TEST(without_memory_there_is_no_run_and_nothing_is_lost)
{
    struct holdings before = holdings_now();

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = co_run(answer, NULL, NULL);
        if (!fault_disarm()) {
            ck_assert_int_eq(rc, 7);
            ck_assert_uint_gt(n, 3);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        holdings_assert_unchanged(before);
    }
}
END_TEST

START_TEST(where_the_system_refuses_there_is_no_loop_and_nothing_is_lost)
{
    struct holdings before = holdings_now();
    struct co_loop *loop;

    for (size_t n = 1;; n++) {
        limit_arm(n);
        int rc = co_loop_new(&loop, NULL);
        if (!limit_disarm()) {
            ck_assert_int_eq(rc, 0);
            ck_assert_uint_eq(n, 4);
            break;
        }
        ck_assert_int_eq(rc, n < 3 ? -EMFILE : -ENOSPC);
        holdings_assert_unchanged(before);
    }
    co_loop_free(loop);
}
END_TEST

CO_TEST(the_statistics_tell_what_the_loop_holds)
{
    struct co_loop_stats stats;
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    assert_ok(co_create_task("sleeper", sleep_a_day, NULL, NULL));
    settle();
    co_loop_stats(&stats);
    ck_assert_uint_eq(stats.n_tasks, 2);
    ck_assert_uint_eq(stats.n_timers, 2);
    ck_assert_uint_ge(stats.n_stacks, 2);
    ck_assert_uint_eq(stats.n_threads, 0);
    ck_assert_uint_eq(stats.n_jobs, 0);
    co_scope_exit(&scope, 0);
    assert_ok(co_sleep(48 * 3600 * CO_SECOND));
}

static struct co_loop *running;

static int free_the_running_loop(void *arg, void **result)
{
    (void)arg, (void)result;
    co_loop_free(running);
    return 0;
}

static void free_a_loop_in_its_task(void)
{
    assert_ok(co_loop_new(&running, NULL));
    (void)co_loop_run_until_complete(running, free_the_running_loop, NULL, NULL);
}

START_TEST(freeing_a_running_loop_ends_the_process)
{
    assert_dies(free_a_loop_in_its_task, SIGABRT, "co_loop_free");
}
END_TEST

Suite *suite_co_loop(void);

Suite *suite_co_loop(void)
{
    Suite *suite = suite_create("co_loop");
    TCase *run = tcase_create("run"), *deadlock = tcase_create("deadlock");
    TCase *clock = tcase_create("clock"), *order = tcase_create("order");
    TCase *life = tcase_create("life");

    tcase_add_test(run, a_run_gives_the_status_and_result_of_its_main);
    tcase_add_test(run, a_loop_can_run_again);
    tcase_add_test(run, a_loop_inside_of_a_loop_is_refused);
    tcase_add_test(run, what_main_leaves_behind_is_cancelled_and_runs_to_its_end);
    tcase_add_test(run, a_failing_task_without_a_group_harms_nobody);
    suite_add_tcase(suite, run);

    tcase_add_test(deadlock, tasks_that_wait_for_each_other_are_found_out_and_unwound);
    tcase_add_test(deadlock, a_deadlock_after_waits_for_descriptors_and_threads_is_found_out);
    tcase_add_test(deadlock, a_task_that_awaits_itself_is_found_out);
    tcase_add_test(deadlock, a_deadlock_that_cannot_be_unwound_ends_the_process);
    suite_add_tcase(suite, deadlock);

    tcase_add_test(clock, the_virtual_clock_starts_at_zero_and_jumps);
    tcase_add_test(clock, the_virtual_clock_stands_still_while_anything_can_run);
    tcase_add_test(clock, the_virtual_clock_stands_still_while_a_descriptor_is_ready);
    tcase_add_test(clock, by_the_real_clock_nobody_wakes_early);
    tcase_add_test(clock, by_the_real_clock_the_loop_sleeps_and_does_not_spin);
    suite_add_tcase(suite, clock);

    tcase_add_test(order, what_ran_once_runs_the_same_way_again);
    tcase_add_test(order, descriptors_get_their_turn_among_many_tasks_that_never_wait);
    tcase_add_test(order, each_thread_may_have_a_loop);
    suite_add_tcase(suite, order);

    tcase_add_test(life, without_memory_there_is_no_run_and_nothing_is_lost);
    tcase_add_test(life, where_the_system_refuses_there_is_no_loop_and_nothing_is_lost);
    tcase_add_test(life, the_statistics_tell_what_the_loop_holds);
    tcase_add_test(life, freeing_a_running_loop_ends_the_process);
    suite_add_tcase(suite, life);
    return suite;
}
