/* Callbacks on their way: when they are sent, and what survives. The receiver is the fixture's
 * origin, and time is wound. */
#include "daemon/engine/callbacks.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/callback_send.h"
#include "daemon/engine/callback_verdict.h"
#include "daemon/store/store_callbacks.h"
#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"

#define SECOND INT64_C(1000000)

static struct jobs_fixture *the_fixture; /* for tasks */

static const int64_t pauses_s[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
enum { N_PAUSES = sizeof(pauses_s) / sizeof(*pauses_s) };

/* A job that has ended, with a callback to a path of the origin. */
static struct job_record *end_job_with(struct jobs_fixture *fixture, const char *path)
{
    char document[300];

    snprintf(document, sizeof(document),
             "{\"urls\": [\"http://127.0.0.1:@/\"],"
             " \"callback\": {\"url\": \"http://127.0.0.1:@%s\"}}",
             path);
    return wait_for_end(fixture, submit(fixture, document));
}

/* Without memory it is not known. Owed one store_callback_done(). */
static int look(struct jobs_fixture *fixture, const struct job_record *job,
                struct store_callback *ret_callback)
{
    return store_callback_find(fixture->store, "", job->id, ret_callback);
}

/* Waits until so many attempts were made, without any time going by but what it takes. */
static void wait_for_attempts(struct jobs_fixture *fixture, const struct job_record *job,
                              unsigned n, struct store_callback *ret_callback)
{
    for (;;) {
        assert_ok(look(fixture, job, ret_callback));
        if (ret_callback->n_attempts >= n)
            break;
        store_callback_done(ret_callback);
        assert_ok(co_sleep(0));
    }
    ck_assert_uint_eq(ret_callback->n_attempts, n);
}

static enum callback_state state_after(struct jobs_fixture *fixture, const struct job_record *job,
                                       unsigned n_attempts)
{
    struct store_callback callback;

    wait_for_attempts(fixture, job, n_attempts, &callback);
    enum callback_state state = callback.state;
    store_callback_done(&callback);
    return state;
}

/* The value of a header of what the origin got last. */
static const char *header(const struct net *net, const char *name)
{
    static char value[200];
    char line[64];

    snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strcasestr(net->origin.request, line);
    ck_assert_msg(at != NULL, "no %s in %s", name, net->origin.request);
    at += strlen(line);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

/* --- What is sent ----------------------------------------------------------------------------- */

JOBS_TEST(the_end_is_told)
{
    struct job_record *job = end_job_with(fixture, "/hook?x=1");

    ck_assert_int_eq(state_after(fixture, job, 1), CALLBACK_DELIVERED);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "POST /hook?x=1 HTTP/1.1\r\n"));
    ck_assert_str_eq(header(net, "content-type"), "application/json");
    ck_assert_int_eq(strncmp(header(net, "webhook-id"), "msg_", 4), 0);
    ck_assert_str_eq(header(net, "webhook-id") + 4, job->id + strlen(JOB_ID_PREFIX));
    ck_assert_ptr_null(strcasestr(net->origin.request, "webhook-signature"));
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\n\r\n{\"type\":\"job.done\""));
    ck_assert_ptr_nonnull(strstr(net->origin.request, job->id));
    /* It counts after it is on disk, where it was seen. */
    while (engine_stats(fixture->engine)->n_callbacks[CALLBACK_DELIVERED] == 0)
        ck_assert_int_eq(co_sleep(CO_MILLISECOND), 0);
    ck_assert_uint_eq(engine_stats(fixture->engine)->n_callbacks[CALLBACK_DELIVERED], 1);
    ck_assert_uint_eq(engine_stats(fixture->engine)->n_requests, 1); /* the item's */
    job_record_unref(job);
}

JOBS_TEST(a_redirect_is_not_followed)
{
    struct job_record *job = end_job_with(fixture, "/hook");

    job_record_unref(job);
    net->origin.reply = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
    net->origin.talk = fake_origin_answer_all;
    job = end_job_with(fixture, "/hook");
    ck_assert_int_eq(state_after(fixture, job, 1), CALLBACK_PENDING);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "POST /hook"));
    job_record_unref(job);
}

