#include "daemon/model/job.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/spec.h"

#define HOUR_US (INT64_C(3600) * 1000000)

static struct ulid_source ids;
static struct result_budget budget = {.max = 1 << 20};
static struct job *job;
static json_t *shown;
static size_t live_before;

static void make(const char *document)
{
    job_unref(job);
    ck_assert_int_eq(job_new(spec_of(document), &ids, HOUR_US, &budget, &job), 0);
}

static void set_up(void)
{
    live_before = fault_live();
    make("{\"name\": \"nightly\", \"labels\": {\"team\": \"web\", \"a\": \"\\\"\"}, \"urls\": "
         "[\"http://a/\", \"http://b/\", \"http://c/\"]}");
}

static void tear_down(void)
{
    json_decref(shown);
    shown = NULL;
    job_unref(co_take(job));
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void show(size_t n_running)
{
    struct buffer buffer;
    struct json_writer writer;

    buffer_init(&buffer, 1 << 20);
    jw_init(&writer, &buffer);
    job_render(job, n_running, &writer);
    ck_assert_int_eq(jw_finish(&writer), 0);
    json_decref(shown);
    shown = json_loadb(buffer.data, buffer.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(shown);
    buffer_done(&buffer);
}

static json_t *member(const char *name)
{
    json_t *value = json_object_get(shown, name);

    ck_assert_msg(value != NULL, "there is no %s", name);
    return value;
}

static void expect(const char *name, const char *expected)
{
    char *text = json_dumps(member(name), JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));

    ck_assert_str_eq(text, expected);
    free(text);
}

static void finish(size_t index)
{
    struct result result;

    result_init(&result);
    result_set_finish(&job->results, index, &result);
}

START_TEST(new_job_is_queued)
{
    show(0);
    expect("object", "\"job\"");
    expect("name", "\"nightly\"");
    expect("labels", "{\"team\":\"web\",\"a\":\"\\\"\"}");
    expect("status", "\"queued\"");
    expect("done", "false");
    expect("started_at", "null");
    expect("ended_at", "null");
    expect("expires_at", "null");
    expect("deadline_at", "null");
    expect("progress", "0.0");
    ck_assert_str_eq(json_string_value(member("id")), job->id);
    ck_assert_uint_eq(json_string_length(member("created_at")), 27);
    ck_assert(json_is_real(member("elapsed_ms")));
    ck_assert(json_is_object(member("counts")) && json_is_object(member("stats")));
}
END_TEST

START_TEST(job_without_a_name_has_none)
{
    make("[\"http://a/\"]");
    show(0);
    expect("name", "null");
    expect("labels", "{}");
}
END_TEST

START_TEST(links_lead_to_the_job)
{
    char path[64];

    show(0);
    json_t *links = member("links");
    sprintf(path, "/v1/jobs/%s", job->id);
    ck_assert_str_eq(json_string_value(json_object_get(links, "self")), path);
    strcat(path, "/results");
    ck_assert_str_eq(json_string_value(json_object_get(links, "results")), path);
    ck_assert_ptr_nonnull(json_object_get(links, "cancel"));
}
END_TEST

START_TEST(deadline_counts_from_creation)
{
    make("{\"deadline_ms\": 1500, \"urls\": [\"http://a/\"]}");
    show(0);
    ck_assert(json_is_string(member("deadline_at")));
    ck_assert_int_lt(
        strcmp(json_string_value(member("created_at")), json_string_value(member("deadline_at"))),
        0);
}
END_TEST

START_TEST(started_job_is_running)
{
    job_start(job);
    show(2);
    expect("status", "\"running\"");
    expect("done", "false");
    ck_assert(json_is_string(member("started_at")));
    ck_assert_int_eq(json_integer_value(json_object_get(member("counts"), "running")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(member("counts"), "queued")), 1);
}
END_TEST

START_TEST(ended_job_expires_after_its_time)
{
    job_start(job);
    job_end(job, JOB_DONE);
    show(0);
    expect("status", "\"done\"");
    expect("done", "true");
    ck_assert_int_eq(job->expires_at, job->ended_at + HOUR_US);
    ck_assert(json_is_string(member("expires_at")));
}
END_TEST

START_TEST(ttl_of_the_spec_comes_first)
{
    make("{\"ttl_ms\": 5000, \"urls\": [\"http://a/\"]}");
    job_end(job, JOB_DONE);
    ck_assert_int_eq(job->expires_at, job->ended_at + 5000000);
}
END_TEST

START_TEST(job_canceled_before_its_start_stays_canceling)
{
    job->status = JOB_CANCELING;
    job_start(job);
    ck_assert_int_eq(job->status, JOB_CANCELING);
    job_end(job, JOB_CANCELED);
    show(0);
    expect("status", "\"canceled\"");
}
END_TEST

START_TEST(every_change_makes_a_new_version)
{
    json_int_t before = 0;

    for (int step = 0; step < 5; step++) {
        if (step == 1)
            job_start(job);
        else if (step == 4)
            job_end(job, JOB_DONE);
        else if (step > 1)
            finish((size_t)step - 2);
        show(0);
        ck_assert_int_gt(json_integer_value(member("version")), before);
        before = json_integer_value(member("version"));
    }
}
END_TEST

static const char *const progress[] = {"0.0", "0.333", "0.666", "1.0"};

START_TEST(progress_is_one_only_at_the_end)
{
    for (int i = 0; i < _i; i++)
        finish((size_t)i);
    show(0);
    expect("progress", progress[_i]);
}
END_TEST

START_TEST(ids_are_sorted_by_creation)
{
    struct job *later;

    ck_assert_int_eq(job_new(spec_of("[\"http://a/\"]"), &ids, HOUR_US, &budget, &later), 0);
    ck_assert_int_lt(strcmp(job->id, later->id), 0);
    ck_assert(job_id_is_valid(job->id));
    ck_assert_uint_eq(strlen(job->id), JOB_ID_SIZE - 1);
    job_unref(later);
}
END_TEST

static const char *const wrong_ids[] = {
    "",
    "job_",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCF",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCFEE",
    "job_01jz9m4t6q3w8kx2b7v5n0rcfe",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCFU",
    "run_01JZ9M4T6Q3W8KX2B7V5N0RCFE",
    "job_01JZ9M4T6Q3W8KX2B7V5N0RCF/",
};

START_TEST(text_that_is_no_id_is_none)
{
    ck_assert(!job_id_is_valid(wrong_ids[_i]));
}
END_TEST

START_TEST(statuses_have_names)
{
    for (enum job_status i = 0; i < JOB_N_STATUSES; i++) {
        enum job_status status = JOB_N_STATUSES;
        ck_assert_int_eq(job_status_from_name(job_status_name(i), &status), 0);
        ck_assert_int_eq(status, i);
    }
    enum job_status status;
    ck_assert_int_eq(job_status_from_name("Done", &status), -EINVAL);
}
END_TEST

START_TEST(job_lives_until_its_last_reference_is_dropped)
{
    ck_assert_ptr_eq(job_ref(job), job);
    job_unref(job);
    ck_assert_str_eq(job->spec->name, "nightly");
    job_unref(NULL);
}
END_TEST

START_TEST(job_there_is_no_memory_for_leaves_the_spec_to_the_caller)
{
    struct job_spec *spec = spec_of("[\"http://a/\"]");
    struct job *other;

    for (size_t n = 1;; n++) {
        size_t live = fault_live();
        fault_arm(n);
        int rc = job_new(spec, &ids, HOUR_US, &budget, &other);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
    }
    job_unref(other);
}
END_TEST

Suite *suite_job(void);

Suite *suite_job(void)
{
    Suite *suite = suite_create("daemon/model/job");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, new_job_is_queued);
    tcase_add_test(tcase, job_without_a_name_has_none);
    tcase_add_test(tcase, links_lead_to_the_job);
    tcase_add_test(tcase, deadline_counts_from_creation);
    tcase_add_test(tcase, started_job_is_running);
    tcase_add_test(tcase, ended_job_expires_after_its_time);
    tcase_add_test(tcase, ttl_of_the_spec_comes_first);
    tcase_add_test(tcase, job_canceled_before_its_start_stays_canceling);
    tcase_add_test(tcase, every_change_makes_a_new_version);
    tcase_add_loop_test(tcase, progress_is_one_only_at_the_end, 0,
                        sizeof(progress) / sizeof(*progress));
    tcase_add_test(tcase, ids_are_sorted_by_creation);
    tcase_add_loop_test(tcase, text_that_is_no_id_is_none, 0,
                        sizeof(wrong_ids) / sizeof(*wrong_ids));
    tcase_add_test(tcase, statuses_have_names);
    tcase_add_test(tcase, job_lives_until_its_last_reference_is_dropped);
    tcase_add_test(tcase, job_there_is_no_memory_for_leaves_the_spec_to_the_caller);
    suite_add_tcase(suite, tcase);
    return suite;
}
