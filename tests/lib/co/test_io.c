#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/co/runtime.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

/* The two ends of a connection. */
static int ours, theirs;

static void connect_ends(void)
{
    int ends[2];

    assert_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    ours = ends[0];
    theirs = ends[1];
}

static void close_ends(void)
{
    assert_ok(co_close(ours));
    assert_ok(co_close(theirs));
}

static void send_byte(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static int read_byte(void *arg, void **result)
{
    char byte;

    (void)result;
    return (int)co_read(*(int *)arg, &byte, 1);
}

static int wait_readable(void *arg, void **result)
{
    (void)result;
    return co_wait_fd(*(int *)arg, CO_READABLE);
}

static int wait_writable(void *arg, void **result)
{
    (void)result;
    return co_wait_fd(*(int *)arg, CO_WRITABLE);
}

static struct co_task *start(co_fn *fn, int *fd)
{
    struct co_task *task;

    assert_ok(co_create_task("io", fn, fd, &task));
    settle();
    return task;
}

static int status_of(struct co_task *task)
{
    settle();
    ck_assert(co_task_is_done(task));
    int rc = co_task_await(task, NULL);
    co_task_unref(task);
    return rc;
}

/* --- Waiting ------------------------------------------------------------------------------------
 */

CO_TEST(a_reader_waits_for_data)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours);
    ck_assert(!co_task_is_done(reader));
    send_byte(theirs);
    ck_assert_int_eq(status_of(reader), 1);
    close_ends();
}

CO_TEST(data_that_is_there_is_read_at_once)
{
    char bytes[10];

    connect_ends();
    ck_assert_int_eq(write(theirs, "hello", 5), 5);
    ck_assert_int_eq(co_read(ours, bytes, sizeof(bytes)), 5);
    ck_assert_mem_eq(bytes, "hello", 5);
    close_ends();
}

static int write_much(void *arg, void **result)
{
    static char bytes[1 << 20];
    ssize_t rest = sizeof(bytes), n = 1;

    (void)result;
    while (rest > 0 && n > 0) {
        n = co_write(*(int *)arg, bytes, (size_t)rest);
        rest -= n;
    }
    return n < 0 ? (int)n : 0;
}

CO_TEST(a_writer_waits_for_room)
{
    char bytes[10000];
    ssize_t rest = 1 << 20;

    connect_ends();
    struct co_task *writer = start(write_much, &ours);
    ck_assert(!co_task_is_done(writer));
    while (rest > 0) {
        ssize_t n = co_read(theirs, bytes, sizeof(bytes));
        ck_assert_int_gt(n, 0);
        rest -= n;
    }
    assert_ok(status_of(writer));
    close_ends();
}

CO_TEST(one_task_may_read_while_another_writes)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours), *writer = start(write_much, &ours);
    send_byte(theirs);
    ck_assert_int_eq(status_of(reader), 1);
    ck_assert(!co_task_is_done(writer));
    co_cancel(writer, "enough");
    ck_assert_int_eq(status_of(writer), -ECANCELED);
    close_ends();
}

CO_TEST(the_end_of_the_stream_wakes_the_reader)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours);
    assert_ok(co_close(theirs));
    ck_assert_int_eq(status_of(reader), 0);
    assert_ok(co_close(ours));
}

CO_TEST(a_hang_up_wakes_the_writer)
{
    int ends[2];
    char bytes[4096] = "";

    assert_ok(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    while (write(ends[1], bytes, sizeof(bytes)) > 0)
        continue;
    struct co_task *writer = start(wait_writable, &ends[1]);
    ck_assert(!co_task_is_done(writer));
    close(ends[0]);
    assert_ok(status_of(writer));
    assert_ok(co_close(ends[1]));
}

CO_TEST(a_second_reader_is_turned_away)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours);
    ck_assert_int_eq(co_wait_fd(ours, CO_READABLE), -EBUSY);
    send_byte(theirs);
    ck_assert_int_eq(status_of(reader), 1);
    close_ends();
}

