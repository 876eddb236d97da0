/* What origins do wrong, and what it is called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/http_private.h"

#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define HERE   "http://127.0.0.1:@/"
#define SECURE "https://127.0.0.1:@/"

enum then { CLOSE, RESET, WAIT };

static const struct {
    const char *sends; /* after the request */
    enum then then;
    enum co_http_error error;
    enum co_http_phase phase;
    int status;
} misdeeds[] = {
    {"", CLOSE, CO_HTTP_EMPTY_REPLY, CO_HTTP_WAIT, 0},
    {"", RESET, CO_HTTP_RECV_RESET, CO_HTTP_WAIT, 0},
    {"", WAIT, CO_HTTP_TIMEOUT_FIRST_BYTE, CO_HTTP_WAIT, 0},
    {"garbage\r\n\r\n", CLOSE, CO_HTTP_PARSE_ERROR, CO_HTTP_WAIT, 0},
    {"SSH-2.0-OpenSSH_9.2\r\n", WAIT, CO_HTTP_PARSE_ERROR, CO_HTTP_WAIT, 0},
    {"HTTP/1.1 abc\r\n\r\n", CLOSE, CO_HTTP_PARSE_ERROR, CO_HTTP_WAIT, 0},
    {"HTTP/1.1 103 Early\r\n\r\n", CLOSE, CO_HTTP_EMPTY_REPLY, CO_HTTP_WAIT, 0},
    {"HTTP/1.1 103 Early\r\n\r\n", WAIT, CO_HTTP_TIMEOUT_FIRST_BYTE, CO_HTTP_WAIT, 0},
    {"HTTP/1.1 200 OK\r\nX: 1\r\n", CLOSE, CO_HTTP_PARSE_ERROR, CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nX: 1\r\n", RESET, CO_HTTP_RECV_RESET, CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nX: 1\r\n", WAIT, CO_HTTP_TIMEOUT_IDLE, CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", CLOSE, CO_HTTP_PARTIAL_BODY,
     CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", RESET, CO_HTTP_RECV_RESET, CO_HTTP_RECEIVE,
     200},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", WAIT, CO_HTTP_TIMEOUT_IDLE,
     CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", CLOSE, CO_HTTP_PARTIAL_BODY,
     CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", WAIT, CO_HTTP_PARSE_ERROR,
     CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip", WAIT,
     CO_HTTP_DECODE_ERROR, CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 11\r\n\r\n12345678901", WAIT,
     CO_HTTP_BODY_TOO_LARGE, CO_HTTP_RECEIVE, 200},
    {"HTTP/1.1 200 OK\r\n"
     "X-Long: "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
     WAIT, CO_HTTP_HEADER_TOO_LARGE, CO_HTTP_RECEIVE, 200},
};

static void misbehave(struct fake_origin *origin, int fd)
{
    size_t i = (size_t)strtoul(strchr(origin->reply, '#') + 1, NULL, 10);

    if (!fake_origin_receive(origin, fd))
        return;
    fake_origin_send(fd, misdeeds[i].sends);
    if (misdeeds[i].then == RESET) {
        settle(); /* so that it arrives before the reset, which would sweep it away */
        fake_origin_reset(fd);
    } else if (misdeeds[i].then == WAIT) {
        settle();
        wind(10 * CO_SECOND);
        fake_origin_linger(fd);
    }
}

static const struct co_http_request impatient = {
    .first_byte_timeout = 10 * CO_SECOND,
    .idle_timeout = 10 * CO_SECOND,
    .max_header_bytes = 100,
    .max_body_bytes = 10,
};

static char *number(int i)
{
    static char text[16];

    sprintf(text, "#%d", i);
    return text;
}

NET_TEST(each_misdeed_has_its_name)
{
    net->origin.talk = misbehave;
    net->origin.reply = number(_i);
    assert_ok(fetch(net, HERE, impatient));
    assert_failure(net, misdeeds[_i].error, misdeeds[_i].phase);
    ck_assert_int_eq(net->response.status, misdeeds[_i].status);
}

/* And the handle that failed does not harm the next request. */
NET_TEST(a_failure_is_not_carried_over)
{
    net->origin.talk = misbehave;
    net->origin.reply = number(_i);
    assert_ok(fetch(net, HERE, impatient));
    net->origin.talk = NULL;
    net->origin.reply = NULL;
    assert_ok(fetch(net, HERE, impatient));
    assert_success(net);
    ck_assert(!net->response.reused);
}

