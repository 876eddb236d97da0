#include "daemon/engine/stats.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct stats stats;

static void set_up(void)
{
    stats_init(&stats);
}

static void count_item(enum outcome outcome, const char *code, const char *rule)
{
    const struct result result = {
        .outcome = outcome,
        .error = {.code = code, .rule = rule},
        .n_attempts = 2,
    };

    stats_count_item(&stats, &result);
}

static uint64_t n_of(const struct stats_names *names, const char *name)
{
    for (unsigned i = 0; i < names->n_names; i++)
        if (strcmp(names->counts[i].name, name) == 0)
            return names->counts[i].n;
    return 0;
}

START_TEST(items_are_counted_by_outcome_code_and_rule)
{
    count_item(OUTCOME_SUCCESS, NULL, NULL);
    count_item(OUTCOME_TRANSPORT_ERROR, "dns_timeout", NULL);
    count_item(OUTCOME_BLOCKED, "blocked_by_policy", "ipv4-private");
    count_item(OUTCOME_BLOCKED, "blocked_by_policy", "ipv4-private");
    ck_assert_uint_eq(stats.n_finished[OUTCOME_SUCCESS], 1);
    ck_assert_uint_eq(stats.n_finished[OUTCOME_BLOCKED], 2);
    ck_assert_uint_eq(stats.n_retries, 8);
    ck_assert_uint_eq(n_of(&stats.errors, "dns_timeout"), 1);
    ck_assert_uint_eq(n_of(&stats.errors, "blocked_by_policy"), 2);
    ck_assert_uint_eq(n_of(&stats.blocked, "ipv4-private"), 2);
    ck_assert_uint_eq(stats.errors.n_names, 2);
}
END_TEST

START_TEST(rule_that_was_made_for_a_result_is_not_kept)
{
    char text[] = "secret api-token";
    struct result result = {.outcome = OUTCOME_BLOCKED,
                            .error = {.code = "blocked_by_policy", .rule = text},
                            .error_text = text};

    stats_count_item(&stats, &result);
    ck_assert_uint_eq(n_of(&stats.blocked, "secret"), 1);
}
END_TEST

START_TEST(names_are_bounded)
{
    static char names[2 * STATS_MAX_NAMES][8];

    for (int i = 0; i < 2 * STATS_MAX_NAMES; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", i);
        count_item(OUTCOME_TRANSPORT_ERROR, names[i], NULL);
    }
    ck_assert_uint_eq(stats.errors.n_names, STATS_MAX_NAMES);
    ck_assert_uint_eq(n_of(&stats.errors, "0"), 1);
    ck_assert_uint_eq(n_of(&stats.errors, "other"), STATS_MAX_NAMES + 1);
}
END_TEST

START_TEST(requests_are_counted_by_connection_and_bytes)
{
    struct co_http_response response = {
        .sent_bytes = 100, .encoded_bytes = 10, .decoded_bytes = 30};

    stats_count_request(&stats, &response); /* never connected */
    response.remote.family = AF_INET;
    stats_count_request(&stats, &response);
    response.reused = true;
    stats_count_request(&stats, &response);
    stats_count_request(&stats, &response);
    ck_assert_uint_eq(stats.n_requests, 4);
    ck_assert_uint_eq(stats.n_connections_opened, 1);
    ck_assert_uint_eq(stats.n_connections_reused, 2);
    ck_assert_uint_eq(stats.sent_bytes, 400);
    ck_assert_uint_eq(stats.received_bytes, 40);
    ck_assert_uint_eq(stats.decoded_bytes, 120);
}
END_TEST

START_TEST(durations_are_kept_by_phase)
{
    const struct co_http_response response = {
        .phase_us = {[CO_HTTP_DNS] = -1, [CO_HTTP_CONNECT] = 0, [CO_HTTP_WAIT] = 700},
        .total_us = 700,
    };

    stats_count_request(&stats, &response);
    ck_assert_uint_eq(stats.phases[CO_HTTP_DNS].counts[0], 0);
    ck_assert_uint_eq(stats.phases[CO_HTTP_CONNECT].counts[0], 1);
    ck_assert_uint_eq(stats.phases[CO_HTTP_WAIT].counts[1], 1);
    ck_assert_uint_eq(stats.requests.sum_us, 700);
}
END_TEST

START_TEST(only_what_was_started_has_waited)
{
    struct result result = {.outcome = OUTCOME_SKIPPED, .queue_us = 300};

    stats_count_item(&stats, &result);
    ck_assert_uint_eq(stats.queue.sum_us, 0);
    result.attempt_started_at = 1;
    stats_count_item(&stats, &result);
    ck_assert_uint_eq(stats.queue.sum_us, 300);
}
END_TEST

START_TEST(nobody_need_count)
{
    const struct result result = {.outcome = OUTCOME_SUCCESS};
    const struct co_http_response response = {.status = 200};

    stats_count_item(NULL, &result);
    stats_count_request(NULL, &response);
}
END_TEST

Suite *suite_stats(void);

Suite *suite_stats(void)
{
    Suite *suite = suite_create("daemon/engine/stats");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, items_are_counted_by_outcome_code_and_rule);
    tcase_add_test(tcase, rule_that_was_made_for_a_result_is_not_kept);
    tcase_add_test(tcase, names_are_bounded);
    tcase_add_test(tcase, requests_are_counted_by_connection_and_bytes);
    tcase_add_test(tcase, durations_are_kept_by_phase);
    tcase_add_test(tcase, only_what_was_started_has_waited);
    tcase_add_test(tcase, nobody_need_count);
    suite_add_tcase(suite, tcase);
    return suite;
}
