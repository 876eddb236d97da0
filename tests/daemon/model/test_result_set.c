#include "daemon/model/result_set.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/spec.h"

static struct job_spec *spec;
static struct result_budget budget;
static struct result_set set;
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    budget = (struct result_budget){.max = 1 << 20};
    spec = spec_of("[{\"url\": \"http://a/\", \"repeat\": 3, \"capture\": {\"body\": \"full\"}}]");
    ck_assert_int_eq(result_set_init(&set, spec, NULL, &budget), 0);
}

static void tear_down(void)
{
    result_set_done(&set);
    job_spec_free(spec);
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_eq(fault_live(), live_before);
}

/* A result whose body takes that many bytes. */
static void finish(struct result_set *results, size_t index, size_t body_length)
{
    static char body[100000];
    struct result result;

    memset(body, 'x', sizeof(body));
    result_init(&result);
    result.total_us = 1000;
    result.response = (struct co_http_response){
        .status = 200, .body = body, .body_length = body_length, .decoded_bytes = body_length};
    result_set_finish(results, index, &result);
}

static json_t *row_of(size_t index)
{
    json_t *row = json_loadb(set.rows[index].json, set.rows[index].length, 0, NULL);

    ck_assert_ptr_nonnull(row);
    return row;
}

static void expect_text(size_t index, const char *path, const char *expected)
{
    json_t *row = row_of(index), *value = row;
    char name[64];

    for (size_t length; *path != '\0'; path += length + (path[length] == '.')) {
        length = strcspn(path, ".");
        memcpy(name, path, length);
        name[length] = '\0';
        value = json_object_get(value, name);
    }
    ck_assert_str_eq(json_string_value(value), expected);
    json_decref(row);
}

START_TEST(rows_are_where_their_items_are)
{
    finish(&set, 2, 3);
    finish(&set, 0, 5);
    ck_assert_ptr_null(set.rows[1].json);
    ck_assert_ptr_nonnull(memmem(set.rows[2].json, set.rows[2].length, "\"index\":2,", 10));
    ck_assert_ptr_nonnull(memmem(set.rows[0].json, set.rows[0].length, "\"index\":0,", 10));
    expect_text(0, "body.data", "xxxxx");
}
END_TEST

START_TEST(rows_that_are_forgotten_take_no_room)
{
    finish(&set, 0, 1000);
    finish(&set, 1, 1000);
    result_set_forget(&set);
    ck_assert_uint_eq(budget.used, 0);
    finish(&set, 2, 5);
    expect_text(2, "body.data", "xxxxx");
    ck_assert_uint_eq(budget.used, set.rows[2].length);
    ck_assert_uint_eq(set.tally.n_finished, 3);
}
END_TEST

