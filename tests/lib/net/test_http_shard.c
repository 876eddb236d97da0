/* How connections are spread over shards: seen from inside, since nothing outside tells. */
#include "lib/net/http_private.h"

#include "tests/support/crowd.h"

enum { ROOM = 128 };

static struct crowd crowd;
static struct co_event released;

static void linger(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    fake_origin_linger(fd);
}

/* All are asked before one is answered. */
static void answer_together(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        if (co_event_wait(&released) < 0)
            return;
        fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

NET_TEST(few_connections_are_in_one_shard)
{
    net->origin.talk = linger;
    crowd_join(&crowd, net, ROOM, "http://127.0.0.1:@/", (struct co_http_request){0});
    ck_assert_int_eq(net->session->n_open_shards, 1);
    ck_assert_int_eq(net->session->shards[0].n_open, ROOM);
    crowd_leave(&crowd);
}

NET_TEST(many_connections_to_one_origin_are_spread)
{
    net->origin.talk = linger;
    crowd_join(&crowd, net, 2 * ROOM + 1, "http://127.0.0.1:@/", (struct co_http_request){0});
    ck_assert_int_eq(net->session->n_open_shards, 3);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(net->session->shards[i].n_open, ROOM);
    crowd_leave(&crowd);
}

NET_TEST(what_is_cancelled_leaves_nothing_in_its_shard)
{
    net->origin.talk = linger;
    crowd_join(&crowd, net, ROOM + 1, "http://127.0.0.1:@/", (struct co_http_request){0});
    crowd_leave(&crowd);
    ck_assert_int_eq(net->session->n_running, 0);
    ck_assert_int_eq(net->session->n_idle_connections, 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(net->session->shards[i].n_open, 0);
}

static void open_idle_connections(struct net *net, unsigned n)
{
    co_event_init(&released);
    net->origin.talk = answer_together;
    crowd_join(&crowd, net, n, "http://127.0.0.1:@/", (struct co_http_request){0});
    ck_assert_uint_eq(net->origin.n_connections, n);
    co_event_set(&released);
    crowd_wait(&crowd);
    ck_assert_uint_eq(crowd_count(&crowd, CO_HTTP_OK), n);
    crowd_leave(&crowd);
}

NET_TEST(connections_in_all_shards_are_used_again)
{
    enum { N = ROOM + 50 };

    open_idle_connections(net, N);
    ck_assert_int_eq(net->session->n_idle_connections, N);
    crowd_join(&crowd, net, N, "http://127.0.0.1:@/", (struct co_http_request){0});
    crowd_wait(&crowd);
    ck_assert_uint_eq(net->origin.n_connections, N);
    crowd_leave(&crowd);
}

NET_TEST(the_connection_that_was_used_last_is_used_next)
{
    open_idle_connections(net, ROOM + 1);
    for (int i = 0; i < 3; i++)
        fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    ck_assert_uint_eq(net->origin.n_connections, ROOM + 1);
}

NET_TEST(a_shard_without_use_is_closed)
{
    open_idle_connections(net, 2 * ROOM);
    ck_assert_int_eq(net->session->n_open_shards, 2);
    settle();
    wind(2 * CO_HTTP_MAX_IDLE_SECONDS * CO_SECOND);
    settle();
    ck_assert_int_eq(net->session->n_open_shards, 1);
    ck_assert_uint_eq(net->origin.n_open, ROOM);
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_success(net);
}

NET_TEST(the_limit_of_idle_connections_is_for_all_shards)
{
    enum { LIMIT = 256 };

    open_idle_connections(net, LIMIT + 100);
    for (int i = 0; i < 3; i++)
        fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    settle();
    ck_assert_int_le(net->session->n_idle_connections, LIMIT);
    ck_assert_uint_le(net->origin.n_open, LIMIT);
}

/* Closed by the origin, and found out by nobody until then. */
NET_TEST(an_idle_connection_that_was_closed_does_no_harm)
{
    open_idle_connections(net, ROOM + 1);
    fake_origin_stop(&net->origin);
    fake_origin_start(&net->origin);
    net->origin.talk = NULL;
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_success(net);
    settle();
    wind(2 * CO_HTTP_MAX_IDLE_SECONDS * CO_SECOND);
    settle();
    ck_assert_int_eq(net->session->n_open_shards, 1);
}

Suite *suite_http_shard(void);

Suite *suite_http_shard(void)
{
    Suite *suite = suite_create("http_shard");
    TCase *tcase = tcase_create("http_shard");

    tcase_add_test(tcase, few_connections_are_in_one_shard);
    tcase_add_test(tcase, many_connections_to_one_origin_are_spread);
    tcase_add_test(tcase, what_is_cancelled_leaves_nothing_in_its_shard);
    tcase_add_test(tcase, connections_in_all_shards_are_used_again);
    tcase_add_test(tcase, the_connection_that_was_used_last_is_used_next);
    tcase_add_test(tcase, a_shard_without_use_is_closed);
    tcase_add_test(tcase, the_limit_of_idle_connections_is_for_all_shards);
    tcase_add_test(tcase, an_idle_connection_that_was_closed_does_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
