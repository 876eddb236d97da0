/* What few requests ask for: that they get it, and that nobody else does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define HERE "http://127.0.0.1:@/"

static const struct co_http_request plain;

/* --- One family of addresses ----------------------------------------------------------------- */

static const struct fake_name names[] = {
    {.name = "both.test", .addresses = {"127.0.0.1", "::1"}, .ttl = 60},
    {.name = "only4.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "only6.test", .addresses = {"::1"}, .ttl = 60},
    {0},
};

static const struct {
    const char *url;
    int family;
    bool is_found;
    enum co_http_phase phase; /* where it ends if not */
} searches[] = {
    {"http://both.test:@/", AF_INET, true, 0},
    {"http://only4.test:@/", AF_INET, true, 0},
    {"http://127.0.0.1:@/", AF_INET, true, 0},
    {"http://only4.test:@/", AF_INET6, false, CO_HTTP_DNS},
    {"http://only6.test:@/", AF_INET, false, CO_HTTP_DNS},
    {"http://127.0.0.1:@/", AF_INET6, false, CO_HTTP_CONNECT},
};

NET_TEST(addresses_of_the_other_family_are_as_good_as_none)
{
    net->server.names = names;
    assert_ok(
        fetch(net, searches[_i].url, (struct co_http_request){.ip_family = searches[_i].family}));
    if (searches[_i].is_found)
        assert_success(net);
    else if (searches[_i].phase == CO_HTTP_DNS)
        assert_failure(net, CO_HTTP_DNS_NOT_FOUND, CO_HTTP_DNS);
    else
        assert_failure(net, CO_HTTP_CONNECT_UNREACHABLE, CO_HTTP_CONNECT);
}

/* Nothing listens there; a machine may have no IPv6 at all. */
static void assert_tried_ipv6(const struct net *net)
{
    ck_assert(net->response.error == CO_HTTP_CONNECT_REFUSED ||
              net->response.error == CO_HTTP_CONNECT_UNREACHABLE);
    ck_assert_int_eq(net->response.error_phase, CO_HTTP_CONNECT);
}

NET_TEST(a_connection_of_the_other_family_is_not_reused)
{
    net->server.names = names;
    fetch(net, "http://both.test:@/", plain);
    assert_success(net);
    fetch(net, "http://both.test:@/", (struct co_http_request){.ip_family = AF_INET6});
    assert_tried_ipv6(net);
    for (int i = 0; i < 2; i++) {
        fetch(net, "http://both.test:@/", (struct co_http_request){.ip_family = AF_INET});
        assert_success(net);
        ck_assert_int_eq(net->response.reused, i > 0);
    }
    fetch(net, "http://both.test:@/", plain);
    ck_assert(net->response.reused);
}

/* --- Fixed addresses ------------------------------------------------------------------------- */

#define LOOPBACK(last)                                                                             \
    {                                                                                              \
        .family = AF_INET, .bytes = { 127, 0, 0, last }                                            \
    }

static const struct co_address here[] = {LOOPBACK(1)};
static const struct co_address there_or_here[] = {LOOPBACK(9), LOOPBACK(1)};
static const struct co_address there[] = {LOOPBACK(9)};

static struct co_http_request to(const struct co_address *addresses, size_t n_addresses)
{
    return (struct co_http_request){.addresses = addresses, .n_addresses = n_addresses};
}

NET_TEST(fixed_addresses_need_no_name_server)
{
    fetch(net, "http://nowhere.test:@/", to(here, 1));
    assert_success(net);
    ck_assert_uint_eq(net->server.n_queries, 0);
    ck_assert_int_eq(net->response.phase_us[CO_HTTP_DNS], -1);
    ck_assert_int_eq(net->response.remote.bytes[3], 1);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\nHost: nowhere.test:"));
    fetch(net, "http://nowhere.test:@/", plain);
    assert_failure(net, CO_HTTP_DNS_NOT_FOUND, CO_HTTP_DNS);
}

NET_TEST(the_next_fixed_address_is_tried_when_one_refuses)
{
    fetch(net, "http://nowhere.test:@/", to(there_or_here, 2));
    assert_success(net);
    ck_assert_int_eq(net->response.remote.bytes[3], 1);
    fetch(net, "http://nowhere.test:@/", to(there, 1));
    assert_failure(net, CO_HTTP_CONNECT_REFUSED, CO_HTTP_CONNECT);
}

/* Each kind of request once, and then once more: only with its own kind it shares a connection. */
NET_TEST(a_connection_to_fixed_addresses_is_for_those_who_fixed_the_same)
{
    const struct co_http_request kinds[] = {plain, to(here, 1), to(there_or_here, 2)};
    unsigned n = N_ELEMENTS(kinds);

    net->server.names = names;
    for (unsigned i = 0; i < 2 * n; i++) {
        fetch(net, "http://only4.test:@/", kinds[(i + (unsigned)_i) % n]);
        assert_success(net);
        ck_assert_int_eq(net->response.reused, i >= n);
    }
    ck_assert_uint_eq(net->origin.n_connections, n);
}

NET_TEST(the_port_is_part_of_what_is_shared)
{
    fetch(net, "http://nowhere.test:@/", to(here, 1));
    fetch(net, "http://nowhere.test:1/", to(here, 1));
    assert_failure(net, CO_HTTP_CONNECT_REFUSED, CO_HTTP_CONNECT);
    fetch(net, "http://elsewhere.test:@/", to(here, 1));
    assert_success(net);
    ck_assert(!net->response.reused);
}

static const char *forbid_9(void *arg, const struct co_address *address)
{
    (void)arg;
    return address->bytes[3] == 9 ? "nine" : NULL;
}

static const char *forbid_9_in_answer(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    const char *rule = NULL;

    for (size_t i = 0; i < *n_addresses; i++)
        rule = rule ?: forbid_9(arg, &addresses[i]);
    return rule;
}

NET_TEST(fixed_addresses_pass_the_gate_like_others)
{
    struct co_http_gate gate = {.check = forbid_9, .check_answer = forbid_9_in_answer};
    struct co_http_request request = to(there_or_here, 2);

    request.gate = &gate;
    assert_ok(fetch(net, "http://nowhere.test:@/", request));
    assert_failure(net, CO_HTTP_BLOCKED, CO_HTTP_CONNECT);
    ck_assert_str_eq(net->response.blocked_by, "nine");
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

/* --- The body as it comes -------------------------------------------------------------------- */

struct seen {
    size_t n_bytes;
    char last;
};

static void see(void *arg, const void *bytes, size_t n_bytes)
{
    struct seen *seen = arg;

    seen->n_bytes += n_bytes;
    seen->last = ((const char *)bytes)[n_bytes - 1];
}

NET_TEST(a_tap_sees_the_body_whatever_is_captured)
{
    struct seen seen = {0};

    net->origin.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
    fetch(net, HERE, (struct co_http_request){.capture_bytes = 1, .tap = {see, &seen}});
    assert_success(net);
    ck_assert_uint_eq(net->response.body_length, 1);
    ck_assert_uint_eq(seen.n_bytes, 10);
    ck_assert_int_eq(seen.last, '9');
}

NET_TEST(a_tap_sees_what_is_beyond_the_limit_last)
{
    struct seen seen = {0};

    net->origin.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
    fetch(net, HERE, (struct co_http_request){.max_body_bytes = 5, .tap = {see, &seen}});
    assert_failure(net, CO_HTTP_BODY_TOO_LARGE, CO_HTTP_RECEIVE);
    ck_assert_uint_eq(seen.n_bytes, net->response.decoded_bytes);
}

/* --- Bombs ----------------------------------------------------------------------------------- */

struct bits {
    unsigned char *bytes;
    size_t n;
};

/* Of a deflate stream (RFC 1951); codes begin with their highest bit, which is the caller's care.
 */
static void put_bits(struct bits *bits, unsigned value, unsigned n)
{
    for (unsigned i = 0; i < n; i++, bits->n++)
        if (value >> i & 1)
            bits->bytes[bits->n / 8] |= (unsigned char)(1u << bits->n % 8);
}

enum { RUN = 258 };

/* 'a' and n_runs times 258 more of them, 13 bits each. returns its size */
static size_t write_bomb(unsigned char *bytes, size_t n_runs)
{
    struct bits bits = {bytes, 0};

    put_bits(&bits, 1 | 1 << 1, 3); /* the last block, with the fixed codes */
    put_bits(&bits, 0x89, 8);       /* 'a': 10010001, reversed */
    for (size_t i = 0; i < n_runs; i++)
        put_bits(&bits, 0xa3, 8 + 5); /* 11000101, reversed: 258 bytes; from 1 back */
    put_bits(&bits, 0, 7);
    return (bits.n + 7) / 8;
}

static const struct bomb {
    size_t n_runs;
    unsigned max_ratio;
    bool is_chunked, goes_off;
} bombs[] = {
    {4000, 10, false, false}, /* small enough not to matter */
    {8000, 100, false, true}, {8000, 100, true, true},    {8000, 200, false, false},
    {8000, 200, true, false}, {8000, 0, true, false},     {80000, 100, false, true},
    {80000, 100, true, true}, {80000, 160, false, false},
};

static void send_bomb(struct fake_origin *origin, int fd)
{
    const struct bomb *bomb = &bombs[strtoul(strchr(origin->reply, '#') + 1, NULL, 10)];
    unsigned char *bytes = calloc(1, bomb->n_runs * 2 + 100);
    size_t n = write_bomb(bytes, bomb->n_runs);
    char head[200];

    fake_origin_receive(origin, fd);
    sprintf(head, "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n");
    if (bomb->is_chunked)
        sprintf(strchr(head, 0), "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
    else
        sprintf(strchr(head, 0), "Content-Length: %zu\r\n\r\n", n);
    fake_origin_send(fd, head);
    fake_origin_send_bytes(fd, bytes, n);
    if (bomb->is_chunked)
        fake_origin_send(fd, "\r\n0\r\n\r\n");
    fake_origin_linger(fd);
    free(bytes);
}

NET_TEST(a_body_that_grows_too_much_in_decoding_is_a_bomb)
{
    const struct bomb *bomb = &bombs[_i];
    char number[16];

    sprintf(number, "#%d", _i);
    net->origin.talk = send_bomb;
    net->origin.reply = number;
    fetch(net, HERE,
          (struct co_http_request){
              .max_body_bytes = 1 << 30, .max_decode_ratio = bomb->max_ratio, .capture_bytes = 9});
    if (!bomb->goes_off)
        assert_success(net);
    else
        assert_failure(net, CO_HTTP_DECODE_RATIO, CO_HTTP_RECEIVE);
    if (!bomb->goes_off)
        ck_assert_uint_eq(net->response.decoded_bytes, 1 + RUN * bomb->n_runs);
    ck_assert_uint_le(net->response.decoded_bytes, 1 + RUN * bomb->n_runs);
    ck_assert(!bomb->goes_off || net->response.decoded_bytes < 8 << 20); /* not to the end of it */
}

/* --- All in one handle ----------------------------------------------------------------------- */

static void assert_undone(struct net *net)
{
    net->server.names = names;
    fetch(net, "http://only4.test:@/", plain);
    assert_success(net);
    ck_assert_ptr_null(strstr(net->origin.request, "\r\nCookie"));
    ck_assert_ptr_null(strstr(net->origin.request, "\r\nAuthorization"));
    ck_assert_ptr_null(strstr(net->origin.request, "\r\nProxy"));
    ck_assert_ptr_eq(strstr(net->origin.request, "GET / HTTP/1.1\r\n"), net->origin.request);
}

NET_TEST(the_next_request_has_none_of_it)
{
    struct co_http_tls_options tls = {.is_unverified = true};
    struct co_http_jar *jar;
    struct co_url proxy;
    char text[64];

    assert_ok(co_http_jar_new(&jar));
    sprintf(text, "http://user:pass@127.0.0.1:%u", net->origin.port);
    assert_ok(co_url_parse(text, strlen(text), &proxy));
    net->origin.reply = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok";
    struct co_http_request requests[] = {
        {.version = CO_HTTP_VERSION_1_1, .tls = &tls, .ip_family = AF_INET},
        {.proxy = &proxy},
        {.addresses = here, .n_addresses = 1, .jar = jar},
        {.digest_user = "user", .digest_password = "pass"},
    };
    for (unsigned i = 0; i < 2 * N_ELEMENTS(requests); i++) {
        fetch(net, HERE, requests[i / 2]);
        assert_success(net);
        assert_undone(net);
    }
    co_url_done(&proxy);
    co_http_jar_free(jar);
}

NET_TEST(without_memory_for_them_the_fetch_fails)
{
    bool was_hit = true;

    net->server.names = names;
    for (size_t n = 1; was_hit; n++) {
        struct co_http_jar *jar;
        assert_ok(co_http_jar_new(&jar));
        fetch(net, "http://only4.test:@/", (struct co_http_request){.jar = jar});
        fetch(net, "http://127.0.0.9:@/", plain); /* frees the handle */
        fetch_begin(net, "http://only4.test:@/",
                    (struct co_http_request){.jar = jar, .method = "POST"});
        fault_arm(n);
        assert_ok(fetch_end(net));
        was_hit = fault_disarm(); /* the origin, maybe: then it hung up */
        ck_assert(net->response.error != CO_HTTP_INTERNAL);
        co_http_jar_free(jar);
    }
    assert_success(net);
}

/* --- Sockets of the file system --------------------------------------------------------------- */

struct unix_server {
    struct sockaddr_un address;
    int fd;
};

static void unix_server_open(struct unix_server *server)
{
    *server = (struct unix_server){.address.sun_family = AF_UNIX};
    snprintf(server->address.sun_path, sizeof(server->address.sun_path), "unix-test-%d.socket",
             (int)getpid());
    server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(server->fd, 0);
    ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&server->address, sizeof(server->address)),
                     0);
    ck_assert_int_eq(listen(server->fd, 1), 0);
}

static void unix_server_close(struct unix_server *server)
{
    co_close(server->fd);
    unlink(server->address.sun_path);
}

static int answer_once(void *arg, void **ret_result)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const struct unix_server *server = arg;
    char request[1024];
    int fd = co_accept(server->fd, NULL, NULL);

    (void)ret_result;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(co_read(fd, request, sizeof(request)), 0);
    ck_assert_int_eq(co_write(fd, answer, strlen(answer)), (ssize_t)strlen(answer));
    ck_assert_int_eq(co_read(fd, request, sizeof(request)), 0); /* until it is closed */
    return co_close(fd);
}

