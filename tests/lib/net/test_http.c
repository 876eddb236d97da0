#include "lib/net/http.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define HERE "http://127.0.0.1:@/"

static const struct fake_name names[] = {
    {.name = "origin.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "twice.test", .addresses = {"127.0.0.2", "127.0.0.1"}, .ttl = 60},
    {0},
};

static const char *header(const struct net *net, const char *name)
{
    for (size_t i = 0; i < net->response.n_headers; i++)
        if (strcasecmp(net->response.headers[i].name, name) == 0)
            return net->response.headers[i].value;
    return NULL;
}

/* --- Receiving ----------------------------------------------------------------------------- */

NET_TEST(a_response_has_status_headers_and_body)
{
    net->origin.reply = "HTTP/1.1 203 Fine\r\nContent-Length: 5\r\nX-One:  a b \r\nx-one: c\r\n"
                        "X-Empty:\r\n\r\nhello";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.status, 203);
    ck_assert_int_eq(net->response.http_version, 11);
    ck_assert_uint_eq(net->response.n_headers, 4);
    ck_assert_str_eq(net->response.headers[0].name, "content-length");
    ck_assert_str_eq(net->response.headers[1].value, "a b");
    ck_assert_str_eq(net->response.headers[2].name, "x-one");
    ck_assert_str_eq(net->response.headers[2].value, "c");
    ck_assert_str_eq(net->response.headers[3].value, "");
    ck_assert_str_eq(net->response.body, "hello");
    ck_assert_uint_eq(net->response.body_length, 5);
    ck_assert_uint_eq(net->response.decoded_bytes, 5);
    ck_assert_uint_eq(net->response.encoded_bytes, 5);
    ck_assert(!net->response.body_truncated);
}

NET_TEST(a_response_of_http_1_0_ends_with_its_connection)
{
    net->origin.reply = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.http_version, 10);
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert(!net->response.reused);
}

NET_TEST(a_folded_header_goes_on_in_one_line)
{
    net->origin.reply =
        "HTTP/1.1 200 OK\r\nX: one\r\n  two\r\n\tthree \r\nContent-Length: 0\r\n\r\n";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_str_eq(header(net, "x"), "one two three");
    ck_assert_str_eq(header(net, "content-length"), "0");
}

/* A handle that is used again must not take it for more of the header it had last. */
NET_TEST(what_begins_with_a_folded_line_is_no_response)
{
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\n folded: yes\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\tfolded: yes\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n folded: yes\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
        "0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\n folded: yes\r\nContent-Length: 0\r\n\r\n",
    };

    for (size_t i = 0; i < N_ELEMENTS(replies); i++) {
        net->origin.reply = "HTTP/1.1 200 OK\r\nX: one\r\nContent-Length: 0\r\n\r\n";
        fetch(net, HERE, (struct co_http_request){0});
        assert_success(net);
        net->origin.reply = replies[i];
        fetch(net, HERE, (struct co_http_request){0});
        ck_assert_int_eq(net->response.error, CO_HTTP_PARSE_ERROR);
    }
}

/* libcurl shows it in pieces, and none but the first begins a line. */
NET_TEST(a_line_with_many_blanks_is_not_folded)
{
    static char reply[50000];

    snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nX: one%*stwo\r\nContent-Length: 0\r\n\r\n",
             40000, "");
    net->origin.reply = reply;
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_uint_eq(strlen(header(net, "x")), strlen("onetwo") + 40000);
}

NET_TEST(a_bare_return_in_a_header_is_a_blank)
{
    net->origin.reply =
        "HTTP/1.1 200 OK\r\nX: one\rY: two\r\n three\rfour\r\nContent-Length: 0\r\n\r\n";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_str_eq(header(net, "x"), "one Y: two three four");
    ck_assert_uint_eq(net->response.n_headers, 2);
}

