/* How long a fetch may take, and what happens when it is given up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_name names[] = {{.name = "silent.test", .is_silent = true}, {0}};

/* --- A fetch that is stuck in a phase -------------------------------------------------------- */

enum { BODY_SIZE = 16 * 1024 * 1024 };

static int black_hole[3];

static void stay_silent(struct fake_origin *origin, int fd)
{
    co_event_set(&origin->asked);
    fake_origin_linger(fd);
}

static void read_nothing(struct fake_origin *origin, int fd)
{
    char byte;

    (void)!co_read(fd, &byte, 1);
    co_event_set(&origin->asked);
    (void)!co_sleep(CO_NEVER);
}

static void answer_half(struct fake_origin *origin, int fd)
{
    if (fake_origin_receive(origin, fd))
        fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    co_event_set(&origin->asked);
    fake_origin_linger(fd);
}

static const struct {
    const char *url;
    void (*talk)(struct fake_origin *origin, int fd);
    bool has_body;
    enum co_http_error timeout; /* of that phase; CO_HTTP_OK: it has no limit of its own */
} stuck[CO_HTTP_N_PHASES] = {
    [CO_HTTP_DNS] = {"http://silent.test/", NULL, false, CO_HTTP_DNS_TIMEOUT},
    [CO_HTTP_CONNECT] = {"http://127.0.0.1:@/", NULL, false, CO_HTTP_CONNECT_TIMEOUT},
    [CO_HTTP_TLS] = {"https://127.0.0.1:@/", stay_silent, false, CO_HTTP_TLS_TIMEOUT},
    [CO_HTTP_SEND] = {"http://127.0.0.1:@/", read_nothing, true, CO_HTTP_OK},
    [CO_HTTP_WAIT] = {"http://127.0.0.1:@/", stay_silent, false, CO_HTTP_TIMEOUT_FIRST_BYTE},
    [CO_HTTP_RECEIVE] = {"http://127.0.0.1:@/", answer_half, false, CO_HTTP_TIMEOUT_IDLE},
};

static char *body;

static void get_stuck(struct net *net, enum co_http_phase phase, struct co_http_request request)
{
    net->server.names = names;
    net->origin.talk = stuck[phase].talk;
    if (phase == CO_HTTP_CONNECT)
        net->origin.port = fake_black_hole(black_hole);
    if (stuck[phase].has_body) {
        request.method = "PUT";
        request.body = body = calloc(1, BODY_SIZE);
        request.body_length = BODY_SIZE;
    }
    fetch_begin(net, stuck[phase].url, request);
    if (stuck[phase].talk != NULL)
        assert_ok(co_event_wait(&net->origin.asked));
    settle();
}

static int get_unstuck(struct net *net, enum co_http_phase phase)
{
    int rc = fetch_end(net);

    free(co_take(body));
    for (size_t i = 0; phase == CO_HTTP_CONNECT && i < N_ELEMENTS(black_hole); i++)
        co_close(black_hole[i]);
    return rc;
}

NET_TEST(a_fetch_can_be_cancelled_in_each_phase)
{
    enum co_http_phase phase = (enum co_http_phase)_i;

    get_stuck(net, phase, (struct co_http_request){0});
    co_cancel(net->fetching.task, "test");
    ck_assert_int_eq(get_unstuck(net, phase), -ECANCELED);
    assert_failure(net, CO_HTTP_CANCELED, phase);
    ck_assert_int_eq(net->response.curl_code, 0);
}

/* --- Limits of a phase ----------------------------------------------------------------------- */

/* Far more than a slow machine takes. */
static const struct co_http_request limited = {
    .connect_timeout = 400 * CO_SECOND,
    .first_byte_timeout = 200 * CO_SECOND,
    .idle_timeout = 100 * CO_SECOND,
};

static const co_time limits[CO_HTTP_N_PHASES] = {
    [CO_HTTP_DNS] = 400 * CO_SECOND,  [CO_HTTP_CONNECT] = 400 * CO_SECOND,
    [CO_HTTP_TLS] = 400 * CO_SECOND,  [CO_HTTP_SEND] = CO_NEVER,
    [CO_HTTP_WAIT] = 200 * CO_SECOND, [CO_HTTP_RECEIVE] = 100 * CO_SECOND,
};

