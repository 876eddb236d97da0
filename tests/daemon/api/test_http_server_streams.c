#include "daemon/api/http_body_stream.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/co/io.h"

#include "tests/daemon/api/http_front.h"
#include "tests/daemon/api/http_front_streams.h"
#include "tests/support/fault.h"

/* What libmicrohttpd may have received when it is suspended. */
enum { LARGEST_SLICE = BODY_STREAM_AHEAD + 16 * 1024 };

enum framing { BY_LENGTH, CHUNKED };

static void send_head(struct http_client *client, const char *path, enum framing framing,
                      size_t length)
{
    char text[256];
    char field[64];

    sprintf(field, framing == CHUNKED ? "Transfer-Encoding: chunked" : "Content-Length: %zu",
            length);
    sprintf(text, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", path, field);
    http_client_send(client, text);
}

/* Bytes first..first + n - 1 of the body, as a chunk if there are chunks. */
static void send_piece(struct http_client *client, enum framing framing, size_t first, size_t n)
{
    char size[32];

    sprintf(size, "%zx\r\n", n);
    if (framing == CHUNKED)
        http_client_send(client, size);
    http_client_send_bytes(client, stream_bytes(first, n), n);
    if (framing == CHUNKED)
        http_client_send(client, "\r\n");
}

static void send_end(struct http_client *client, enum framing framing)
{
    if (framing == CHUNKED)
        http_client_send(client, "0\r\n\r\n");
}

static void assert_streamed(const struct http_reply *reply, size_t length)
{
    char text[32];

    sprintf(text, "%zu bytes", length);
    ck_assert_int_eq(reply->status, 200);
    ck_assert_str_eq(reply->body, text);
    ck_assert(!stream_seen.is_spoilt);
    ck_assert_int_le(stream_seen.largest, LARGEST_SLICE);
}

static const struct {
    enum framing framing;
    size_t length, piece;
} bodies[] = {
    {BY_LENGTH, 0, 1},
    {CHUNKED, 0, 1},
    {BY_LENGTH, 1, 1},
    {CHUNKED, 1, 1},
    {BY_LENGTH, 1000, 300},
    {CHUNKED, 1000, 1},
    {BY_LENGTH, BODY_STREAM_AHEAD, BODY_STREAM_AHEAD},
    {BY_LENGTH, BODY_STREAM_AHEAD + 1, 10000},
    {CHUNKED, 200000, 37},
    {CHUNKED, 200000, 70001},
    {BY_LENGTH, MAX_STREAM_BYTES, 1 << 20},
    {CHUNKED, MAX_STREAM_BYTES, 1 << 20},
};

static void send_body(struct http_client *client, enum framing framing, size_t length, size_t piece)
{
    for (size_t sent = 0; sent < length; sent += piece)
        send_piece(client, framing, sent, sent + piece < length ? piece : length - sent);
    send_end(client, framing);
}

CO_TEST(body_arrives_whole)
{
    front_start();
    struct http_client *client = front_open();
    for (int i = 0; i < 2; i++) {
        send_head(client, "/stream", bodies[_i].framing, bodies[_i].length);
        send_body(client, bodies[_i].framing, bodies[_i].length, bodies[_i].piece);
        assert_streamed(http_client_receive(client), bodies[_i].length);
    }
    ck_assert_str_eq(front_get(client, "/hello")->body, "hello");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(handler_starts_before_the_body_has_come)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", BY_LENGTH, 10);
    settle();
    ck_assert_uint_eq(stream_seen.n_started, 1);
    send_piece(client, BY_LENGTH, 0, 4);
    settle();
    ck_assert_uint_eq(stream_seen.n_bytes, 4);
    ck_assert_uint_eq(stream_seen.n_ended, 0);
    send_piece(client, BY_LENGTH, 4, 6);
    assert_streamed(http_client_receive(client), 10);
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* For 40 s, a piece a second. returns how much was sent before it was cut */
static size_t send_slowly(struct http_client *client, enum framing framing, size_t piece)
{
    size_t sent = 0;

    send_head(client, "/stream", framing, 40 * piece);
    while (sent < 40 * piece && now_ms() < 40000) {
        send_piece(client, framing, sent, piece);
        sent += piece;
        ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    }
    return sent;
}

CO_TEST(body_that_keeps_coming_may_take_its_time)
{
    front_start();
    struct http_client *client = front_open();
    size_t sent = send_slowly(client, (enum framing)_i, 500);
    send_end(client, (enum framing)_i);
    assert_streamed(http_client_receive(client), sent);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(body_that_crawls_on_and_on_is_cut)
{
    front_start();
    struct http_client *client = front_open();
    send_slowly(client, (enum framing)_i, 450);
    ck_assert_int_eq(http_client_receive(client)->status, 408);
    ck_assert_uint_eq(stream_seen.n_bytes, 10 * 450);
    ck_assert_int_eq(stream_seen.rc, -ECANCELED);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(body_that_stops_coming_is_cut)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", (enum framing)_i, 1000);
    send_piece(client, (enum framing)_i, 0, 100);
    ck_assert_int_eq(co_sleep(5 * CO_SECOND), 0);
    send_piece(client, (enum framing)_i, 100, 100);
    ck_assert_int_eq(http_client_receive(client)->status, 408);
    ck_assert_int_eq(now_ms(), 15000);
    http_client_close(client);
    settle();
    ck_assert_int_eq(stream_seen.rc, -ECANCELED);
    front_stop(NO_GRACE);
}

/* It was suspended with the last piece, and has its time again when it is not any more. */
CO_TEST(body_that_stops_coming_after_it_was_made_to_wait_is_cut)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/tardy/20000", BY_LENGTH, 1 << 20);
    send_piece(client, BY_LENGTH, 0, 1);
    settle();
    ck_assert_uint_eq(stream_seen.n_bytes, 1);
    send_piece(client, BY_LENGTH, 1, BODY_STREAM_AHEAD);
    ck_assert_int_eq(http_client_receive(client)->status, 408);
    ck_assert_int_eq(now_ms(), 20000 + 10000);
    ck_assert_uint_eq(stream_seen.n_bytes, 1 + BODY_STREAM_AHEAD);
    http_client_close(client);
    settle();
    ck_assert_int_eq(stream_seen.n_ended, 1);
    front_stop(NO_GRACE);
}

CO_TEST(body_that_never_starts_is_cut)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", BY_LENGTH, 1000);
    ck_assert_int_eq(http_client_receive(client)->status, 408);
    ck_assert_int_eq(now_ms(), 10000);
    ck_assert(http_client_is_closed(client));
    settle();
    ck_assert_int_eq(stream_seen.rc, -ECANCELED);
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* Longer than a request may take, and all of that is our doing. */
CO_TEST(client_waits_while_the_handler_is_behind)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/tardy/20000", BY_LENGTH, 1 << 20);
    send_body(client, BY_LENGTH, 1 << 20, 1 << 20);
    ck_assert_int_ge(now_ms(), 20000);
    assert_streamed(http_client_receive(client), 1 << 20);
    ck_assert_int_ge(now_ms(), (1 << 20) / LARGEST_SLICE * 20000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(others_are_served_meanwhile)
{
    front_start();
    struct http_client *client = front_open();
    struct http_client *other = front_open();
    send_head(client, "/tardy/1000", CHUNKED, 0);
    for (size_t i = 0; i < 5; i++) {
        send_piece(client, CHUNKED, i * 100, 100);
        ck_assert_str_eq(front_get(other, "/hello")->body, "hello");
    }
    send_end(client, CHUNKED);
    assert_streamed(http_client_receive(client), 500);
    http_client_close(client);
    http_client_close(other);
    front_stop(NO_GRACE);
}

CO_TEST(requests_behind_a_stream_are_answered_in_order)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client,
                     "POST /tardy/1000 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab"
                     "POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
                     "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_streamed(http_client_receive(client), 2);
    assert_streamed(http_client_receive(client), 3);
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_asks_first_is_told_to_continue)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                             "Expect: 100-continue\r\n\r\n");
    ck_assert_int_eq(http_client_receive(client)->status, 100);
    send_piece(client, BY_LENGTH, 0, 5);
    assert_streamed(http_client_receive(client), 5);
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* --- Answers before the end of the body ------------------------------------------------------- */

static const char *const early[] = {"/taste", "/glance", "/refuse"};

/* The client reads nothing before all is sent: a reset would lose it the answer. */
CO_TEST(early_answer_reaches_a_client_that_sends_on)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, early[_i], BY_LENGTH, 1 << 20);
    send_piece(client, BY_LENGTH, 0, 1000);
    settle();
    ck_assert_uint_eq(stream_seen.n_ended, 1);
    send_piece(client, BY_LENGTH, 1000, (1 << 20) - 1000);
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 200);
    ck_assert_uint_eq(strlen(reply->body), _i == 2 ? LONG_ANSWER_BYTES : 5);
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Connection"), "close\r\n", 7), 0);
    ck_assert(http_client_is_closed(client));
    ck_assert_int_eq(now_ms(), 0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(early_answer_reaches_a_client_that_was_made_to_wait)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/taste", CHUNKED, 0);
    send_piece(client, CHUNKED, 0, 1 << 20);
    ck_assert_str_eq(http_client_receive(client)->body, "hello");
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_sends_on_for_ever_is_closed)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/glance", CHUNKED, 0);
    while (co_write(client->fd, "1\r\nx\r\n", 6) == 6)
        ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    ck_assert_int_le(now_ms(), 6000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(answer_without_reading_keeps_a_connection_whose_body_has_come)
{
    front_start();
    struct http_client *client = front_open();
    for (int i = 0; i < 3; i++) {
        http_client_send(client, "POST /glance HTTP/1.1\r\nHost: localhost\r\n"
                                 "Content-Length: 5\r\n\r\nabcde");
        ck_assert_str_eq(http_client_receive(client)->body, "hello");
    }
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* --- Bodies that are not what they should be -------------------------------------------------- */

CO_TEST(body_that_is_announced_too_large_starts_no_handler)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", BY_LENGTH, MAX_STREAM_BYTES + 1);
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 413);
    ck_assert_ptr_nonnull(strstr(reply->body, "api.max_job_bytes: 4194304 bytes"));
    ck_assert(http_client_is_closed(client));
    ck_assert_uint_eq(stream_seen.n_started, 0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(body_that_grows_too_large_is_refused)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, _i == 0 ? "/stream" : "/tardy/100", CHUNKED, 0);
    send_body(client, CHUNKED, MAX_STREAM_BYTES + 1, 500000);
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 413);
    ck_assert_ptr_nonnull(strstr(reply->body, "api.max_job_bytes: 4194304 bytes"));
    ck_assert(http_client_is_closed(client));
    ck_assert_int_eq(stream_seen.rc, -EMSGSIZE);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(what_follows_an_announced_length_is_the_next_request)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client,
                     "POST /stream HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Length: 3\r\n\r\nabcde / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_streamed(http_client_receive(client), 3);
    ck_assert_int_eq(http_client_receive(client)->status, 501);
    http_client_close(client);
    front_stop(NO_GRACE);
}