NET_TEST(a_body_comes_in_chunks_and_trailers_are_no_headers)
{
    net->origin.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 1\r\n\r\n";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_str_eq(net->response.body, "abcdefg");
    ck_assert_uint_eq(net->response.n_headers, 1);
    fetch(net, HERE, (struct co_http_request){0});
    ck_assert(net->response.reused);
}

NET_TEST(an_interim_response_is_not_the_response)
{
    net->origin.reply = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                        "HTTP/1.1 100 Continue\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.status, 200);
    ck_assert_uint_eq(net->response.n_headers, 1);
    ck_assert_str_eq(net->response.body, "ok");
}

static const unsigned char gzip_of_100_a[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
                                              0x02, 0x03, 0x4b, 0x4c, 0xa4, 0x3d, 0x00, 0x00,
                                              0x64, 0x7a, 0x70, 0xaf, 0x64, 0x00, 0x00, 0x00};

static void answer_gzip(struct fake_origin *origin, int fd)
{
    char head[128];

    while (fake_origin_receive(origin, fd)) {
        sprintf(head, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                sizeof(gzip_of_100_a));
        fake_origin_send(fd, head);
        fake_origin_send_bytes(fd, gzip_of_100_a, sizeof(gzip_of_100_a));
    }
}

NET_TEST(an_encoded_body_is_asked_for_and_decoded)
{
    const struct co_http_header header = {"Accept-Encoding", co_http_encodings()};

    net->origin.talk = answer_gzip;
    fetch(net, HERE, (struct co_http_request){.headers = &header, .n_headers = 1});
    assert_success(net);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\nAccept-Encoding: gzip"));
    ck_assert_uint_eq(net->response.encoded_bytes, sizeof(gzip_of_100_a));
    ck_assert_uint_eq(net->response.decoded_bytes, 100);
    ck_assert_uint_eq(strspn(net->response.body, "a"), 100);
}

static const struct {
    size_t capture_bytes, body_length;
    bool is_truncated;
} captures[] = {{1, 1, true}, {4, 4, true}, {5, 5, false}, {6, 5, false}};

NET_TEST(a_body_is_captured_up_to_the_limit)
{
    net->origin.reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    fetch(net, HERE, (struct co_http_request){.capture_bytes = captures[_i].capture_bytes});
    assert_success(net);
    ck_assert_uint_eq(net->response.body_length, captures[_i].body_length);
    ck_assert_uint_eq(strlen(net->response.body), captures[_i].body_length);
    ck_assert_int_eq(net->response.body_truncated, captures[_i].is_truncated);
    ck_assert_uint_eq(net->response.decoded_bytes, 5);
}

static void answer_in_pieces(struct fake_origin *origin, int fd)
{
    char piece[1000];

    memset(piece, 'p', sizeof(piece));
    while (fake_origin_receive(origin, fd)) {
        fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        for (int i = 0; i < 100; i++) {
            fake_origin_send_bytes(fd, piece, sizeof(piece));
            if (co_sleep(0) < 0)
                return;
        }
    }
}

NET_TEST(a_body_that_comes_in_pieces_is_put_together)
{
    net->origin.talk = answer_in_pieces;
    fetch(net, HERE, (struct co_http_request){.capture_bytes = 99999});
    assert_success(net);
    ck_assert_uint_eq(net->response.body_length, 99999);
    ck_assert_uint_eq(strspn(net->response.body, "p"), 99999);
    ck_assert_uint_eq(net->response.decoded_bytes, 100000);
    ck_assert(net->response.body_truncated);
}

NET_TEST(a_response_without_a_body_has_an_empty_one)
{
    net->origin.reply = "HTTP/1.1 204 No Content\r\n\r\n";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_str_eq(net->response.body, "");
    ck_assert_uint_eq(net->response.body_length, 0);
    ck_assert(!net->response.body_truncated);
}

NET_TEST(a_redirect_is_a_response_like_any_other)
{
    net->origin.reply = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.status, 302);
    ck_assert_str_eq(header(net, "location"), "/there");
    ck_assert_uint_eq(net->origin.n_requests, 1);
}

