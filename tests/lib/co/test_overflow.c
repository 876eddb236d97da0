/* A stack that overflows names the task it belongs to; all other faults are as they were. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/death.h"
#include "tests/support/runtime.h"

enum { KIB = 1024 };

static const int faults[] = {SIGSEGV, SIGBUS};
static struct sigaction actions_before[2];

/* A sanitizer's handlers would be left alone. */
static void set_default_actions(void)
{
    for (int i = 0; i < 2; i++) {
        sigaction(faults[i], NULL, &actions_before[i]);
        signal(faults[i], SIG_DFL);
    }
}

static void restore_actions(void)
{
    for (int i = 0; i < 2; i++)
        sigaction(faults[i], &actions_before[i], NULL);
}

/* --- Overflows ----------------------------------------------------------------------------------
 */

static volatile int depth;

__attribute__((noinline, no_sanitize("address"))) static int recurse(void)
{
    volatile char frame[256];

    frame[depth % 256] = (char)depth;
    return depth++ >= 0 ? recurse() + frame[0] : 0;
}

static int overflow_by_recursion(void *arg, void **result)
{
    (void)arg, (void)result;
    return recurse();
}

static int overflow_by_array(void *arg, void **result)
{
    (void)result;
    return have_a_large_frame((size_t)(uintptr_t)arg);
}

static int overflow_in_generator(struct co_gen *self, void *arg, void **result)
{
    (void)self, (void)arg, (void)result;
    return recurse();
}

static int run_generator(void *arg, void **result)
{
    struct co_gen *gen;
    void *value;

    (void)arg, (void)result;
    assert_ok(co_gen_new(&gen, overflow_in_generator, NULL));
    return co_gen_next(gen, &value);
}

static co_fn *guilty;

/* In a second task: below its stack and guard lies that of the first, which could be written to. */
static int start_guilty(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_create_task("guilty", guilty, NULL, NULL));
    return co_sleep(CO_SECOND);
}

static void *run_guilty(void *arg)
{
    const struct co_loop_options options = {.stack_size = 32 * KIB};
    struct co_loop *loop;

    (void)arg;
    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, start_guilty, NULL, NULL));
    co_loop_free(loop);
    return NULL;
}

static void run_guilty_here(void)
{
    signal(SIGBUS, SIG_DFL);
    run_guilty(NULL);
}

static void run_guilty_on_a_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, run_guilty, NULL);
    pthread_join(thread, NULL);
}

START_TEST(an_overflow_names_the_task_its_site_and_its_size)
{
    guilty = overflow_by_recursion;
    assert_dies(run_guilty_here, SIGSEGV, "libgather: stack overflow in task guilty (");
    assert_dies(run_guilty_here, SIGSEGV, "test_overflow.c:");
    assert_dies(run_guilty_here, SIGSEGV, "): of 32");
    assert_dies(run_guilty_here, SIGSEGV, "Raise stack_size, or move large arrays to the heap\n");
}
END_TEST

START_TEST(an_array_larger_than_the_guard_does_not_step_over_it)
{
    guilty = overflow_by_array;
    assert_dies(run_guilty_here, SIGSEGV, "stack overflow in task guilty (");
}
END_TEST

START_TEST(an_overflow_on_another_thread_is_told_as_well)
{
    guilty = overflow_by_recursion;
    assert_dies(run_guilty_on_a_thread, SIGSEGV, "stack overflow in task guilty (");
}
END_TEST

START_TEST(an_overflow_in_a_generator_names_it_and_the_task)
{
    guilty = run_generator;
    assert_dies(run_guilty_here, SIGSEGV, "stack overflow in generator (");
    assert_dies(run_guilty_here, SIGSEGV, "run by task guilty (");
}
END_TEST

/* --- Other faults -------------------------------------------------------------------------------
 */

static int write_to_null(void *arg, void **result)
{
    (void)result;
    *(volatile char *)arg = 1;
    return 0;
}

static int send_fault(void *arg, void **result)
{
    (void)arg, (void)result;
    return kill(getpid(), SIGSEGV);
}

START_TEST(a_fault_of_another_kind_ends_the_process)
{
    guilty = write_to_null;
    assert_dies(run_guilty_here, SIGSEGV, NULL);
}
END_TEST

