#include "daemon/api/router.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct http_route routes[] = {
    {.method = "GET", .path = "/"},
    {.method = "POST", .path = "/v1/gather"},
    {.method = "GET", .path = "/v1/gather"},
    {.method = "GET", .path = "/v1/jobs/{id}"},
    {.method = "DELETE", .path = "/v1/jobs/{id}"},
    {.method = "GET", .path = "/v1/jobs/{id}/results/{index}"},
};

static enum route_outcome find(const char *method, const char *path, struct route_match *ret_match)
{
    return route_find(routes, N_ELEMENTS(routes), method, path, ret_match);
}

static const struct {
    const char *method, *path;
    size_t route;
    const char *params[2];
} found[] = {
    {"GET", "/", 0, {NULL}},
    {"POST", "/v1/gather", 1, {NULL}},
    {"GET", "/v1/gather", 2, {NULL}},
    {"HEAD", "/v1/gather", 2, {NULL}},
    {"GET", "/v1/jobs/job_1", 3, {"job_1"}},
    {"DELETE", "/v1/jobs/a%20b", 4, {"a%20b"}},
    {"GET", "/v1/jobs/j/results/7", 5, {"j", "7"}},
    {"GET", "/v1/jobs/results/results/results", 5, {"results", "results"}},
};

START_TEST(request_goes_to_the_route_of_its_method_and_path)
{
    struct route_match match;
    size_t n_params = 0;

    ck_assert_int_eq(find(found[_i].method, found[_i].path, &match), ROUTE_FOUND);
    ck_assert_ptr_eq(match.route, &routes[found[_i].route]);
    while (n_params < 2 && found[_i].params[n_params] != NULL) {
        const char *expected = found[_i].params[n_params];
        ck_assert_uint_eq(match.params[n_params].length, strlen(expected));
        ck_assert_int_eq(strncmp(match.params[n_params].text, expected, strlen(expected)), 0);
        n_params++;
    }
    ck_assert_uint_eq(match.n_params, n_params);
}
END_TEST

static const char *const not_found[] = {
    "",
    "*",
    "//",
    "/v1",
    "/v1/",
    "/v1/gather/",
    "/v1//gather",
    "/v1/gathers",
    "/V1/gather",
    "/v1/jobs/",
    "/v1/jobs/a/",
    "/v1/jobs/a/b",
    "/v1/jobs/a/results/",
    "/v1/jobs/a/results/1/body",
    "v1/gather",
    "/{id}",
};

START_TEST(path_that_is_no_route_is_not_found)
{
    struct route_match match;

    ck_assert_int_eq(find("GET", not_found[_i], &match), ROUTE_NOT_FOUND);
    ck_assert_ptr_null(match.route);
    ck_assert_str_eq(match.allow, "");
}
END_TEST

static const struct {
    const char *method, *path, *allow;
} wrong_methods[] = {
    {"DELETE", "/v1/gather", "POST, GET, HEAD, OPTIONS"},
    {"OPTIONS", "/v1/gather", "POST, GET, HEAD, OPTIONS"},
    {"PUT", "/v1/jobs/x", "GET, HEAD, DELETE, OPTIONS"},
    {"POST", "/", "GET, HEAD, OPTIONS"},
    {"get", "/", "GET, HEAD, OPTIONS"},
};

START_TEST(wrong_method_is_told_the_right_ones)
{
    struct route_match match;

    ck_assert_int_eq(find(wrong_methods[_i].method, wrong_methods[_i].path, &match),
                     ROUTE_WRONG_METHOD);
    ck_assert_ptr_null(match.route);
    ck_assert_str_eq(match.allow, wrong_methods[_i].allow);
}
END_TEST

Suite *suite_router(void);

Suite *suite_router(void)
{
    Suite *suite = suite_create("router");
    TCase *tcase = tcase_create("router");

    tcase_add_loop_test(tcase, request_goes_to_the_route_of_its_method_and_path, 0,
                        N_ELEMENTS(found));
    tcase_add_loop_test(tcase, path_that_is_no_route_is_not_found, 0, N_ELEMENTS(not_found));
    tcase_add_loop_test(tcase, wrong_method_is_told_the_right_ones, 0, N_ELEMENTS(wrong_methods));
    suite_add_tcase(suite, tcase);
    return suite;
}
