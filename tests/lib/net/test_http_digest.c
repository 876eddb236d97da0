/* A challenge and its answer, within one fetch (RFC 7616). */
#include <string.h>

#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define HERE "http://127.0.0.1:@/secret?x=1"

#define CHALLENGE                                                                                  \
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"n0\", qop=\"auth\", algorithm=MD5\r\n"
#define REFUSAL                                                                                    \
    "HTTP/1.1 401 Unauthorized\r\nX-Leak: 1\r\n" CHALLENGE "Content-Length: 6\r\n\r\nsecret"

static const struct co_http_request request = {.digest_user = "us\"er", .digest_password = "pass"};

static bool has_answer(const struct fake_origin *origin)
{
    const char *answer = strstr(origin->request, "\r\nAuthorization: Digest ");

    return answer != NULL && strstr(answer, "username=\"us\\\"er\"") != NULL &&
           strstr(answer, "nonce=\"n0\"") != NULL && strstr(answer, "uri=\"/secret?x=1\"") != NULL;
}

static void challenge(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd))
        fake_origin_send(fd, has_answer(origin)
                                 ? "HTTP/1.1 200 OK\r\nX-End: 1\r\nContent-Length: 2\r\n\r\nok"
                                 : REFUSAL);
}

static void challenge_and_close(struct fake_origin *origin, int fd)
{
    if (!fake_origin_receive(origin, fd))
        return;
    fake_origin_send(
        fd, has_answer(origin)
                ? "HTTP/1.1 200 OK\r\nX-End: 1\r\nContent-Length: 2\r\n\r\nok"
                : "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nX-Leak: 1\r\n" CHALLENGE
                  "\r\nsecret");
}

static void (*const ways[])(struct fake_origin *origin, int fd) = {challenge, challenge_and_close};

static void assert_ok_and_nothing_else(const struct net *net)
{
    assert_success(net);
    ck_assert_int_eq(net->response.status, 200);
    ck_assert_str_eq(net->response.body, "ok");
    ck_assert_uint_eq(net->response.decoded_bytes, 2);
    ck_assert_uint_eq(net->response.encoded_bytes, 2);
    ck_assert_ptr_nonnull(co_http_response_header(&net->response, "x-end"));
    ck_assert_ptr_null(co_http_response_header(&net->response, "x-leak"));
}

NET_TEST(a_challenge_is_answered_and_not_seen)
{
    net->origin.talk = ways[_i];
    assert_ok(fetch(net, HERE, request));
    assert_ok_and_nothing_else(net);
    ck_assert_uint_eq(net->origin.n_requests, 2);
    ck_assert(!net->response.reused);
}

NET_TEST(the_body_goes_with_the_answer)
{
    struct co_http_request with_body = request;

    with_body.method = "POST";
    with_body.body = "body";
    with_body.body_length = 4;
    net->origin.talk = ways[_i];
    assert_ok(fetch(net, HERE, with_body));
    assert_ok_and_nothing_else(net);
    ck_assert_str_eq(strstr(net->origin.request, "\r\n\r\n"), "\r\n\r\nbody");
    ck_assert_uint_eq(net->origin.n_requests, 2);
}

NET_TEST(the_exchange_is_part_of_waiting)
{
    net->origin.talk = ways[_i];
    net->origin.winds = 10 * CO_SECOND;
    fetch(net, HERE, request);
    assert_ok_and_nothing_else(net);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_WAIT], 20 * 1000000);
    ck_assert_int_lt(net->response.phase_us[CO_HTTP_CONNECT], 10 * 1000000);
    ck_assert_int_lt(net->response.phase_us[CO_HTTP_SEND], 10 * 1000000);
    ck_assert_int_lt(net->response.phase_us[CO_HTTP_RECEIVE], 10 * 1000000);
}

NET_TEST(with_a_body_the_exchange_is_part_of_sending)
{
    struct co_http_request with_body = request;

    with_body.method = "PUT";
    with_body.body = "body";
    with_body.body_length = 4;
    net->origin.talk = ways[_i];
    net->origin.winds = 10 * CO_SECOND;
    fetch(net, HERE, with_body);
    assert_ok_and_nothing_else(net);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_SEND], 10 * 1000000);
    ck_assert_int_lt(net->response.phase_us[CO_HTTP_SEND], 20 * 1000000);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_WAIT], 10 * 1000000);
    ck_assert_int_lt(net->response.phase_us[CO_HTTP_WAIT], 20 * 1000000);
}