JOBS_TEST(what_the_policy_forbids_is_given_up)
{
    struct job_record *job =
        wait_for_end(fixture, submit(fixture, "{\"urls\": [\"http://127.0.0.1:@/\"],"
                                              " \"callback\": {\"url\": \"http://10.0.0.1/\"}}"));

    ck_assert_int_eq(state_after(fixture, job, 1), CALLBACK_BLOCKED);
    job_record_unref(job);
}

/* --- When it is sent -------------------------------------------------------------------------- */

static int64_t instant_of_last(const struct net *net)
{
    return strtoll(header(net, "webhook-timestamp"), NULL, 10);
}

/* Waits for the attempt after n others, and winds to the next. It was made since an instant, at
 * which this is now. */
static void check_attempt(struct jobs_fixture *fixture, const struct job_record *job, unsigned n,
                          int64_t *since)
{
    int64_t pause = pauses_s[n] * SECOND;
    struct store_callback callback;

    wait_for_attempts(fixture, job, n + 1, &callback);
    int64_t due_at = callback.due_at;
    store_callback_done(&callback);
    ck_assert_int_ge(due_at, *since + pause - pause / 5);
    ck_assert_int_le(due_at, jobs_fixture_now() + pause + pause / 5);
    *since = due_at;
    if (due_at > jobs_fixture_now())
        wind((due_at - jobs_fixture_now() + 1) * CO_MICROSECOND);
}

JOBS_TEST(each_attempt_comes_in_its_time_and_not_before)
{
    int64_t due_at = jobs_fixture_now();
    struct job_record *job = end_job_with(fixture, "/busy");
    struct store_callback callback;
    char id[64];

    for (unsigned n = 0; n < N_PAUSES; n++) {
        check_attempt(fixture, job, n, &due_at);
        if (n == 0)
            snprintf(id, sizeof(id), "%s", header(fixture->net, "webhook-id"));
        wait_for_attempts(fixture, job, n + 2, &callback);
        store_callback_done(&callback);
        ck_assert_int_ge(instant_of_last(net), due_at / SECOND);
        ck_assert_str_eq(header(net, "webhook-id"), id);
    }
    ck_assert_int_eq(state_after(fixture, job, CALLBACK_ATTEMPTS_MAX), CALLBACK_FAILED);
    ck_assert_uint_eq(engine_stats(fixture->engine)->n_callbacks[CALLBACK_FAILED], 1);
    job_record_unref(job);
}

JOBS_TEST(a_receiver_that_hangs_is_given_fifteen_seconds)
{
    struct job_record *job = end_job_with(fixture, "/hang");

    while (strstr(net->origin.request, "POST /hang") == NULL)
        assert_ok(co_sleep(0));
    wind(15 * CO_SECOND);
    ck_assert_int_eq(state_after(fixture, job, 1), CALLBACK_PENDING);
    job_record_unref(job);
}

JOBS_TEST(few_go_to_one_host_at_a_time)
{
    struct job_record *jobs[5];

    for (size_t i = 0; i < 5; i++)
        jobs[i] = end_job_with(fixture, "/hang");
    while (net->origin.n_open < CALLBACKS_PER_HOST)
        assert_ok(co_sleep(0));
    ck_assert_uint_eq(jobs_n_calling(fixture->jobs), CALLBACKS_PER_HOST);
    for (size_t i = 0; i < 5; i++)
        job_record_unref(jobs[i]);
}

/* A day, while we were not there. */
JOBS_TEST(a_clock_that_was_set_back_delays_nothing)
{
    struct job_record *job = end_job_with(fixture, "/busy");
    struct store_callback callback;

    wait_for_attempts(fixture, job, 1, &callback);
    store_callback_done(&callback);
    restart_damaged(fixture, "UPDATE callback SET due_at = due_at + 86400000000,"
                             " decided_at = decided_at + 86400000000");
    ck_assert_int_eq(state_after(fixture, job, 2), CALLBACK_PENDING);
    job_record_unref(job);
}

/* --- What survives ---------------------------------------------------------------------------- */

