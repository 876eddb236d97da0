/* Who may not be connected to: nothing may reach them, at none of the three places. */
#include <string.h>

#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_name names[] = {
    {.name = "good.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "evil.test", .addresses = {"127.0.0.66"}, .ttl = 60},
    {.name = "mixed.test", .addresses = {"127.0.0.66", "127.0.0.1"}, .ttl = 60},
    {.name = "late.test", .addresses = {"127.0.0.1", "127.0.0.66"}, .ttl = 60},
    {0},
};

/* Forbids 127.0.0.66, and everything once it was asked often enough. */
struct guard {
    unsigned n_asked, n_answers;
    unsigned patience; /* 0: without end */
    uint16_t port;     /* the last that was asked for */
};

static const char *check(void *arg, const struct co_address *address)
{
    struct guard *guard = arg;

    guard->port = address->port;
    if (guard->patience != 0 && guard->n_asked == guard->patience)
        return "enough";
    guard->n_asked++;
    return address->bytes[3] == 66 ? "evil" : NULL;
}

static const char *check_answer(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    struct guard *guard = arg;

    guard->n_answers++;
    for (size_t i = 0; i < *n_addresses; i++) {
        guard->port = addresses[i].port;
        if (addresses[i].bytes[3] == 66)
            return "evil";
    }
    return NULL;
}

static struct co_http_request guarded(struct guard *guard)
{
    static struct co_http_gate gate;

    gate = (struct co_http_gate){.check = check, .check_answer = check_answer, .arg = guard};
    return (struct co_http_request){.gate = &gate};
}

static void assert_blocked(const struct net *net, const char *rule, enum co_http_phase phase)
{
    assert_failure(net, CO_HTTP_BLOCKED, phase);
    ck_assert_str_eq(net->response.blocked_by, rule);
    ck_assert_int_eq(net->response.status, 0);
}

NET_TEST(what_is_allowed_passes_all_three_places)
{
    struct guard guard = {0};

    net->server.names = names;
    fetch(net, "http://good.test:@/", guarded(&guard));
    assert_success(net);
    ck_assert_uint_eq(guard.n_answers, 1);
    ck_assert_uint_eq(guard.n_asked, 2);
    ck_assert_uint_eq(guard.port, net->origin.port);
    fetch(net, "http://good.test:@/", guarded(&guard));
    ck_assert(net->response.reused);
    ck_assert_uint_eq(guard.n_answers, 2);
    ck_assert_uint_eq(guard.n_asked, 3);
}

static const struct {
    const char *url;
    enum co_http_phase phase;
} forbidden[] = {
    {"http://127.0.0.66:@/", CO_HTTP_CONNECT},
    {"http://evil.test:@/", CO_HTTP_DNS},
    {"http://mixed.test:@/", CO_HTTP_DNS},
    {"http://late.test:@/", CO_HTTP_DNS},
};

NET_TEST(a_forbidden_address_is_never_connected_to)
{
    struct guard guard = {0};

    net->server.names = names;
    assert_ok(fetch(net, forbidden[_i].url, guarded(&guard)));
    assert_blocked(net, "evil", forbidden[_i].phase);
    ck_assert_uint_eq(guard.n_asked, 0);
    settle();
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

NET_TEST(a_socket_is_refused_as_well)
{
    struct guard guard = {.patience = 1, .n_asked = 1};

    assert_ok(fetch(net, "http://127.0.0.1:@/", guarded(&guard)));
    assert_blocked(net, "enough", CO_HTTP_CONNECT);
    settle();
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

NET_TEST(a_request_is_refused_on_a_connection_that_is_open)
{
    struct guard guard = {.patience = 1};

    assert_ok(fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0}));
    guard.n_asked = 1;
    assert_ok(fetch(net, "http://127.0.0.1:@/", guarded(&guard)));
    assert_blocked(net, "enough", CO_HTTP_CONNECT);
    ck_assert_uint_eq(net->origin.n_requests, 1);
}

NET_TEST(a_request_is_refused_on_its_own_connection)
{
    struct guard guard = {.patience = 1};

    assert_ok(fetch(net, "http://127.0.0.1:@/", guarded(&guard)));
    assert_blocked(net, "enough", CO_HTTP_SEND);
    settle();
    ck_assert_uint_eq(net->origin.n_requests, 0);
}

static const char *keep_the_first(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    (void)arg, (void)addresses;
    *n_addresses = 1;
    return NULL;
}

NET_TEST(addresses_can_be_taken_out_of_an_answer)
{
    struct guard guard = {0};
    struct co_http_gate gate = {.check = check, .check_answer = keep_the_first, .arg = &guard};

    net->server.names = names;
    assert_ok(fetch(net, "http://late.test:@/", (struct co_http_request){.gate = &gate}));
    assert_success(net);
}

/* --- Addresses belong to a request ----------------------------------------------------------- */

NET_TEST(a_name_that_moves_is_followed)
{
    static struct fake_name moving[] = {
        {.name = "moves.test", .addresses = {"127.0.0.9"}, .ttl = 1}, {0}};

    net->server.names = moving;
    assert_ok(fetch(net, "http://moves.test:@/", (struct co_http_request){0}));
    assert_failure(net, CO_HTTP_CONNECT_REFUSED, CO_HTTP_CONNECT);
    moving[0].addresses[0] = "127.0.0.1";
    wind(5 * CO_SECOND);
    settle();
    assert_ok(fetch(net, "http://moves.test:@/", (struct co_http_request){0}));
    assert_success(net);
}

/* One handle, whose cache holds one name at a time. */
NET_TEST(a_handle_serves_one_name_after_the_other)
{
    static const struct fake_name many[] = {
        {.name = "a.test", .addresses = {"127.0.0.1"}, .ttl = 60},
        {.name = "ab.test", .addresses = {"127.0.0.1", "::1"}, .ttl = 60},
        {.name = "b.test", .addresses = {"127.0.0.1"}, .ttl = 60},
        {0},
    };
    static const char *const urls[] = {"http://a.test:@/", "http://ab.test:@/", "http://b.test:@/",
                                       "http://127.0.0.1:@/", "http://localhost:@/"};

    net->server.names = many;
    for (unsigned i = 0; i < 5 * N_ELEMENTS(urls); i++) {
        assert_ok(fetch(net, urls[i * 2 % N_ELEMENTS(urls)], (struct co_http_request){0}));
        assert_success(net);
    }
}

Suite *suite_http_gate(void);

Suite *suite_http_gate(void)
{
    Suite *suite = suite_create("http_gate");
    TCase *tcase = tcase_create("http_gate");

    tcase_add_test(tcase, what_is_allowed_passes_all_three_places);
    tcase_add_loop_test(tcase, a_forbidden_address_is_never_connected_to, 0, N_ELEMENTS(forbidden));
    tcase_add_test(tcase, a_socket_is_refused_as_well);
    tcase_add_test(tcase, a_request_is_refused_on_a_connection_that_is_open);
    tcase_add_test(tcase, a_request_is_refused_on_its_own_connection);
    tcase_add_test(tcase, addresses_can_be_taken_out_of_an_answer);
    tcase_add_test(tcase, a_name_that_moves_is_followed);
    tcase_add_test(tcase, a_handle_serves_one_name_after_the_other);
    suite_add_tcase(suite, tcase);
    return suite;
}
