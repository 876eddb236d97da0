#include "daemon/api/http_server.h"

#include <check.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"

#define AND_A_SECOND "GET /say/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HOST         "Host: localhost\r\n"
#define BYTES(text)  text, sizeof(text) - 1

/* A status of 0: the connection is closed without an answer. A code of NULL: libmicrohttpd's
 * answer. */
static const struct {
    const char *request;
    size_t length;
    int status;
    const char *code;
} bad_requests[] = {
    {BYTES("GET /hello HTTP/1.1\r\n\r\n"), 400, "bad_host"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST HOST "\r\n"), 400, "bad_host"},
    {BYTES("GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403, "foreign_host"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n"), 403,
     "foreign_origin"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\n\r\n"), 403,
     "foreign_origin"},

    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
           "0\r\n\r\n" AND_A_SECOND),
     400, "ambiguous_length"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 50\r\n\r\n" //
           AND_A_SECOND),
     400, "several_content_lengths"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde" //
           AND_A_SECOND),
     400, "several_content_lengths"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST
           "Content-Type: text/plain\r\ncontent-type: text/plain\r\nContent-Length: 0\r\n\r\n"),
     400, "repeated_header"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST
           "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 0\r\n\r\n"),
     400, "repeated_header"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "Last-Event-ID: 1\r\nLast-Event-ID: 2\r\n\r\n"), 400,
     "repeated_header"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n" AND_A_SECOND), 400,
     "bad_header_name"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400,
     "bad_header_name"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501,
     "unsupported_transfer_encoding"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501,
     "unsupported_transfer_encoding"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     501, "unsupported_transfer_encoding"},
    {BYTES("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
     "ambiguous_length"},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nabcde"), 400, NULL},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nabcde"), 400, NULL},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"), 400, NULL},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc"), 400, NULL},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"), 413,
     NULL},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400, NULL},
    {BYTES("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
           "fffffffffffffffff\r\n"),
     413, NULL},

    {BYTES("GET /hello HTTP/1.1\r\n" HOST "X: folded\r\n value\r\n\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "X: last one folded\r\n\tvalue\r\n\r\n"), 400,
     "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\n" HOST "\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\nHost: localhost\n\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "X: nul\0 and more\r\n\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "X: \0\r\n\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\nHost: localhost\0evil\r\n\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello\0/evil HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello?\0 HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed_head"},
    {BYTES("GET\0 /hello HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed_head"},
    {BYTES("GET  /hello HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed_head"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "X\0: y\r\n\r\n"), 400, NULL},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "X: bare\rreturn\r\n\r\n"), 400, "bad_header_value"},
    {BYTES("GET /hello HTTP/1.1\r\n: empty name\r\n" HOST "\r\n"), 400, "bad_header_name"},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST ": empty name\r\n" AND_A_SECOND), 400,
     "malformed_head"}, /* 0.9.75 takes that line for the end of the head */
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "no colon\r\n\r\n"), 400, NULL},
    {BYTES("GET /hello HTTP/1.1\r\n leading: space\r\n" HOST "\r\n"), 400, "bad_header_name"},

    {BYTES("GET /hello%00 HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_target"},
    {BYTES("GET /say/a%00b HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_target"},
    {BYTES("GET /hello?%00 HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_target"},
    {BYTES("GET /say/a%2Fb HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_path"},
    {BYTES("GET /say/../hello HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_path"},
    {BYTES("GET /say/%2e%2E HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_path"},
    {BYTES("GET /say/a b HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_target"},
    {BYTES("GET http://evil.example/hello HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_host"},
    {BYTES("GET http://evil.example/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403,
     "foreign_host"},
    {BYTES("GET hello HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_target"},
    {BYTES("CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n"), 400, "bad_target"},

    {BYTES("BREW /hello HTTP/1.1\r\n" HOST "\r\n"), 501, "unknown_method"},
    {BYTES("get /hello HTTP/1.1\r\n" HOST "\r\n"), 501, "unknown_method"},
    {BYTES("GET /hello HTTP/1.2\r\n" HOST "\r\n"), 505, "http_version_not_supported"},
    {BYTES("GET /hello HTTP/2.0\r\n" HOST "\r\n"), 505, NULL},
    {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, NULL},
    {BYTES("GET /hello\r\n\r\n"), 400, NULL},
    {BYTES("GET /hello HTTP/1.1\r\n" HOST "Expect: the-moon\r\n\r\n"), 417,
     "unsupported_expectation"},
    {BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"), 400, NULL},
    {BYTES("nonsense\r\n\r\n"), 0, NULL},
};

static void assert_refused(const struct http_reply *reply, int status, const char *code)
{
    char expected[64];

    /* It refuses more by itself, and some without a word. */
    if (MHD_VERSION >= 0x01000000 && strstr(reply->head, "problem+json") == NULL) {
        ck_assert(reply->status == 0 || reply->status >= 400);
        return;
    }
    ck_assert_int_eq(reply->status, status);
    if (code == NULL)
        return;
    sprintf(expected, "\"code\":\"%s\"", code);
    ck_assert_msg(strstr(reply->body, expected) != NULL, "%s", reply->body);
    ck_assert_ptr_nonnull(strstr(reply->head, "Content-Type: application/problem+json\r\n"));
    ck_assert_ptr_nonnull(strstr(reply->head, "X-Content-Type-Options: nosniff\r\n"));
}

CO_TEST(bad_request_is_refused_and_its_connection_closed)
{
    front_start();
    struct http_client *client = front_open();
    struct http_client *other = front_open();
    http_client_send_bytes(client, bad_requests[_i].request, bad_requests[_i].length);
    const struct http_reply *reply = http_client_receive(client);

    assert_refused(reply, bad_requests[_i].status, bad_requests[_i].code);
    http_client_drain(client); /* 0.9.75 sends some of its heads twice */
    ck_assert_uint_eq(front_seen.n_called, 0);
    ck_assert_str_eq(front_get(other, "/hello")->body, "hello");
    http_client_close(client);
    http_client_close(other);
    front_stop(NO_GRACE);
}

static const struct {
    const char *before, *after;
    int status;
} long_requests[] = {
    {"GET /hello?", " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414},
    {"GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ", "\r\n\r\n", 431},
};

CO_TEST(head_has_a_limit)
{
    static const char text[20001] = {[0 ... 19999] = 'x'};

    front_start();
    struct http_client *client = front_open();
    http_client_send(client, long_requests[_i].before);
    http_client_send(client, text);
    http_client_send(client, long_requests[_i].after);
    ck_assert_int_eq(http_client_receive(client)->status, long_requests[_i].status);
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* As large as may be, in pieces, so that libmicrohttpd's buffer grows under it. */
CO_TEST(large_head_is_read_whole)
{
    char field[1000];

    front_start();
    struct http_client *client = front_open();
    for (int round = 0; round < 2; round++) {
        http_client_send(client, "GET /hello HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; c=d\r\n");
        for (int i = 0; i < 10; i++) {
            sprintf(field, "X-%d: %0900d\r\n", i, i);
            http_client_send(client, field);
            settle();
        }
        http_client_send(client, "\r\n");
        ck_assert_int_eq(http_client_receive(client)->status, 200);
    }
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(number_of_fields_has_a_limit)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "GET /hello HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 100; i++)
        http_client_send(client, "X: y\r\n");
    http_client_send(client, "\r\n");
    ck_assert_int_eq(http_client_receive(client)->status, 431);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(white_space_and_empty_values_do_no_harm)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "\r\nGET /hello HTTP/1.1\r\nHost: \t localhost\r\n"
                             "X-Empty:\r\nX-Blank: \t \r\nX-Colons: a:b:c\r\n\r\n");
    ck_assert_int_eq(http_client_receive(client)->status, 200);
    http_client_close(client);
    front_stop(NO_GRACE);
}

Suite *suite_http_server_heads(void);

Suite *suite_http_server_heads(void)
{
    Suite *suite = suite_create("http_server_heads");
    TCase *tcase = tcase_create("http_server_heads");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_loop_test(tcase, bad_request_is_refused_and_its_connection_closed, 0,
                        N_ELEMENTS(bad_requests));
    tcase_add_loop_test(tcase, head_has_a_limit, 0, N_ELEMENTS(long_requests));
    tcase_add_test(tcase, large_head_is_read_whole);
    tcase_add_test(tcase, number_of_fields_has_a_limit);
    tcase_add_test(tcase, white_space_and_empty_values_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