static void send_long_line(struct fake_origin *origin, int fd)
{
    static char line[120 * 1024];

    memset(line, 'a', sizeof(line));
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
    fake_origin_send_bytes(fd, line, sizeof(line));
    fake_origin_linger(fd);
}

NET_TEST(a_header_line_beyond_the_limit_of_libcurl_is_too_large)
{
    net->origin.talk = send_long_line;
    fetch(net, HERE, (struct co_http_request){.max_header_bytes = 1024 * 1024});
    assert_failure(net, CO_HTTP_HEADER_TOO_LARGE, CO_HTTP_RECEIVE);
}

static void send_headers_without_end(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    while (co_write(fd, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n", 28) > 0)
        continue;
}

NET_TEST(interim_responses_without_end_are_too_large)
{
    net->origin.talk = send_headers_without_end;
    fetch(net, HERE, (struct co_http_request){.max_header_bytes = 10000});
    assert_failure(net, CO_HTTP_HEADER_TOO_LARGE, CO_HTTP_WAIT);
}

static void read_a_little_and_reset(struct fake_origin *origin, int fd)
{
    char bytes[100];

    (void)origin;
    (void)!co_read(fd, bytes, sizeof(bytes));
    fake_origin_reset(fd);
}

NET_TEST(a_connection_can_break_while_the_request_is_sent)
{
    size_t size = 16 * 1024 * 1024;
    char *body = calloc(1, size);

    net->origin.talk = read_a_little_and_reset;
    fetch(net, HERE, (struct co_http_request){.method = "PUT", .body = body, .body_length = size});
    free(body);
    ck_assert_int_eq(net->response.error_phase, CO_HTTP_SEND);
    ck_assert(net->response.error == CO_HTTP_SEND_ERROR ||
              net->response.error == CO_HTTP_RECV_RESET);
}

/* --- Before the request -------------------------------------------------------------------- */

static const struct fake_name names[] = {
    {.name = "gone.test", .rcode = 3},
    {.name = "broken.test", .rcode = 2},
    {0},
};

static const struct {
    const char *url;
    enum co_http_error error;
    enum co_http_phase phase;
} ways[] = {
    {"http://gone.test/", CO_HTTP_DNS_NOT_FOUND, CO_HTTP_DNS},
    {"http://broken.test/", CO_HTTP_DNS_ERROR, CO_HTTP_DNS},
    {"http://127.0.0.2:@/", CO_HTTP_CONNECT_REFUSED, CO_HTTP_CONNECT},
    {"https://127.0.0.2:@/", CO_HTTP_CONNECT_REFUSED, CO_HTTP_CONNECT},
    {"http://224.0.0.1:@/", CO_HTTP_CONNECT_UNREACHABLE, CO_HTTP_CONNECT},
};

NET_TEST(there_may_be_no_way_to_the_origin)
{
    net->server.names = names;
    assert_ok(fetch(net, ways[_i].url, (struct co_http_request){0}));
    assert_failure(net, ways[_i].error, ways[_i].phase);
    ck_assert_int_eq(net->response.remote.family, AF_UNSPEC);
}

static void answer_in_plain_text(struct fake_origin *origin, int fd)
{
    (void)origin;
    fake_origin_send(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    fake_origin_linger(fd);
}

NET_TEST(an_origin_may_not_speak_tls)
{
    net->origin.talk = answer_in_plain_text;
    fetch(net, SECURE, (struct co_http_request){0});
    assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
    ck_assert_int_eq(net->response.remote.port, net->origin.port);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_CONNECT], 0);
}

static void hang_up(struct fake_origin *origin, int fd)
{
    char bytes[16];

    (void)origin;
    (void)!co_read(fd, bytes, sizeof(bytes));
}

NET_TEST(a_connection_can_break_in_the_handshake)
{
    net->origin.talk = hang_up;
    fetch(net, SECURE, (struct co_http_request){0});
    assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
}

/* --- The names ----------------------------------------------------------------------------- */

static bool is_special_case(enum co_http_error special, enum co_http_error general)
{
    return (special == CO_HTTP_DECODE_RATIO && general == CO_HTTP_BODY_TOO_LARGE) ||
           (special == CO_HTTP_TLS_FILE && general == CO_HTTP_INTERNAL);
}

START_TEST(each_error_and_phase_has_a_name_of_its_own)
{
    ck_assert_ptr_null(co_http_error_name(CO_HTTP_OK));
    for (enum co_http_error a = 1; a < CO_HTTP_N_ERRORS; a++)
        for (enum co_http_error b = 1; b < a; b++)
            if (!is_special_case(a, b) && !is_special_case(b, a))
                ck_assert_str_ne(co_http_error_name(a), co_http_error_name(b));
    for (enum co_http_phase a = 0; a < CO_HTTP_N_PHASES; a++)
        ck_assert_ptr_nonnull(co_http_phase_name(a));
}
END_TEST

START_TEST(trying_again_may_help_against_what_passes)
{
    ck_assert(co_http_error_is_retryable(CO_HTTP_CONNECT_REFUSED));
    ck_assert(co_http_error_is_retryable(CO_HTTP_TIMEOUT_IDLE));
    ck_assert(!co_http_error_is_retryable(CO_HTTP_BLOCKED));
    ck_assert(!co_http_error_is_retryable(CO_HTTP_TLS_CERT_EXPIRED));
    ck_assert(!co_http_error_is_retryable(CO_HTTP_CANCELED));
}
END_TEST

/* What no fake origin can bring about. */
static const struct {
    CURLcode code;
    enum co_http_error error;
    const char *name;
} codes[] = {
    {CURLE_HTTP2, CO_HTTP_RECV_RESET, "CURLE_HTTP2"},
    {CURLE_HTTP2_STREAM, CO_HTTP_RECV_RESET, "CURLE_HTTP2_STREAM"},
    {CURLE_PROXY, CO_HTTP_PROXY_ERROR, "CURLE_PROXY"},
    {CURLE_COULDNT_RESOLVE_PROXY, CO_HTTP_PROXY_ERROR, "CURLE_COULDNT_RESOLVE_PROXY"},
    {CURLE_SSL_CLIENTCERT, CO_HTTP_TLS_HANDSHAKE, "CURLE_SSL_CLIENTCERT"},
    {CURLE_SSL_CERTPROBLEM, CO_HTTP_TLS_FILE, "CURLE_SSL_CERTPROBLEM"},
    {CURLE_LDAP_CANNOT_BIND, CO_HTTP_INTERNAL, "CURLE_OTHER"},
    {(CURLcode)10000, CO_HTTP_INTERNAL, "CURLE_OTHER"},
};

START_TEST(each_code_of_libcurl_means_something)
{
    struct co_http_transfer transfer = {.result = codes[_i].code};

    ck_assert_int_eq(co_http_error_of(&transfer), codes[_i].error);
    ck_assert_str_eq(co_http_curl_name(codes[_i].code), codes[_i].name);
}
END_TEST

Suite *suite_http_error(void);

Suite *suite_http_error(void)
{
    Suite *suite = suite_create("http_error");
    TCase *tcase = tcase_create("http_error");

    tcase_add_loop_test(tcase, each_misdeed_has_its_name, 0, N_ELEMENTS(misdeeds));
    tcase_add_loop_test(tcase, a_failure_is_not_carried_over, 0, N_ELEMENTS(misdeeds));
    tcase_add_test(tcase, a_header_line_beyond_the_limit_of_libcurl_is_too_large);
    tcase_add_test(tcase, interim_responses_without_end_are_too_large);
    tcase_add_test(tcase, a_connection_can_break_while_the_request_is_sent);
    tcase_add_loop_test(tcase, there_may_be_no_way_to_the_origin, 0, N_ELEMENTS(ways));
    tcase_add_test(tcase, an_origin_may_not_speak_tls);
    tcase_add_test(tcase, a_connection_can_break_in_the_handshake);
    tcase_add_test(tcase, each_error_and_phase_has_a_name_of_its_own);
    tcase_add_test(tcase, trying_again_may_help_against_what_passes);
    tcase_add_loop_test(tcase, each_code_of_libcurl_means_something, 0, N_ELEMENTS(codes));
    suite_add_tcase(suite, tcase);
    return suite;
}
