#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"

#define SENTENCE "a loop was used in a child that fork() had made of its process"

static struct co_loop *loop;
static struct co_semaphore semaphore;

static int do_nothing(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static void do_nothing_in_a_call(void *arg)
{
    (void)arg;
}

/* --- In a child that a task made ---------------------------------------------------------------
 *
 * assert_dies() makes it; here the body of the test is the task. */

static void sleep_in_child(void)
{
    (void)!co_sleep(1);
}

static void spawn_in_child(void)
{
    (void)co_create_task("child's", do_nothing, NULL, NULL);
}

static void wait_in_child(void)
{
    (void)!co_semaphore_acquire(&semaphore);
}

static void offload_in_child(void)
{
    (void)!co_to_thread(do_nothing, NULL, NULL, NULL);
}

static void ask_time_in_child(void)
{
    (void)co_now();
}

static void call_in_child(void)
{
    (void)co_loop_call(loop, do_nothing_in_a_call, NULL);
}

static void stop_in_child(void)
{
    co_loop_stop(loop);
}

static void run_in_child(void)
{
    (void)co_loop_run_until_complete(loop, do_nothing, NULL, NULL);
}

static void free_in_child(void)
{
    co_loop_free(loop);
}

static void (*const uses[])(void) = {
    sleep_in_child, spawn_in_child, wait_in_child, offload_in_child, ask_time_in_child,
    call_in_child,  stop_in_child,  run_in_child,  free_in_child,
};

enum { N_USES = sizeof(uses) / sizeof(*uses) };

CO_TEST(a_child_that_uses_the_loop_it_was_forked_in_dies)
{
    loop = co_loop_current();
    co_semaphore_init(&semaphore, 0);
    assert_dies(uses[_i], SIGABRT, SENTENCE);
    assert_ok(co_sleep(1));
}

START_TEST(a_child_that_uses_a_loop_made_before_it_dies)
{
    assert_ok(co_loop_new(&loop, NULL));
    assert_dies(call_in_child, SIGABRT, SENTENCE);
    assert_dies(stop_in_child, SIGABRT, SENTENCE);
    assert_dies(run_in_child, SIGABRT, SENTENCE);
    assert_dies(free_in_child, SIGABRT, SENTENCE);
    assert_ok(co_loop_run_until_complete(loop, do_nothing, NULL, NULL));
    co_loop_free(loop);
}
END_TEST

/* The parent, itself a child, ends as its child does, which has said why. */
static int end_as_child_does(pid_t child)
{
    int status = 0;

    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        raise(WTERMSIG(status));
    return 0;
}

static int return_in_both(void *arg, void **result)
{
    pid_t child = fork();

    (void)arg, (void)result;
    return child > 0 ? end_as_child_does(child) : 0;
}

static int return_beside_another(void *arg, void **result)
{
    if (co_create_task("another", do_nothing, NULL, NULL) < 0)
        return -1;
    return return_in_both(arg, result);
}

static void return_to_the_loop(void)
{
    (void)co_run(return_beside_another, NULL, NULL);
}

START_TEST(a_child_whose_task_returns_to_the_loop_dies)
{
    assert_dies(return_to_the_loop, SIGABRT, SENTENCE);
}
END_TEST

/* --- What a child may do ------------------------------------------------------------------------
 */

static int sleep_briefly(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(1);
}

static int wait_for_child(pid_t child)
{
    int status = 0;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static pid_t start_child_with_a_loop(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(co_run(sleep_briefly, NULL, NULL) == 0 && co_self() == NULL ? 7 : 1);
    return child;
}

CO_TEST(a_child_may_make_a_loop_of_its_own)
{
    ck_assert_int_eq(wait_for_child(start_child_with_a_loop()), 7);
    assert_ok(co_sleep(1));
}

START_TEST(a_child_of_a_child_may_make_a_loop_of_its_own)
{
    pid_t child = fork();

    if (child == 0)
        _exit(wait_for_child(start_child_with_a_loop()));
    ck_assert_int_eq(wait_for_child(child), 7);
}
END_TEST

CO_TEST(a_command_may_be_run)
{
    ck_assert_int_eq(WEXITSTATUS(system("exit 3")), 3);
    assert_ok(co_sleep(1));
}

Suite *suite_co_fork(void);

Suite *suite_co_fork(void)
{
    Suite *suite = suite_create("co_fork");
    TCase *misuse = tcase_create("misuse"), *use = tcase_create("use");

    tcase_add_loop_test(misuse, a_child_that_uses_the_loop_it_was_forked_in_dies, 0, N_USES);
    tcase_add_test(misuse, a_child_that_uses_a_loop_made_before_it_dies);
    if (!IS_THREAD_SANITIZED) /* which knows no fibers after a fork */
        tcase_add_test(misuse, a_child_whose_task_returns_to_the_loop_dies);
    suite_add_tcase(suite, misuse);

    tcase_add_test(use, a_child_may_make_a_loop_of_its_own);
    tcase_add_test(use, a_child_of_a_child_may_make_a_loop_of_its_own);
    tcase_add_test(use, a_command_may_be_run);
    suite_add_tcase(suite, use);
    return suite;
}
