#include "daemon/engine/callback_verdict.h"

#include <check.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define NOW    (INT64_C(1700000000) * SECOND)

static struct result result_of(int status)
{
    struct result result;

    result_init(&result);
    result.outcome = status == 0 ? OUTCOME_TRANSPORT_ERROR : OUTCOME_SUCCESS;
    result.response.status = status;
    return result;
}

static struct callback_verdict judge(int status, unsigned n_attempts, double random)
{
    struct result result = result_of(status);

    return callback_judge(&result, n_attempts, random, NOW);
}

static const struct {
    int status;
    enum callback_state state;
    enum outcome outcome;
} verdicts[] = {
    {200, CALLBACK_DELIVERED, OUTCOME_SUCCESS},     {204, CALLBACK_DELIVERED, OUTCOME_SUCCESS},
    {299, CALLBACK_DELIVERED, OUTCOME_SUCCESS},     {301, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},
    {304, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},    {400, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},
    {404, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},    {410, CALLBACK_GONE, OUTCOME_HTTP_ERROR},
    {429, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},    {500, CALLBACK_PENDING, OUTCOME_HTTP_ERROR},
    {0, CALLBACK_PENDING, OUTCOME_TRANSPORT_ERROR},
};

START_TEST(the_status_decides)
{
    struct callback_verdict verdict = judge(verdicts[_i].status, 0, 0.5);

    ck_assert_int_eq(verdict.state, verdicts[_i].state);
    ck_assert_int_eq(verdict.outcome, verdicts[_i].outcome);
}
END_TEST

START_TEST(what_is_forbidden_is_not_tried_again)
{
    struct result result = result_of(0);

    result.outcome = OUTCOME_BLOCKED;
    struct callback_verdict verdict = callback_judge(&result, 0, 0.5, NOW);
    ck_assert_int_eq(verdict.state, CALLBACK_BLOCKED);
    ck_assert_int_eq(verdict.outcome, OUTCOME_BLOCKED);
}
END_TEST

START_TEST(a_body_that_breaks_off_does_not_undo_a_delivery)
{
    struct result result = result_of(200);

    result.outcome = OUTCOME_TRANSPORT_ERROR;
    ck_assert_int_eq(callback_judge(&result, 0, 0.5, NOW).state, CALLBACK_DELIVERED);
}
END_TEST

static const int64_t pauses_s[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
enum { N_PAUSES = sizeof(pauses_s) / sizeof(*pauses_s) };

START_TEST(pauses_are_those_of_the_schedule_and_a_fifth_more_or_less)
{
    int64_t pause = pauses_s[_i] * SECOND;

    ck_assert_int_eq(judge(500, (unsigned)_i, 0.5).pause_us, pause);
    ck_assert_int_eq(judge(0, (unsigned)_i, 0).pause_us, pause - pause / 5);
    ck_assert_int_eq(judge(0, (unsigned)_i, 1).pause_us, pause + pause / 5);
}
END_TEST

START_TEST(the_last_attempt_is_the_end)
{
    ck_assert_int_eq(judge(500, CALLBACK_ATTEMPTS_MAX - 2, 0.5).state, CALLBACK_PENDING);
    ck_assert_int_eq(judge(500, CALLBACK_ATTEMPTS_MAX - 1, 0.5).state, CALLBACK_FAILED);
    ck_assert_int_eq(judge(500, UINT32_MAX, 0.5).state, CALLBACK_FAILED);
    ck_assert_int_eq(judge(200, CALLBACK_ATTEMPTS_MAX - 1, 0.5).state, CALLBACK_DELIVERED);
}
END_TEST

static const struct {
    const char *value;
    int64_t pause_us;
} asked[] = {
    {"1", 5 * SECOND},
    {"3600", HOUR},
    {"86400", 24 * HOUR},
    {"86401", 24 * HOUR},
    {"99999999999999999999", 24 * HOUR},
    {"Tue, 14 Nov 2023 23:13:20 GMT", HOUR},
    {"Tue, 14 Nov 2023 20:13:20 GMT", 5 * SECOND},
    {"soon", 5 * SECOND},
    {"-1", 5 * SECOND},
};

START_TEST(a_receiver_may_ask_for_more_but_not_for_more_than_a_day)
{
    struct co_http_header header = {"retry-after", asked[_i].value};
    struct result result = result_of(503);

    result.response.headers = &header;
    result.response.n_headers = 1;
    ck_assert_int_eq(callback_judge(&result, 0, 0.5, NOW).pause_us, asked[_i].pause_us);
}
END_TEST

Suite *suite_callback_verdict(void);

Suite *suite_callback_verdict(void)
{
    Suite *suite = suite_create("daemon/engine/callback_verdict");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, the_status_decides, 0, sizeof(verdicts) / sizeof(*verdicts));
    tcase_add_test(tcase, what_is_forbidden_is_not_tried_again);
    tcase_add_test(tcase, a_body_that_breaks_off_does_not_undo_a_delivery);
    tcase_add_loop_test(tcase, pauses_are_those_of_the_schedule_and_a_fifth_more_or_less, 0,
                        N_PAUSES);
    tcase_add_test(tcase, the_last_attempt_is_the_end);
    tcase_add_loop_test(tcase, a_receiver_may_ask_for_more_but_not_for_more_than_a_day, 0,
                        sizeof(asked) / sizeof(*asked));
    suite_add_tcase(suite, tcase);
    return suite;
}
