/* Through a proxy. */
#include <stdio.h>
#include <string.h>

#include "tests/support/fake_tls.h"
#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_name names[] = {
    {.name = "proxy.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "broken.test", .rcode = 2},
    {0},
};

static const struct co_http_request plain;

#define PROXY "http://127.0.0.1:#"

/* '#' at the end of it becomes the port of the fake origin, which is the proxy. */
static int fetch_by(struct net *net, const char *proxy, const char *url,
                    struct co_http_request request)
{
    struct co_url parsed;
    char text[100];
    int length = (int)strcspn(proxy, "#");

    sprintf(text, "%.*s", length, proxy);
    if (proxy[length] == '#')
        sprintf(text + length, "%u", net->origin.port);
    assert_ok(co_url_parse(text, strlen(text), &parsed));
    net->server.names = names;
    request.proxy = &parsed;
    int rc = fetch(net, url, request);
    co_url_done(&parsed);
    return rc;
}

/* --- Plain HTTP ------------------------------------------------------------------------------ */

NET_TEST(a_proxy_is_asked_for_the_whole_url)
{
    for (int i = 0; i < 2; i++) {
        assert_ok(fetch_by(net, PROXY, "http://far.test/path?x=1", plain));
        assert_success(net);
        ck_assert_int_eq(net->response.reused, i > 0);
        ck_assert_ptr_eq(strstr(net->origin.request, "GET http://far.test/path?x=1 HTTP/1.1\r\n"),
                         net->origin.request);
        ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\nHost: far.test\r\n"));
        ck_assert_uint_eq(net->response.remote.port, net->origin.port);
    }
    ck_assert_uint_eq(net->server.n_queries, 0);
}

NET_TEST(the_name_of_a_proxy_is_looked_up_by_us)
{
    fetch_by(net, "http://proxy.test:#", "http://far.test/", plain);
    assert_success(net);
    ck_assert_uint_eq(net->server.n_queries, 2);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_DNS], 0);
    fetch_by(net, "http://proxy.test:#", "http://further.test/", plain);
    ck_assert(net->response.reused);
}

/* "user:p@ss" */
NET_TEST(a_proxy_is_told_who_asks)
{
    fetch_by(net, "http://user:p%40ss@127.0.0.1:#", "http://far.test/", plain);
    assert_success(net);
    ck_assert_ptr_nonnull(
        strstr(net->origin.request, "\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"));
    fetch_by(net, PROXY, "http://far.test/", plain);
    assert_success(net);
    ck_assert_ptr_null(strstr(net->origin.request, "\r\nProxy-Authorization:"));
}

NET_TEST(a_connection_to_a_proxy_is_not_one_to_an_origin)
{
    fetch(net, "http://127.0.0.1:@/", plain);
    assert_success(net);
    fetch_by(net, PROXY, "http://127.0.0.1:@/", plain);
    assert_success(net);
    ck_assert(!net->response.reused);
    fetch(net, "http://127.0.0.1:@/", plain);
    assert_success(net);
    ck_assert(net->response.reused);
    ck_assert_uint_eq(net->origin.n_connections, 2);
}

/* --- The gate -------------------------------------------------------------------------------- */

struct guard {
    unsigned n_asked;
    struct co_address last;
};

static const char *forbid(void *arg, const struct co_address *address)
{
    struct guard *guard = arg;

    guard->n_asked++;
    guard->last = *address;
    return "forbidden";
}

static const char *allow_answer(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    (void)arg, (void)addresses, (void)n_addresses;
    return NULL;
}

NET_TEST(the_gate_is_asked_about_literal_hosts_only)
{
    struct guard guard = {0};
    struct co_http_gate gate = {.check = forbid, .check_answer = allow_answer, .arg = &guard};
    struct co_http_request guarded = {.gate = &gate};

    fetch_by(net, PROXY, "http://far.test/", guarded);
    assert_success(net);
    ck_assert_uint_eq(guard.n_asked, 0);
    fetch_by(net, PROXY, "http://10.1.2.3:77/", guarded);
    assert_failure(net, CO_HTTP_BLOCKED, CO_HTTP_CONNECT);
    ck_assert_str_eq(net->response.blocked_by, "forbidden");
    ck_assert_uint_eq(guard.last.port, 77);
    ck_assert_uint_eq(guard.last.bytes[3], 3);
    ck_assert_uint_eq(net->origin.n_requests, 1);
}

/* --- A tunnel -------------------------------------------------------------------------------- */

static struct fake_tls tls;
static char wish[200]; /* for which there is a tunnel */

static void dig(struct fake_origin *origin, int fd)
{
    if (!fake_origin_receive(origin, fd))
        return;
    sprintf(wish, "%.199s", origin->request);
    fake_origin_send(fd, "HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n");
    fake_tls_serve(&tls, origin, fd);
}

static void fetch_through_tunnel(struct net *net, const char *proxy)
{
    const struct co_http_tls_options options = {.ca_file = tls.ca_file};

    fetch_by(net, proxy, "https://far.test/x", (struct co_http_request){.tls = &options});
}