START_TEST(a_fault_that_was_sent_ends_the_process)
{
    guilty = send_fault;
    assert_dies(run_guilty_here, SIGSEGV, NULL);
}
END_TEST

/* --- Handlers -----------------------------------------------------------------------------------
 */

static void handle(int number)
{
    (void)number;
}

static bool is_default(int fault)
{
    struct sigaction now;

    sigaction(fault, NULL, &now);
    return (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

static int see_handlers(void *arg, void **result)
{
    stack_t stack;

    (void)arg, (void)result;
    ck_assert(!is_default(SIGSEGV));
    ck_assert(!is_default(SIGBUS));
    sigaltstack(NULL, &stack);
    ck_assert_int_eq(stack.ss_flags & SS_DISABLE, 0);
    return 0;
}

START_TEST(handlers_and_signal_stack_are_there_only_while_a_loop_runs)
{
    stack_t before, after;

    sigaltstack(NULL, &before);
    ck_assert(is_default(SIGSEGV));
    assert_ok(co_run(see_handlers, NULL, NULL));
    ck_assert(is_default(SIGSEGV));
    ck_assert(is_default(SIGBUS));
    sigaltstack(NULL, &after);
    ck_assert_int_eq(after.ss_flags, before.ss_flags);
}
END_TEST

static int see_own_handler(void *arg, void **result)
{
    struct sigaction now;

    (void)arg, (void)result;
    sigaction(SIGSEGV, NULL, &now);
    ck_assert(now.sa_handler == handle);
    return 0;
}

START_TEST(a_handler_of_the_program_is_left_alone)
{
    signal(SIGSEGV, handle);
    assert_ok(co_run(see_own_handler, NULL, NULL));
    assert_ok(see_own_handler(NULL, NULL));
}
END_TEST

static int set_own_handler(void *arg, void **result)
{
    (void)arg, (void)result;
    signal(SIGSEGV, handle);
    return 0;
}

START_TEST(a_handler_that_is_set_while_a_loop_runs_stays)
{
    assert_ok(co_run(set_own_handler, NULL, NULL));
    assert_ok(see_own_handler(NULL, NULL));
}
END_TEST

static void *run_loop(void *arg)
{
    (void)arg;
    assert_ok(co_run(see_handlers, NULL, NULL));
    return NULL;
}

static int run_loop_beside(void *arg, void **result)
{
    pthread_t thread;

    pthread_create(&thread, NULL, run_loop, NULL);
    pthread_join(thread, NULL);
    return see_handlers(arg, result);
}

START_TEST(handlers_stay_until_the_last_loop_of_the_process_has_ended)
{
    assert_ok(co_run(run_loop_beside, NULL, NULL));
    ck_assert(is_default(SIGSEGV));
}
END_TEST

Suite *suite_co_overflow(void);

Suite *suite_co_overflow(void)
{
    Suite *suite = suite_create("co_overflow");
    TCase *overflows = tcase_create("overflows"), *others = tcase_create("other faults");
    TCase *handlers = tcase_create("handlers");

    tcase_add_test(overflows, an_overflow_names_the_task_its_site_and_its_size);
    tcase_add_test(overflows, an_array_larger_than_the_guard_does_not_step_over_it);
    tcase_add_test(overflows, an_overflow_on_another_thread_is_told_as_well);
    tcase_add_test(overflows, an_overflow_in_a_generator_names_it_and_the_task);
    suite_add_tcase(suite, overflows);

    tcase_add_test(others, a_fault_of_another_kind_ends_the_process);
    tcase_add_test(others, a_fault_that_was_sent_ends_the_process);
    suite_add_tcase(suite, others);

    tcase_add_checked_fixture(handlers, set_default_actions, restore_actions);
    tcase_add_test(handlers, handlers_and_signal_stack_are_there_only_while_a_loop_runs);
    tcase_add_test(handlers, a_handler_of_the_program_is_left_alone);
    tcase_add_test(handlers, a_handler_that_is_set_while_a_loop_runs_stays);
    tcase_add_test(handlers, handlers_stay_until_the_last_loop_of_the_process_has_ended);
    suite_add_tcase(suite, handlers);
    return suite;
}