CO_TEST(what_cannot_be_waited_for_says_so)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(co_wait_fd(file, CO_READABLE), -EPERM);
    assert_ok(co_close(file));
    ck_assert_int_eq(co_wait_fd(file, CO_READABLE), -EBADF);
    ck_assert_int_eq(co_wait_fd(-1, CO_READABLE), -EBADF);
    ck_assert_int_eq(co_close(-1), -EBADF);
}

CO_TEST(an_error_of_the_system_call_is_returned)
{
    const struct sockaddr_in nowhere = {.sin_family = AF_INET};
    char byte;

    ck_assert_int_eq(co_read(-1, &byte, 1), -EBADF);
    ck_assert_int_eq(co_write(-1, &byte, 1), -EBADF);
    ck_assert_int_eq(co_accept(-1, NULL, NULL), -EBADF);
    ck_assert_int_eq(co_connect(-1, (const struct sockaddr *)&nowhere, sizeof(nowhere)), -EBADF);
}

/* --- Cancelling ---------------------------------------------------------------------------------
 */

CO_TEST(a_cancelled_reader_takes_no_data)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours);
    co_cancel(reader, "in the same turn");
    send_byte(theirs);
    ck_assert_int_eq(status_of(reader), -ECANCELED);
    ck_assert_int_eq(status_of(start(read_byte, &ours)), 1);
    close_ends();
}

CO_TEST(reading_is_where_a_cancel_arrives_even_if_there_is_data)
{
    struct co_scope scope;
    char byte;

    connect_ends();
    send_byte(theirs);
    assert_ok(co_wait_fd(ours, CO_READABLE));
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_read(ours, &byte, 1), -ECANCELED);
    ck_assert_int_eq(co_write(ours, &byte, 1), -ECANCELED);
    ck_assert_int_eq(co_wait_fd(ours, CO_READABLE), -ECANCELED);
    ck_assert_int_eq(co_wait_fd(ours, CO_WRITABLE), -ECANCELED);
    ck_assert_int_eq(co_accept(ours, NULL, NULL), -ECANCELED);
    ck_assert_int_eq(co_connect(ours, NULL, 0), -ECANCELED);
    co_scope_exit(&scope, 0);
    ck_assert_int_eq(co_read(ours, &byte, 1), 1);
    close_ends();
}

/* --- Waking and closing -------------------------------------------------------------------------
 */

CO_TEST(waking_ends_the_wait_that_goes_on)
{
    connect_ends();
    struct co_task *waiter = start(wait_readable, &ours);
    co_wake_fd(ours, CO_WRITABLE);
    settle();
    ck_assert(!co_task_is_done(waiter));
    co_wake_fd(ours, CO_READABLE);
    assert_ok(status_of(waiter));
    waiter = start(wait_readable, &ours);
    ck_assert(!co_task_is_done(waiter));
    send_byte(theirs);
    assert_ok(status_of(waiter));
    close_ends();
}

CO_TEST(waking_nobody_ends_the_next_wait)
{
    connect_ends();
    co_wake_fd(ours, CO_READABLE);
    assert_ok(status_of(start(wait_readable, &ours)));
    struct co_task *waiter = start(wait_readable, &ours);
    ck_assert(!co_task_is_done(waiter));
    co_cancel(waiter, "enough");
    ck_assert_int_eq(status_of(waiter), -ECANCELED);
    close_ends();
}

CO_TEST(closing_wakes_who_waits)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours), *writer = start(write_much, &ours);
    assert_ok(co_close(ours));
    ck_assert_int_eq(status_of(reader), -EBADF);
    ck_assert_int_eq(status_of(writer), -EBADF);
    assert_ok(co_close(theirs));
}

/* Another descriptor with the number of one that was closed. */
static void open_again(int fd)
{
    connect_ends();
    if (theirs == fd) {
        theirs = ours;
        ours = fd;
    }
    ck_assert_int_eq(ours, fd);
}