/* --- Sending ------------------------------------------------------------------------------- */

static const struct {
    const char *method, *body;
    const char *line;     /* the request's first line */
    const char *contains; /* of the request; NULL: nothing to look for */
    const char *lacks;
} sendings[] = {
    {"GET", NULL, "GET / HTTP/1.1\r\n", NULL, "Accept:"},
    {"GET", NULL, "GET / HTTP/1.1\r\n", "\r\nHost: 127.0.0.1:", "User-Agent"},
    {"GET", "find", "GET / HTTP/1.1\r\n", "\r\nContent-Length: 4\r\n", "Content-Type"},
    {"HEAD", NULL, "HEAD / HTTP/1.1\r\n", NULL, "Content-"},
    {"HEAD", "ignored", "HEAD / HTTP/1.1\r\n", NULL, "ignored"},
    {"POST", "sent", "POST / HTTP/1.1\r\n", "\r\nContent-Length: 4\r\n", "Content-Type"},
    {"POST", "sent", "POST / HTTP/1.1\r\n", "\r\n\r\nsent", "Expect"},
    {"POST", "", "POST / HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n", "Content-Type"},
    {"POST", NULL, "POST / HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n", "Content-Type"},
    {"PUT", "sent", "PUT / HTTP/1.1\r\n", "\r\n\r\nsent", "Transfer-Encoding"},
    {"PUT", NULL, "PUT / HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n", NULL},
    {"PATCH", "sent", "PATCH / HTTP/1.1\r\n", "\r\n\r\nsent", NULL},
    {"DELETE", NULL, "DELETE / HTTP/1.1\r\n", NULL, "Content-"},
    {"DELETE", "sent", "DELETE / HTTP/1.1\r\n", "\r\n\r\nsent", NULL},
    {"OPTIONS", NULL, "OPTIONS / HTTP/1.1\r\n", NULL, "Content-"},
    {"PROPFIND", "sent", "PROPFIND / HTTP/1.1\r\n", "\r\n\r\nsent", NULL},
    {"get", NULL, "get / HTTP/1.1\r\n", NULL, "Content-"},
};

static struct co_http_request sending(size_t i)
{
    const char *body = sendings[i].body;

    return (struct co_http_request){
        .method = sendings[i].method, .body = body, .body_length = body != NULL ? strlen(body) : 0};
}

static void assert_sent(const struct net *net, size_t i)
{
    const char *request = net->origin.request;

    assert_success(net);
    ck_assert_int_eq(strncmp(request, sendings[i].line, strlen(sendings[i].line)), 0);
    if (sendings[i].contains != NULL && strstr(request, sendings[i].contains) == NULL)
        ck_abort_msg("'%s' is missing in '%s'", sendings[i].contains, request);
    if (sendings[i].lacks != NULL && strstr(request, sendings[i].lacks) != NULL)
        ck_abort_msg("'%s' is in '%s'", sendings[i].lacks, request);
    ck_assert_uint_eq(net->response.sent_bytes, net->origin.request_length);
}

