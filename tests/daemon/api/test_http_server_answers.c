#include "daemon/api/http_answer_stream.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"
#include "tests/daemon/api/http_front_answers.h"

/* What the kernel keeps for a reader that does not read, and libmicrohttpd. */
enum { KERNEL_BYTES = 1024 * 1024 };

static void read_more(struct http_client *client)
{
    ck_assert_uint_lt(client->n, sizeof(client->in) - 1);
    ssize_t n = co_read(client->fd, client->in + client->n, sizeof(client->in) - 1 - client->n);
    ck_assert_int_gt(n, 0);
    client->n += (size_t)n;
    client->in[client->n] = '\0';
}

static void drop(struct http_client *client, size_t n)
{
    client->n -= n;
    memmove(client->in, client->in + n, client->n + 1);
}

/* The size of the next chunk, whose line is taken. */
static size_t read_chunk_size(struct http_client *client)
{
    const char *end;

    while ((end = strstr(client->in, "\r\n")) == NULL)
        read_more(client);
    size_t size = strtoul(client->in, NULL, 16);
    drop(client, (size_t)(end - client->in) + 2);
    return size;
}

static bool is_right(const char *bytes, size_t n, uint64_t position)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != front_byte(position + i))
            return false;
    return true;
}

/* Reads n bytes of a body that begin at position. */
static void read_bytes(struct http_client *client, uint64_t position, size_t n)
{
    while (n > 0) {
        if (client->n == 0)
            read_more(client);
        size_t part = client->n < n ? client->n : n;
        ck_assert(is_right(client->in, part, position));
        drop(client, part);
        position += part;
        n -= part;
    }
}

static void read_line_end(struct http_client *client)
{
    while (client->n < 2)
        read_more(client);
    ck_assert_int_eq(strncmp(client->in, "\r\n", 2), 0);
    drop(client, 2);
}

/* Reads chunks up to the end. returns how many bytes were in them */
static uint64_t read_chunks(struct http_client *client)
{
    uint64_t length = 0;

    for (;;) {
        size_t size = read_chunk_size(client);
        read_bytes(client, length, size);
        read_line_end(client);
        if (size == 0)
            return length;
        length += size;
    }
}

static const struct http_reply *begin(struct http_client *client, const char *target)
{
    char text[64];

    sprintf(text, "GET %s", target);
    front_request(client, text);
    const struct http_reply *reply = http_client_receive_head(client);
    ck_assert_int_eq(reply->status, 200);
    return reply;
}

static const uint64_t lengths[] = {0, 1, 9999, 10000, 10001, 64 * 1024, 1000000};