CO_TEST(an_event_of_a_closed_descriptor_does_not_wake_who_waits_for_its_successor)
{
    connect_ends();
    int fd = ours, peer = theirs;
    struct co_task *first = start(read_byte, &ours);
    send_byte(theirs);
    assert_ok(co_close(ours));
    open_again(fd);
    struct co_task *second = start(read_byte, &ours);
    ck_assert_int_eq(status_of(first), -EBADF);
    settle();
    ck_assert(!co_task_is_done(second));
    send_byte(theirs);
    ck_assert_int_eq(status_of(second), 1);
    close_ends();
    assert_ok(co_close(peer));
}

/* The kernel goes on to report a description that lives on under another number, and by its old
 * one. */
CO_TEST(an_event_of_a_descriptor_closed_behind_our_back_does_not_wake_its_successor)
{
    connect_ends();
    int fd = ours, peer = theirs, copy = fcntl(ours, F_DUPFD_CLOEXEC, 100);
    assert_ok(co_wait_fd(fd, CO_WRITABLE));
    close(fd);
    co_forget_fd(fd);
    open_again(fd);
    struct co_task *reader = start(wait_readable, &ours);
    send_byte(peer);
    settle();
    ck_assert(!co_task_is_done(reader));
    send_byte(theirs);
    assert_ok(status_of(reader));
    close_ends();
    assert_ok(co_close(peer));
    assert_ok(co_close(copy));
}

static int close_and_open_again(void *arg, void **result)
{
    int fd = *(int *)arg;

    (void)result;
    assert_ok(co_wait_fd(theirs, CO_READABLE));
    assert_ok(co_close(fd));
    open_again(fd);
    co_wake_fd(ours, CO_WRITABLE); /* makes the poller know of it */
    send_byte(theirs);
    return 0;
}

/* Both wake in one turn, the reader second: what became readable is gone by then, and the successor
 * is none of its business. */
CO_TEST(a_reader_woken_in_the_turn_of_the_close_does_not_read_from_the_successor)
{
    connect_ends();
    int fd = ours, peer = theirs;
    struct co_task *closer = start(close_and_open_again, &fd), *reader = start(read_byte, &fd);
    send_byte(ours);
    send_byte(theirs);
    ck_assert_int_eq(status_of(reader), -EBADF);
    assert_ok(status_of(closer));
    ck_assert_int_eq(status_of(start(read_byte, &ours)), 1);
    close_ends();
    assert_ok(co_close(peer));
}

/* --- Many ---------------------------------------------------------------------------------------
 */

CO_TEST(more_descriptors_than_one_poll_reports_all_wake_their_readers)
{
    enum { MANY = 400 };
    int fds[MANY][2];
    struct co_task *readers[MANY];

    for (int i = 0; i < MANY; i++) {
        assert_ok(pipe2(fds[i], O_NONBLOCK | O_CLOEXEC));
        assert_ok(co_create_task("reader", read_byte, &fds[i][0], &readers[i]));
    }
    settle();
    for (int i = 0; i < MANY; i++)
        send_byte(fds[i][1]);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(co_task_await(readers[i], NULL), 1);
        co_task_unref(readers[i]);
        assert_ok(co_close(fds[i][0]));
        assert_ok(co_close(fds[i][1]));
    }
}

CO_TEST(a_waiter_does_not_mind_that_the_table_of_descriptors_moves)
{
    connect_ends();
    struct co_task *reader = start(read_byte, &ours);
    int high = fcntl(theirs, F_DUPFD_CLOEXEC, 900);
    ck_assert_int_ge(high, 900);
    assert_ok(co_wait_fd(high, CO_WRITABLE));
    send_byte(theirs);
    ck_assert_int_eq(status_of(reader), 1);
    assert_ok(co_close(high));
    close_ends();
}

static int n_turns;

static int count_turn(void *arg, void **result)
{
    const bool *end = arg;

    (void)result;
    for (; !*end; n_turns++)
        assert_ok(co_sleep(0));
    return 0;
}

