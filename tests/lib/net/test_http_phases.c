/* Where the time goes: the clock is wound forward in one phase, which then is the one that took
 * it. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fake_tls.h"
#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define DELAY (10 * CO_SECOND)

/* All of the delay is in that phase, give or take what a slow machine needs for the rest. */
static void assert_took(const struct net *net, enum co_http_phase phase)
{
    int64_t delay = DELAY / CO_MICROSECOND;

    for (enum co_http_phase i = 0; i < CO_HTTP_N_PHASES; i++) {
        if (i == phase)
            ck_assert_int_ge(net->response.phase_us[i], delay);
        else
            ck_assert_int_lt(net->response.phase_us[i], delay / 2);
    }
    ck_assert_int_lt(net->response.total_us, 2 * delay);
}

/* --- Origins that dawdle --------------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct fake_tls tls;

static void dawdle_before_tls(struct fake_origin *origin, int fd)
{
    wind(DELAY);
    fake_tls_serve(&tls, origin, fd);
}

/* More than fits between us stays with the sender until then. */
static void dawdle_before_reading(struct fake_origin *origin, int fd)
{
    char byte;

    settle();
    wind(DELAY);
    (void)!co_read(fd, &byte, 1);
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, OK);
}

static void dawdle_before_answer(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        settle();
        wind(DELAY);
        fake_origin_send(fd, OK);
    }
}

static void dawdle_after_hint(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_send(fd,
                     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    settle();
    wind(DELAY);
    fake_origin_send(fd, OK);
}

static void dawdle_in_header(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, "HTTP/1.1 200 OK\r\nX: 1\r\n");
    settle();
    wind(DELAY);
    fake_origin_send(fd, "Content-Length: 2\r\n\r\nok");
}

static void dawdle_in_body(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    settle();
    wind(DELAY);
    fake_origin_send(fd, "k");
}

enum { HUGE_BODY = 16 * 1024 * 1024 };

static const struct {
    void (*talk)(struct fake_origin *origin, int fd);
    size_t body_length;
    enum co_http_phase phase;
} dawdlers[] = {
    {dawdle_before_answer, 0, CO_HTTP_WAIT},
    {dawdle_before_answer, 1, CO_HTTP_WAIT},
    {dawdle_before_answer, 16 * 1024, CO_HTTP_WAIT},
    {dawdle_before_answer, 64 * 1024 - 1, CO_HTTP_WAIT},
    {dawdle_before_answer, 64 * 1024, CO_HTTP_WAIT},
    {dawdle_before_answer, 64 * 1024 + 1, CO_HTTP_WAIT},
    {dawdle_before_answer, 1024 * 1024 + 1, CO_HTTP_WAIT},
    {dawdle_before_answer, HUGE_BODY, CO_HTTP_WAIT},
    {dawdle_before_reading, HUGE_BODY, CO_HTTP_SEND},
    {dawdle_after_hint, 0, CO_HTTP_WAIT},
    {dawdle_after_hint, 100 * 1000, CO_HTTP_WAIT},
    {dawdle_in_header, 0, CO_HTTP_RECEIVE},
    {dawdle_in_body, 0, CO_HTTP_RECEIVE},
    {dawdle_in_body, 100 * 1000, CO_HTTP_RECEIVE},
};

static struct co_http_request upload(char *body, size_t length)
{
    return length == 0
               ? (struct co_http_request){0}
               : (struct co_http_request){.method = "PUT", .body = body, .body_length = length};
}

NET_TEST(a_delay_is_in_the_phase_it_happened_in)
{
    char *body = calloc(1, HUGE_BODY);

    net->origin.talk = dawdlers[_i].talk;
    fetch(net, "http://127.0.0.1:@/", upload(body, dawdlers[_i].body_length));
    assert_success(net);
    assert_took(net, dawdlers[_i].phase);
    free(body);
}

/* A name that is silent until it is told to speak. */
NET_TEST(looking_up_a_name_has_a_phase)
{
    static struct fake_name late[] = {{.name = "late.test", .addresses = {"127.0.0.1"}, .ttl = 60},
                                      {0}};

    late[0].is_silent = true;
    net->server.names = late;
    fetch_begin(net, "http://late.test:@/", (struct co_http_request){0});
    settle();
    wind(DELAY);
    late[0].is_silent = false;
    fake_dns_speak(&net->server);
    fetch_end(net);
    assert_success(net);
    assert_took(net, CO_HTTP_DNS);
}