NET_TEST(a_socket_of_the_file_system_stands_in_for_an_address)
{
    struct unix_server server;
    CO_CLEANUP(co_task_unrefp) struct co_task *task = NULL;

    unix_server_open(&server);
    assert_ok(co_create_task("server", answer_once, &server, &task));
    assert_ok(fetch(net, HERE,
                    (struct co_http_request){.unix_path = server.address.sun_path,
                                             .capture_bytes = 100,
                                             .is_alone = true}));
    assert_success(net);
    ck_assert_mem_eq(net->response.body, "ok", 2);
    ck_assert_int_eq(net->response.remote.family, AF_UNSPEC);
    ck_assert_int_eq(net->origin.n_requests, 0);
    assert_ok(co_task_await(task, NULL));
    unix_server_close(&server);
}

NET_TEST(a_socket_where_nobody_listens_refuses)
{
    assert_ok(fetch(net, HERE, (struct co_http_request){.unix_path = "there-is-none.socket"}));
    ck_assert_int_eq(net->response.error_phase, CO_HTTP_CONNECT);
    assert_ok(fetch(net, HERE, plain));
    assert_success(net);
}

Suite *suite_http_options(void);

Suite *suite_http_options(void)
{
    Suite *suite = suite_create("http_options");
    TCase *tcase = tcase_create("http_options");

    tcase_add_loop_test(tcase, addresses_of_the_other_family_are_as_good_as_none, 0,
                        N_ELEMENTS(searches));
    tcase_add_test(tcase, a_connection_of_the_other_family_is_not_reused);
    tcase_add_test(tcase, fixed_addresses_need_no_name_server);
    tcase_add_test(tcase, the_next_fixed_address_is_tried_when_one_refuses);
    tcase_add_loop_test(tcase, a_connection_to_fixed_addresses_is_for_those_who_fixed_the_same, 0,
                        3);
    tcase_add_test(tcase, the_port_is_part_of_what_is_shared);
    tcase_add_test(tcase, fixed_addresses_pass_the_gate_like_others);
    tcase_add_test(tcase, a_tap_sees_the_body_whatever_is_captured);
    tcase_add_test(tcase, a_tap_sees_what_is_beyond_the_limit_last);
    tcase_add_loop_test(tcase, a_body_that_grows_too_much_in_decoding_is_a_bomb, 0,
                        N_ELEMENTS(bombs));
    tcase_add_test(tcase, a_socket_of_the_file_system_stands_in_for_an_address);
    tcase_add_test(tcase, a_socket_where_nobody_listens_refuses);
    tcase_add_test(tcase, the_next_request_has_none_of_it);
    tcase_add_test(tcase, without_memory_for_them_the_fetch_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
