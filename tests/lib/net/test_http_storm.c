/* Many fetches at once, of an origin that misbehaves at random, given up at random: whatever comes
 * of each, nothing is left behind. */
#include <errno.h>
#include <stdio.h>

#include "tests/support/net.h"
#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { CLIENTS = 40, FETCHES_EACH = 15 };

static struct random dice;
static unsigned n_clients, n_successes;

static const struct fake_name names[] = {
    {.name = "origin.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "both.test", .addresses = {"127.0.0.1", "127.0.0.9", "::1"}, .ttl = 60},
    {.name = "refuses.test", .addresses = {"127.0.0.9"}, .ttl = 60},
    {.name = "gone.test", .rcode = 3},
    {.name = "silent.test", .is_silent = true},
    {0},
};

static const char *const urls[] = {
    "http://127.0.0.1:%u/",    "http://origin.test:%u/", "http://both.test:%u/",
    "http://refuses.test:%u/", "http://gone.test:%u/",   "http://silent.test:%u/",
    "https://127.0.0.1:%u/",   "http://127.0.0.1:%u/",   "http://origin.test:%u/",
};

static const char *const replies[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    "HTTP/1.1 103 Early\r\n\r\n",
    "garbage\r\n",
    "",
};

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST"};

static void dawdle(void)
{
    for (uint32_t n = random_below(&dice, 8); n > 0 && co_sleep(0) == 0; n--)
        continue;
}

static void misbehave(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        dawdle();
        fake_origin_send(fd, replies[random_below(&dice, N_ELEMENTS(replies))]);
        switch (random_below(&dice, 8)) {
        case 0:
            return;
        case 1:
            fake_origin_reset(fd);
            return;
        case 2:
            fake_origin_linger(fd);
            return;
        }
    }
}

static const char *forbid_at_random(void *arg, const struct co_address *address)
{
    (void)arg, (void)address;
    return random_below(&dice, 20) == 0 ? "bad luck" : NULL;
}

static const char *allow_answer(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    (void)arg, (void)addresses, (void)n_addresses;
    return NULL;
}

static void fetch_at_random(struct net *net)
{
    static const struct co_http_gate gate = {.check = forbid_at_random,
                                             .check_answer = allow_answer};
    struct co_url url;
    char text[64];
    struct co_http_response response;
    int length =
        sprintf(text, urls[random_below(&dice, N_ELEMENTS(urls))], (unsigned)net->origin.port);

    assert_ok(co_url_parse(text, (size_t)length, &url));
    struct co_http_request request = {
        .method = methods[random_below(&dice, N_ELEMENTS(methods))],
        .url = &url,
        .body = random_below(&dice, 2) ? "some body" : NULL,
        .body_length = 9,
        .idle_timeout = CO_SECOND,
        .max_header_bytes = 1000,
        .max_body_bytes = 1000,
        .capture_bytes = random_below(&dice, 4),
        .gate = &gate,
    };
    int rc = co_http_fetch(net->session, &request, &response);
    ck_assert_int_eq(rc == -ECANCELED, response.error == CO_HTTP_CANCELED);
    ck_assert_int_eq(response.error == CO_HTTP_OK, response.message == NULL);
    ck_assert(response.error != CO_HTTP_INTERNAL);
    n_successes += response.error == CO_HTTP_OK;
    co_http_response_done(&response);
    co_url_done(&url);
}

static int be_a_client(void *arg, void **result)
{
    (void)result;
    for (int i = 0; i < FETCHES_EACH; i++) {
        struct co_scope scope;
        co_scope_enter(&scope, random_below(&dice, 1000) * CO_MILLISECOND);
        fetch_at_random(arg);
        int rc = co_scope_exit(&scope, -ECANCELED);
        ck_assert(rc == -ECANCELED || rc == -ETIMEDOUT);
    }
    n_clients--;
    return 0;
}

/* Time goes by as things happen, not as the machine can. */
static int be_the_clock(void *arg, void **result)
{
    (void)arg, (void)result;
    for (; n_clients > 0; wind(CO_MILLISECOND))
        assert_ok(co_sleep(0));
    return 0;
}

NET_TEST(a_storm_leaves_nothing_behind)
{
    static struct co_call calls[CLIENTS + 1];
    static struct co_result results[N_ELEMENTS(calls)];

    dice = (struct random){(uint64_t)_i};
    net->server.names = names;
    net->origin.talk = misbehave;
    for (n_clients = 0; n_clients < CLIENTS; n_clients++)
        calls[n_clients] = (struct co_call){"client", be_a_client, net};
    calls[CLIENTS] = (struct co_call){"clock", be_the_clock, NULL};
    assert_ok(co_gather(calls, N_ELEMENTS(calls), results, 0, CO_FAIL_FAST));
    ck_assert_uint_gt(n_successes, 0);
    net->origin.talk = NULL;
    assert_ok(fetch(net, "http://127.0.0.1:@/", (struct co_http_request){.method = "POST"}));
    assert_success(net);
}

Suite *suite_http_storm(void);

Suite *suite_http_storm(void)
{
    Suite *suite = suite_create("http_storm");
    TCase *tcase = tcase_create("http_storm");

    tcase_add_loop_test(tcase, a_storm_leaves_nothing_behind, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