CO_TEST(a_descriptor_that_is_always_ready_does_not_starve_other_tasks)
{
    bool end = false;
    char bytes[100];
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    n_turns = 0;
    assert_ok(co_create_task("other", count_turn, &end, NULL));
    for (int i = 0; i < 6400; i++)
        ck_assert_int_eq(co_read(zero, bytes, sizeof(bytes)), sizeof(bytes));
    ck_assert_int_ge(n_turns, 50);
    ck_assert_int_le(n_turns, 6400 / 4);
    end = true;
    settle();
    assert_ok(co_close(zero));
}

static void read_until_the_deadline(int i)
{
    struct co_scope scope;
    char bytes[100];
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), n = 0;

    (void)i;
    co_scope_enter(&scope, 10 * CO_MILLISECOND);
    while (co_read(zero, bytes, sizeof(bytes)) > 0)
        ck_assert_int_lt(++n, 1000 * 1000);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
    assert_ok(co_close(zero));
}

START_TEST(a_descriptor_that_is_always_ready_does_not_hold_up_the_clock)
{
    runtime_run_on(&clock_ticking, read_until_the_deadline, 0);
}
END_TEST

static int n_polls;

static co_time counting_now(struct co_loop *loop)
{
    return co_clock_virtual.now(loop);
}

static int count_poll(struct co_loop *loop, co_time deadline)
{
    n_polls++;
    return co_clock_virtual.wait(loop, deadline);
}

static void leave_data_unread(int i)
{
    (void)i;
    connect_ends();
    assert_ok(co_wait_fd(ours, CO_WRITABLE));
    send_byte(theirs);
    struct co_task *reader = start(read_byte, &theirs); /* so that there is something to poll for */
    n_polls = 0;
    assert_ok(co_sleep(CO_SECOND));
    ck_assert_int_le(n_polls, 2);
    co_cancel(reader, "enough");
    ck_assert_int_eq(status_of(reader), -ECANCELED);
    close_ends();
}

START_TEST(data_that_nobody_waits_for_does_not_keep_the_loop_from_sleeping)
{
    static const struct co_clock counting = {.now = counting_now, .wait = count_poll};

    runtime_run_on(&counting, leave_data_unread, 0);
}
END_TEST

CO_TEST(without_memory_waiting_fails_and_works_later)
{
    connect_ends();
    int high = fcntl(ours, F_DUPFD_CLOEXEC, 500);
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = co_wait_fd(high, CO_WRITABLE);
        if (!fault_disarm()) {
            assert_ok(rc);
            ck_assert_uint_gt(n, 1);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
    }
    assert_ok(co_close(high));
    close_ends();
}

/* --- Connections --------------------------------------------------------------------------------
 */

static struct sockaddr_in loopback = {.sin_family = AF_INET};

static int listen_on_loopback(void)
{
    socklen_t size = sizeof(loopback);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback.sin_port = 0;
    assert_ok(bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)));
    assert_ok(listen(fd, 10));
    assert_ok(getsockname(fd, (struct sockaddr *)&loopback, &size));
    return fd;
}

static int connect_to_loopback(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = co_connect(fd, (struct sockaddr *)&loopback, sizeof(loopback));

    if (rc < 0)
        assert_ok(co_close(fd));
    return rc < 0 ? rc : fd;
}

static int accept_and_send(void *arg, void **result)
{
    struct sockaddr_in peer;
    socklen_t size = sizeof(peer);
    int fd = co_accept(*(int *)arg, (struct sockaddr *)&peer, &size);

    (void)result;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(peer.sin_addr.s_addr, loopback.sin_addr.s_addr);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    send_byte(fd);
    return co_close(fd);
}

CO_TEST(a_connection_is_made_and_accepted)
{
    char byte;
    int listener = listen_on_loopback();
    struct co_task *server = start(accept_and_send, &listener);
    int fd = connect_to_loopback();

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(co_read(fd, &byte, 1), 1);
    ck_assert_int_eq(co_read(fd, &byte, 1), 0);
    assert_ok(status_of(server));
    assert_ok(co_close(fd));
    assert_ok(co_close(listener));
}

