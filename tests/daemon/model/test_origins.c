#include "daemon/model/origins.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "tests/support/fault.h"
#include "tests/support/spec.h"

static struct job_spec *spec;

static void expect_numbers(const char *expected)
{
    char numbers[256] = "";
    size_t length = 0;

    for (size_t i = 0; i < spec->n_requests; i++)
        length += (size_t)snprintf(numbers + length, sizeof(numbers) - length, "%u ",
                                   spec->requests[i].origin);
    ck_assert_str_eq(numbers, expected);
}

START_TEST(parsed_spec_has_its_origins_numbered)
{
    spec = spec_of("[\"http://a/\", \"http://b/\", \"http://a/x\", \"https://a/\", "
                   "\"http://a:81/\", \"http://A:80/\", \"http://b/\"]");
    expect_numbers("0 1 0 2 3 0 1 ");
    ck_assert_uint_eq(spec->n_origins, 4);
    job_spec_free(spec);
}
END_TEST

START_TEST(requests_that_cannot_be_fetched_share_a_number)
{
    spec =
        spec_of("{\"on_invalid\": \"report\", \"requests\": [\"x\", \"http://a/\", \"ftp://b/\"]}");
    expect_numbers("0 1 0 ");
    ck_assert_uint_eq(spec->n_origins, 2);
    job_spec_free(spec);
}
END_TEST

enum { N_MANY = 5000 };

START_TEST(many_origins_get_a_number_each)
{
    static char origins[N_MANY][24];
    static struct request requests[2 * N_MANY];
    struct job_spec many = {.requests = requests, .n_requests = (size_t)2 * N_MANY};

    for (size_t i = 0; i < N_MANY; i++) {
        snprintf(origins[i], sizeof(origins[i]), "http://%zu:80", i);
        requests[i].url.origin = requests[i + N_MANY].url.origin = origins[i];
    }
    ck_assert_int_eq(origins_number(&many), 0);
    ck_assert_uint_eq(many.n_origins, N_MANY);
    for (size_t i = 0; i < N_MANY; i++) {
        ck_assert_uint_eq(requests[i].origin, i);
        ck_assert_uint_eq(requests[i + N_MANY].origin, i);
    }
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    size_t live = fault_live();

    spec = spec_of("[\"http://a/\", \"http://b/\", \"http://c/\", \"http://d/\", \"http://e/\", "
                   "\"http://f/\", \"http://g/\", \"http://h/\", \"http://i/\", \"http://j/\"]");
    for (size_t n = 1; n <= 2; n++) {
        fault_arm(n);
        ck_assert_int_eq(origins_number(spec), -ENOMEM);
        ck_assert(fault_disarm());
    }
    job_spec_free(spec);
    ck_assert_uint_eq(fault_live(), live);
}
END_TEST

Suite *suite_origins(void);

Suite *suite_origins(void)
{
    Suite *suite = suite_create("daemon/model/origins");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, parsed_spec_has_its_origins_numbered);
    tcase_add_test(tcase, requests_that_cannot_be_fetched_share_a_number);
    tcase_add_test(tcase, many_origins_get_a_number_each);
    tcase_add_test(tcase, lack_of_memory_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