static const char *const broken_chunks[] = {
    "x\r\n", "3\r\nabcd\r\n", "-1\r\n", "\r\n", "10000000000000000\r\n", "3\r\nabc5\r\n",
};

CO_TEST(broken_chunk_is_no_end)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", CHUNKED, 0);
    send_piece(client, CHUNKED, 0, 10);
    http_client_send(client, broken_chunks[_i]);
    http_client_drain(client);
    settle();
    ck_assert_int_eq(stream_seen.rc, -ECANCELED);
    ck_assert_uint_eq(stream_seen.n_ended, 1);
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* --- Clients that leave ----------------------------------------------------------------------- */

static const struct {
    const char *path;
    enum framing framing;
    size_t sent; /* of 1 MiB; more is not taken while the handler does not read */
} cuts[] = {
    {"/stream", BY_LENGTH, 0},          {"/stream", CHUNKED, 0},
    {"/stream", BY_LENGTH, 100000},     {"/stream", CHUNKED, 100000},
    {"/tardy/100000", BY_LENGTH, 1000}, {"/tardy/100000", BY_LENGTH, 150000},
    {"/tardy/100000", CHUNKED, 150000},
};

static void cut(int i, bool by_closing)
{
    front_start();
    struct http_client *client = front_open();
    send_head(client, cuts[i].path, cuts[i].framing, 1 << 20);
    if (cuts[i].sent > 0)
        send_piece(client, cuts[i].framing, 0, cuts[i].sent);
    settle();
    ck_assert_uint_eq(stream_seen.n_ended, 0);
    if (!by_closing) {
        shutdown(client->fd, SHUT_WR);
        ck_assert(http_client_is_closed(client));
    }
    http_client_close(client);
    settle();
    ck_assert_uint_eq(stream_seen.n_ended, 1);
    ck_assert_uint_eq(stream_seen.n_whole, 0);
    ck_assert_int_eq(now_ms(), 0);
    front_stop(NO_GRACE);
}

