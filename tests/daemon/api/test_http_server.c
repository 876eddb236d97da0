#include "daemon/api/http_server.h"

#include <check.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"
#include "tests/support/fault.h"

CO_TEST(handler_answers)
{
    front_start();
    struct http_client *client = front_open();
    const struct http_reply *reply = front_get(client, "/hello");
    ck_assert_int_eq(reply->status, 200);
    ck_assert_str_eq(reply->body, "hello");
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Content-Type"), "text/plain\r\n", 12), 0);
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Cache-Control"), "no-store\r\n", 10), 0);
    ck_assert_str_eq(http_reply_header(reply, "Connection"), "");
    http_client_close(client);
    front_stop(NO_GRACE);
}

static const char *const kept[] = {"GET /hello",
                                   "GET /yield",
                                   "GET /wait/5",
                                   "GET /missing",
                                   "DELETE /hello",
                                   "OPTIONS /hello",
                                   "OPTIONS *",
                                   "GET /nothing",
                                   "GET /fail",
                                   "GET /much/10",
                                   "POST /echo",
                                   "GET /say/a%20b",
                                   "GET http://localhost/hello"};

CO_TEST(connection_is_kept_behind_an_answer)
{
    front_start();
    struct http_client *client = front_open();
    for (int i = 0; i < 3; i++) {
        front_request(client, kept[_i]);
        ck_assert_int_ge(http_client_receive(client)->status, 200);
    }
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(handlers_of_many_clients_run_beside_each_other)
{
    struct http_client *clients[10];

    front_start();
    for (size_t i = 0; i < N_ELEMENTS(clients); i++) {
        clients[i] = front_open();
        front_request(clients[i], i % 2 ? "GET /wait/1000" : "GET /yield");
    }
    for (size_t i = 0; i < N_ELEMENTS(clients); i++) {
        ck_assert_str_eq(http_client_receive(clients[i])->body, "hello");
        http_client_close(clients[i]);
    }
    ck_assert_int_eq(now_ms(), 1000);
    front_stop(NO_GRACE);
}

CO_TEST(pipelined_requests_are_answered_in_order)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client,
                     "GET /wait/100 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                     "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\none"
                     "GET /missing HTTP/1.1\r\nHost: localhost\r\n\r\n"
                     "GET /say/four HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    ck_assert_str_eq(http_client_receive(client)->body, "one");
    ck_assert_int_eq(http_client_receive(client)->status, 404);
    ck_assert_str_eq(http_client_receive(client)->body, "four");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(head_is_answered_like_get_without_the_body)
{
    static const size_t status_and_date =
        sizeof("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37");
    char head[1024];

    front_start();
    struct http_client *client = front_open();
    front_request(client, "HEAD /hello");
    strcpy(head, http_client_receive_head(client)->head);
    ck_assert_str_eq(front_get(client, "/hello")->head + status_and_date, head + status_and_date);
    ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Length: 5\r\n"));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(http_1_0_is_answered_and_closed)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "GET /hello HTTP/1.0\r\n\r\n");
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(handler_without_an_answer_is_a_500)
{
    static const char *const targets[] = {"/nothing", "/fail"};

    front_start();
    struct http_client *client = front_open();
    const struct http_reply *reply = front_get(client, targets[_i]);
    ck_assert_int_eq(reply->status, 500);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"internal_error\""));
    ck_assert_str_eq(http_reply_header(reply, "X-Begun"), "");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(page_of_a_listed_origin_may_ask)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\n"
                             "Origin: https://board.example\r\n"
                             "Access-Control-Request-Headers: content-type\r\n\r\n");
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 204);
    ck_assert_int_eq(
        strncmp(http_reply_header(reply, "Access-Control-Allow-Headers"), "content-type\r\n", 14),
        0);
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Access-Control-Allow-Origin"),
                             "https://board.example\r\n", 23),
                     0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(body_may_come_in_pieces)
{
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde"
        "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";

    front_start();
    struct http_client *client = front_open();
    for (const char *byte = text; *byte != '\0'; byte++) {
        http_client_send_bytes(client, byte, 1);
        settle();
    }
    ck_assert_str_eq(http_client_receive(client)->body, "abcde");
    ck_assert_str_eq(http_client_receive(client)->body, "abcde");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(chunk_extensions_are_ignored)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n"
                             "2;ext=1\r\nab\r\n3;b=\"c\"\r\ncde\r\n0\r\nTrailer: x\r\n\r\n");
    ck_assert_str_eq(http_client_receive(client)->body, "abcde");
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(body_may_be_as_large_as_allowed)
{
    char text[MAX_BODY_BYTES + 1];

    memset(text, 'x', MAX_BODY_BYTES);
    text[MAX_BODY_BYTES] = '\0';
    front_start();
    struct http_client *client = front_open();
    http_client_send(client,
                     "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
    http_client_send(client, text);
    ck_assert_str_eq(http_client_receive(client)->body, text);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_asks_first_is_told_to_continue)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                             "Expect: 100-continue\r\n\r\n");
    ck_assert_int_eq(http_client_receive(client)->status, 100);
    http_client_send(client, "abcde");
    ck_assert_str_eq(http_client_receive(client)->body, "abcde");
    http_client_close(client);
    front_stop(NO_GRACE);
}