START_TEST(results_are_numbered_as_they_come)
{
    const char *const numbers[] = {"\"seq\":2,", "\"seq\":3,", "\"seq\":1,"};

    finish(&set, 2, 0);
    finish(&set, 0, 0);
    finish(&set, 1, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(memmem(set.rows[i].json, set.rows[i].length, numbers[i], 8));
}
END_TEST

START_TEST(tally_is_kept_up)
{
    finish(&set, 0, 0);
    finish(&set, 1, 0);
    ck_assert_uint_eq(set.tally.n_items, 3);
    ck_assert_uint_eq(set.tally.n_finished, 2);
    ck_assert_uint_eq(set.tally.n_outcomes[OUTCOME_SUCCESS], 2);
    ck_assert_uint_eq(set.tally.n_statuses[200], 2);
}
END_TEST

START_TEST(budget_is_charged_with_the_bytes_of_rows)
{
    finish(&set, 0, 10);
    finish(&set, 1, 5000);
    ck_assert_uint_eq(budget.used, set.rows[0].length + set.rows[1].length);
    ck_assert_uint_eq(set.n_bytes, budget.used);
}
END_TEST

START_TEST(body_is_left_out_when_the_budget_runs_out)
{
    budget.max = 5000;
    finish(&set, 0, 3000);
    finish(&set, 1, 3000);
    expect_text(0, "body.encoding", "utf-8");
    expect_text(1, "body.encoding", "none");
    expect_text(1, "outcome", "success");
    ck_assert_ptr_nonnull(memmem(set.rows[1].json, set.rows[1].length, "\"truncated\":true", 16));
    ck_assert_uint_le(budget.used, budget.max);
}
END_TEST

START_TEST(budget_can_be_used_to_the_last_byte)
{
    finish(&set, 0, 100);
    budget.max = 2 * budget.used; /* the numbers in it are as long */
    finish(&set, 1, 100);
    ck_assert_uint_eq(budget.used, budget.max);
    expect_text(1, "body.encoding", "utf-8");
}
END_TEST

START_TEST(result_that_cannot_be_kept_is_an_error_in_row_and_tally)
{
    budget.max = 100;
    finish(&set, 0, 0);
    expect_text(0, "outcome", "transport_error");
    expect_text(0, "error.code", "resource_exhausted");
    ck_assert_int_eq(set.rows[0].outcome, OUTCOME_TRANSPORT_ERROR);
    ck_assert_uint_eq(set.tally.n_outcomes[OUTCOME_TRANSPORT_ERROR], 1);
    ck_assert_uint_eq(set.tally.n_finished, 1);
    ck_assert_str_eq(set.tally.errors[0].code, "resource_exhausted");
    ck_assert_uint_eq(budget.used, 0);
}
END_TEST

START_TEST(sets_share_a_budget_and_give_it_back)
{
    static struct result_set other;

    ck_assert_int_eq(result_set_init(&other, spec, NULL, &budget), 0);
    finish(&set, 0, 500);
    finish(&other, 0, 700);
    ck_assert_uint_eq(budget.used, set.n_bytes + other.n_bytes);
    result_set_done(&other);
    ck_assert_uint_eq(budget.used, set.n_bytes);
}
END_TEST

START_TEST(done_may_be_called_twice)
{
    finish(&set, 0, 10);
    result_set_done(&set);
    result_set_done(&set);
    ck_assert_uint_eq(budget.used, 0);
}
END_TEST

START_TEST(complete_set_holds_no_scratch)
{
    finish(&set, 0, 90000);
    finish(&set, 1, 0);
    ck_assert_ptr_nonnull(set.scratch.data);
    finish(&set, 2, 0);
    ck_assert_ptr_null(set.scratch.data);
}
END_TEST

START_TEST(every_failing_allocation_leaves_a_valid_row)
{
    for (size_t n = 1;; n++) {
        result_set_done(&set);
        ck_assert_int_eq(result_set_init(&set, spec, "job_1", &budget), 0);
        fault_arm(n);
        for (size_t i = 0; i < 3; i++)
            finish(&set, i, 30000 * i);
        bool failed = fault_disarm();
        for (size_t i = 0; i < 3; i++)
            json_decref(row_of(i));
        ck_assert_uint_eq(set.tally.n_finished, 3);
        if (!failed)
            break;
    }
}
END_TEST

START_TEST(no_memory_at_all_leaves_valid_rows)
{
    fault_arm_sticky(1);
    for (size_t i = 0; i < 3; i++)
        finish(&set, i, 10);
    fault_disarm();
    for (size_t i = 0; i < 3; i++)
        expect_text(i, "error.code", "resource_exhausted");
}
END_TEST

START_TEST(set_there_is_no_memory_for_may_be_done)
{
    static struct result_set other;

    fault_arm(1);
    ck_assert_int_eq(result_set_init(&other, spec, NULL, &budget), -ENOMEM);
    fault_disarm();
    result_set_done(&other);
}
END_TEST

Suite *suite_result_set(void);

Suite *suite_result_set(void)
{
    Suite *suite = suite_create("daemon/model/result_set");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, rows_are_where_their_items_are);
    tcase_add_test(tcase, rows_that_are_forgotten_take_no_room);
    tcase_add_test(tcase, results_are_numbered_as_they_come);
    tcase_add_test(tcase, tally_is_kept_up);
    tcase_add_test(tcase, budget_is_charged_with_the_bytes_of_rows);
    tcase_add_test(tcase, body_is_left_out_when_the_budget_runs_out);
    tcase_add_test(tcase, budget_can_be_used_to_the_last_byte);
    tcase_add_test(tcase, result_that_cannot_be_kept_is_an_error_in_row_and_tally);
    tcase_add_test(tcase, sets_share_a_budget_and_give_it_back);
    tcase_add_test(tcase, done_may_be_called_twice);
    tcase_add_test(tcase, complete_set_holds_no_scratch);
    tcase_add_test(tcase, every_failing_allocation_leaves_a_valid_row);
    tcase_add_test(tcase, no_memory_at_all_leaves_valid_rows);
    tcase_add_test(tcase, set_there_is_no_memory_for_may_be_done);
    suite_add_tcase(suite, tcase);
    return suite;
}
