#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/runtime.h"

static void (*handler_now(void))(int)
{
    struct sigaction action;

    assert_ok(sigaction(SIGINT, NULL, &action));
    return action.sa_handler;
}

static void set_up(void)
{
    trace[0] = '\0';
    signal(SIGINT, SIG_DFL);
}

static int interrupt_oneself(void *arg, void **result)
{
    (void)arg, (void)result;
    raise(SIGINT);
    int rc = co_sleep(CO_NEVER);
    ck_assert_str_eq(co_self()->root.why, "SIGINT");
    note(rc == -ECANCELED ? 'c' : '?');
    return rc;
}

START_TEST(an_interrupt_cancels_main_and_the_run_says_so)
{
    struct holdings before = holdings_now();

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(co_run(interrupt_oneself, NULL, NULL), -EINTR);
        ck_assert(handler_now() == SIG_DFL);
    }
    ck_assert_str_eq(trace, "ccc");
    holdings_assert_unchanged(before);
}
END_TEST

static int clean_up_after_interrupt(void *arg, void **result)
{
    *result = arg;
    return interrupt_oneself(arg, result) == -ECANCELED ? 5 : -EIO;
}

START_TEST(a_main_that_ends_well_after_an_interrupt_has_its_status)
{
    void *result = NULL;

    ck_assert_int_eq(co_run(clean_up_after_interrupt, &result, &result), 5);
    ck_assert_ptr_eq(result, &result);
}
END_TEST

static int end_at_once(void *arg, void **result)
{
    (void)arg, (void)result;
    raise(SIGINT);
    return -ENOENT;
}

START_TEST(an_interrupt_that_comes_too_late_changes_nothing)
{
    struct holdings before = holdings_now();

    ck_assert_int_eq(co_run(end_at_once, NULL, NULL), -ENOENT);
    ck_assert(handler_now() == SIG_DFL);
    holdings_assert_unchanged(before);
}
END_TEST

/* A loop that sleeps is woken: by the process's signal, which any thread may get. */

static sem_t asleep;

static void *interrupt_process(void *arg)
{
    while (sem_wait(&asleep) < 0)
        continue;
    kill(getpid(), SIGINT);
    return arg;
}

static int sleep_until_interrupted(void *arg, void **result)
{
    (void)arg, (void)result;
    sem_post(&asleep);
    return co_sleep(3600 * CO_SECOND);
}

START_TEST(an_interrupt_wakes_the_loop_whichever_thread_gets_it)
{
    pthread_t thread;

    assert_ok(sem_init(&asleep, 0, 0));
    for (int i = 0; i < 20; i++) {
        assert_ok(pthread_create(&thread, NULL, interrupt_process, NULL));
        ck_assert_int_eq(co_run(sleep_until_interrupted, NULL, NULL), -EINTR);
        assert_ok(pthread_join(thread, NULL));
    }
}
END_TEST

static int interrupt_twice(void *arg, void **result)
{
    raise(SIGINT);
    raise(SIGINT);
    (void)arg, (void)result;
    return 0;
}

static void run_and_interrupt_twice(void)
{
    (void)co_run(interrupt_twice, NULL, NULL);
}

START_TEST(a_second_interrupt_ends_the_process)
{
    assert_dies(run_and_interrupt_twice, SIGINT, NULL);
}
END_TEST

/* --- Programs with a mind of their own ----------------------------------------------------------
 */

static volatile sig_atomic_t n_interrupts;

static void count_interrupt(int number)
{
    (void)number;
    n_interrupts++;
}

static int interrupt_and_sleep(void *arg, void **result)
{
    (void)arg, (void)result;
    raise(SIGINT);
    return co_sleep(1);
}

START_TEST(a_handler_of_the_programs_is_left_alone)
{
    n_interrupts = 0;
    signal(SIGINT, count_interrupt);
    assert_ok(co_run(interrupt_and_sleep, NULL, NULL));
    ck_assert_int_eq(n_interrupts, 1);
    ck_assert(handler_now() == count_interrupt);
}
END_TEST

START_TEST(an_interrupt_that_is_ignored_stays_so)
{
    signal(SIGINT, SIG_IGN);
    assert_ok(co_run(interrupt_and_sleep, NULL, NULL));
    ck_assert(handler_now() == SIG_IGN);
}
END_TEST

static int set_handler(void *arg, void **result)
{
    (void)arg, (void)result;
    signal(SIGINT, count_interrupt);
    return 0;
}

START_TEST(a_handler_that_main_sets_stays)
{
    assert_ok(co_run(set_handler, NULL, NULL));
    ck_assert(handler_now() == count_interrupt);
    signal(SIGINT, SIG_DFL);
}
END_TEST

/* The handler may not grow a task's stack. */
static int look_at_the_handler(void *arg, void **result)
{
    struct sigaction action;

    (void)result;
    sigaction(SIGINT, NULL, &action);
    *(int *)arg = action.sa_flags;
    return 0;
}

START_TEST(the_handler_runs_on_the_signal_stack_and_once)
{
    int flags = 0;

    assert_ok(co_run(look_at_the_handler, &flags, NULL));
    ck_assert_int_eq(flags & (SA_ONSTACK | SA_RESETHAND), SA_ONSTACK | SA_RESETHAND);
}
END_TEST

static void *run_another(void *arg)
{
    *(int *)arg = co_run(look_at_the_handler, arg, NULL);
    return NULL;
}

static int run_beside(void *arg, void **result)
{
    pthread_t thread;
    int rc = -1;

    (void)arg, (void)result;
    assert_ok(pthread_create(&thread, NULL, run_another, &rc));
    assert_ok(pthread_join(thread, NULL));
    assert_ok(rc);
    ck_assert(handler_now() != SIG_DFL);
    return interrupt_oneself(NULL, result);
}

START_TEST(of_two_runs_the_first_is_interrupted)
{
    ck_assert_int_eq(co_run(run_beside, NULL, NULL), -EINTR);
    ck_assert(handler_now() == SIG_DFL);
}
END_TEST

Suite *suite_co_interrupt(void);

Suite *suite_co_interrupt(void)
{
    Suite *suite = suite_create("co_interrupt");
    TCase *cancel = tcase_create("cancel"), *own = tcase_create("own handlers");

    tcase_add_checked_fixture(cancel, set_up, NULL);
    tcase_add_test(cancel, an_interrupt_cancels_main_and_the_run_says_so);
    tcase_add_test(cancel, a_main_that_ends_well_after_an_interrupt_has_its_status);
    tcase_add_test(cancel, an_interrupt_that_comes_too_late_changes_nothing);
    tcase_add_test(cancel, an_interrupt_wakes_the_loop_whichever_thread_gets_it);
    tcase_add_test(cancel, a_second_interrupt_ends_the_process);
    suite_add_tcase(suite, cancel);

    tcase_add_checked_fixture(own, set_up, NULL);
    tcase_add_test(own, a_handler_of_the_programs_is_left_alone);
    tcase_add_test(own, an_interrupt_that_is_ignored_stays_so);
    tcase_add_test(own, a_handler_that_main_sets_stays);
    tcase_add_test(own, the_handler_runs_on_the_signal_stack_and_once);
    tcase_add_test(own, of_two_runs_the_first_is_interrupted);
    suite_add_tcase(suite, own);
    return suite;
}
