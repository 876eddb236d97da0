#include "daemon/api/http_server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"

static bool is_right(const char *bytes, size_t n, uint64_t position)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != front_byte(position + i))
            return false;
    return true;
}

static void read_much(struct http_client *client, uint64_t length, co_time pause)
{
    const struct http_reply *reply = http_client_receive_head(client);
    uint64_t position = 0;

    ck_assert_int_eq(reply->status, 200);
    ck_assert_uint_eq(strtoull(http_reply_header(reply, "Content-Length"), NULL, 10), length);
    while (position < length) {
        ck_assert(is_right(client->in, client->n, position));
        position += client->n;
        client->n = 0;
        if (position == length)
            break;
        ck_assert_int_eq(co_sleep(pause), 0);
        ssize_t n = co_read(client->fd, client->in, sizeof(client->in) - 1);
        ck_assert_int_gt(n, 0);
        client->n = (size_t)n;
    }
    client->in[0] = '\0';
}

CO_TEST(source_is_read_as_fast_as_the_client_reads)
{
    front_start();
    struct http_client *client = front_open();
    for (unsigned i = 1; i <= 2; i++) {
        front_request(client, "GET /much/5000000");
        read_much(client, 5000000, 10 * CO_MILLISECOND);
        ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
        ck_assert_uint_eq(front_seen.n_done, i);
    }
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(source_that_fails_breaks_the_connection_off)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "GET /much/5000000 HTTP/1.1\r\nHost: localhost\r\nX-Break: 1\r\n\r\n");
    ck_assert_int_eq(http_client_receive_head(client)->status, 200);
    ssize_t n;
    do
        n = co_read(client->fd, client->in, sizeof(client->in) - 1);
    while (n > 0);
    ck_assert_int_le(n, 0);
    ck_assert_uint_eq(front_seen.n_done, 1);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(source_is_done_when_the_client_leaves_in_the_middle)
{
    front_start();
    struct http_client *client = front_open();
    front_request(client, "GET /much/5000000");
    ck_assert_int_eq(http_client_receive_head(client)->status, 200);
    ck_assert_uint_eq(front_seen.n_done, 0);
    http_client_close(client);
    settle();
    ck_assert_uint_eq(front_seen.n_done, 1);
    front_stop(NO_GRACE);
}

CO_TEST(head_of_a_source_is_answered_without_reading_it)
{
    front_start();
    struct http_client *client = front_open();
    front_request(client, "HEAD /much/5000000");
    const struct http_reply *reply = http_client_receive_head(client);
    ck_assert_int_eq(atoi(http_reply_header(reply, "Content-Length")), 5000000);
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    ck_assert_uint_eq(front_seen.n_done, 1);
    http_client_close(client);
    front_stop(NO_GRACE);
}

Suite *suite_http_server_sources(void);

Suite *suite_http_server_sources(void)
{
    Suite *suite = suite_create("http_server_sources");
    TCase *tcase = tcase_create("http_server_sources");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, source_is_read_as_fast_as_the_client_reads);
    tcase_add_test(tcase, source_that_fails_breaks_the_connection_off);
    tcase_add_test(tcase, source_is_done_when_the_client_leaves_in_the_middle);
    tcase_add_test(tcase, head_of_a_source_is_answered_without_reading_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