NET_TEST(a_wrong_answer_is_refused_like_none)
{
    struct co_http_request wrong = {.digest_user = "somebody", .digest_password = "else"};

    net->origin.talk = challenge;
    fetch(net, HERE, wrong);
    assert_success(net);
    ck_assert_int_eq(net->response.status, 401);
    ck_assert_str_eq(net->response.body, "secret");
    ck_assert_uint_eq(net->response.n_headers, 3);
    ck_assert_uint_eq(net->origin.n_requests, 2);
}

NET_TEST(who_authorizes_himself_is_not_helped)
{
    static const struct co_http_header own = {"authorization", "Basic xyz"};
    struct co_http_request with_own = request;

    with_own.headers = &own;
    with_own.n_headers = 1;
    net->origin.talk = challenge;
    fetch(net, HERE, with_own);
    assert_success(net);
    ck_assert_int_eq(net->response.status, 401);
    ck_assert_uint_eq(net->origin.n_requests, 1);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\nauthorization: Basic xyz\r\n"));
}

NET_TEST(a_challenge_to_nobody_in_particular_is_a_response)
{
    net->origin.talk = challenge;
    fetch(net, HERE, request);
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->response.status, 401);
    ck_assert_ptr_null(strstr(net->origin.request, "\r\nAuthorization:"));
}

/* Closes the connection when the answer comes, which it may or may not have acted upon. */
static void challenge_and_hang_up(struct fake_origin *origin, int fd)
{
    if (fake_origin_receive(origin, fd) && !has_answer(origin)) {
        fake_origin_send(fd, REFUSAL);
        fake_origin_receive(origin, fd);
    }
}

static const struct {
    const char *method;
    unsigned n_requests;
} methods[] = {{"POST", 2}, {"PATCH", 2}, {"PUT", 2}, {"GET", 3}};

NET_TEST(an_unsafe_request_with_an_answer_is_not_sent_twice)
{
    struct co_http_request unsafe = request;

    unsafe.method = methods[_i].method;
    net->origin.talk = challenge_and_hang_up;
    fetch(net, HERE, unsafe);
    ck_assert_str_eq(co_http_error_name(net->response.error) ?: "success", "empty_reply");
    ck_assert_int_eq(net->response.status, 0);
    ck_assert_uint_eq(net->response.n_headers, 0);
    ck_assert_uint_eq(net->origin.n_requests, methods[_i].n_requests);
}

/* The rest of the challenge is slow, and no answer comes. */
static void challenge_slowly_and_linger(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, "HTTP/1.1 401 Unauthorized\r\n" CHALLENGE "Content-Length: 6\r\n\r\nsec");
    settle();
    wind(20 * CO_SECOND);
    settle();
    fake_origin_send(fd, "ret");
    fake_origin_receive(origin, fd);
    wind(30 * CO_SECOND);
    fake_origin_linger(fd);
}

NET_TEST(the_limit_of_waiting_holds_for_the_answer_too)
{
    struct co_http_request limited = request;

    limited.first_byte_timeout = 10 * CO_SECOND;
    limited.idle_timeout = 10000 * CO_SECOND;
    net->origin.talk = challenge_slowly_and_linger;
    fetch(net, HERE, limited);
    assert_failure(net, CO_HTTP_TIMEOUT_FIRST_BYTE, CO_HTTP_WAIT);
    ck_assert_uint_eq(net->origin.n_requests, 2);
}

Suite *suite_http_digest(void);

Suite *suite_http_digest(void)
{
    Suite *suite = suite_create("http_digest");
    TCase *tcase = tcase_create("http_digest");
    int n_ways = N_ELEMENTS(ways);

    tcase_add_loop_test(tcase, a_challenge_is_answered_and_not_seen, 0, n_ways);
    tcase_add_loop_test(tcase, the_body_goes_with_the_answer, 0, n_ways);
    tcase_add_loop_test(tcase, the_exchange_is_part_of_waiting, 0, n_ways);
    tcase_add_loop_test(tcase, with_a_body_the_exchange_is_part_of_sending, 0, n_ways);
    tcase_add_test(tcase, a_wrong_answer_is_refused_like_none);
    tcase_add_test(tcase, who_authorizes_himself_is_not_helped);
    tcase_add_test(tcase, a_challenge_to_nobody_in_particular_is_a_response);
    tcase_add_loop_test(tcase, an_unsafe_request_with_an_answer_is_not_sent_twice, 0,
                        N_ELEMENTS(methods));
    tcase_add_test(tcase, the_limit_of_waiting_holds_for_the_answer_too);
    suite_add_tcase(suite, tcase);
    return suite;
}