static void answer_by_method(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd))
        fake_origin_send(fd, strncmp(origin->request, "HEAD", 4) == 0
                                 ? "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                                 : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

NET_TEST(each_method_is_sent_as_it_is)
{
    net->origin.talk = answer_by_method;
    fetch(net, HERE, sending((size_t)_i));
    assert_sent(net, (size_t)_i);
}

/* One handle after the other request: what one set must not show in the next. */
NET_TEST(no_request_leaves_a_trace_in_the_next)
{
    net->origin.talk = answer_by_method;
    for (size_t i = 0; i < N_ELEMENTS(sendings); i++) {
        fetch(net, HERE, sending((size_t)_i));
        assert_sent(net, (size_t)_i);
        fetch(net, HERE, sending(i));
        assert_sent(net, i);
    }
}

NET_TEST(headers_are_sent_in_order_and_replace_those_of_libcurl)
{
    const struct co_http_header headers[] = {
        {"X-B", "1"},          {"X-A", "2"},
        {"X-B", "3"},          {"X-Empty", ""},
        {"Accept", "a"},       {"X-Blank", " \t"},
        {"Host", "elsewhere"}, {"User-Agent", "u"},
        {"X-Last", "; x"},     {"Accept-Encoding", "identity"}};

    fetch(net, HERE,
          (struct co_http_request){.headers = headers, .n_headers = N_ELEMENTS(headers)});
    assert_success(net);
    ck_assert_str_eq(net->origin.request,
                     "GET / HTTP/1.1\r\nHost: elsewhere\r\nX-B: 1\r\nX-A: 2\r\n"
                     "X-B: 3\r\nX-Empty:\r\nAccept: a\r\nX-Blank:\r\n"
                     "User-Agent: u\r\nX-Last: ; x\r\n"
                     "Accept-Encoding: identity\r\n\r\n");
}

NET_TEST(a_content_type_of_the_callers_is_sent_with_a_body)
{
    const struct co_http_header headers[] = {{"content-type", "text/csv"}};

    fetch(
        net, HERE,
        (struct co_http_request){
            .method = "POST", .headers = headers, .n_headers = 1, .body = "a,b", .body_length = 3});
    assert_success(net);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\ncontent-type: text/csv\r\n"));
    ck_assert_ptr_null(strcasestr(net->origin.request, "urlencoded"));
}

NET_TEST(a_large_body_is_sent_whole)
{
    size_t size = 3 * 1024 * 1024;
    char *body = malloc(size);

    memset(body, 'b', size);
    fetch(net, HERE, (struct co_http_request){.method = "PUT", .body = body, .body_length = size});
    free(body);
    assert_success(net);
    ck_assert_uint_gt(net->response.sent_bytes, size);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "Content-Length: 3145728\r\n"));
}

static void answer_at_once(struct fake_origin *origin, int fd)
{
    fake_origin_send(fd,
                     "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    fake_origin_receive(origin, fd);
    fake_origin_linger(fd);
}

NET_TEST(an_answer_may_come_before_the_request_is_sent)
{
    size_t size = 16 * 1024 * 1024;
    char *body = calloc(1, size);

    net->origin.talk = answer_at_once;
    fetch(net, HERE, (struct co_http_request){.method = "PUT", .body = body, .body_length = size});
    free(body);
    assert_success(net);
    ck_assert_int_eq(net->response.status, 413);
}

/* --- Connections --------------------------------------------------------------------------- */

NET_TEST(a_new_connection_has_phases_and_a_reused_one_has_not)
{
    net->server.names = names;
    fetch(net, "http://origin.test:@/", (struct co_http_request){0});
    assert_success(net);
    ck_assert(!net->response.reused);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_DNS], 0);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_CONNECT], 0);
    ck_assert_int_eq(net->response.phase_us[CO_HTTP_TLS], -1);

    fetch(net, "http://origin.test:@/", (struct co_http_request){0});
    assert_success(net);
    ck_assert(net->response.reused);
    ck_assert_int_eq(net->response.phase_us[CO_HTTP_DNS], -1);
    ck_assert_int_eq(net->response.phase_us[CO_HTTP_CONNECT], -1);
    for (enum co_http_phase phase = CO_HTTP_SEND; phase < CO_HTTP_N_PHASES; phase++)
        ck_assert_int_ge(net->response.phase_us[phase], 0);
    ck_assert_uint_eq(net->origin.n_connections, 1);
}

NET_TEST(a_fetch_that_is_alone_neither_takes_a_connection_nor_leaves_one)
{
    static const struct co_http_request alone = {.is_alone = true};

    fetch(net, HERE, (struct co_http_request){0});
    fetch(net, HERE, alone);
    assert_success(net);
    ck_assert(!net->response.reused);
    fetch(net, HERE, alone);
    ck_assert(!net->response.reused);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_CONNECT], 0);
    ck_assert_uint_eq(net->origin.n_connections, 3);

    fetch(net, HERE, (struct co_http_request){0});
    ck_assert(net->response.reused);
    ck_assert_uint_eq(net->origin.n_connections, 3);
}

