#include "daemon/api/listener.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/support/runtime.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct listener listener;
static struct err err;
static int nowhere; /* where log records go */

/* A directory for unix sockets, and the text that names one in it. */
static char directory[32];
static char unix_text[64];
static const char *const unix_path = unix_text + sizeof("unix:") - 1;

static void set_up(void)
{
    strcpy(directory, "/tmp/gatherd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    sprintf(unix_text, "unix:%s/socket", directory);
    err = (struct err){0};
    log_init(nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static void tear_down(void)
{
    unlink(unix_path);
    ck_assert_int_eq(rmdir(directory), 0);
    log_init(STDERR_FILENO);
    close(nowhere);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -errno;
    }
    return fd;
}

static const char *const addresses[] = {"127.0.0.1:0", "localhost:0", "0.0.0.0:0", "[::1]:0",
                                        "[::]:0"};

CO_TEST(address_is_bound_to_a_port_that_is_told)
{
    const char *text = addresses[_i];
    int rc = listener_open(&listener, text, &err);

    if (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)
        return; /* a machine without IPv6 */
    ck_assert_msg(rc == 0, "%s", err.message);
    size_t host_length = (size_t)(strrchr(listener.text, ':') - listener.text);
    ck_assert_int_gt(atoi(listener.text + host_length + 1), 0);
    if (text[0] != 'l')
        ck_assert_int_eq(strncmp(listener.text, text, host_length + 1), 0);
    listener_close(&listener);
}

static const char *const no_addresses[] = {
    "",
    ":",
    ":80",
    "80",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:80x",
    "::1:80",
    "[::1]",
    "[::1:80",
    "example.com:80",
    "127.1:80",
    "127.0.0.1 :80",
    "http://127.0.0.1:80",
    "a-host-name-that-is-far-too-long-to-be-an-address-of-any-kind-whatsoever:80",
};

CO_TEST(text_that_is_no_address_is_refused)
{
    ck_assert_int_eq(listener_open(&listener, no_addresses[_i], &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "HOST:PORT"));
    ck_assert_int_eq(listener.fd, -1);
}

CO_TEST(address_in_use_is_said_to_be)
{
    struct listener second;

    ck_assert_int_eq(listener_open(&listener, "127.0.0.1:0", &err), 0);
    ck_assert_int_eq(listener_open(&second, listener.text, &err), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(err.message, listener.text));
    ck_assert_ptr_nonnull(strstr(err.message, "another gatherd"));
    listener_close(&listener);
}

CO_TEST(foreign_address_is_said_to_be)
{
    ck_assert_int_eq(listener_open(&listener, "192.0.2.1:0", &err), -EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(err.message, "no interface"));
}

CO_TEST(unix_socket_is_for_owner_and_group_and_goes_with_its_listener)
{
    struct stat file;
    mode_t mask = umask(0);

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    umask(mask);
    ck_assert_str_eq(listener.text, unix_text);
    ck_assert_int_eq(stat(unix_path, &file), 0);
    ck_assert(S_ISSOCK(file.st_mode));
    ck_assert_uint_eq(file.st_mode & 0777, 0660);
    listener_close(&listener);
    ck_assert_int_eq(access(unix_path, F_OK), -1);
}

CO_TEST(umask_does_not_take_the_group_out)
{
    struct stat file;
    mode_t mask = umask(0077);

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    umask(mask);
    ck_assert_int_eq(stat(unix_path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 0777, 0660);
    listener_close(&listener);
}

CO_TEST(unix_socket_that_is_listened_on_is_left_alone)
{
    struct listener second;

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    ck_assert_int_eq(listener_open(&second, unix_text, &err), -EADDRINUSE);
    int fd = connect_to(unix_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    listener_close(&listener);
}

CO_TEST(unix_socket_nobody_listens_on_is_replaced)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, unix_path);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    fd = connect_to(unix_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    listener_close(&listener);
}

CO_TEST(file_that_is_no_socket_is_left_alone)
{
    FILE *file = fopen(unix_path, "w");

    fclose(file);
    ck_assert_int_eq(listener_open(&listener, unix_text, &err), -EEXIST);
    ck_assert_ptr_nonnull(strstr(err.message, "not a socket"));
    ck_assert_int_eq(access(unix_path, F_OK), 0);
}

CO_TEST(socket_of_a_successor_is_left_alone)
{
    struct listener successor;

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    ck_assert_int_eq(unlink(unix_path), 0);
    ck_assert_int_eq(listener_open(&successor, unix_text, &err), 0);
    listener_close(&listener);
    ck_assert_int_eq(access(unix_path, F_OK), 0);
    listener_close(&successor);
}

CO_TEST(bad_path_is_refused)
{
    char text[300] = "unix:/tmp/";

    memset(text + strlen(text), 'x', 200);
    ck_assert_int_eq(listener_open(&listener, text, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "unix:/PATH"));
    ck_assert_int_eq(listener_open(&listener, "unix:", NULL), -EINVAL);
    err = (struct err){0};
    ck_assert_int_eq(listener_open(&listener, "unix:/no/such/directory/x", &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.message, "directory does not exist"));
}

static int accept_one(void *arg, void **result)
{
    struct sockaddr_storage client;
    socklen_t length;
    int fd = listener_accept(&listener, &client, &length);

    (void)result;
    *(co_time *)arg = co_now();
    return fd;
}

CO_TEST(client_is_waited_for)
{
    struct co_task *task;
    co_time accepted_at;

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    ck_assert_int_eq(co_create_task("accept", accept_one, &accepted_at, &task), 0);
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    int client = connect_to(unix_path);
    int server = co_task_await(task, NULL);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(accepted_at, CO_SECOND);
    close(server);
    close(client);
    co_task_unref(task);
    listener_close(&listener);
}

CO_TEST(closing_ends_the_wait)
{
    struct co_task *task;
    co_time accepted_at;

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    ck_assert_int_eq(co_create_task("accept", accept_one, &accepted_at, &task), 0);
    settle();
    listener_close(&listener);
    ck_assert_int_eq(co_task_await(task, NULL), -EBADF);
    co_task_unref(task);
}

CO_TEST(client_waits_while_descriptors_are_short)
{
    struct rlimit limit, none;
    struct co_task *task;
    co_time accepted_at;

    ck_assert_int_eq(listener_open(&listener, unix_text, &err), 0);
    ck_assert_int_eq(co_create_task("accept", accept_one, &accepted_at, &task), 0);
    settle();
    int client = connect_to(unix_path);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert(!co_task_is_done(task));
    setrlimit(RLIMIT_NOFILE, &limit);
    int another = connect_to(unix_path); /* valgrind's limit has cost us the first */
    int server = co_task_await(task, NULL);
    ck_assert_int_ge(server, 0);
    ck_assert_int_le(accepted_at, CO_SECOND + 100 * CO_MILLISECOND);
    close(server);
    close(client);
    close(another);
    co_task_unref(task);
    listener_close(&listener);
}

CO_TEST(socket_that_was_passed_is_listened_on_and_keeps_its_file)
{
    struct listener giver;
    char text[16];

    ck_assert_int_eq(listener_open(&giver, unix_text, &err), 0);
    int passed = dup(giver.fd);
    sprintf(text, "fd:%d", passed);
    ck_assert_int_eq(listener_open(&listener, text, &err), 0);
    ck_assert_str_eq(listener.text, unix_text);
    ck_assert_int_eq(fcntl(passed, F_GETFD), FD_CLOEXEC);
    listener_close(&listener);
    ck_assert_int_eq(access(unix_path, F_OK), 0);
    int client = connect_to(unix_path);
    ck_assert_int_ge(client, 0);
    close(client);
    listener_close(&giver);
}

CO_TEST(descriptor_that_is_no_listening_socket_is_refused)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct {
        int fd, rc;
    } wrong[] = {{file, -ENOTSOCK}, {idle, -EPROTOTYPE}, {9999, -EBADF}};

    for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
        char text[16];
        err = (struct err){0};
        sprintf(text, "fd:%d", wrong[i].fd);
        ck_assert_int_eq(listener_open(&listener, text, &err), wrong[i].rc);
        ck_assert_ptr_nonnull(strstr(err.message, text));
    }
    close(file);
    close(idle);
}

Suite *suite_listener(void);

Suite *suite_listener(void)
{
    Suite *suite = suite_create("listener");
    TCase *tcase = tcase_create("listener");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, address_is_bound_to_a_port_that_is_told, 0, N_ELEMENTS(addresses));
    tcase_add_loop_test(tcase, text_that_is_no_address_is_refused, 0, N_ELEMENTS(no_addresses));
    tcase_add_test(tcase, address_in_use_is_said_to_be);
    tcase_add_test(tcase, foreign_address_is_said_to_be);
    tcase_add_test(tcase, unix_socket_is_for_owner_and_group_and_goes_with_its_listener);
    tcase_add_test(tcase, umask_does_not_take_the_group_out);
    tcase_add_test(tcase, unix_socket_that_is_listened_on_is_left_alone);
    tcase_add_test(tcase, unix_socket_nobody_listens_on_is_replaced);
    tcase_add_test(tcase, file_that_is_no_socket_is_left_alone);
    tcase_add_test(tcase, socket_of_a_successor_is_left_alone);
    tcase_add_test(tcase, bad_path_is_refused);
    tcase_add_test(tcase, socket_that_was_passed_is_listened_on_and_keeps_its_file);
    tcase_add_test(tcase, descriptor_that_is_no_listening_socket_is_refused);
    tcase_add_test(tcase, client_is_waited_for);
    tcase_add_test(tcase, closing_ends_the_wait);
    tcase_add_test(tcase, client_waits_while_descriptors_are_short);
    suite_add_tcase(suite, tcase);
    return suite;
}