CO_TEST(stream_arrives_whole_and_the_connection_lives_on)
{
    char target[64];

    front_start();
    struct http_client *client = front_open();
    sprintf(target, "/flow/%d", (int)lengths[_i]);
    for (int i = 0; i < 2; i++) {
        const struct http_reply *reply = begin(client, target);
        ck_assert_int_eq(strncmp(http_reply_header(reply, "Transfer-Encoding"), "chunked", 7), 0);
        ck_assert_uint_eq(read_chunks(client), lengths[_i]);
        ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    }
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(piece_is_sent_when_it_is_written)
{
    front_start();
    struct http_client *client = front_open();
    begin(client, "/drip/3");
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(read_chunk_size(client), 10);
        read_bytes(client, (uint64_t)i * 10, 10);
        read_line_end(client);
        ck_assert_int_eq(now_ms(), (i + 1) * 1000);
    }
    ck_assert_uint_eq(read_chunk_size(client), 0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(slow_client_is_not_fed)
{
    front_start();
    struct http_client *client = front_open();
    begin(client, "/flow/4000000");
    settle();
    uint64_t n_written = answers_seen.n_written;
    ck_assert_uint_lt(n_written, ANSWER_STREAM_BYTES + KERNEL_BYTES);
    ck_assert_int_eq(co_sleep(10 * CO_SECOND), 0);
    ck_assert_uint_eq(answers_seen.n_written, n_written);
    ck_assert_uint_eq(read_chunks(client), 4000000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(handler_that_fails_breaks_the_connection_off)
{
    front_start();
    struct http_client *client = front_open();
    begin(client, "/break/10");
    size_t size = read_chunk_size(client);
    read_bytes(client, 0, size);
    read_line_end(client);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(handler_is_cancelled_when_the_client_leaves)
{
    static const char *const targets[] = {"/endless", "/drip/100", "/flow/4000000"};

    front_start();
    struct http_client *client = front_open();
    begin(client, targets[_i]);
    settle();
    http_client_close(client);
    settle();
    ck_assert_uint_eq(answers_seen.n_ended, 1);
    ck_assert_int_eq(answers_seen.rc, -ECANCELED);
    front_stop(NO_GRACE);
}

CO_TEST(head_gets_no_stream)
{
    front_start();
    struct http_client *client = front_open();
    front_request(client, "HEAD /endless");
    ck_assert_int_eq(http_client_receive_head(client)->status, 200);
    ck_assert_uint_eq(answers_seen.n_ended, 1);
    ck_assert_uint_eq(answers_seen.n_written, 0);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(client_without_chunks_has_the_connection_closed_behind_its_stream)
{
    uint64_t length = 0;

    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "GET /flow/100000 HTTP/1.0\r\nHost: localhost\r\n\r\n");
    const struct http_reply *reply = http_client_receive_head(client);
    ck_assert_int_eq(reply->status, 200);
    ck_assert_str_eq(http_reply_header(reply, "Transfer-Encoding"), "");
    while (client->n > 0 || !http_client_is_closed(client)) {
        size_t n = client->n;
        read_bytes(client, length, n);
        length += n;
    }
    ck_assert_uint_eq(length, 100000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(next_request_may_come_before_the_stream_has_ended)
{
    front_start();
    struct http_client *client = front_open();
    begin(client, "/drip/2");
    front_request(client, "GET /hello");
    ck_assert_uint_eq(read_chunks(client), 20);
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* --- The end of the server -------------------------------------------------------------------- */

static int stop(void *arg, void **result)
{
    (void)result;
    front_stop(*(co_time *)arg);
    return 0;
}

CO_TEST(endless_stream_ends_cleanly_as_soon_as_the_server_stops)
{
    co_time grace = 60 * CO_SECOND;
    struct co_task *task;

    front_start();
    struct http_client *client = front_open();
    begin(client, "/endless");
    settle();
    assert_ok(co_create_task("stop", stop, &grace, &task));
    ck_assert_uint_eq(read_chunks(client), 10);
    ck_assert(http_client_is_closed(client));
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    ck_assert_int_eq(now_ms(), 0);
    http_client_close(client);
}

CO_TEST(stream_that_ends_by_itself_has_the_grace)
{
    co_time grace = 60 * CO_SECOND;
    struct co_task *task;

    front_start();
    struct http_client *client = front_open();
    begin(client, "/drip/5");
    settle();
    assert_ok(co_create_task("stop", stop, &grace, &task));
    ck_assert_uint_eq(read_chunks(client), 50);
    ck_assert(http_client_is_closed(client));
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    ck_assert_int_eq(now_ms(), 5000);
    http_client_close(client);
}

/* --- Many ------------------------------------------------------------------------------------- */

enum { N_CLIENTS = 300 };

CO_TEST(streams_of_many_clients_all_arrive)
{
    static struct http_client *clients[N_CLIENTS];

    front_options.max_connections = N_CLIENTS;
    front_start();
    for (int i = 0; i < N_CLIENTS; i++) {
        clients[i] = front_open();
        front_request(clients[i], "GET /drip/3");
    }
    for (int i = 0; i < N_CLIENTS; i++) {
        ck_assert_int_eq(http_client_receive_head(clients[i])->status, 200);
        while (strstr(clients[i]->in, "\r\n0\r\n\r\n") == NULL)
            read_more(clients[i]);
        http_client_close(clients[i]);
    }
    ck_assert_uint_eq(answers_seen.n_ended, N_CLIENTS);
    front_stop(NO_GRACE);
}

static void set_up(void)
{
    front_set_up();
    memset(&answers_seen, 0, sizeof(answers_seen));
}

Suite *suite_http_server_answers(void);

Suite *suite_http_server_answers(void)
{
    Suite *suite = suite_create("http_server_answers");
    TCase *tcase = tcase_create("http_server_answers");

    tcase_add_checked_fixture(tcase, set_up, front_tear_down);
    tcase_add_loop_test(tcase, stream_arrives_whole_and_the_connection_lives_on, 0,
                        N_ELEMENTS(lengths));
    tcase_add_test(tcase, piece_is_sent_when_it_is_written);
    tcase_add_test(tcase, slow_client_is_not_fed);
    tcase_add_test(tcase, handler_that_fails_breaks_the_connection_off);
    tcase_add_loop_test(tcase, handler_is_cancelled_when_the_client_leaves, 0, 3);
    tcase_add_test(tcase, head_gets_no_stream);
    tcase_add_test(tcase, client_without_chunks_has_the_connection_closed_behind_its_stream);
    tcase_add_test(tcase, next_request_may_come_before_the_stream_has_ended);
    tcase_add_test(tcase, endless_stream_ends_cleanly_as_soon_as_the_server_stops);
    tcase_add_test(tcase, stream_that_ends_by_itself_has_the_grace);
    tcase_add_test(tcase, streams_of_many_clients_all_arrive);
    suite_add_tcase(suite, tcase);
    return suite;
}