NET_TEST(each_phase_but_sending_has_a_limit)
{
    enum co_http_phase phase = (enum co_http_phase)_i;

    get_stuck(net, phase, limited);
    if (phase == CO_HTTP_SEND) {
        wind(100000 * CO_SECOND);
        settle();
        ck_assert(!co_task_is_done(net->fetching.task));
        co_cancel(net->fetching.task, "test");
        ck_assert_int_eq(get_unstuck(net, phase), -ECANCELED);
        return;
    }
    wind(limits[phase] - 50 * CO_SECOND);
    settle();
    ck_assert(!co_task_is_done(net->fetching.task));
    wind(50 * CO_SECOND);
    assert_ok(get_unstuck(net, phase));
    assert_failure(net, stuck[phase].timeout, phase);
    ck_assert_int_eq(net->response.curl_code, 0);
}

NET_TEST(the_deadline_ends_a_fetch_in_each_phase)
{
    enum co_http_phase phase = (enum co_http_phase)_i;

    get_stuck(net, phase, (struct co_http_request){.deadline = co_now() + 100 * CO_SECOND});
    wind(100 * CO_SECOND);
    assert_ok(get_unstuck(net, phase));
    assert_failure(net, CO_HTTP_TIMEOUT_TOTAL, phase);
}

NET_TEST(a_deadline_that_has_passed_lets_nothing_begin)
{
    ck_assert_int_eq(
        fetch(net, "http://127.0.0.1:@/", (struct co_http_request){.deadline = co_now() - 1}), 0);
    assert_failure(net, CO_HTTP_TIMEOUT_TOTAL, CO_HTTP_CONNECT);
    settle();
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

static void drip(struct fake_origin *origin, int fd)
{
    static const char *const pieces[] = {
        "HTTP/1.1 200 OK\r\n", "X: 1\r\n", "Content-Length: 4\r\n\r\n", "sl", "o", "w"};

    fake_origin_receive(origin, fd);
    for (size_t i = 0; i < N_ELEMENTS(pieces); i++) {
        fake_origin_send(fd, pieces[i]);
        settle();
        wind(70 * CO_SECOND);
    }
    fake_origin_linger(fd);
}

NET_TEST(the_idle_limit_counts_from_the_last_piece)
{
    net->origin.talk = drip;
    assert_ok(fetch(net, "http://127.0.0.1:@/", limited));
    assert_success(net);
    ck_assert_str_eq(net->response.body, "slow");
}

NET_TEST(the_limits_do_not_outlive_the_fetch)
{
    assert_ok(fetch(net, "http://127.0.0.1:@/", limited));
    assert_success(net);
    wind(1000 * CO_SECOND);
    settle();
    assert_ok(fetch(net, "http://127.0.0.1:@/", limited));
    assert_success(net);
}

NET_TEST(a_cancelled_caller_sends_nothing)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_NEVER);
    co_scope_cancel(&scope, 0, "test");
    ck_assert_int_eq(fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0}), -ECANCELED);
    assert_ok(co_scope_exit(&scope, -ECANCELED));
    assert_failure(net, CO_HTTP_CANCELED, CO_HTTP_CONNECT);
    settle();
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

NET_TEST(a_cancelled_fetch_closes_its_connection)
{
    get_stuck(net, CO_HTTP_WAIT, (struct co_http_request){0});
    ck_assert_uint_eq(net->origin.n_open, 1);
    co_cancel(net->fetching.task, "test");
    ck_assert_int_eq(get_unstuck(net, CO_HTTP_WAIT), -ECANCELED);
    settle();
    ck_assert_uint_eq(net->origin.n_open, 0);
}

Suite *suite_http_limits(void);

Suite *suite_http_limits(void)
{
    Suite *suite = suite_create("http_limits");
    TCase *tcase = tcase_create("http_limits");

    tcase_add_loop_test(tcase, a_fetch_can_be_cancelled_in_each_phase, 0, CO_HTTP_N_PHASES);
    tcase_add_loop_test(tcase, each_phase_but_sending_has_a_limit, 0, CO_HTTP_N_PHASES);
    tcase_add_loop_test(tcase, the_deadline_ends_a_fetch_in_each_phase, 0, CO_HTTP_N_PHASES);
    tcase_add_test(tcase, a_deadline_that_has_passed_lets_nothing_begin);
    tcase_add_test(tcase, the_idle_limit_counts_from_the_last_piece);
    tcase_add_test(tcase, the_limits_do_not_outlive_the_fetch);
    tcase_add_test(tcase, a_cancelled_caller_sends_nothing);
    tcase_add_test(tcase, a_cancelled_fetch_closes_its_connection);
    suite_add_tcase(suite, tcase);
    return suite;
}