NET_TEST(an_https_origin_is_reached_through_a_tunnel)
{
    fake_tls_start(&tls, &(struct fake_tls_options){.names = "DNS:far.test"});
    net->origin.talk = dig;
    for (int i = 0; i < 2; i++) {
        fetch_through_tunnel(net, "http://user:pass@proxy.test:#");
        assert_success(net);
        ck_assert_int_eq(net->response.status, 200);
        ck_assert_int_eq(net->response.reused, i > 0);
        ck_assert_str_eq(net->response.tls->subject, "CN=fake,O=Tests\\, Inc.");
        ck_assert_ptr_null(co_http_response_header(&net->response, "x-proxy"));
        ck_assert_ptr_eq(strstr(net->origin.request, "GET /x HTTP/1.1\r\n"), net->origin.request);
        ck_assert_ptr_null(strstr(net->origin.request, "\r\nProxy-"));
    }
    ck_assert_ptr_eq(strstr(wish, "CONNECT far.test:443 HTTP/1.1\r\n"), wish);
    ck_assert_ptr_nonnull(strstr(wish, "\r\nProxy-Authorization: Basic "));
    ck_assert_ptr_null(strstr(wish, "Accept-Encoding"));
    fake_tls_stop(&tls);
}

NET_TEST(to_dig_a_tunnel_is_part_of_connecting)
{
    fake_tls_start(&tls, &(struct fake_tls_options){.names = "DNS:far.test"});
    net->origin.talk = dig;
    net->origin.winds = 10 * CO_SECOND;
    fetch_through_tunnel(net, PROXY);
    assert_success(net);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_CONNECT], 10 * 1000000);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_TLS], 0);
    ck_assert_int_lt(net->response.phase_us[CO_HTTP_TLS], 10 * 1000000);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_WAIT], 10 * 1000000);
    fake_tls_stop(&tls);
}

NET_TEST(a_tunnel_to_somebody_else_is_found_out)
{
    fake_tls_start(&tls, &(struct fake_tls_options){.names = "DNS:near.test"});
    net->origin.talk = dig;
    fetch_through_tunnel(net, PROXY);
    assert_failure(net, CO_HTTP_TLS_HOSTNAME_MISMATCH, CO_HTTP_TLS);
    fake_tls_stop(&tls);
}

/* The proxy did its part. */
NET_TEST(an_origin_without_http_2_is_not_the_fault_of_the_proxy)
{
    const struct co_http_tls_options options = {.ca_file = tls.ca_file};
    struct co_http_request only_2 = {.tls = &options, .version = CO_HTTP_VERSION_2};

    fake_tls_start(&tls, &(struct fake_tls_options){.names = "DNS:far.test"});
    net->origin.talk = dig;
    for (int i = 0; i < 2; i++) {
        if (_i == 1)
            fetch_through_tunnel(net, PROXY); /* leaves an open connection */
        fetch_by(net, PROXY, "https://far.test/x", only_2);
        assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
    }
    fake_tls_stop(&tls);
}

/* --- What proxies do wrong ------------------------------------------------------------------- */

static void serve_tls(struct fake_origin *origin, int fd)
{
    fake_tls_serve(&tls, origin, fd);
}

static void answer_and_close(struct fake_origin *origin, int fd)
{
    if (fake_origin_receive(origin, fd))
        fake_origin_send(fd, origin->reply);
}

static void answer_and_wait(struct fake_origin *origin, int fd)
{
    answer_and_close(origin, fd);
    fake_origin_linger(fd);
}

static void answer_at_once(struct fake_origin *origin, int fd)
{
    fake_origin_send(fd, origin->reply);
    fake_origin_linger(fd);
}

static void receive_and_reset(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_reset(fd);
}