JOBS_TEST(it_goes_on_after_a_crash)
{
    struct job_record *job = end_job_with(fixture, "/busy");
    struct store_callback callback;

    wait_for_attempts(fixture, job, 1, &callback);
    store_callback_done(&callback);
    crash(fixture);
    net->origin.talk = fake_origin_answer_all;
    wind(6 * CO_SECOND);
    ck_assert_int_eq(state_after(fixture, job, 2), CALLBACK_DELIVERED);
    job_record_unref(job);
}

JOBS_TEST(what_is_being_sent_is_given_back)
{
    struct job_record *job = end_job_with(fixture, "/hang");

    while (jobs_n_calling(fixture->jobs) == 0)
        assert_ok(co_sleep(0));
    restart(fixture);
    net->origin.talk = fake_origin_answer_all;
    wind(15 * CO_SECOND); /* should it hang once more */
    wind(6 * CO_SECOND);
    struct store_callback callback;
    for (;;) {
        assert_ok(look(fixture, job, &callback));
        enum callback_state state = callback.state;
        store_callback_done(&callback);
        if (state == CALLBACK_DELIVERED)
            break;
        assert_ok(co_sleep(0));
    }
    job_record_unref(job);
}

JOBS_TEST(nothing_is_sent_for_a_job_that_was_deleted)
{
    struct job_record *job = end_job_with(fixture, "/busy");
    struct store_callback callback;

    wait_for_attempts(fixture, job, 1, &callback);
    store_callback_done(&callback);
    assert_ok(jobs_delete(fixture->jobs, job));
    ck_assert_int_eq(look(fixture, job, &callback), -ENOENT);
    store_callback_done(&callback);
    job_record_unref(job);
}

JOBS_TEST(nobody_hears_of_a_job_that_is_deleted_while_it_runs)
{
    struct job_record *job =
        submit(fixture, "{\"urls\": [\"http://127.0.0.1:@/hang\"],"
                        " \"callback\": {\"url\": \"http://127.0.0.1:@/hook\"}}");

    while (net->origin.n_requests == 0)
        assert_ok(co_sleep(0));
    assert_ok(jobs_delete(fixture->jobs, job));
    job_record_unref(job);
    job = end_job_with(fixture, "/other");
    ck_assert_int_eq(state_after(fixture, job, 1), CALLBACK_DELIVERED);
    ck_assert_int_eq(query_store(fixture, "SELECT count(*) FROM callback"), 1);
    ck_assert_uint_eq(net->origin.n_requests, 3); /* two items, and that callback */
    job_record_unref(job);
}

static int delete_job(void *job, void **ret_result)
{
    (void)ret_result;
    return jobs_delete(the_fixture->jobs, job);
}

/* Of a job that is there the end is told, or will be. */
static void expect_no_lost_end(struct jobs_fixture *fixture)
{
    while (query_store(fixture, "SELECT count(*) FROM job WHERE ended_at IS NULL") > 0)
        assert_ok(co_sleep(0));
    ck_assert_int_eq(query_store(fixture, "SELECT count(*) FROM callback WHERE state = 0"), 0);
}

JOBS_TEST(who_goes_away_while_deleting_a_job_deletes_all_of_it_or_nothing)
{
    the_fixture = fixture;
    for (int n_steps = 0; n_steps < 60; n_steps++) {
        struct co_task *task;
        struct job_record *job =
            submit(fixture, "{\"urls\": [\"http://127.0.0.1:@/hang\"],"
                            " \"callback\": {\"url\": \"http://127.0.0.1:@/hook\"}}");

        job = wait_until_running(fixture, job, 1);
        assert_ok(co_create_task("client", delete_job, job, &task));
        for (int i = 0; i < n_steps; i++)
            assert_ok(co_sleep(0));
        co_task_stop(task, "it has gone away");
        expect_no_lost_end(fixture);
        job_record_unref(job);
    }
}

/* --- What goes wrong -------------------------------------------------------------------------- */

