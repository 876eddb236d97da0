#include <check.h>

#include "lib/net/http_private.h"

#include "tests/support/random.h"

#define AT(us) (1000 * CO_SECOND + (us)*CO_MICROSECOND)

static struct co_http_response response;

static struct co_http_timing started(void)
{
    return (struct co_http_timing){.started = AT(0)};
}

static void assert_phases(const int64_t expected[static CO_HTTP_N_PHASES])
{
    for (enum co_http_phase phase = 0; phase < CO_HTTP_N_PHASES; phase++)
        ck_assert_int_eq(response.phase_us[phase], expected[phase]);
}

START_TEST(each_phase_takes_from_the_end_of_the_one_before)
{
    struct co_http_timing timing = started();

    for (enum co_http_phase phase = 0; phase < CO_HTTP_RECEIVE; phase++)
        co_http_timing_end(&timing, phase, AT(10 * (phase + 1) * (phase + 1)));
    co_http_timing_report(&timing, AT(1000), &response);
    assert_phases((int64_t[]){10, 30, 50, 70, 90, 750});
    ck_assert_int_eq(response.total_us, 1000);
}
END_TEST

START_TEST(the_time_of_a_skipped_phase_belongs_to_the_next)
{
    struct co_http_timing timing = started();

    co_http_timing_skip(&timing, CO_HTTP_DNS);
    co_http_timing_skip(&timing, CO_HTTP_TLS);
    ck_assert_int_eq(co_http_timing_phase(&timing), CO_HTTP_CONNECT);
    co_http_timing_end(&timing, CO_HTTP_DNS, AT(1));
    co_http_timing_end(&timing, CO_HTTP_CONNECT, AT(5));
    ck_assert_int_eq(co_http_timing_phase(&timing), CO_HTTP_SEND);
    co_http_timing_end(&timing, CO_HTTP_TLS, AT(6));
    co_http_timing_end(&timing, CO_HTTP_SEND, AT(9));
    co_http_timing_end(&timing, CO_HTTP_WAIT, AT(10));
    co_http_timing_report(&timing, AT(11), &response);
    assert_phases((int64_t[]){-1, 5, -1, 4, 1, 1});
}
END_TEST

START_TEST(on_failure_the_rest_belongs_to_the_phase_that_was_going_on)
{
    struct co_http_timing timing = started();

    co_http_timing_end(&timing, CO_HTTP_DNS, AT(3));
    co_http_timing_report(&timing, AT(10), &response);
    assert_phases((int64_t[]){3, 7, -1, -1, -1, -1});
    ck_assert_int_eq(response.error_phase, CO_HTTP_CONNECT);
    ck_assert_int_eq(response.total_us, 10);
}
END_TEST

START_TEST(only_the_first_end_of_a_phase_counts)
{
    struct co_http_timing timing = started();

    co_http_timing_end(&timing, CO_HTTP_DNS, AT(3));
    co_http_timing_end(&timing, CO_HTTP_DNS, AT(4));
    co_http_timing_report(&timing, AT(10), &response);
    ck_assert_int_eq(response.phase_us[CO_HTTP_DNS], 3);
}
END_TEST

START_TEST(a_connection_made_after_a_dead_one_starts_over_from_there)
{
    struct co_http_timing timing = started();

    co_http_timing_skip(&timing, CO_HTTP_TLS);
    co_http_timing_end(&timing, CO_HTTP_DNS, AT(1));
    co_http_timing_end(&timing, CO_HTTP_SEND, AT(2));
    ck_assert_int_eq(co_http_timing_phase(&timing), CO_HTTP_WAIT);
    co_http_timing_reopen(&timing);
    ck_assert_int_eq(co_http_timing_phase(&timing), CO_HTTP_CONNECT);
    co_http_timing_end(&timing, CO_HTTP_CONNECT, AT(7));
    co_http_timing_report(&timing, AT(8), &response);
    assert_phases((int64_t[]){1, 6, -1, 1, -1, -1});
}
END_TEST

START_TEST(the_phases_add_up_to_the_microsecond)
{
    struct random random = {1};

    for (int i = 0; i < 10000; i++) {
        struct co_http_timing timing = started();
        co_time at = timing.started;
        int64_t sum = 0;
        enum co_http_phase last = random_below(&random, CO_HTTP_N_PHASES);
        timing.skipped = random_below(&random, 1u << CO_HTTP_SEND);
        for (enum co_http_phase phase = 0; phase < last; phase++)
            co_http_timing_end(&timing, phase, at += random_below(&random, 5000));
        at += random_below(&random, 5000);
        co_http_timing_report(&timing, at, &response);
        for (enum co_http_phase phase = 0; phase < CO_HTTP_N_PHASES; phase++)
            sum += response.phase_us[phase] > 0 ? response.phase_us[phase] : 0;
        ck_assert_int_eq(sum, response.total_us);
        ck_assert_int_eq(response.total_us, (at - timing.started) / CO_MICROSECOND);
    }
}
END_TEST

Suite *suite_http_timing(void);

Suite *suite_http_timing(void)
{
    Suite *suite = suite_create("http_timing");
    TCase *tcase = tcase_create("http_timing");

    tcase_add_test(tcase, each_phase_takes_from_the_end_of_the_one_before);
    tcase_add_test(tcase, the_time_of_a_skipped_phase_belongs_to_the_next);
    tcase_add_test(tcase, on_failure_the_rest_belongs_to_the_phase_that_was_going_on);
    tcase_add_test(tcase, only_the_first_end_of_a_phase_counts);
    tcase_add_test(tcase, a_connection_made_after_a_dead_one_starts_over_from_there);
    tcase_add_test(tcase, the_phases_add_up_to_the_microsecond);
    suite_add_tcase(suite, tcase);
    return suite;
}