static const struct {
    void (*talk)(struct fake_origin *origin, int fd);
    const char *reply;
} misdeeds[] = {
    {answer_and_wait, "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"r\"\r\n"
                      "Content-Length: 2\r\n\r\nno"},
    {answer_and_wait, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno"},
    {answer_and_close, "HTTP/1.1 403 Forbidden\r\n\r\n"},
    {answer_and_close, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"},
    {answer_and_close, "HTTP/1.1 200 OK\r\nX: "},
    {answer_and_close, "HTTP/1.1 200 OK\r\n folded: yes\r\n\r\n"},
    {answer_and_close, "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
    {answer_and_close, ""},
    {receive_and_reset, NULL},
};

NET_TEST(a_proxy_that_digs_no_tunnel_is_to_blame)
{
    net->origin.talk = misdeeds[_i].talk;
    net->origin.reply = misdeeds[_i].reply;
    fetch_by(net, PROXY, "https://far.test/", plain);
    assert_failure(net, CO_HTTP_PROXY_ERROR, CO_HTTP_CONNECT);
    ck_assert_int_eq(net->response.status, 0);
    ck_assert_uint_eq(net->response.n_headers, 0);
    ck_assert_ptr_null(net->response.body);
}

static const struct {
    const char *proxy;
    enum co_http_phase phase;
} ways[] = {
    {"http://127.0.0.9:#", CO_HTTP_CONNECT},  {"http://224.0.0.1:#", CO_HTTP_CONNECT},
    {"http://nowhere.test:#", CO_HTTP_DNS},   {"http://broken.test:#", CO_HTTP_DNS},
    {"https://127.0.0.1:#", CO_HTTP_CONNECT}, /* it speaks no TLS */
};

NET_TEST(there_may_be_no_way_to_the_proxy)
{
    const char *const urls[] = {"http://far.test/", "https://far.test/"};

    net->origin.talk = answer_at_once;
    net->origin.reply = "HTTP/1.1 400 Bad Request\r\n\r\n";
    for (unsigned i = 0; i < N_ELEMENTS(urls); i++) {
        assert_ok(fetch_by(net, ways[_i].proxy, urls[i], plain));
        assert_failure(net, CO_HTTP_PROXY_ERROR, ways[_i].phase);
    }
}

NET_TEST(a_proxy_that_takes_too_long_is_a_timeout)
{
    net->origin.talk = answer_and_wait;
    net->origin.reply = "";
    net->origin.winds = 20 * CO_SECOND;
    fetch_by(net, PROXY, "https://far.test/",
             (struct co_http_request){.connect_timeout = 10 * CO_SECOND});
    assert_failure(net, CO_HTTP_CONNECT_TIMEOUT, CO_HTTP_CONNECT);
}

/* A proxy may well forward what it cannot do; then it is a response like any other. */
NET_TEST(what_a_proxy_answers_to_plain_http_is_a_response)
{
    net->origin.reply = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno";
    fetch_by(net, PROXY, "http://far.test/", plain);
    assert_success(net);
    ck_assert_int_eq(net->response.status, 502);
}

/* --- A proxy behind TLS ---------------------------------------------------------------------- */

NET_TEST(a_proxy_behind_tls_is_verified)
{
    fake_tls_start(&tls, NULL);
    net->origin.talk = serve_tls;
    fetch_by(net, "https://127.0.0.1:#", "http://far.test/", plain);
    assert_failure(net, CO_HTTP_PROXY_ERROR, CO_HTTP_CONNECT);
    ck_assert_uint_eq(net->origin.n_requests, 0);
    fake_tls_stop(&tls);
}

NET_TEST(a_proxy_behind_tls_is_asked_like_others)
{
    struct co_http_session_options options = {.dns = net->dns};
    struct co_http_session *usual = net->session;

    fake_tls_start(&tls, NULL);
    options.ca_file = tls.ca_file;
    assert_ok(co_http_session_new(&net->session, &options));
    net->origin.talk = serve_tls;
    for (int i = 0; i < 2; i++) {
        fetch_by(net, "https://127.0.0.1:#", "http://far.test/", plain);
        assert_success(net);
        ck_assert_ptr_null(net->response.tls); /* which would be the origin's */
        ck_assert_int_eq(net->response.reused, i > 0);
    }
    co_http_session_free(net->session);
    net->session = usual;
    fake_tls_stop(&tls);
}

Suite *suite_http_proxy(void);

Suite *suite_http_proxy(void)
{
    Suite *suite = suite_create("http_proxy");
    TCase *tcase = tcase_create("http_proxy");

    tcase_add_test(tcase, a_proxy_is_asked_for_the_whole_url);
    tcase_add_test(tcase, the_name_of_a_proxy_is_looked_up_by_us);
    tcase_add_test(tcase, a_proxy_is_told_who_asks);
    tcase_add_test(tcase, a_connection_to_a_proxy_is_not_one_to_an_origin);
    tcase_add_test(tcase, the_gate_is_asked_about_literal_hosts_only);
    tcase_add_test(tcase, an_https_origin_is_reached_through_a_tunnel);
    tcase_add_test(tcase, to_dig_a_tunnel_is_part_of_connecting);
    tcase_add_test(tcase, a_tunnel_to_somebody_else_is_found_out);
    tcase_add_loop_test(tcase, an_origin_without_http_2_is_not_the_fault_of_the_proxy, 0, 2);
    tcase_add_loop_test(tcase, a_proxy_that_digs_no_tunnel_is_to_blame, 0, N_ELEMENTS(misdeeds));
    tcase_add_loop_test(tcase, there_may_be_no_way_to_the_proxy, 0, N_ELEMENTS(ways));
    tcase_add_test(tcase, a_proxy_that_takes_too_long_is_a_timeout);
    tcase_add_test(tcase, what_a_proxy_answers_to_plain_http_is_a_response);
    tcase_add_test(tcase, a_proxy_behind_tls_is_verified);
    tcase_add_test(tcase, a_proxy_behind_tls_is_asked_like_others);
    suite_add_tcase(suite, tcase);
    return suite;
}
