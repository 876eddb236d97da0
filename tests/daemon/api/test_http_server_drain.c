#include "daemon/api/http_server.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api/listener.h"
#include "tests/daemon/api/http_front.h"

static int follow(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    http_cancel_when_stopping(exchange);
    return co_sleep(CO_NEVER);
}

static int say_nothing_much(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    return http_answer(exchange, 204, NULL, NULL);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/follow", .handler = follow},
    {.method = "GET", .path = "/", .handler = say_nothing_much},
};

static void follow_something(void)
{
    front_options.routes = routes;
    front_options.n_routes = N_ELEMENTS(routes);
    front_start();
}

static bool is_last(const struct http_reply *reply)
{
    return strncmp(http_reply_header(reply, "Connection"), "close\r\n", 7) == 0;
}

CO_TEST(drain_lets_clients_ask_and_closes_behind_the_answer)
{
    front_start();
    struct http_client *old = front_open();
    ck_assert(!is_last(front_get(old, "/hello")));
    ck_assert(http_server_drain(front_server));
    ck_assert(is_last(front_get(old, "/hello")));
    ck_assert(http_client_is_closed(old));
    struct http_client *newcomer = front_open();
    const struct http_reply *reply = front_get(newcomer, "/hello");
    ck_assert_int_eq(reply->status, 200);
    ck_assert(is_last(reply));
    http_client_close(old);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

CO_TEST(drain_ends_who_follows_something_and_nobody_else)
{
    follow_something();
    struct http_client *follower = front_open();
    front_request(follower, "GET /follow");
    settle();
    http_server_drain(front_server);
    ck_assert_int_eq(http_client_receive(follower)->status, 503);
    ck_assert_int_eq(now_ms(), 0);
    http_client_close(follower);
    front_stop(NO_GRACE);
}

CO_TEST(drain_leaves_what_is_handled_alone)
{
    front_start();
    struct http_client *busy = front_open();
    front_request(busy, "GET /wait/1000");
    settle();
    http_server_drain(front_server);
    ck_assert_str_eq(http_client_receive(busy)->body, "hello");
    http_client_close(busy);
    front_stop(NO_GRACE);
}

/* As systemd passes its socket to one server after the other. */
static void start_with(const struct listener *theirs)
{
    static char passed[16];
    static const char *const listen[] = {passed};

    sprintf(passed, "fd:%d", dup(theirs->fd));
    front_options.listen = listen;
    front_start();
}

CO_TEST(drain_leaves_who_comes_to_a_passed_socket_to_the_next_server)
{
    struct err err = {""};
    struct listener theirs;

    ck_assert_int_eq(listener_open(&theirs, front_address, &err), 0);
    start_with(&theirs);
    ck_assert(!http_server_drain(front_server));
    struct http_client *newcomer = http_client_open(theirs.text);
    front_request(newcomer, "GET /hello");
    settle();
    ck_assert_uint_eq(front_seen.n_called, 0);
    front_stop(NO_GRACE);
    start_with(&theirs);
    ck_assert_int_eq(http_client_receive(newcomer)->status, 200);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
    listener_close(&theirs);
}

CO_TEST(server_is_not_idle_while_somebody_may_be_about_to_ask)
{
    front_start();
    struct http_client *newcomer = front_open();
    settle();
    ck_assert(!http_server_is_idle(front_server));
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert(http_server_is_idle(front_server));
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

CO_TEST(server_is_idle_when_nobody_is_served)
{
    front_start();
    struct http_client *client = front_open();
    struct http_client *silent = front_open();
    settle();
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert(http_server_is_idle(front_server));
    front_request(client, "GET /wait/1000");
    settle();
    ck_assert(!http_server_is_idle(front_server));
    ck_assert_int_eq(http_client_receive(client)->status, 200);
    settle();
    ck_assert(http_server_is_idle(front_server));
    http_client_send(client, "GET /hello HTTP/1.1\r\n");
    settle();
    ck_assert(!http_server_is_idle(front_server));
    http_client_close(client);
    http_client_close(silent);
    front_stop(NO_GRACE);
}

Suite *suite_http_server_drain(void);

Suite *suite_http_server_drain(void)
{
    Suite *suite = suite_create("http_server_drain");
    TCase *tcase = tcase_create("http_server_drain");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, drain_lets_clients_ask_and_closes_behind_the_answer);
    tcase_add_test(tcase, drain_ends_who_follows_something_and_nobody_else);
    tcase_add_test(tcase, drain_leaves_what_is_handled_alone);
    tcase_add_test(tcase, drain_leaves_who_comes_to_a_passed_socket_to_the_next_server);
    tcase_add_test(tcase, server_is_not_idle_while_somebody_may_be_about_to_ask);
    tcase_add_test(tcase, server_is_idle_when_nobody_is_served);
    suite_add_tcase(suite, tcase);
    return suite;
}