NET_TEST(a_literal_needs_no_name_server)
{
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.phase_us[CO_HTTP_DNS], -1);
    ck_assert_uint_eq(net->server.n_queries, 0);
}

NET_TEST(the_response_tells_where_it_came_from)
{
    struct co_address expected = {
        .family = AF_INET, .bytes = {127, 0, 0, 1}, .port = net->origin.port};

    for (int i = 0; i < 2; i++) {
        fetch(net, HERE, (struct co_http_request){0});
        assert_success(net);
        ck_assert(co_address_equal(&net->response.remote, &expected));
    }
}

NET_TEST(the_next_address_is_tried_when_one_refuses)
{
    net->server.names = names; /* the origin listens on the second */
    fetch(net, "http://twice.test:@/", (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.remote.bytes[3], 1);
    fetch(net, "http://twice.test:@/", (struct co_http_request){0});
    assert_success(net);
}

static void answer_once(struct fake_origin *origin, int fd)
{
    if (fake_origin_receive(origin, fd))
        fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

NET_TEST(a_connection_that_was_closed_meanwhile_is_not_used)
{
    net->origin.talk = answer_once;
    for (unsigned i = 1; i <= 3; i++) {
        fetch(net, HERE, (struct co_http_request){0});
        assert_success(net);
        ck_assert(!net->response.reused);
        ck_assert_uint_eq(net->origin.n_connections, i);
        settle();
    }
}

/* Takes the second request of a connection, and closes it without a word. */
static void answer_once_then_hang_up(struct fake_origin *origin, int fd)
{
    answer_once(origin, fd);
    fake_origin_receive(origin, fd);
}

NET_TEST(a_safe_request_is_repeated_when_its_reused_connection_dies)
{
    net->origin.talk = answer_once_then_hang_up;
    fetch(net, HERE, (struct co_http_request){0});
    fetch(net, HERE, (struct co_http_request){.method = "GET", .body = "again", .body_length = 5});
    assert_success(net);
    ck_assert(!net->response.reused);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_CONNECT], 0);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\n\r\nagain"));
    ck_assert_uint_eq(net->origin.n_requests, 3);
}

static const char *const unsafe_methods[] = {"POST", "PATCH", "PURGE", "PUT", "DELETE"};

NET_TEST(an_unsafe_request_gets_a_connection_of_its_own)
{
    net->origin.talk = answer_once_then_hang_up;
    fetch(net, HERE, (struct co_http_request){0});
    fetch(net, HERE, (struct co_http_request){.method = unsafe_methods[_i]});
    assert_success(net);
    ck_assert(!net->response.reused);
    ck_assert_uint_eq(net->origin.n_requests, 2);
}

struct one_of_many {
    struct net *net;
    int status;
};

static int fetch_one(void *arg, void **result)
{
    struct one_of_many *one = arg;
    struct co_url url;
    char text[64];
    struct co_http_response response;
    int length = sprintf(text, "http://127.0.0.1:%u/", one->net->origin.port);

    (void)result;
    assert_ok(co_url_parse(text, (size_t)length, &url));
    struct co_http_request request = {
        .method = "GET", .url = &url, .max_header_bytes = 1000, .max_body_bytes = 1000};
    int rc = co_http_fetch(one->net->session, &request, &response);
    one->status = response.status;
    co_http_response_done(&response);
    co_url_done(&url);
    return rc;
}

