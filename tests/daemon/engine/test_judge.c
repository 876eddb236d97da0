#include "daemon/engine/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/runtime.h"

static struct fetch_options options;
static struct request request;
static struct result result;

static const struct expect_check contains_ok = {
    .subject = EXPECT_BODY, .op = EXPECT_CONTAINS, .text = "ok", .length = 2};
static const struct expect_check json_says_ok = {
    .subject = EXPECT_JSON, .op = EXPECT_EQUALS, .name = "/status", .text = "\"ok\"", .length = 4};
static struct expect expect;

/* A 200 with a body, that was captured for a check of it alone. */
static void begin(const struct expect_check *check, const char *body)
{
    expect = (struct expect){.checks = check,
                             .n_checks = 1,
                             .needs_body = true,
                             .needs_json = check->subject == EXPECT_JSON};
    options = (struct fetch_options){.method = "GET", .expect = &expect};
    request = (struct request){.options = &options};
    result_init(&result);
    result.response.status = 200;
    result.response.body = strdup(body);
    result.response.body_length = result.response.decoded_bytes = strlen(body);
    result.response.body_truncated = true;
}

static void expect_outcome(enum outcome outcome, const char *code)
{
    ck_assert_str_eq(outcome_name(result.outcome), outcome_name(outcome));
    ck_assert_pstr_eq(result.error.code, code);
    result_done(&result);
}

CO_TEST(check_that_holds_changes_nothing)
{
    begin(&contains_ok, "all ok");
    result.response.body_truncated = false;
    assert_ok(judge_result(&request, &result));
    ck_assert_uint_eq(result.verdict.n_passed, 1);
    expect_outcome(OUTCOME_SUCCESS, NULL);
}

CO_TEST(check_that_fails_makes_the_outcome)
{
    begin(&contains_ok, "nothing");
    assert_ok(judge_result(&request, &result));
    ck_assert_uint_eq(result.verdict.n_failed, 1);
    expect_outcome(OUTCOME_ASSERTION_FAILED, NULL);
}

CO_TEST(unexpected_status_comes_first)
{
    begin(&contains_ok, "nothing");
    result.outcome = OUTCOME_HTTP_ERROR;
    assert_ok(judge_result(&request, &result));
    ck_assert_uint_eq(result.verdict.n_failed, 1);
    expect_outcome(OUTCOME_HTTP_ERROR, NULL);
}

CO_TEST(what_is_no_answer_is_not_judged)
{
    begin(&contains_ok, "nothing");
    result_fail(&result, OUTCOME_TRANSPORT_ERROR, "recv_reset", "receive", "no");
    assert_ok(judge_result(&request, &result));
    ck_assert_uint_eq(result.verdict.n_failed, 0);
    expect_outcome(OUTCOME_TRANSPORT_ERROR, "recv_reset");
}

CO_TEST(body_that_only_a_check_needed_is_gone)
{
    begin(&contains_ok, "all ok");
    assert_ok(judge_result(&request, &result));
    ck_assert_ptr_null(result.response.body);
    ck_assert_uint_eq(result.response.body_length, 0);
    ck_assert(!result.response.body_truncated);
    result_done(&result);
}

CO_TEST(body_that_was_asked_for_stays)
{
    begin(&contains_ok, "all ok");
    options.capture_body = true;
    assert_ok(judge_result(&request, &result));
    ck_assert_str_eq(result.response.body, "all ok");
    ck_assert(result.response.body_truncated);
    result_done(&result);
}

/* --- Large bodies -------------------------------------------------------------------------------
 */

enum { LARGE = 1024 * 1024 };

static void begin_large(const char *status)
{
    char *body = malloc(LARGE);

    memset(body, ' ', LARGE);
    body[0] = '{';
    memcpy(body + 1, status, strlen(status));
    body[LARGE - 2] = '}';
    body[LARGE - 1] = '\0';
    begin(&json_says_ok, body);
    result.response.body_truncated = false;
    free(body);
    ck_assert(expect_judge_is_slow(&expect, &result));
}

static int count_turns(void *arg, void **ret_result)
{
    unsigned *n_turns = arg;

    (void)ret_result;
    while (co_sleep(0) == 0)
        ++*n_turns;
    return 0;
}

CO_TEST(others_have_turns_while_a_large_body_is_judged)
{
    struct co_task *task;
    unsigned n_turns = 0;

    begin_large("\"status\": \"ok\"");
    assert_ok(co_create_task("other", count_turns, &n_turns, &task));
    assert_ok(judge_result(&request, &result));
    ck_assert_uint_gt(n_turns, 0);
    co_task_stop(task, "the test is over");
    expect_outcome(OUTCOME_SUCCESS, NULL);
}

CO_TEST(large_body_may_fail_as_well)
{
    begin_large("\"status\": \"bad\"");
    assert_ok(judge_result(&request, &result));
    expect_outcome(OUTCOME_ASSERTION_FAILED, NULL);
}

CO_TEST(judging_that_is_given_up_is_canceled)
{
    struct co_scope scope;

    begin_large("\"status\": \"ok\"");
    co_scope_enter(&scope, CO_NEVER);
    co_scope_cancel(&scope, 0, "the test says so");
    int rc = judge_result(&request, &result);
    (void)co_scope_exit(&scope, 0);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_str_eq(result.error.phase, "receive");
    expect_outcome(OUTCOME_CANCELED, "canceled");
}

Suite *suite_judge(void);

Suite *suite_judge(void)
{
    Suite *suite = suite_create("daemon/engine/judge");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, check_that_holds_changes_nothing);
    tcase_add_test(tcase, check_that_fails_makes_the_outcome);
    tcase_add_test(tcase, unexpected_status_comes_first);
    tcase_add_test(tcase, what_is_no_answer_is_not_judged);
    tcase_add_test(tcase, body_that_only_a_check_needed_is_gone);
    tcase_add_test(tcase, body_that_was_asked_for_stays);
    tcase_add_test(tcase, others_have_turns_while_a_large_body_is_judged);
    tcase_add_test(tcase, large_body_may_fail_as_well);
    tcase_add_test(tcase, judging_that_is_given_up_is_canceled);
    suite_add_tcase(suite, tcase);
    return suite;
}
