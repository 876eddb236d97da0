#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

extern char **environ;

/* A shell that carries out a command, with `input` for its standard input. */
static pid_t spawn_with(int input, char *command)
{
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, command, NULL};
    pid_t pid = 0;

    assert_ok(posix_spawn_file_actions_init(&actions));
    assert_ok(posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO));
    assert_ok(posix_spawnp(&pid, "sh", &actions, NULL, arguments, environ));
    assert_ok(posix_spawn_file_actions_destroy(&actions));
    return pid;
}

static pid_t spawn(char *command)
{
    return spawn_with(STDIN_FILENO, command);
}

/* A child that lives until finish() is called. */
struct waiting_child {
    pid_t pid;
    int ends[2];
};

static struct waiting_child start(void)
{
    static char read_a_line[] = "read line; exit 3";
    struct waiting_child child;

    assert_ok(pipe2(child.ends, O_CLOEXEC));
    child.pid = spawn_with(child.ends[0], read_a_line);
    return child;
}

static void finish(struct waiting_child *child)
{
    for (int i = 0; i < 2; i++)
        assert_ok(close(child->ends[i]));
}

/* What waitpid() says of the same child. */
static int status_by_waitpid(char *command)
{
    int status = 0;
    pid_t pid = spawn(command);

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

CO_TEST(the_status_of_a_child_is_that_of_waitpid)
{
    static char commands[][32] = {"exit 0",        "exit 1",        "exit 255",
                                  "kill -TERM $$", "kill -KILL $$", "ulimit -c 0; kill -ABRT $$"};
    int status = -1;

    assert_ok(co_child_wait(spawn(commands[_i]), &status));
    ck_assert_int_eq(status, status_by_waitpid(commands[_i]));
}

CO_TEST(a_child_that_has_ended_before_is_reaped_too)
{
    struct waiting_child child = start();
    siginfo_t info;
    int status = -1;

    finish(&child);
    assert_ok(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT));
    assert_ok(co_child_wait(child.pid, &status));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert_int_eq(waitpid(child.pid, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

CO_TEST(the_status_need_not_be_asked_for)
{
    static char command[] = "exit 5";

    assert_ok(co_child_wait(spawn(command), NULL));
}

static int wait_for_child(void *arg, void **result)
{
    const struct waiting_child *child = arg;
    int status = -1, rc = co_child_wait(child->pid, &status);

    (void)result;
    return rc < 0 ? rc : status;
}

CO_TEST(others_run_while_a_task_waits_for_a_child)
{
    struct waiting_child child = start();
    struct co_task *task;

    assert_ok(co_create_task("waiter", wait_for_child, &child, &task));
    settle();
    ck_assert(!co_task_is_done(task));
    finish(&child);
    ck_assert_int_eq(co_task_await(task, NULL), W_EXITCODE(3, 0));
    co_task_unref(task);
}

CO_TEST(of_two_who_wait_for_a_child_one_reaps_it)
{
    struct waiting_child child = start();
    struct co_task *first, *second;

    assert_ok(co_create_task("first", wait_for_child, &child, &first));
    assert_ok(co_create_task("second", wait_for_child, &child, &second));
    settle();
    finish(&child);
    int a = co_task_await(first, NULL), b = co_task_await(second, NULL);
    ck_assert(a == -ECHILD || b == -ECHILD);
    ck_assert(a == W_EXITCODE(3, 0) || b == W_EXITCODE(3, 0));
    co_task_unref(first);
    co_task_unref(second);
}

CO_TEST(a_child_that_nobody_waits_for_any_more_is_not_reaped)
{
    struct waiting_child child = start();
    struct co_task *task;
    int status = -1;

    assert_ok(co_create_task("waiter", wait_for_child, &child, &task));
    settle();
    co_task_stop(task, "enough");
    finish(&child);
    assert_ok(co_child_wait(child.pid, &status));
    ck_assert_int_eq(status, W_EXITCODE(3, 0));
}

CO_TEST(waiting_is_where_a_cancel_arrives_even_if_the_child_has_ended)
{
    struct waiting_child child = start();
    struct co_scope scope;
    siginfo_t info;

    finish(&child);
    assert_ok(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT));
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_child_wait(child.pid, NULL), -ECANCELED);
    co_scope_exit(&scope, 0);
    assert_ok(co_child_wait(child.pid, NULL));
}

CO_TEST(who_is_no_child_of_ours_is_not_waited_for)
{
    static char command[] = "exit 0";
    pid_t reaped = spawn(command);

    assert_ok(co_child_wait(reaped, NULL));
    ck_assert_int_eq(co_child_wait(reaped, NULL), -ECHILD);
    ck_assert_int_eq(co_child_wait(getpid(), NULL), -ECHILD);
    ck_assert_int_eq(co_child_wait(0, NULL), -ECHILD);
    ck_assert_int_eq(co_child_wait(-1, NULL), -ECHILD);
}

CO_TEST(without_memory_a_child_is_not_reaped)
{
    struct waiting_child child = start();
    struct co_scope scope;

    for (size_t n = 1;; n++) {
        co_scope_enter(&scope, CO_SECOND);
        fault_arm(n);
        int rc = co_child_wait(child.pid, NULL);
        bool failed = fault_disarm();
        rc = co_scope_exit(&scope, rc);
        ck_assert_int_eq(rc, failed ? -ENOMEM : -ETIMEDOUT);
        if (!failed)
            break;
    }
    finish(&child);
    assert_ok(co_child_wait(child.pid, NULL));
}

CO_TEST(without_descriptors_a_child_is_not_reaped)
{
    struct waiting_child child = start();
    struct rlimit limit, none;

    assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_ok(setrlimit(RLIMIT_NOFILE, &none));
    int rc = co_child_wait(child.pid, NULL);
    assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
    ck_assert_int_eq(rc, -EMFILE);
    finish(&child);
    assert_ok(co_child_wait(child.pid, NULL));
}

/* --- Old kernels, and valgrind ------------------------------------------------------------------
 */

static bool have_pidfd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

CO_TEST(without_descriptors_for_processes_there_is_no_waiting_for_a_child)
{
    static char command[] = "exit 0";
    pid_t pid = spawn(command);

    ck_assert_int_eq(co_child_wait(pid, NULL), -ENOSYS);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

Suite *suite_co_child(void);

Suite *suite_co_child(void)
{
    Suite *suite = suite_create("co_child");
    TCase *tcase = tcase_create("child");

    suite_add_tcase(suite, tcase);
    if (!have_pidfd()) {
        tcase_add_test(tcase, without_descriptors_for_processes_there_is_no_waiting_for_a_child);
        return suite;
    }
    tcase_add_loop_test(tcase, the_status_of_a_child_is_that_of_waitpid, 0, 6);
    tcase_add_test(tcase, a_child_that_has_ended_before_is_reaped_too);
    tcase_add_test(tcase, the_status_need_not_be_asked_for);
    tcase_add_test(tcase, others_run_while_a_task_waits_for_a_child);
    tcase_add_test(tcase, of_two_who_wait_for_a_child_one_reaps_it);
    tcase_add_test(tcase, a_child_that_nobody_waits_for_any_more_is_not_reaped);
    tcase_add_test(tcase, waiting_is_where_a_cancel_arrives_even_if_the_child_has_ended);
    tcase_add_test(tcase, who_is_no_child_of_ours_is_not_waited_for);
    tcase_add_test(tcase, without_memory_a_child_is_not_reaped);
    tcase_add_test(tcase, without_descriptors_a_child_is_not_reaped);
    return suite;
}
