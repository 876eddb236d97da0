#include "daemon/api/http_traffic.h"

#include <check.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"

static struct http_traffic traffic;

static void set_up(void)
{
    front_set_up();
    ck_assert_int_eq(http_traffic_init(&traffic, front_options.routes, front_options.n_routes), 0);
    front_options.traffic = &traffic;
}

static void tear_down(void)
{
    http_traffic_done(&traffic);
    front_tear_down();
}

/* Of the route with that path; NULL: of what has none. */
static const struct http_route_traffic *traffic_of(const char *path)
{
    for (size_t i = 0; i < traffic.n - 1; i++)
        if (path != NULL && strcmp(traffic.by_route[i].route->path, path) == 0)
            return &traffic.by_route[i];
    return &traffic.by_route[traffic.n - 1];
}

static void assert_counted(const char *path, int status, uint64_t n)
{
    const struct http_route_traffic *of = traffic_of(path);

    ck_assert_int_eq(of->answers[0].status, status);
    ck_assert_uint_eq(of->answers[0].n, n);
}

CO_TEST(answer_counts_for_its_route)
{
    front_start();
    struct http_client *client = front_open();
    front_get(client, "/say/a");
    front_get(client, "/say/b");
    front_get(client, "/fail");
    front_get(client, "/nowhere");
    assert_counted("/say/{text}", 200, 2);
    assert_counted("/fail", 500, 1);
    assert_counted(NULL, 404, 1);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(what_is_refused_counts_once)
{
    front_start();
    struct http_client *client = front_open();
    http_client_send(client, "GET /hello HTTP/1.1\r\nHost: other.test\r\n\r\n");
    ck_assert_int_eq(http_client_receive(client)->status, 403);
    assert_counted(NULL, 403, 1);
    http_client_close(client);
    client = front_open();
    http_client_send(client,
                     "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n");
    ck_assert_int_eq(http_client_receive(client)->status, 413);
    assert_counted("/echo", 413, 1);
    ck_assert_uint_eq(traffic_of("/echo")->answers[1].n, 0);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(time_is_that_until_the_answer)
{
    front_start();
    struct http_client *client = front_open();
    front_get(client, "/wait/1000");
    ck_assert_uint_eq(traffic_of("/wait/{ms}")->took.sum_us, 1000000);
    http_client_close(client);
    front_stop(NO_GRACE);
}

CO_TEST(connections_are_counted_while_they_are_open)
{
    front_start();
    struct http_client *first = front_open(), *second = front_open();
    settle();
    ck_assert_uint_eq(traffic.n_connections, 2);
    http_client_close(first);
    settle();
    ck_assert_uint_eq(traffic.n_connections, 1);
    http_client_close(second);
    front_stop(NO_GRACE);
    ck_assert_uint_eq(traffic.n_connections, 0);
}

Suite *suite_http_server_traffic(void);

Suite *suite_http_server_traffic(void)
{
    Suite *suite = suite_create("http_server_traffic");
    TCase *tcase = tcase_create("http_server_traffic");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, answer_counts_for_its_route);
    tcase_add_test(tcase, what_is_refused_counts_once);
    tcase_add_test(tcase, time_is_that_until_the_answer);
    tcase_add_test(tcase, connections_are_counted_while_they_are_open);
    suite_add_tcase(suite, tcase);
    return suite;
}
