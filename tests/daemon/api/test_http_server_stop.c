#include "daemon/api/http_server.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"

struct stop_task {
    struct co_task *task;
    co_time grace;
};

static int run_stop(void *arg, void **result)
{
    (void)result;
    front_stop(((struct stop_task *)arg)->grace);
    return 0;
}

static void stop_meanwhile(struct stop_task *task, co_time grace)
{
    task->grace = grace;
    ck_assert_int_eq(co_create_task("stop", run_stop, task, &task->task), 0);
    settle();
}

static void wait_for_stop(struct stop_task *task)
{
    ck_assert_int_eq(co_task_await(task->task, NULL), 0);
    co_task_unref(task->task);
}

CO_TEST(stop_waits_for_what_is_handled)
{
    struct stop_task task;

    front_start();
    struct http_client *busy = front_open();
    struct http_client *idle = front_open();
    struct http_client *silent = front_open();
    ck_assert_int_eq(front_get(idle, "/hello")->status, 200);
    front_request(busy, "GET /wait/1000");
    settle();
    stop_meanwhile(&task, 5 * CO_SECOND);
    ck_assert(http_client_is_closed(idle));
    ck_assert(http_client_is_closed(silent));
    const struct http_reply *reply = http_client_receive(busy);
    ck_assert_str_eq(reply->body, "hello");
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Connection"), "close\r\n", 7), 0);
    wait_for_stop(&task);
    ck_assert_int_eq(now_ms(), 1000);
    http_client_close(busy);
    http_client_close(idle);
    http_client_close(silent);
}

CO_TEST(stop_cancels_what_takes_longer_than_the_grace)
{
    struct stop_task task;

    front_start();
    struct http_client *client = front_open();
    front_request(client, "GET /wait/100000");
    settle();
    stop_meanwhile(&task, 5 * CO_SECOND);
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 503);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"shutting_down\""));
    wait_for_stop(&task);
    ck_assert_int_eq(front_seen.wait_rc, -ECANCELED);
    ck_assert_int_eq(now_ms(), 5000);
    http_client_close(client);
}

CO_TEST(request_that_comes_while_stopping_is_refused)
{
    struct stop_task task;

    front_start();
    struct http_client *busy = front_open();
    struct http_client *late = front_open();
    front_request(busy, "GET /wait/1000");
    http_client_send(late, "GET /hello HTTP/1.1\r\n");
    settle();
    stop_meanwhile(&task, 5 * CO_SECOND);
    http_client_send(late, "Host: localhost\r\n\r\n");
    ck_assert_int_eq(http_client_receive(late)->status, 503);
    ck_assert(http_client_is_closed(late));
    ck_assert_int_eq(http_client_receive(busy)->status, 200);
    http_client_close(busy);
    http_client_close(late);
    wait_for_stop(&task);
}

CO_TEST(stop_does_not_wait_for_who_never_reads)
{
    front_start();
    struct http_client *client = front_open();
    front_request(client, "GET /much/50000000");
    settle();
    front_stop(2 * CO_SECOND);
    ck_assert_int_eq(now_ms(), 3000);
    ck_assert_uint_eq(front_seen.n_done, 1);
    http_client_close(client);
}

CO_TEST(stop_does_not_wait_for_who_has_sent_half_a_request)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "GET /hello HTTP/1.1\r\n");
    settle();
    front_stop(NO_GRACE);
    ck_assert_int_le(now_ms(), 1000);
    http_client_close(client);
}

static int stop_in_vain(void *arg, void **result)
{
    (void)result;
    (void)arg;
    front_stop(5 * CO_SECOND);
    return 0;
}

CO_TEST(stop_sends_newcomers_away)
{
    front_options.max_connections = 1;
    front_start();
    struct http_client *first = front_open();
    struct http_client *newcomer = front_open();
    front_request(first, "GET /wait/1000");
    settle();
    front_stop(NO_GRACE);
    ck_assert_int_eq(http_client_receive(first)->status, 503);
    ck_assert(http_client_is_closed(newcomer));
    http_client_close(first);
    http_client_close(newcomer);
}

CO_TEST(stop_is_not_disturbed_by_cancellation)
{
    struct co_task *task;

    front_start();
    struct http_client *client = front_open();
    front_request(client, "GET /wait/1000");
    settle();
    ck_assert_int_eq(co_create_task("stop", stop_in_vain, NULL, &task), 0);
    settle();
    co_cancel(task, "a test");
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    ck_assert_int_eq(co_task_await(task, NULL), 0);
    co_task_unref(task);
    http_client_close(client);
}

CO_TEST(stop_of_nothing_is_fine)
{
    http_server_free(NULL, NO_GRACE);
}

Suite *suite_http_server_stop(void);

Suite *suite_http_server_stop(void)
{
    Suite *suite = suite_create("http_server_stop");
    TCase *tcase = tcase_create("http_server_stop");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, stop_waits_for_what_is_handled);
    tcase_add_test(tcase, stop_cancels_what_takes_longer_than_the_grace);
    tcase_add_test(tcase, request_that_comes_while_stopping_is_refused);
    tcase_add_test(tcase, stop_does_not_wait_for_who_never_reads);
    tcase_add_test(tcase, stop_does_not_wait_for_who_has_sent_half_a_request);
    tcase_add_test(tcase, stop_sends_newcomers_away);
    tcase_add_test(tcase, stop_is_not_disturbed_by_cancellation);
    tcase_add_test(tcase, stop_of_nothing_is_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}