CO_TEST(a_refused_connection_says_so)
{
    int listener = listen_on_loopback();

    assert_ok(co_close(listener));
    ck_assert_int_eq(connect_to_loopback(), -ECONNREFUSED);
}

/* A listener whose queue is full does not answer: the connect hangs until it is given up. */
CO_TEST(a_connect_that_hangs_can_be_given_up)
{
    int fds[50], n = 0, rc = 0, listener = listen_on_loopback();

    assert_ok(listen(listener, 0));
    while (rc >= 0 && n < 50) {
        struct co_scope scope;
        co_scope_enter(&scope, CO_SECOND);
        rc = connect_to_loopback();
        if (rc >= 0)
            fds[n++] = rc;
        rc = co_scope_exit(&scope, rc);
    }
    ck_assert_int_eq(rc, -ETIMEDOUT);
    while (n > 0)
        assert_ok(co_close(fds[--n]));
    assert_ok(co_close(listener));
}

Suite *suite_co_io(void);

Suite *suite_co_io(void)
{
    Suite *suite = suite_create("co_io");
    TCase *wait = tcase_create("wait"), *cancel = tcase_create("cancel");
    TCase *closing = tcase_create("close"), *many = tcase_create("many");
    TCase *connection = tcase_create("connection");

    tcase_add_test(wait, a_reader_waits_for_data);
    tcase_add_test(wait, data_that_is_there_is_read_at_once);
    tcase_add_test(wait, a_writer_waits_for_room);
    tcase_add_test(wait, one_task_may_read_while_another_writes);
    tcase_add_test(wait, the_end_of_the_stream_wakes_the_reader);
    tcase_add_test(wait, a_hang_up_wakes_the_writer);
    tcase_add_test(wait, a_second_reader_is_turned_away);
    tcase_add_test(wait, what_cannot_be_waited_for_says_so);
    tcase_add_test(wait, an_error_of_the_system_call_is_returned);
    suite_add_tcase(suite, wait);

    tcase_add_test(cancel, a_cancelled_reader_takes_no_data);
    tcase_add_test(cancel, reading_is_where_a_cancel_arrives_even_if_there_is_data);
    suite_add_tcase(suite, cancel);

    tcase_add_test(closing, waking_ends_the_wait_that_goes_on);
    tcase_add_test(closing, waking_nobody_ends_the_next_wait);
    tcase_add_test(closing, closing_wakes_who_waits);
    tcase_add_test(closing,
                   an_event_of_a_closed_descriptor_does_not_wake_who_waits_for_its_successor);
    tcase_add_test(closing,
                   an_event_of_a_descriptor_closed_behind_our_back_does_not_wake_its_successor);
    tcase_add_test(closing,
                   a_reader_woken_in_the_turn_of_the_close_does_not_read_from_the_successor);
    suite_add_tcase(suite, closing);

    tcase_add_test(many, more_descriptors_than_one_poll_reports_all_wake_their_readers);
    tcase_add_test(many, a_waiter_does_not_mind_that_the_table_of_descriptors_moves);
    tcase_add_test(many, a_descriptor_that_is_always_ready_does_not_starve_other_tasks);
    tcase_add_test(many, a_descriptor_that_is_always_ready_does_not_hold_up_the_clock);
    tcase_add_test(many, data_that_nobody_waits_for_does_not_keep_the_loop_from_sleeping);
    tcase_add_test(many, without_memory_waiting_fails_and_works_later);
    suite_add_tcase(suite, many);

    tcase_add_test(connection, a_connection_is_made_and_accepted);
    tcase_add_test(connection, a_refused_connection_says_so);
    tcase_add_test(connection, a_connect_that_hangs_can_be_given_up);
    suite_add_tcase(suite, connection);
    return suite;
}
