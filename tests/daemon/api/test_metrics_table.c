#include "daemon/api/metrics_table.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/fault.h"

static const struct http_route routes[] = {{.method = "GET", .path = "/v1/jobs/{id}"}};
static struct http_traffic traffic;
static struct metrics_source source;
static struct buffer text;

static void set_up(void)
{
    ck_assert_int_eq(http_traffic_init(&traffic, routes, 1), 0);
    source = (struct metrics_source){.traffic = &traffic};
    buffer_init(&text, SIZE_MAX);
}

static void tear_down(void)
{
    buffer_done(&text);
    http_traffic_done(&traffic);
}

static int write_all(void)
{
    struct prometheus_writer w;

    text.len = 0;
    prometheus_init(&w, &text);
    metrics_write(&source, &w);
    return prometheus_finish(&w);
}

static void assert_line(const char *line)
{
    ck_assert_int_eq(write_all(), 0);
    ck_assert_int_eq(buffer_append_byte(&text, '\0'), 0);
    ck_assert_msg(strstr(text.data, line) != NULL, "no %s", line);
}

static bool ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), n = strlen(ending);

    return length > n && strcmp(name + length - n, ending) == 0;
}

START_TEST(counters_alone_are_totals)
{
    const struct metrics_family *family = &metrics_families[_i];

    ck_assert_msg(ends_in(family->name, "_total") == (family->type == PROMETHEUS_COUNTER), "%s",
                  family->name);
}
END_TEST

START_TEST(durations_are_in_seconds)
{
    const struct metrics_family *family = &metrics_families[_i];

    if (family->type == PROMETHEUS_HISTOGRAM)
        ck_assert_msg(ends_in(family->name, "_seconds"), "%s", family->name);
    ck_assert_ptr_null(strstr(family->name, "_ms"));
    ck_assert_ptr_null(strstr(family->name, "_us"));
}
END_TEST

START_TEST(names_are_ours_or_what_everybody_calls_them)
{
    const struct metrics_family *family = &metrics_families[_i];

    ck_assert_msg(strncmp(family->name, "gatherd_", 8) == 0 ||
                      strncmp(family->name, "process_", 8) == 0,
                  "%s", family->name);
    for (size_t i = 0; i < metrics_n_families; i++)
        if ((int)i != _i)
            ck_assert_str_ne(metrics_families[i].name, family->name);
}
END_TEST

START_TEST(help_is_a_sentence)
{
    ck_assert(ends_in(metrics_families[_i].help, "."));
}
END_TEST

START_TEST(microseconds_become_seconds)
{
    source.reading.lag.p99_us = 1500;
    source.reading.process.cpu_us = 2000000;
    duration_buckets_add(&source.reading.stats.requests, 700);
    assert_line("\ngatherd_loop_lag_p99_seconds 0.0015\n");
    assert_line("\nprocess_cpu_seconds_total 2\n");
    assert_line("\ngatherd_origin_request_duration_seconds_bucket{le=\"0.001\"} 1\n");
    assert_line("\ngatherd_origin_request_duration_seconds_sum 0.0007\n");
}
END_TEST

START_TEST(what_has_names_is_labelled_by_them)
{
    source.reading.stats.n_finished[OUTCOME_BLOCKED] = 3;
    source.reading.stats.blocked.counts[0].name = "ipv4-private";
    source.reading.stats.blocked.counts[0].n = 3;
    source.reading.stats.blocked.n_names = 1;
    source.reading.jobs.n_queued = 4;
    source.reading.store_health = STORE_FULL;
    assert_line("\ngatherd_items_finished_total{outcome=\"blocked\"} 3\n");
    assert_line("\ngatherd_egress_denials_total{rule=\"ipv4-private\"} 3\n");
    assert_line("\ngatherd_jobs{status=\"queued\"} 4\n");
    assert_line("\ngatherd_store_health{state=\"ok\"} 0\n");
    assert_line("\ngatherd_store_health{state=\"full\"} 1\n");
}
END_TEST

START_TEST(routes_are_patterns_and_the_rest_is_other)
{
    http_traffic_count(&traffic, &routes[0], 200);
    http_traffic_time(&traffic, &routes[0], 700);
    http_traffic_count(&traffic, NULL, 404);
    assert_line("\ngatherd_api_requests_total{method=\"GET\",route=\"/v1/jobs/{id}\",code=\"200\"} "
                "1\n");
    assert_line("\ngatherd_api_requests_total{method=\"other\",route=\"other\",code=\"404\"} 1\n");
    assert_line("\ngatherd_api_request_duration_seconds_count{method=\"GET\","
                "route=\"/v1/jobs/{id}\"} 1\n");
}
END_TEST

START_TEST(stacks_that_are_not_measured_are_not_shown)
{
    ck_assert_int_eq(write_all(), 0);
    ck_assert_ptr_null(memmem(text.data, text.len, "\ngatherd_task_stack_high_water_bytes ", 37));
    source.reading.stack_high_water = 4096;
    assert_line("\ngatherd_task_stack_high_water_bytes 4096\n");
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    fault_arm(1);
    int rc = write_all();
    ck_assert(fault_disarm());
    ck_assert_int_lt(rc, 0);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

Suite *suite_metrics_table(void);

Suite *suite_metrics_table(void)
{
    Suite *suite = suite_create("metrics_table");
    TCase *tcase = tcase_create("all");
    int n = (int)metrics_n_families;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, counters_alone_are_totals, 0, n);
    tcase_add_loop_test(tcase, durations_are_in_seconds, 0, n);
    tcase_add_loop_test(tcase, names_are_ours_or_what_everybody_calls_them, 0, n);
    tcase_add_loop_test(tcase, help_is_a_sentence, 0, n);
    tcase_add_test(tcase, microseconds_become_seconds);
    tcase_add_test(tcase, what_has_names_is_labelled_by_them);
    tcase_add_test(tcase, routes_are_patterns_and_the_rest_is_other);
    tcase_add_test(tcase, stacks_that_are_not_measured_are_not_shown);
    tcase_add_test(tcase, lack_of_memory_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
