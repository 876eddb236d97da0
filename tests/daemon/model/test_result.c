#include "daemon/model/result.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct result result;

static void set_up(void)
{
    result_init(&result);
}

START_TEST(nothing_has_happened_to_a_new_result)
{
    ck_assert_int_eq(result_elapsed_us(&result), 0);
    ck_assert_uint_eq(result_n_attempts(&result), 0);
    ck_assert_int_eq(result_tls_expires_in_us(&result), -1);
    ck_assert_int_eq(result_timing_us(&result, "dns_ms"), -1);
    ck_assert_int_eq(result_timing_us(&result, "redirect_ms"), -1);
    ck_assert_int_eq(result_timing_us(&result, "total_ms"), 0);
}
END_TEST

START_TEST(each_timing_has_its_name)
{
    result.queue_us = 1;
    for (int i = 0; i < CO_HTTP_N_PHASES; i++)
        result.phase_us[i] = 2 + i;
    result.total_us = 8;
    result.redirect_us = 9;
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(result_timing_us(&result, result_timing_names[i]), i + 1);
    ck_assert_str_eq(result_timing_names[9], "elapsed_ms");
    ck_assert_int_eq(result_timing_us(&result, "elapsed_ms"), 9);
    ck_assert_ptr_null(result_timing_names[10]);
    for (int i = 0; i < CO_HTTP_N_PHASES; i++) {
        const char *name = co_http_phase_name((enum co_http_phase)i);
        ck_assert_mem_eq(result_timing_names[1 + i], name, strlen(name));
        ck_assert_str_eq(result_timing_names[1 + i] + strlen(name), "_ms");
    }
}
END_TEST

START_TEST(elapsed_is_waiting_attempts_and_pauses)
{
    struct result_attempt attempts[] = {{.total_us = 10, .backoff_us = 200},
                                        {.total_us = 3000, .backoff_us = 40000}};

    result.queue_us = 500000;
    result.total_us = 6000000;
    result.attempts = attempts;
    result.n_attempts = N_ELEMENTS(attempts);
    ck_assert_int_eq(result_elapsed_us(&result), 6543210);
    ck_assert_uint_eq(result_n_attempts(&result), 2);
    result.attempt_started_at = 1;
    ck_assert_uint_eq(result_n_attempts(&result), 3);
}
END_TEST

START_TEST(certificate_expires_from_the_end_on)
{
    const struct co_http_tls tls = {.not_after_at = 1000};

    result.response.tls = &tls;
    result.finished_at = 400;
    ck_assert_int_eq(result_tls_expires_in_us(&result), 600);
    result.finished_at = 1001;
    ck_assert_int_eq(result_tls_expires_in_us(&result), 0);
}
END_TEST

START_TEST(every_outcome_has_a_name)
{
    for (enum outcome i = 0; i < N_OUTCOMES; i++)
        for (enum outcome j = 0; j < i; j++)
            ck_assert_str_ne(outcome_name(i), outcome_name(j));
}
END_TEST

START_TEST(all_that_a_result_holds_is_freed)
{
    size_t before = fault_live();

    result.hops = calloc(2, sizeof(*result.hops));
    result.n_hops = 2;
    ck_assert_int_eq(co_url_parse("http://a/", 9, &result.hops[1].url), 0);
    ck_assert_int_eq(co_url_parse("http://b/", 9, &result.final_url), 0);
    result.attempts = calloc(3, sizeof(*result.attempts));
    result.n_attempts = 3;
    result.error_text = strdup("a sentence");
    result.verdict.failures = calloc(1, sizeof(*result.verdict.failures));
    result.verdict.n_failures = 1;
    result.verdict.failures[0].actual = strdup("null");
    result.response.body = strdup("body");
    ck_assert_uint_gt(fault_live(), before);
    result_done(&result);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

Suite *suite_result(void);

Suite *suite_result(void)
{
    Suite *suite = suite_create("daemon/model/result");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, nothing_has_happened_to_a_new_result);
    tcase_add_test(tcase, each_timing_has_its_name);
    tcase_add_test(tcase, elapsed_is_waiting_attempts_and_pauses);
    tcase_add_test(tcase, certificate_expires_from_the_end_on);
    tcase_add_test(tcase, every_outcome_has_a_name);
    tcase_add_test(tcase, all_that_a_result_holds_is_freed);
    suite_add_tcase(suite, tcase);
    return suite;
}