static void damage(struct jobs_fixture *fixture, const char *sql, const char *error)
{
    struct job_record *job = end_job_with(fixture, "/busy");
    struct store_callback callback;

    wait_for_attempts(fixture, job, 1, &callback);
    store_callback_done(&callback);
    restart_damaged(fixture, sql);
    wind(6 * CO_SECOND);
    wait_for_attempts(fixture, job, 2, &callback);
    ck_assert_int_eq(callback.state, CALLBACK_PENDING);
    ck_assert_ptr_nonnull(strstr(callback.attempts, error));
    store_callback_done(&callback);
    job_record_unref(job);
}

JOBS_TEST(without_its_secret_it_is_not_sent)
{
    damage(fixture, "UPDATE callback SET secret_ref = 'gone'", "\"error\":\"secret_unavailable\"");
}

JOBS_TEST(a_url_that_is_none_does_no_harm)
{
    damage(fixture, "UPDATE callback SET url = 'nowhere'", "\"error\":\"internal\"");
}

JOBS_TEST(without_memory_an_attempt_fails_and_leaks_nothing)
{
    const struct store_callback callback = {
        .id = "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE",
        .url = "http://u:p@10.0.0.1/",
        .payload = "{}",
        .payload_length = 2,
    };
    struct result result;

    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        result_init(&result);
        int rc = callback_send(engine_fetcher(fixture->engine), &fixture->parse, &callback, SECOND,
                               &result);
        bool was_hit = fault_disarm();
        ck_assert_int_eq(rc, 0);
        if (was_hit)
            ck_assert_str_eq(result.error.code, "resource_exhausted");
        else
            ck_assert_int_eq(result.outcome, OUTCOME_BLOCKED);
        result_done(&result);
        ck_assert_uint_eq(fault_live(), before);
        if (!was_hit)
            break;
    }
}

/* As time goes by. returns how often it was tried */
static unsigned wait_for_delivery(struct jobs_fixture *fixture, const struct job_record *job)
{
    struct store_callback callback;

    for (;;) {
        bool is_delivered =
            look(fixture, job, &callback) == 0 && callback.state == CALLBACK_DELIVERED;
        unsigned n = callback.n_attempts;
        store_callback_done(&callback);
        if (is_delivered)
            return n;
        wind(CO_SECOND);
        assert_ok(co_sleep(0));
    }
}

/* Memory is short once, somewhere between the end of a job and its callback. */
JOBS_TEST(without_memory_it_is_delivered_later)
{
    bool was_hit;
    size_t n = 1;

    do {
        struct job_record *job = submit(fixture, "{\"urls\": [\"http://127.0.0.1:@/\"],"
                                                 " \"callback\": {\"url\":"
                                                 " \"http://127.0.0.1:@/\"}}");
        fault_arm(n);
        (void)wait_for_delivery(fixture, job);
        was_hit = fault_disarm();
        job_record_unref(job);
    } while (was_hit && n++ < 200);
}

Suite *suite_callbacks(void);

Suite *suite_callbacks(void)
{
    Suite *suite = suite_create("daemon/engine/callbacks");
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_end_is_told);
    tcase_add_test(tcase, a_redirect_is_not_followed);
    tcase_add_test(tcase, what_the_policy_forbids_is_given_up);
    tcase_add_test(tcase, each_attempt_comes_in_its_time_and_not_before);
    tcase_add_test(tcase, a_receiver_that_hangs_is_given_fifteen_seconds);
    tcase_add_test(tcase, few_go_to_one_host_at_a_time);
    tcase_add_test(tcase, a_clock_that_was_set_back_delays_nothing);
    tcase_add_test(tcase, it_goes_on_after_a_crash);
    tcase_add_test(tcase, what_is_being_sent_is_given_back);
    tcase_add_test(tcase, nothing_is_sent_for_a_job_that_was_deleted);
    tcase_add_test(tcase, nobody_hears_of_a_job_that_is_deleted_while_it_runs);
    tcase_add_test(tcase, who_goes_away_while_deleting_a_job_deletes_all_of_it_or_nothing);
    tcase_add_test(tcase, without_its_secret_it_is_not_sent);
    tcase_add_test(tcase, a_url_that_is_none_does_no_harm);
    tcase_add_test(tcase, without_memory_an_attempt_fails_and_leaks_nothing);
    tcase_add_test(tcase, without_memory_it_is_delivered_later);
    suite_add_tcase(suite, tcase);
    return suite;
}
