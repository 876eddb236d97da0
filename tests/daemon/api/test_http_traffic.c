#include "daemon/api/http_traffic.h"

#include <check.h>
#include <errno.h>

#include "tests/support/fault.h"

enum { N_ROUTES = 2 };

static const struct http_route routes[N_ROUTES] = {{.path = "/a"}, {.path = "/b"}};
static struct http_traffic traffic;

static void set_up(void)
{
    ck_assert_int_eq(http_traffic_init(&traffic, routes, N_ROUTES), 0);
}

static void tear_down(void)
{
    http_traffic_done(&traffic);
}

static uint64_t n_of(size_t i, int status)
{
    for (size_t k = 0; k < HTTP_TRAFFIC_STATUSES; k++)
        if (traffic.by_route[i].answers[k].n > 0 && traffic.by_route[i].answers[k].status == status)
            return traffic.by_route[i].answers[k].n;
    return 0;
}

START_TEST(answers_are_counted_by_route_and_status)
{
    http_traffic_count(&traffic, &routes[0], 200);
    http_traffic_count(&traffic, &routes[0], 404);
    http_traffic_count(&traffic, &routes[0], 200);
    http_traffic_count(&traffic, &routes[1], 200);
    http_traffic_count(&traffic, NULL, 404);
    ck_assert_uint_eq(n_of(0, 200), 2);
    ck_assert_uint_eq(n_of(0, 404), 1);
    ck_assert_uint_eq(n_of(1, 200), 1);
    ck_assert_uint_eq(n_of(1, 404), 0);
    ck_assert_uint_eq(n_of(N_ROUTES, 404), 1);
    ck_assert_ptr_eq(traffic.by_route[1].route, &routes[1]);
    ck_assert_ptr_null(traffic.by_route[N_ROUTES].route);
}
END_TEST

START_TEST(statuses_are_bounded)
{
    for (int status = 200; status < 400; status++)
        http_traffic_count(&traffic, &routes[0], status);
    ck_assert_uint_eq(n_of(0, 200), 1);
    ck_assert_uint_eq(n_of(0, 0), 200 - (HTTP_TRAFFIC_STATUSES - 1));
}
END_TEST

START_TEST(times_are_kept_by_route)
{
    http_traffic_time(&traffic, &routes[1], 700);
    ck_assert_uint_eq(traffic.by_route[1].took.counts[1], 1);
    ck_assert_uint_eq(traffic.by_route[1].took.sum_us, 700);
    ck_assert_uint_eq(traffic.by_route[0].took.sum_us, 0);
}
END_TEST

START_TEST(nobody_need_count)
{
    http_traffic_count(NULL, &routes[0], 200);
    http_traffic_time(NULL, &routes[0], 1);
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct http_traffic other;

    fault_arm(1);
    ck_assert_int_eq(http_traffic_init(&other, routes, N_ROUTES), -ENOMEM);
    ck_assert(fault_disarm());
    http_traffic_done(&other);
}
END_TEST

Suite *suite_http_traffic(void);

Suite *suite_http_traffic(void)
{
    Suite *suite = suite_create("http_traffic");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, answers_are_counted_by_route_and_status);
    tcase_add_test(tcase, statuses_are_bounded);
    tcase_add_test(tcase, times_are_kept_by_route);
    tcase_add_test(tcase, nobody_need_count);
    tcase_add_test(tcase, lack_of_memory_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
