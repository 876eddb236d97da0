#include "daemon/service_manager.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/runtime.h"

static struct config config;
static struct err err;
static int manager; /* where notes come */

static void open_manager(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length =
        snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "gatherd-test-%d", getpid());
    char text[128];

    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(manager, (const struct sockaddr *)&name,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)),
                     0);
    snprintf(text, sizeof(text), "@%s", name.sun_path + 1);
    setenv("NOTIFY_SOCKET", text, 1);
}

static void set_up(void)
{
    ck_assert_int_eq(config_init(&config), 0);
    err = (struct err){0};
    open_manager();
}

static void tear_down(void)
{
    static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                            "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES"};

    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
        unsetenv(variables[i]);
    close(manager);
    config_done(&config);
}

/* The next note; "" if there is none. */
static const char *next_note(void)
{
    static char text[256];
    ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void pass_sockets(int pid, const char *n)
{
    char text[16];

    sprintf(text, "%d", pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", n, 1);
}

START_TEST(sockets_that_are_passed_replace_those_of_the_configuration)
{
    pass_sockets(getpid(), "2");
    ck_assert_int_eq(service_take_sockets(&config.arena, &config.api.listen, &err), 0);
    ck_assert_uint_eq(config.api.listen.n, 2);
    ck_assert_str_eq(config.api.listen.items[0], "fd:3");
    ck_assert_str_eq(config.api.listen.items[1], "fd:4");
    ck_assert_ptr_null(getenv("LISTEN_FDS"));
}
END_TEST

START_TEST(sockets_of_another_process_do_not_count)
{
    pass_sockets(getpid() + 1, "2");
    ck_assert_int_eq(service_take_sockets(&config.arena, &config.api.listen, &err), 0);
    ck_assert_str_eq(config.api.listen.items[0], "127.0.0.1:7480");
}
END_TEST

START_TEST(more_sockets_than_there_may_be_are_refused)
{
    pass_sockets(getpid(), "65");
    ck_assert_int_eq(service_take_sockets(&config.arena, &config.api.listen, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "LISTEN_FDS"));
}
END_TEST

START_TEST(a_note_reaches_the_manager)
{
    service_notify("READY=1\nSTATUS=%s", "up");
    ck_assert_str_eq(next_note(), "READY=1\nSTATUS=up");
    unsetenv("NOTIFY_SOCKET");
    service_notify("READY=1");
    ck_assert_str_eq(next_note(), "");
}
END_TEST

CO_TEST(the_watchdog_is_fed_three_times_in_its_period)
{
    struct co_task *task;
    int n = 0;

    setenv("WATCHDOG_USEC", "3000000", 1);
    ck_assert_int_eq(service_watchdog_start(&task), 0);
    ck_assert_int_eq(co_sleep(2500 * CO_MILLISECOND), 0);
    for (const char *text = next_note(); text[0] != '\0'; text = next_note()) {
        ck_assert_str_eq(text, "WATCHDOG=1");
        n++;
    }
    ck_assert_int_eq(n, 3);
    co_task_stop(task, "the test is over");
}

CO_TEST(nobody_is_told_of_the_loop_who_does_not_ask)
{
    struct co_task *task;

    ck_assert_int_eq(service_watchdog_start(&task), 0);
    ck_assert_ptr_null(task);
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    ck_assert_int_eq(service_watchdog_start(&task), 0);
    ck_assert_ptr_null(task);
}

Suite *suite_service_manager(void);

Suite *suite_service_manager(void)
{
    Suite *suite = suite_create("daemon/service_manager");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, sockets_that_are_passed_replace_those_of_the_configuration);
    tcase_add_test(tcase, sockets_of_another_process_do_not_count);
    tcase_add_test(tcase, more_sockets_than_there_may_be_are_refused);
    tcase_add_test(tcase, a_note_reaches_the_manager);
    tcase_add_test(tcase, the_watchdog_is_fed_three_times_in_its_period);
    tcase_add_test(tcase, nobody_is_told_of_the_loop_who_does_not_ask);
    suite_add_tcase(suite, tcase);
    return suite;
}