CO_TEST(client_that_leaves_cancels_its_handler)
{
    cut(_i, true);
}

CO_TEST(client_that_ends_its_sending_cancels_its_handler)
{
    cut(_i, false);
}

CO_TEST(client_that_leaves_at_once_cancels_its_handler)
{
    front_start();
    for (size_t sent = 0; sent < 300000; sent += 50000) {
        struct http_client *client = front_open();
        send_head(client, "/stream", BY_LENGTH, 1 << 20);
        send_piece(client, BY_LENGTH, 0, sent < 100000 ? sent : 100000);
        http_client_close(client);
    }
    ck_assert_int_eq(co_sleep(2 * CO_SECOND), 0);
    ck_assert_uint_eq(stream_seen.n_ended, stream_seen.n_started);
    ck_assert_uint_eq(stream_seen.n_whole, 0);
    front_stop(NO_GRACE);
}

/* More than the sockets hold is on its way back. */
CO_TEST(answer_may_be_read_slowly)
{
    static char seen[1 << 20];
    size_t n = 0;

    front_start();
    struct http_client *client = front_open();
    send_head(client, "/mirror", BY_LENGTH, sizeof(seen));
    send_body(client, BY_LENGTH, sizeof(seen), sizeof(seen));
    ck_assert_int_eq(http_client_receive_head(client)->status, 200);
    memcpy(seen, client->in, n = client->n);
    while (n < sizeof(seen)) {
        ck_assert_int_eq(co_sleep(CO_SECOND), 0);
        ssize_t more = co_read(client->fd, seen + n, sizeof(seen) - n);
        ck_assert_int_gt(more, 0);
        n += (size_t)more;
    }
    ck_assert_mem_eq(seen, stream_bytes(0, sizeof(seen)), sizeof(seen));
    http_client_close(client);
    front_stop(NO_GRACE);
}

