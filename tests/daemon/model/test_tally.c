#include "daemon/model/tally.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct tally tally;
static struct buffer buffer;
static json_t *shown;

static void set_up(void)
{
    tally_init(&tally, 10);
    buffer_init(&buffer, 1 << 20);
}

static void tear_down(void)
{
    json_decref(shown);
    shown = NULL;
    buffer_done(&buffer);
}

static void show(struct json_writer *writer)
{
    ck_assert_int_eq(jw_finish(writer), 0);
    json_decref(shown);
    shown = json_loadb(buffer.data, buffer.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(shown);
}

static void show_counts(size_t n_running)
{
    struct json_writer writer;

    buffer.len = 0;
    jw_init(&writer, &buffer);
    tally_render_counts(&tally, n_running, &writer);
    show(&writer);
}

static void show_stats(void)
{
    struct json_writer writer;

    buffer.len = 0;
    jw_init(&writer, &buffer);
    tally_render_stats(&tally, &writer);
    show(&writer);
}

static void expect(const char *name, const char *expected)
{
    json_t *value = json_object_get(shown, name);

    ck_assert_msg(value != NULL, "there is no %s", name);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12));
    ck_assert_str_eq(text, expected);
    free(text);
}

static void add(enum outcome outcome, int status, const char *error, int64_t total_us)
{
    const struct result result = {
        .outcome = outcome,
        .error.code = error,
        .total_us = total_us,
        .response = {.status = status, .encoded_bytes = 100},
    };

    tally_add(&tally, &result);
}

START_TEST(new_tally_counts_nothing)
{
    show_counts(0);
    expect("total", "10");
    expect("queued", "10");
    expect("running", "0");
    expect("finished", "0");
    expect("retried", "0");
    show_stats();
    expect("total_ms", "null");
    expect("status", "{}");
    expect("errors", "{}");
    expect("received_bytes", "0");
}
END_TEST

START_TEST(total_is_queued_running_and_finished)
{
    add(OUTCOME_SUCCESS, 200, NULL, 1000);
    add(OUTCOME_SUCCESS, 204, NULL, 1000);
    add(OUTCOME_TRANSPORT_ERROR, 0, "connect_refused", 1000);
    show_counts(4);
    expect("total", "10");
    expect("queued", "3");
    expect("running", "4");
    expect("finished", "3");
}
END_TEST

START_TEST(finished_is_the_sum_of_the_outcomes)
{
    json_int_t sum = 0;

    for (enum outcome i = 0; i < N_OUTCOMES; i++)
        add(i, 0, NULL, 0);
    show_counts(0);
    for (enum outcome i = 0; i < N_OUTCOMES; i++) {
        expect(outcome_name(i), "1");
        sum += json_integer_value(json_object_get(shown, outcome_name(i)));
    }
    ck_assert_int_eq(sum, json_integer_value(json_object_get(shown, "finished")));
}
END_TEST

START_TEST(items_that_took_more_than_one_attempt_are_counted_once)
{
    struct result_attempt attempts[2] = {0};
    struct result result = {.attempts = attempts, .attempt_started_at = 1};

    tally_add(&tally, &result);
    for (result.n_attempts = 1; result.n_attempts <= 2; result.n_attempts++)
        tally_add(&tally, &result);
    result.n_attempts = 1;
    result.attempt_started_at = 0; /* it ended in the pause after the first */
    tally_add(&tally, &result);
    show_counts(0);
    expect("retried", "2");
}
END_TEST

START_TEST(failed_assertions_are_counted)
{
    add(OUTCOME_ASSERTION_FAILED, 200, NULL, 1000);
    add(OUTCOME_SUCCESS, 200, NULL, 1000);
    show_counts(0);
    expect("assertion_failed", "1");
    show_stats();
    expect("status", "{\"200\":2}");
}
END_TEST

START_TEST(statuses_are_counted_each)
{
    add(OUTCOME_SUCCESS, 200, NULL, 1000);
    add(OUTCOME_SUCCESS, 200, NULL, 1000);
    add(OUTCOME_HTTP_ERROR, 404, NULL, 1000);
    add(OUTCOME_HTTP_ERROR, 999, NULL, 1000);
    show_stats();
    expect("status", "{\"200\":2,\"404\":1,\"999\":1}");
    expect("received_bytes", "400");
}
END_TEST

START_TEST(errors_are_counted_by_code)
{
    char copy[] = "connect_refused";

    add(OUTCOME_TRANSPORT_ERROR, 0, "connect_refused", 10);
    add(OUTCOME_TRANSPORT_ERROR, 0, "dns_not_found", 10);
    add(OUTCOME_TRANSPORT_ERROR, 0, copy, 10);
    show_stats();
    expect("errors", "{\"connect_refused\":2,\"dns_not_found\":1}");
}
END_TEST

START_TEST(more_codes_than_there_is_room_for_do_no_harm)
{
    static char codes[TALLY_MAX_CODES + 5][16];

    for (int i = 0; i < TALLY_MAX_CODES + 5; i++) {
        sprintf(codes[i], "code_%d", i);
        add(OUTCOME_TRANSPORT_ERROR, 0, codes[i], 10);
    }
    show_stats();
    ck_assert_uint_eq(json_object_size(json_object_get(shown, "errors")), TALLY_MAX_CODES);
}
END_TEST

START_TEST(times_are_of_what_was_started)
{
    add(OUTCOME_SUCCESS, 200, NULL, 1500);
    add(OUTCOME_SKIPPED, 0, "canceled", 0);
    show_stats();
    expect("total_ms",
           "{\"min\":1.5,\"p50\":1.5,\"p90\":1.5,\"p99\":1.5,\"max\":1.5,\"mean\":1.5}");
}
END_TEST

START_TEST(percentiles_are_of_their_ranks)
{
    for (int i = 1; i <= 100; i++)
        add(OUTCOME_SUCCESS, 200, NULL, i * 1000);
    show_stats();
    json_t *times = json_object_get(shown, "total_ms");
    static const struct {
        const char *name;
        double value;
    } percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}};
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(json_real_value(json_object_get(times, percentiles[i].name)),
                                percentiles[i].value, percentiles[i].value / 60);
    ck_assert_double_eq(json_real_value(json_object_get(times, "mean")), 50.5);
    ck_assert_double_eq(json_real_value(json_object_get(times, "min")), 1);
    ck_assert_double_eq(json_real_value(json_object_get(times, "max")), 100);
}
END_TEST

Suite *suite_tally(void);

Suite *suite_tally(void)
{
    Suite *suite = suite_create("daemon/model/tally");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, new_tally_counts_nothing);
    tcase_add_test(tcase, total_is_queued_running_and_finished);
    tcase_add_test(tcase, finished_is_the_sum_of_the_outcomes);
    tcase_add_test(tcase, items_that_took_more_than_one_attempt_are_counted_once);
    tcase_add_test(tcase, failed_assertions_are_counted);
    tcase_add_test(tcase, statuses_are_counted_each);
    tcase_add_test(tcase, errors_are_counted_by_code);
    tcase_add_test(tcase, more_codes_than_there_is_room_for_do_no_harm);
    tcase_add_test(tcase, times_are_of_what_was_started);
    tcase_add_test(tcase, percentiles_are_of_their_ranks);
    suite_add_tcase(suite, tcase);
    return suite;
}