NET_TEST(many_fetches_run_at_once)
{
    enum { N = 400, MAX_IDLE = 256 };
    static struct one_of_many ones[N];
    static struct co_call calls[N];
    static struct co_result results[N];

    for (int i = 0; i < N; i++) {
        ones[i].net = net;
        calls[i] = (struct co_call){"fetch", fetch_one, &ones[i]};
    }
    assert_ok(co_gather(calls, N, results, 0, CO_FAIL_FAST));
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(ones[i].status, 200);
    ck_assert_uint_eq(net->origin.n_requests, N);

    for (int i = 0; i < N - MAX_IDLE; i++) /* each closes one, while there are too many */
        fetch(net, HERE, (struct co_http_request){0});
    settle();
    ck_assert_uint_le(net->origin.n_open, MAX_IDLE);
}

/* libcurl 7.88 makes a pair of local sockets for itself, which it does not. */
NET_TEST(every_connection_is_closed_on_exec)
{
    struct sockaddr_storage address;
    int n_connections = 0;

    net->server.names = names;
    fetch(net, "http://origin.test:@/", (struct co_http_request){0});
    assert_success(net);
    for (int fd = 3; fd < 100; fd++) {
        socklen_t length = sizeof(address);
        if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
            address.ss_family != AF_INET)
            continue;
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        n_connections++;
    }
    ck_assert_int_ge(n_connections, 4);
}

Suite *suite_http(void);

Suite *suite_http(void)
{
    Suite *suite = suite_create("http");
    TCase *tcase = tcase_create("http");

    tcase_add_test(tcase, a_response_has_status_headers_and_body);
    tcase_add_test(tcase, a_response_of_http_1_0_ends_with_its_connection);
    tcase_add_test(tcase, a_folded_header_goes_on_in_one_line);
    tcase_add_test(tcase, what_begins_with_a_folded_line_is_no_response);
    tcase_add_test(tcase, a_line_with_many_blanks_is_not_folded);
    tcase_add_test(tcase, a_bare_return_in_a_header_is_a_blank);
    tcase_add_test(tcase, a_body_comes_in_chunks_and_trailers_are_no_headers);
    tcase_add_test(tcase, an_interim_response_is_not_the_response);
    tcase_add_test(tcase, an_encoded_body_is_asked_for_and_decoded);
    tcase_add_loop_test(tcase, a_body_is_captured_up_to_the_limit, 0, N_ELEMENTS(captures));
    tcase_add_test(tcase, a_body_that_comes_in_pieces_is_put_together);
    tcase_add_test(tcase, a_response_without_a_body_has_an_empty_one);
    tcase_add_test(tcase, a_redirect_is_a_response_like_any_other);
    tcase_add_loop_test(tcase, each_method_is_sent_as_it_is, 0, N_ELEMENTS(sendings));
    tcase_add_loop_test(tcase, no_request_leaves_a_trace_in_the_next, 0, N_ELEMENTS(sendings));
    tcase_add_test(tcase, headers_are_sent_in_order_and_replace_those_of_libcurl);
    tcase_add_test(tcase, a_content_type_of_the_callers_is_sent_with_a_body);
    tcase_add_test(tcase, a_large_body_is_sent_whole);
    tcase_add_test(tcase, an_answer_may_come_before_the_request_is_sent);
    tcase_add_test(tcase, a_new_connection_has_phases_and_a_reused_one_has_not);
    tcase_add_test(tcase, a_fetch_that_is_alone_neither_takes_a_connection_nor_leaves_one);
    tcase_add_test(tcase, a_literal_needs_no_name_server);
    tcase_add_test(tcase, the_response_tells_where_it_came_from);
    tcase_add_test(tcase, the_next_address_is_tried_when_one_refuses);
    tcase_add_test(tcase, a_connection_that_was_closed_meanwhile_is_not_used);
    tcase_add_test(tcase, a_safe_request_is_repeated_when_its_reused_connection_dies);
    tcase_add_loop_test(tcase, an_unsafe_request_gets_a_connection_of_its_own, 0,
                        N_ELEMENTS(unsafe_methods));
    tcase_add_test(tcase, many_fetches_run_at_once);
    tcase_add_test(tcase, every_connection_is_closed_on_exec);
    suite_add_tcase(suite, tcase);
    return suite;
}
