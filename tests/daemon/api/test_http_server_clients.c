#include "daemon/api/http_server.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/daemon/api/http_front.h"

CO_TEST(client_that_leaves_cancels_its_handler)
{
    front_start();
    struct http_client *client = front_open();
    front_request(client, "GET /wait/1000000");
    settle();
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert_int_eq(front_seen.wait_rc, 0);
    http_client_close(client);
    settle();
    ck_assert_int_eq(front_seen.wait_rc, -ECANCELED);
    ck_assert_int_eq(now_ms(), 1000);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_ends_its_sending_counts_as_gone)
{
    front_start();
    struct http_client *client = front_open();
    front_request(client, "GET /wait/1000000");
    settle();
    shutdown(client->fd, SHUT_WR);
    ck_assert(http_client_is_closed(client));
    ck_assert_int_eq(front_seen.wait_rc, -ECANCELED);
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* libmicrohttpd does not notice an end that comes together with data. */
CO_TEST(client_that_leaves_within_a_request_is_dropped)
{
    front_start();
    struct http_client *client = front_open();
    settle();
    http_client_send(client, "GET /hello HTTP/1.1\r\n");
    shutdown(client->fd, SHUT_WR);
    ck_assert(http_client_is_closed(client));
    ck_assert_int_le(now_ms(), 1000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_leaves_behind_its_request_is_answered_and_dropped)
{
    front_start();
    struct http_client *client = front_open();
    settle();
    front_request(client, "GET /hello");
    shutdown(client->fd, SHUT_WR);
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    ck_assert(http_client_is_closed(client));
    ck_assert_int_le(now_ms(), 1000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(other_clients_do_not_notice)
{
    front_start();
    struct http_client *leaves = front_open();
    struct http_client *stays = front_open();
    front_request(leaves, "GET /wait/2000");
    front_request(stays, "GET /wait/2000");
    settle();
    http_client_close(leaves);
    ck_assert_str_eq(http_client_receive(stays)->body, "hello");
    ck_assert_int_eq(now_ms(), 2000);
    http_client_close(stays);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_is_gone_before_its_handler_starts_does_no_harm)
{
    front_start();
    for (int i = 0; i < 5; i++) {
        struct http_client *client = front_open();
        front_request(client, "GET /wait/1000000");
        http_client_close(client);
    }
    settle();
    front_stop(NO_GRACE);
}

/* libmicrohttpd drops the connection, and all memory of the request, under the handler; unless it
 * is the oldest one, which it would look at, and have suspended, before. */
CO_TEST(exchange_outlives_its_connection)
{
    front_start();
    struct http_client *older = front_open();
    settle();
    struct http_client *client = front_seen.peer = front_open();
    http_client_send(client,
                     "GET /lose/1000000 HTTP/1.1\r\nHost: localhost\r\nX-Late: still here\r\n\r\n");
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert_int_eq(front_seen.wait_rc, -ECANCELED);
    ck_assert_str_eq(front_seen.late_header, "still here");
    http_client_close(older);
    front_stop(NO_GRACE);
}

CO_TEST(many_clients_may_leave_at_once)
{
    struct http_client *clients[100];

    front_options.max_connections = N_ELEMENTS(clients);
    front_start();
    for (size_t i = 0; i < N_ELEMENTS(clients); i++) {
        clients[i] = front_open();
        front_request(clients[i], "GET /wait/1000000");
    }
    settle();
    for (size_t i = 0; i < N_ELEMENTS(clients); i++)
        http_client_close(clients[i]);
    settle();
    front_stop(100 * CO_SECOND);
    ck_assert_int_eq(now_ms(), 0);
}

static const char *const beginnings[] = {
    "",
    "GET",
    "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2ff\r\n",
};

CO_TEST(request_that_drips_is_cut)
{
    bool is_refused_at_once = _i == 3;

    front_start();
    struct http_client *client = front_open();
    http_client_send(client, beginnings[_i]);
    while (now_ms() < 9500 && !is_refused_at_once) {
        http_client_send(client, "x");
        ck_assert_int_eq(co_sleep(500 * CO_MILLISECOND), 0);
    }
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, is_refused_at_once ? 413 : 408);
    ck_assert_int_eq(now_ms(), is_refused_at_once ? 0 : 10000);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(connection_that_idles_is_closed)
{
    front_start();
    struct http_client *client = front_open();
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    ck_assert_int_eq(co_sleep(IDLE_TIMEOUT - CO_SECOND), 0);
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    ck_assert(http_client_is_closed(client));
    ck_assert_int_eq(now_ms(), 59000 + 60000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(next_request_has_its_own_time)
{
    front_start();
    struct http_client *client = front_open();
    for (int i = 0; i < 3; i++) {
        http_client_send(client, "GET /hello HTTP/1.1\r\n");
        ck_assert_int_eq(co_sleep(REQUEST_TIMEOUT - CO_SECOND), 0);
        http_client_send(client, "Host: localhost\r\n\r\n");
        ck_assert_int_eq(http_client_receive(client)->status, 200);
    }
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(handler_may_take_longer_than_its_request)
{
    front_start();
    struct http_client *client = front_open();
    ck_assert_str_eq(front_get(client, "/wait/100000")->body, "hello");
    ck_assert_int_eq(now_ms(), 100000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(newcomer_takes_the_place_of_who_idled_longest)
{
    front_options.max_connections = 2;
    front_start();
    struct http_client *first = front_open();
    struct http_client *second = front_open();
    ck_assert_int_eq(front_get(second, "/hello")->status, 200);
    ck_assert_int_eq(front_get(first, "/hello")->status, 200);
    struct http_client *newcomer = front_open();
    ck_assert_int_eq(front_get(newcomer, "/hello")->status, 200);
    ck_assert(http_client_is_closed(second));
    ck_assert_int_eq(front_get(first, "/hello")->status, 200);
    http_client_close(first);
    http_client_close(second);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

CO_TEST(newcomer_is_turned_away_while_all_are_busy)
{
    front_options.max_connections = 2;
    front_start();
    struct http_client *first = front_open();
    struct http_client *second = front_open();
    front_request(first, "GET /wait/2000");
    front_request(second, "GET /wait/1000");
    settle();
    struct http_client *newcomer = front_open();
    ck_assert_int_eq(front_get(newcomer, "/hello")->status, 503);
    ck_assert_int_eq(atoi(http_reply_header(&newcomer->reply, "Retry-After")), 1);
    ck_assert(http_client_is_closed(newcomer));
    ck_assert_int_eq(now_ms(), 0);
    ck_assert_int_eq(http_client_receive(second)->status, 200);
    ck_assert_int_eq(http_client_receive(first)->status, 200);
    http_client_close(first);
    http_client_close(second);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

CO_TEST(what_is_always_answered_is_also_while_all_are_busy)
{
    front_options.max_connections = 1;
    front_start();
    struct http_client *busy = front_open();
    front_request(busy, "GET /wait/2000");
    settle();
    struct http_client *newcomer = front_open();
    ck_assert_str_eq(front_get(newcomer, "/yield")->body, "hello");
    ck_assert(http_client_is_closed(newcomer));
    ck_assert_int_eq(now_ms(), 0);
    ck_assert_int_eq(http_client_receive(busy)->status, 200);
    http_client_close(busy);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

/* There is one extra place for so few. */
CO_TEST(extra_client_that_is_silent_makes_room)
{
    front_options.max_connections = 1;
    front_start();
    struct http_client *busy = front_open();
    front_request(busy, "GET /wait/60000");
    settle();
    struct http_client *silent = front_open();
    settle();
    struct http_client *newcomer = front_open();
    ck_assert_str_eq(front_get(newcomer, "/yield")->body, "hello");
    ck_assert_int_eq(now_ms(), 250);
    ck_assert(http_client_is_closed(silent));
    http_client_close(busy);
    http_client_close(silent);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

static const char *const useless[] = {
    "",
    "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ",
    "nonsense",
};

CO_TEST(who_does_nothing_makes_room)
{
    front_options.max_connections = 2;
    front_start();
    struct http_client *first = front_open();
    struct http_client *second = front_open();
    http_client_send(first, useless[_i]);
    http_client_send(second, useless[_i]);
    ck_assert_int_eq(co_sleep(250 * CO_MILLISECOND), 0);
    struct http_client *newcomer = front_open();
    ck_assert_str_eq(front_get(newcomer, "/hello")->body, "hello");
    ck_assert(http_client_is_closed(first));
    ck_assert_str_eq(front_get(newcomer, "/hello")->body, "hello");
    ck_assert_int_eq(now_ms(), 250);
    http_client_close(first);
    http_client_close(second);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

CO_TEST(who_asks_takes_the_place_of_who_does_not)
{
    front_options.max_connections = 1;
    front_start();
    struct http_client *silent = front_open();
    settle();
    struct http_client *newcomer = front_open();
    ck_assert_str_eq(front_get(newcomer, "/hello")->body, "hello");
    ck_assert(http_client_is_closed(silent));
    ck_assert_str_eq(front_get(newcomer, "/hello")->body, "hello");
    ck_assert_int_eq(now_ms(), 0);
    http_client_close(silent);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

/* A byte a second. */
CO_TEST(body_that_crawls_makes_room)
{
    front_options.max_connections = 1;
    front_start();
    struct http_client *crawling = front_open();
    http_client_send(crawling,
                     "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n");
    for (int i = 0; i < 6; i++) {
        http_client_send(crawling, "x");
        ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    }
    struct http_client *newcomer = front_open();
    ck_assert_str_eq(front_get(newcomer, "/hello")->body, "hello");
    ck_assert_int_eq(now_ms(), 6000);
    ck_assert(http_client_is_closed(crawling));
    http_client_close(crawling);
    http_client_close(newcomer);
    front_stop(NO_GRACE);
}

CO_TEST(body_that_crawls_disturbs_nobody_while_there_is_room)
{
    front_start();
    struct http_client *crawling = front_open();
    http_client_send(crawling,
                     "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(co_sleep(CO_SECOND), 0);
        http_client_send(crawling, "x");
    }
    ck_assert_str_eq(http_client_receive(crawling)->body, "xxxxxxxxx");
    http_client_close(crawling);
    front_stop(NO_GRACE);
}

Suite *suite_http_server_clients(void);

Suite *suite_http_server_clients(void)
{
    Suite *suite = suite_create("http_server_clients");
    TCase *tcase = tcase_create("http_server_clients");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, client_that_leaves_cancels_its_handler);
    tcase_add_test(tcase, client_that_ends_its_sending_counts_as_gone);
    tcase_add_test(tcase, client_that_leaves_within_a_request_is_dropped);
    tcase_add_test(tcase, client_that_leaves_behind_its_request_is_answered_and_dropped);
    tcase_add_test(tcase, other_clients_do_not_notice);
    tcase_add_test(tcase, client_that_is_gone_before_its_handler_starts_does_no_harm);
    tcase_add_test(tcase, exchange_outlives_its_connection);
    tcase_add_test(tcase, many_clients_may_leave_at_once);
    tcase_add_loop_test(tcase, request_that_drips_is_cut, 0, N_ELEMENTS(beginnings));
    tcase_add_test(tcase, connection_that_idles_is_closed);
    tcase_add_test(tcase, next_request_has_its_own_time);
    tcase_add_test(tcase, handler_may_take_longer_than_its_request);
    tcase_add_test(tcase, newcomer_takes_the_place_of_who_idled_longest);
    tcase_add_test(tcase, newcomer_is_turned_away_while_all_are_busy);
    tcase_add_test(tcase, what_is_always_answered_is_also_while_all_are_busy);
    tcase_add_test(tcase, extra_client_that_is_silent_makes_room);
    tcase_add_loop_test(tcase, who_does_nothing_makes_room, 0, N_ELEMENTS(useless));
    tcase_add_test(tcase, who_asks_takes_the_place_of_who_does_not);
    tcase_add_test(tcase, body_that_crawls_makes_room);
    tcase_add_test(tcase, body_that_crawls_disturbs_nobody_while_there_is_room);
    suite_add_tcase(suite, tcase);
    return suite;
}