/* --- The end of the server -------------------------------------------------------------------- */

static int stop_later(void *arg, void **result)
{
    (void)result;
    front_stop(*(co_time *)arg);
    return 0;
}

static struct co_task *stop_within(co_time *grace)
{
    struct co_task *task;

    assert_ok(co_create_task("stop", stop_later, grace, &task));
    settle();
    return task;
}

CO_TEST(stop_waits_for_a_body_that_is_on_its_way)
{
    co_time grace = 5 * CO_SECOND;

    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", BY_LENGTH, 100);
    send_piece(client, BY_LENGTH, 0, 50);
    settle();
    struct co_task *task = stop_within(&grace);
    ck_assert_int_eq(co_sleep(CO_SECOND), 0);
    send_piece(client, BY_LENGTH, 50, 50);
    assert_streamed(http_client_receive(client), 100);
    ck_assert(http_client_is_closed(client));
    http_client_close(client);
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
}

CO_TEST(stop_cuts_a_body_that_takes_longer_than_the_grace)
{
    co_time grace = 5 * CO_SECOND;

    front_start();
    struct http_client *client = front_open();
    send_head(client, "/stream", (enum framing)_i, 1 << 20);
    send_piece(client, (enum framing)_i, 0, 50);
    settle();
    struct co_task *task = stop_within(&grace);
    const struct http_reply *reply = http_client_receive(client);
    ck_assert_int_eq(reply->status, 503);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"shutting_down\""));
    ck_assert_int_eq(now_ms(), 5000);
    ck_assert_int_eq(stream_seen.rc, -ECANCELED);
    http_client_close(client);
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* An answer, or a closed connection: and the server lives on. */
static bool stream_meets_a_fault(void (*arm)(size_t n), size_t n, const char *path)
{
    struct http_client *client = front_open();

    settle();
    arm(n);
    send_head(client, path, CHUNKED, 0);
    send_body(client, CHUNKED, 100000, 30000);
    const struct http_reply *reply = http_client_receive(client);
    bool has_failed = fault_disarm();
    ck_assert(has_failed || reply->status == 200);
    ck_assert(reply->status != 200 || !stream_seen.is_spoilt);
    http_client_close(client);
    settle();
    ck_assert_uint_eq(stream_seen.n_ended, stream_seen.n_started);
    return has_failed;
}