static const struct {
    const char *fields;
    int status;
    const char *code;
} refused_bodies[] = {
    {"Content-Length: 1001\r\n", 413, "body_too_large"},
    {"Content-Length: 9223372036854775807\r\n", 413, "body_too_large"},
    {"Content-Length: 1001\r\nExpect: 100-continue\r\n", 413, "body_too_large"},
    {"Content-Length: 5\r\nContent-Encoding: gzip\r\n", 415, "unsupported_content_encoding"},
    {"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", 415,
     "unsupported_content_encoding"},
};

CO_TEST(body_is_refused_before_it_is_sent)
{
    char text[256];

    front_start();
    struct http_client *client = front_open();
    sprintf(text, "POST /echo HTTP/1.1\r\nHost: localhost\r\n%s\r\n", refused_bodies[_i].fields);
    http_client_send(client, text);
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, refused_bodies[_i].status);
    ck_assert_ptr_nonnull(strstr(reply->body, refused_bodies[_i].code));
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Connection"), "close\r\n", 7), 0);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(body_is_refused_where_none_is_taken)
{
    static const struct {
        const char *request;
        int status;
    } requests[] = {
        {"GET /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde", 400},
        {"PUT /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde", 405},
        {"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde", 404},
    };

    front_start();
    struct http_client *client = front_open();
    http_client_send(client, requests[_i].request);
    ck_assert_int_eq(http_client_receive(client)->status, requests[_i].status);
    ck_assert(http_client_is_closed(client));
    ck_assert_uint_eq(front_seen.n_called, 0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(unannounced_body_is_refused_once_it_is_too_large)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 9; i++)
        http_client_send(client, "64\r\n"
                                 "0123456789012345678901234567890123456789"
                                 "0123456789012345678901234567890123456789"
                                 "01234567890123456789\r\n");
    http_client_send(client, "65\r\n");
    http_client_send(client, "0123456789012345678901234567890123456789"
                             "0123456789012345678901234567890123456789"
                             "012345678901234567890\r\n");
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 413);
    ck_assert_ptr_nonnull(strstr(reply->body, "1000 bytes"));
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* The client reads nothing before all is sent: a reset would lose it the answer. */
CO_TEST(refused_client_may_finish_sending)
{
    static const char megabyte[1 << 20];

    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Length: 1048576\r\n\r\n");
    http_client_send_bytes(client, megabyte, sizeof(megabyte));
    ck_assert_int_eq(http_client_receive(client)->status, 413);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(refused_client_may_not_send_without_end)
{
    static const char megabyte[1 << 20];

    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Length: 1000000000\r\n\r\n");
    for (int i = 0; i < 20; i++)
        http_client_send_bytes(client, megabyte, sizeof(megabyte));
    ck_assert_int_lt(co_write(client->fd, "x", 1), 0);
    ck_assert_int_eq(now_ms(), 0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(refused_client_is_not_listened_to_for_ever)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Length: 1048576\r\n\r\n");
    while (co_write(client->fd, "x", 1) == 1)
        ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert_int_le(now_ms(), 6000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

static const struct {
    const char *host;
    bool has_port;
    int status;
} tcp_hosts[] = {
    {"127.0.0.1", true, 200},    {"localhost", true, 200},     {"LOCALHOST", true, 200},
    {"[::1]", true, 200},        {"127.0.0.1", false, 403},    {"127.0.0.2", true, 403},
    {"evil.example", true, 403}, {"evil.example", false, 403},
};

CO_TEST(host_names_the_address_and_port_that_was_connected_to)
{
    static const char *const tcp[] = {"127.0.0.1:0"};
    char text[128];

    front_options.listen = tcp;
    front_start();
    struct http_client *client = front_open();
    const char *port = strchr(http_server_address(front_server, 0), ':');
    sprintf(text, "GET /hello HTTP/1.1\r\nHost: %s%s\r\n\r\n", tcp_hosts[_i].host,
            tcp_hosts[_i].has_port ? port : "");
    http_client_send(client, text);
    ck_assert_int_eq(http_client_receive(client)->status, tcp_hosts[_i].status);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(several_addresses_are_served)
{
    const char *const several[] = {"127.0.0.1:0", front_address, "127.0.0.1:0"};

    front_options.listen = several;
    front_options.n_listen = 3;
    front_start();
    for (size_t i = 0; i < 3; i++) {
        struct http_client *client = http_client_open(http_server_address(front_server, i));
        char text[128];
        const char *address = i == 1 ? "localhost" : http_server_address(front_server, i);
        sprintf(text, "GET /hello HTTP/1.1\r\nHost: %s\r\n\r\n", address);
        http_client_send(client, text);
        ck_assert_int_eq(http_client_receive(client)->status, 200);
        http_client_close(client);
    }
    ck_assert_ptr_null(http_server_address(front_server, 3));
    front_stop(NO_GRACE);
}

CO_TEST(address_that_cannot_be_bound_leaves_nothing_behind)
{
    const char *const several[] = {front_address, "127.0.0.1:0", "nonsense"};
    struct err err = {0};

    front_options.listen = several;
    front_options.n_listen = 3;
    ck_assert_int_eq(http_server_new(&front_server, &front_options, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "nonsense"));
}

CO_TEST(every_failing_allocation_of_the_start_is_reported)
{
    for (size_t n = 1;; n++) {
        struct err err = {0};
        fault_arm(n);
        int rc = http_server_new(&front_server, &front_options, &err);
        if (!fault_disarm()) {
            ck_assert_int_eq(rc, 0);
            break;
        }
        if (rc == 0) /* the loop got over it */
            front_stop(NO_GRACE);
        else
            ck_assert_int_eq(rc, -ENOMEM);
    }
    front_stop(NO_GRACE);
}

static const char *const fault_targets[] = {
    "GET /wait/1", "GET /much/100", "GET /missing", "POST /hello", "BREW /hello",
};

/* An answer, or a closed connection: and the server lives on. */
static bool request_meets_a_fault(void (*arm)(size_t n), size_t n, const char *method_and_target)
{
    struct http_client *client = front_open();

    settle();
    arm(n);
    front_request(client, method_and_target);
    const struct http_reply *reply = http_client_receive(client);
    bool has_failed = fault_disarm();
    ck_assert(has_failed || reply->status != 0);
    http_client_close(client);
    return has_failed;
}

CO_TEST(failing_allocation_costs_one_request_at_most)
{
    front_start();
    for (size_t n = 1; request_meets_a_fault(fault_arm, n, fault_targets[_i]); n++)
        continue;
    for (size_t n = 1; request_meets_a_fault(fault_arm_sticky, n, fault_targets[_i]); n++)
        continue;
    front_stop(NO_GRACE);
}

CO_TEST(connection_without_memory_is_closed)
{
    front_start();
    settle();
    struct http_client *client = front_open();
    fault_arm(1);
    settle();
    ck_assert(fault_disarm());
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    client = front_open();
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    http_client_close(client);
    front_stop(NO_GRACE);
}

Suite *suite_http_server(void);

Suite *suite_http_server(void)
{
    Suite *suite = suite_create("http_server");
    TCase *tcase = tcase_create("http_server");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, handler_answers);
    tcase_add_loop_test(tcase, connection_is_kept_behind_an_answer, 0, N_ELEMENTS(kept));
    tcase_add_test(tcase, handlers_of_many_clients_run_beside_each_other);
    tcase_add_test(tcase, pipelined_requests_are_answered_in_order);
    tcase_add_test(tcase, head_is_answered_like_get_without_the_body);
    tcase_add_test(tcase, http_1_0_is_answered_and_closed);
    tcase_add_loop_test(tcase, handler_without_an_answer_is_a_500, 0, 2);
    tcase_add_test(tcase, page_of_a_listed_origin_may_ask);
    tcase_add_test(tcase, body_may_come_in_pieces);
    if (MHD_VERSION < 0x01000000) /* 1.0.1 takes the LF behind one for a byte of the chunk */
        tcase_add_test(tcase, chunk_extensions_are_ignored);
    tcase_add_test(tcase, body_may_be_as_large_as_allowed);
    tcase_add_test(tcase, client_that_asks_first_is_told_to_continue);
    tcase_add_loop_test(tcase, body_is_refused_before_it_is_sent, 0, N_ELEMENTS(refused_bodies));
    tcase_add_loop_test(tcase, body_is_refused_where_none_is_taken, 0, 3);
    tcase_add_test(tcase, unannounced_body_is_refused_once_it_is_too_large);
    tcase_add_test(tcase, refused_client_may_finish_sending);
    tcase_add_test(tcase, refused_client_may_not_send_without_end);
    tcase_add_test(tcase, refused_client_is_not_listened_to_for_ever);
    tcase_add_loop_test(tcase, host_names_the_address_and_port_that_was_connected_to, 0,
                        N_ELEMENTS(tcp_hosts));
    tcase_add_test(tcase, several_addresses_are_served);
    tcase_add_test(tcase, address_that_cannot_be_bound_leaves_nothing_behind);
    tcase_add_test(tcase, every_failing_allocation_of_the_start_is_reported);
    tcase_add_loop_test(tcase, failing_allocation_costs_one_request_at_most, 0,
                        N_ELEMENTS(fault_targets));
    tcase_add_test(tcase, connection_without_memory_is_closed);
    suite_add_tcase(suite, tcase);
    return suite;
}