NET_TEST(a_handshake_has_a_phase)
{
    const struct co_http_tls_options unverified = {.is_unverified = true};

    fake_tls_start(&tls, NULL);
    net->origin.talk = dawdle_before_tls;
    fetch(net, "https://127.0.0.1:@/", (struct co_http_request){.tls = &unverified});
    assert_success(net);
    assert_took(net, CO_HTTP_TLS);
    fake_tls_stop(&tls);
}

/* --- Connections that are open --------------------------------------------------------------- */

static void answer_twice_slowly(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, OK);
    fake_origin_receive(origin, fd);
    settle();
    wind(DELAY);
    fake_origin_send(fd, OK);
}

NET_TEST(a_reused_connection_has_no_phases_before_sending)
{
    net->origin.talk = answer_twice_slowly;
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_success(net);
    ck_assert(net->response.reused);
    assert_took(net, CO_HTTP_WAIT);
    for (enum co_http_phase phase = 0; phase < CO_HTTP_SEND; phase++)
        ck_assert_int_eq(net->response.phase_us[phase], -1);
}

/* Closes the connection after the second request, a while later; the next one it answers. */
static void die_slowly(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_send(fd, OK);
    if (origin->n_connections == 1 && fake_origin_receive(origin, fd)) {
        settle();
        wind(DELAY);
    }
}

NET_TEST(what_a_dead_connection_took_is_part_of_making_another)
{
    net->origin.talk = die_slowly;
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_success(net);
    ck_assert(!net->response.reused);
    ck_assert_uint_eq(net->origin.n_requests, 3);
    assert_took(net, CO_HTTP_CONNECT);
}

/* --- Two addresses --------------------------------------------------------------------------- */

/* The same port of another address, which answers nobody; see fake_black_hole(). */
static bool open_hole(uint16_t port, int fds[3])
{
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(port)};
    bool is_open = true;

    for (int i = 0; i < 3; i++)
        fds[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    is_open =
        bind(fds[0], (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fds[0], 0) == 0;
    for (int i = 1; i < 3; i++)
        (void)!connect(fds[i], (struct sockaddr *)&address, sizeof(address));
    return is_open;
}

/* What happens after 200 ms, which is libcurl's to measure. */
NET_TEST(an_address_that_hangs_does_not_hold_up_the_other)
{
    static const struct co_address addresses[] = {{.family = AF_INET6, .bytes = {[15] = 1}},
                                                  {.family = AF_INET, .bytes = {127, 0, 0, 1}}};
    int fds[3];

    if (open_hole(net->origin.port, fds)) { /* there may be no IPv6 */
        fetch(net, "http://two.test:@/",
              (struct co_http_request){.addresses = addresses, .n_addresses = 2});
        assert_success(net);
        ck_assert_int_eq(net->response.remote.family, AF_INET);
        ck_assert_int_ge(net->response.phase_us[CO_HTTP_CONNECT], 150 * 1000);
        ck_assert_int_lt(net->response.phase_us[CO_HTTP_SEND], 150 * 1000);
        ck_assert_int_lt(net->response.phase_us[CO_HTTP_WAIT], 150 * 1000);
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

Suite *suite_http_phases(void);

Suite *suite_http_phases(void)
{
    Suite *suite = suite_create("http_phases");
    TCase *tcase = tcase_create("http_phases");

    tcase_add_loop_test(tcase, a_delay_is_in_the_phase_it_happened_in, 0, N_ELEMENTS(dawdlers));
    tcase_add_test(tcase, looking_up_a_name_has_a_phase);
    tcase_add_test(tcase, a_handshake_has_a_phase);
    tcase_add_test(tcase, a_reused_connection_has_no_phases_before_sending);
    tcase_add_test(tcase, what_a_dead_connection_took_is_part_of_making_another);
    tcase_add_test(tcase, an_address_that_hangs_does_not_hold_up_the_other);
    suite_add_tcase(suite, tcase);
    return suite;
}
