#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/runtime.h"

static const int signals[] = {SIGUSR1, SIGUSR2};

static void block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    assert_ok(sigprocmask(SIG_BLOCK, &set, NULL));
}

static int wait_for_one(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_signal_wait(signals, 2);
}

static struct co_task *start(void)
{
    struct co_task *task;

    assert_ok(co_create_task("signals", wait_for_one, NULL, &task));
    settle();
    ck_assert(!co_task_is_done(task));
    return task;
}

CO_TEST(a_signal_wakes_who_waits_for_it)
{
    struct co_task *task = start();

    kill(getpid(), signals[_i]);
    ck_assert_int_eq(co_task_await(task, NULL), signals[_i]);
    co_task_unref(task);
}

CO_TEST(a_signal_that_comes_between_two_waits_is_kept)
{
    kill(getpid(), SIGUSR1);
    ck_assert_int_eq(co_signal_wait(signals, 2), SIGUSR1);
    kill(getpid(), SIGUSR2);
    ck_assert_int_eq(co_signal_wait(signals, 2), SIGUSR2);
}

CO_TEST(a_cancelled_wait_takes_no_signal)
{
    struct co_task *task = start();

    co_cancel(task, "in the same turn");
    kill(getpid(), SIGUSR1);
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_int_eq(co_signal_wait(signals, 2), SIGUSR1);
    co_task_unref(task);
}

Suite *suite_co_signal(void);

Suite *suite_co_signal(void)
{
    Suite *suite = suite_create("co_signal");
    TCase *tcase = tcase_create("signal");

    tcase_add_checked_fixture(tcase, block_signals, NULL);
    tcase_add_loop_test(tcase, a_signal_wakes_who_waits_for_it, 0, 2);
    tcase_add_test(tcase, a_signal_that_comes_between_two_waits_is_kept);
    tcase_add_test(tcase, a_cancelled_wait_takes_no_signal);
    suite_add_tcase(suite, tcase);
    return suite;
}
