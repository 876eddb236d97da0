#include "daemon/model/job_record.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"

#define NOON   (INT64_C(1769860800) * 1000000) /* 2026-01-31T12:00:00Z */
#define SECOND INT64_C(1000000)

static struct job_record *record;
static json_t *shown;
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    record = job_record_new();
    strcpy(record->id, "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE");
    record->version = 1;
    record->created_at = NOON;
    tally_init(&record->tally, 3);
}

static void tear_down(void)
{
    json_decref(shown);
    shown = NULL;
    job_record_unrefp(&record);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void show(size_t n_running)
{
    struct buffer buffer;
    struct json_writer writer;

    buffer_init(&buffer, 1 << 20);
    jw_init(&writer, &buffer);
    job_record_render(record, n_running, &writer);
    ck_assert_int_eq(jw_finish(&writer), 0);
    json_decref(shown);
    shown = json_loadb(buffer.data, buffer.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(shown);
    buffer_done(&buffer);
}

static void expect(const char *path, const char *expected)
{
    json_t *value = shown;
    char name[64];

    for (size_t length; *path != '\0'; path += length + (path[length] == '.')) {
        length = strcspn(path, ".");
        memcpy(name, path, length);
        name[length] = '\0';
        value = json_object_get(value, name);
        ck_assert_msg(value != NULL, "there is no %s", name);
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    ck_assert_str_eq(text, expected);
    free(text);
}

static void finish(enum outcome outcome)
{
    const struct tally_entry entry = {
        .outcome = (uint8_t)outcome, .status = 200, .total_us = 1000, .received_bytes = 10};

    tally_add_entry(&record->tally, &entry);
}

static void end(enum job_status status, enum job_rest rest)
{
    record->status = status;
    record->rest = rest;
    record->started_at = NOON + SECOND;
    record->ended_at = NOON + 3 * SECOND;
    record->expires_at = NOON + 60 * SECOND;
}

START_TEST(new_job_is_queued)
{
    show(0);
    expect("id", "\"job_01JZ9M4T6Q3W8KX2B7V5N0RCFE\"");
    expect("object", "\"job\"");
    expect("name", "null");
    expect("labels", "{}");
    expect("status", "\"queued\"");
    expect("done", "false");
    expect("version", "1");
    expect("created_at", "\"2026-01-31T12:00:00.000000Z\"");
    expect("started_at", "null");
    expect("ended_at", "null");
    expect("expires_at", "null");
    expect("deadline_at", "null");
    expect("progress", "0.0");
    expect("counts.total", "3");
    expect("counts.queued", "3");
    expect("links.self", "\"/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE\"");
    expect("links.results", "\"/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE/results\"");
    expect("links.cancel", "\"/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE/cancel\"");
}
END_TEST

START_TEST(members_are_in_the_order_of_the_contract)
{
    static const char *const order[] = {
        "id",         "object",     "name",       "labels",   "status",     "done",
        "version",    "created_at", "started_at", "ended_at", "expires_at", "deadline_at",
        "elapsed_ms", "counts",     "progress",   "stats",    "links"};
    const char *name;
    json_t *value;
    size_t i = 0;

    show(0);
    json_object_foreach(shown, name, value) ck_assert_str_eq(name, order[i++]);
    ck_assert_uint_eq(i, sizeof(order) / sizeof(*order));
}
END_TEST

START_TEST(name_and_labels_are_as_they_were_written)
{
    record->name = strdup("nightly \"1\"");
    record->labels = strdup("{\"team\":\"web\",\"a\":\"\\\"\"}");
    show(0);
    expect("name", "\"nightly \\\"1\\\"\"");
    expect("labels", "{\"team\":\"web\",\"a\":\"\\\"\"}");
}
END_TEST

START_TEST(running_job_counts_what_runs)
{
    record->status = JOB_RUNNING;
    record->started_at = NOON + SECOND;
    record->deadline_at = NOON + 90 * SECOND;
    finish(OUTCOME_SUCCESS);
    show(1);
    expect("status", "\"running\"");
    expect("started_at", "\"2026-01-31T12:00:01.000000Z\"");
    expect("deadline_at", "\"2026-01-31T12:01:30.000000Z\"");
    expect("counts.running", "1");
    expect("counts.queued", "1");
    expect("counts.finished", "1");
    expect("version", "2");
    expect("progress", "0.333");
}
END_TEST

/* The engine may not have noticed yet what is committed. */
START_TEST(no_more_run_than_there_are)
{
    finish(OUTCOME_SUCCESS);
    finish(OUTCOME_SUCCESS);
    show(3);
    expect("counts.running", "1");
    expect("counts.queued", "0");
}
END_TEST

START_TEST(ended_job_says_when)
{
    for (int i = 0; i < 3; i++)
        finish(OUTCOME_SUCCESS);
    end(JOB_DONE, REST_NONE);
    show(0);
    expect("status", "\"done\"");
    expect("done", "true");
    expect("ended_at", "\"2026-01-31T12:00:03.000000Z\"");
    expect("expires_at", "\"2026-01-31T12:01:00.000000Z\"");
    expect("elapsed_ms", "3000.0");
    expect("progress", "1.0");
    expect("counts.success", "3");
    expect("stats.errors", "{}");
}
END_TEST

static const struct {
    enum job_rest rest;
    const char *errors;
} rests[] = {
    {REST_SATISFIED, "{\"canceled\":2}"},
    {REST_DEADLINE, "{\"deadline_exceeded\":2}"},
    {REST_CANCELED, "{\"canceled\":2}"},
};

START_TEST(rest_of_an_ended_job_counts_as_skipped)
{
    finish(OUTCOME_SUCCESS);
    end(JOB_CANCELED, rests[_i].rest);
    show(5);
    expect("counts.total", "3");
    expect("counts.queued", "0");
    expect("counts.running", "0");
    expect("counts.finished", "3");
    expect("counts.success", "1");
    expect("counts.skipped", "2");
    expect("progress", "1.0");
    expect("stats.errors", rests[_i].errors);
    expect("stats.status", "{\"200\":1}");
    ck_assert_uint_eq(record->tally.n_finished, 1);
}
END_TEST

START_TEST(rest_that_never_started_says_why)
{
    for (enum job_rest rest = REST_NONE + 1; rest < N_JOB_RESTS; rest++) {
        ck_assert_int_eq(job_rest_outcome(rest), OUTCOME_SKIPPED);
        ck_assert_ptr_nonnull(job_rest_error(rest)->message);
        ck_assert_str_eq(job_rest_error(rest)->phase, "queue");
    }
}
END_TEST

START_TEST(every_result_makes_a_new_version)
{
    ck_assert_uint_eq(job_record_version(record), 1);
    finish(OUTCOME_SUCCESS);
    ck_assert_uint_eq(job_record_version(record), 2);
}
END_TEST

START_TEST(record_lives_until_its_last_reference_is_dropped)
{
    ck_assert_ptr_eq(job_record_ref(record), record);
    job_record_unref(record);
    ck_assert_str_eq(record->id, "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE");
    job_record_unref(NULL);
}
END_TEST

START_TEST(without_memory_there_is_no_record)
{
    fault_arm(1);
    ck_assert_ptr_null(job_record_new());
    ck_assert(fault_disarm());
}
END_TEST

Suite *suite_job_record(void);

Suite *suite_job_record(void)
{
    Suite *suite = suite_create("daemon/model/job_record");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, new_job_is_queued);
    tcase_add_test(tcase, members_are_in_the_order_of_the_contract);
    tcase_add_test(tcase, name_and_labels_are_as_they_were_written);
    tcase_add_test(tcase, running_job_counts_what_runs);
    tcase_add_test(tcase, no_more_run_than_there_are);
    tcase_add_test(tcase, ended_job_says_when);
    tcase_add_loop_test(tcase, rest_of_an_ended_job_counts_as_skipped, 0,
                        sizeof(rests) / sizeof(*rests));
    tcase_add_test(tcase, rest_that_never_started_says_why);
    tcase_add_test(tcase, every_result_makes_a_new_version);
    tcase_add_test(tcase, record_lives_until_its_last_reference_is_dropped);
    tcase_add_test(tcase, without_memory_there_is_no_record);
    suite_add_tcase(suite, tcase);
    return suite;
}