CO_TEST(failing_allocation_costs_one_stream_at_most)
{
    const char *path = _i == 0 ? "/stream" : "/taste";

    front_start();
    for (size_t n = 1; stream_meets_a_fault(fault_arm, n, path); n++)
        continue;
    for (size_t n = 1; stream_meets_a_fault(fault_arm_sticky, n, path); n++)
        continue;
    front_stop(NO_GRACE);
}

Suite *suite_http_server_streams(void);

Suite *suite_http_server_streams(void)
{
    Suite *suite = suite_create("http_server_streams");
    TCase *tcase = tcase_create("http_server_streams");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_loop_test(tcase, body_arrives_whole, 0, N_ELEMENTS(bodies));
    tcase_add_test(tcase, handler_starts_before_the_body_has_come);
    tcase_add_loop_test(tcase, body_that_keeps_coming_may_take_its_time, 0, 2);
    tcase_add_loop_test(tcase, body_that_crawls_on_and_on_is_cut, 0, 2);
    tcase_add_loop_test(tcase, body_that_stops_coming_is_cut, 0, 2);
    tcase_add_test(tcase, body_that_stops_coming_after_it_was_made_to_wait_is_cut);
    tcase_add_test(tcase, body_that_never_starts_is_cut);
    tcase_add_test(tcase, client_waits_while_the_handler_is_behind);
    tcase_add_test(tcase, others_are_served_meanwhile);
    tcase_add_test(tcase, requests_behind_a_stream_are_answered_in_order);
    tcase_add_test(tcase, client_that_asks_first_is_told_to_continue);
    tcase_add_loop_test(tcase, early_answer_reaches_a_client_that_sends_on, 0, N_ELEMENTS(early));
    tcase_add_test(tcase, early_answer_reaches_a_client_that_was_made_to_wait);
    tcase_add_test(tcase, client_that_sends_on_for_ever_is_closed);
    tcase_add_test(tcase, answer_without_reading_keeps_a_connection_whose_body_has_come);
    tcase_add_test(tcase, body_that_is_announced_too_large_starts_no_handler);
    tcase_add_loop_test(tcase, body_that_grows_too_large_is_refused, 0, 2);
    tcase_add_test(tcase, what_follows_an_announced_length_is_the_next_request);
    tcase_add_loop_test(tcase, broken_chunk_is_no_end, 0, N_ELEMENTS(broken_chunks));
    tcase_add_loop_test(tcase, client_that_leaves_cancels_its_handler, 0, N_ELEMENTS(cuts));
    tcase_add_loop_test(tcase, client_that_ends_its_sending_cancels_its_handler, 0,
                        N_ELEMENTS(cuts));
    tcase_add_test(tcase, client_that_leaves_at_once_cancels_its_handler);
    tcase_add_test(tcase, answer_may_be_read_slowly);
    tcase_add_test(tcase, stop_waits_for_a_body_that_is_on_its_way);
    tcase_add_loop_test(tcase, stop_cuts_a_body_that_takes_longer_than_the_grace, 0, 2);
    tcase_add_loop_test(tcase, failing_allocation_costs_one_stream_at_most, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
