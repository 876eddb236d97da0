#include "daemon/engine/engine.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"
#include "tests/support/spec.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define SECONDS           INT64_C(1000000) /* in microseconds */

/* Far more than a test takes: what the clock shows besides what it was wound is less. */
#define TOLERANCE (50 * SECONDS)

enum { MAX_ITEMS = 8 };

/* --- A batch whose owner writes everything down ----------------------------------------------- */

static struct seen {
    bool has_finished;
    struct result result; /* without what it pointed to, but for the attempts */
    struct result_attempt attempts[8];
    int64_t elapsed_us; /* by the result */
    int64_t wall_us;    /* by the clock */
} seen[MAX_ITEMS];

static struct job_spec *spec;
static struct fetch_options options; /* of all requests that are made by retried() */
static struct run run;
static struct engine *engine;
static struct egress *egress;
static struct co_task *task;
static unsigned n_finished;
static int executed;

static void finished(void *arg, struct run_piece *piece, uint32_t item, const struct result *result)
{
    struct seen *one = &seen[run_piece_index(piece, item)];

    (void)arg;
    ck_assert(!one->has_finished);
    ck_assert_uint_le(result->n_attempts, N_ELEMENTS(one->attempts));
    one->has_finished = true;
    one->result = *result;
    if (result->n_attempts > 0)
        memcpy(one->attempts, result->attempts, result->n_attempts * sizeof(*result->attempts));
    one->elapsed_us = result_elapsed_us(result);
    one->wall_us = (co_clock_now() - run.accepted) / CO_MICROSECOND;
    n_finished++;
}

/* Three attempts for 503 and a connection that is refused, 100 s and 200 s between them. */
static void prepare(uint16_t port, const char *document)
{
    const struct run_owner owner = {.finished = finished};

    job_spec_free(spec);
    memset(seen, 0, sizeof(seen));
    n_finished = 0;
    spec = spec_at(port, document);
    ck_assert_uint_le(spec->n_items, MAX_ITEMS);
    options = *spec->requests[0].options;
    options.timeout_us = 0;
    options.retry = (struct fetch_retry){.max_attempts = 3,
                                         .on_errors = UINT64_C(1) << CO_HTTP_CONNECT_REFUSED,
                                         .backoff_us = 100 * SECONDS,
                                         .max_backoff_us = 1000 * SECONDS,
                                         .respect_retry_after = true,
                                         .max_retry_after_us = 1000 * SECONDS};
    status_set_add(&options.retry.on_status, 503, 503);
    spec->requests[0].options = &options;
    run_init(&run, engine, spec, &owner);
}

static int execute(void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    executed = run_execute(&run);
    return 0;
}

static void run_beside(struct net *net, const char *document)
{
    prepare(net->origin.port, document);
    assert_ok(co_create_task("batch", execute, NULL, &task));
}

static int join(void)
{
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    return executed;
}

static void join_all(void)
{
    assert_ok(join());
    ck_assert_uint_eq(n_finished, spec->n_items);
    ck_assert_uint_eq(run_n_running(&run), 0);
}

/* Winds the clock as soon as n requests have come and been answered. */
static void wind_after(struct net *net, unsigned n_requests, int64_t by_us)
{
    while (net->origin.n_requests < n_requests || run_n_running(&run) > 0)
        assert_ok(co_sleep(0));
    settle(); /* so that whoever waits for a time does by now */
    wind(by_us * CO_MICROSECOND);
}

static void expect(size_t index, enum outcome outcome, const char *code, unsigned n_attempts_before)
{
    const struct result *result = &seen[index].result;

    ck_assert(seen[index].has_finished);
    ck_assert_str_eq(outcome_name(result->outcome), outcome_name(outcome));
    ck_assert_pstr_eq(result->error.code, code);
    ck_assert_uint_eq(result->n_attempts, n_attempts_before);
}

static void expect_about(int64_t us, int64_t expected_us)
{
    ck_assert_int_ge(us, expected_us);
    ck_assert_int_lt(us, expected_us + TOLERANCE);
}

/* The parts of a result make up the time that really went by. */
static void expect_exact_sums(size_t index)
{
    const struct result *result = &seen[index].result;
    int64_t sum_us = result->queue_us + result->total_us;

    for (unsigned i = 0; i < result->n_attempts; i++) {
        const struct result_attempt *attempt = &seen[index].attempts[i];
        ck_assert_int_ge(attempt->total_us, 0);
        ck_assert_int_ge(attempt->backoff_us, 0);
        sum_us += attempt->total_us + attempt->backoff_us;
    }
    ck_assert_int_eq(sum_us, seen[index].elapsed_us);
    ck_assert_int_le(seen[index].elapsed_us, seen[index].wall_us);
    ck_assert_int_gt(seen[index].elapsed_us, seen[index].wall_us - TOLERANCE);
}

/* --- An origin that gets over it ----------------------------------------------------------------
 */

static unsigned n_failures; /* answers to /flaky that are 503 before it is 200 */
static const char *retry_after;
static co_time answer_takes;
static bool is_hanging;

static void answer_flaky(int fd)
{
    wind(answer_takes);
    if (co_sleep(0) < 0)
        return;
    if (n_failures == 0) {
        fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        return;
    }
    n_failures--;
    fake_origin_send(fd, "HTTP/1.1 503 No\r\nContent-Length: 2\r\n");
    fake_origin_send(fd, retry_after);
    fake_origin_send(fd, "\r\nno");
}

static void talk(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        if (strstr(origin->request, " /flaky") != NULL) {
            answer_flaky(fd);
        } else if (strstr(origin->request, " /hang") != NULL) {
            is_hanging = true;
            fake_origin_linger(fd);
        } else {
            fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    }
}

static void begin(struct net *net)
{
    static const char *const open[] = {"127.0.0.0/8"};

    assert_ok(egress_new(&egress, open, N_ELEMENTS(open), NULL, 0, NULL));
    const struct fetcher fetcher = {.session = net->session,
                                    .egress = egress,
                                    .max_header_bytes = 64 * 1024,
                                    .max_body_bytes = 1024 * 1024};
    assert_ok(engine_new(&engine, &fetcher, 100, 50));
    net->origin.talk = talk;
    n_failures = 0;
    retry_after = "";
    answer_takes = 0;
    is_hanging = false;
}

static void end(void)
{
    engine_free(engine);
    egress_free(egress);
    job_spec_free(co_take(spec));
}

#define RETRY_TEST(test_name)                                                                      \
    static void test_name##_with(struct net *net, int _i);                                         \
    NET_TEST(test_name)                                                                            \
    {                                                                                              \
        begin(net);                                                                                \
        test_name##_with(net, _i);                                                                 \
        end();                                                                                     \
    }                                                                                              \
    static void test_name##_with(CK_ATTRIBUTE_UNUSED struct net *net, CK_ATTRIBUTE_UNUSED int _i)

#define FLAKY "[\"http://127.0.0.1:@/flaky\"]"

/* --- Trying again -------------------------------------------------------------------------------
 */

RETRY_TEST(item_is_tried_again_until_it_succeeds)
{
    n_failures = 2;
    answer_takes = 1000 * CO_SECOND;
    run_beside(net, FLAKY);
    wind_after(net, 1, 100 * SECONDS);
    wind_after(net, 2, 200 * SECONDS);
    join_all();

    expect(0, OUTCOME_SUCCESS, NULL, 2);
    ck_assert_int_eq(seen[0].result.response.status, 200);
    for (unsigned i = 0; i < 2; i++) {
        const struct result_attempt *attempt = &seen[0].attempts[i];
        ck_assert_int_eq(attempt->outcome, OUTCOME_HTTP_ERROR);
        ck_assert_int_eq(attempt->status, 503);
        ck_assert_pstr_eq(attempt->error_code, NULL);
        expect_about(attempt->total_us, 1000 * SECONDS);
        ck_assert_int_eq(attempt->backoff_us, (i + 1) * 100 * SECONDS);
    }
    expect_about(seen[0].result.total_us, 1000 * SECONDS);
    expect_about(seen[0].elapsed_us, 3300 * SECONDS);
    expect_exact_sums(0);
    ck_assert_uint_eq(net->origin.n_requests, 3);
}

RETRY_TEST(attempts_know_when_they_began)
{
    n_failures = 1;
    run_beside(net, FLAKY);
    wind_after(net, 1, 100 * SECONDS);
    join_all();
    ck_assert_int_eq(seen[0].result.started_at, seen[0].attempts[0].started_at);
    ck_assert_int_ge(seen[0].result.attempt_started_at, seen[0].attempts[0].started_at);
    ck_assert_int_ge(seen[0].result.finished_at, seen[0].result.attempt_started_at);
}

RETRY_TEST(last_attempt_is_the_result)
{
    n_failures = 9;
    run_beside(net, FLAKY);
    wind_after(net, 1, 100 * SECONDS);
    wind_after(net, 2, 200 * SECONDS);
    join_all();
    expect(0, OUTCOME_HTTP_ERROR, NULL, 2);
    expect_exact_sums(0);
    ck_assert_uint_eq(net->origin.n_requests, 3);
}

RETRY_TEST(origin_says_how_long_to_wait)
{
    n_failures = 1;
    retry_after = "Retry-After: 700\r\n";
    run_beside(net, FLAKY);
    wind_after(net, 1, 600 * SECONDS);
    settle();
    ck_assert_uint_eq(net->origin.n_requests, 1);
    wind(100 * CO_SECOND);
    join_all();
    expect(0, OUTCOME_SUCCESS, NULL, 1);
    ck_assert_int_eq(seen[0].attempts[0].backoff_us, 700 * SECONDS);
}

RETRY_TEST(origin_that_wants_to_be_left_alone_is)
{
    n_failures = 1;
    retry_after = "Retry-After: 1001\r\n";
    run_beside(net, FLAKY);
    join_all();
    expect(0, OUTCOME_HTTP_ERROR, NULL, 0);
}

RETRY_TEST(place_is_free_during_the_pause)
{
    n_failures = 1;
    run_beside(net, "{\"limits\": {\"concurrency\": 1}, \"urls\": [\"http://127.0.0.1:@/flaky\", "
                    "\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/\"]}");
    while (n_finished < 2)
        assert_ok(co_sleep(0));
    settle();
    ck_assert(!seen[0].has_finished);
    wind(100 * CO_SECOND);
    join_all();
    expect(0, OUTCOME_SUCCESS, NULL, 1);
}

RETRY_TEST(wait_beyond_the_pause_is_waiting_in_the_queue)
{
    n_failures = 1;
    run_beside(net, FLAKY);
    wind_after(net, 1, 1100 * SECONDS);
    join_all();
    ck_assert_int_eq(seen[0].attempts[0].backoff_us, 100 * SECONDS);
    expect_about(seen[0].result.queue_us, 1000 * SECONDS);
    expect_exact_sums(0);
}

/* --- Ends before its time -----------------------------------------------------------------------
 */

RETRY_TEST(pause_beyond_the_deadline_is_not_begun)
{
    n_failures = 1;
    run_beside(net, "{\"deadline_ms\": 90000, \"urls\": [\"http://127.0.0.1:@/flaky\"]}");
    join_all();
    expect(0, OUTCOME_HTTP_ERROR, NULL, 0);
}

/* Its place was taken when its pause was over. */
RETRY_TEST(deadline_ends_what_was_tried_and_waits)
{
    n_failures = 1;
    run_beside(net, "{\"deadline_ms\": 300000, \"limits\": {\"concurrency\": 1}, \"urls\": "
                    "[\"http://127.0.0.1:@/flaky\", \"http://127.0.0.1:@/hang\", "
                    "\"http://127.0.0.1:@/never\"]}");
    while (!is_hanging)
        assert_ok(co_sleep(0));
    settle();
    wind(300 * CO_SECOND);
    join_all();
    expect(0, OUTCOME_TRANSPORT_ERROR, "deadline_exceeded", 1);
    ck_assert_str_eq(seen[0].result.error.phase, "queue");
    ck_assert_int_eq(seen[0].result.attempt_started_at, 0);
    ck_assert_int_eq(seen[0].result.started_at, seen[0].attempts[0].started_at);
    expect_about(seen[0].result.queue_us, 200 * SECONDS);
    expect_exact_sums(0);
    expect(1, OUTCOME_TRANSPORT_ERROR, "deadline_exceeded", 0);
    expect(2, OUTCOME_SKIPPED, "deadline_exceeded", 0);
}

RETRY_TEST(pause_that_is_cut_short_is_as_long_as_it_was)
{
    n_failures = 1;
    run_beside(net, FLAKY);
    wind_after(net, 1, 30 * SECONDS);
    settle();
    run_cancel(&run);
    join_all();
    expect(0, OUTCOME_CANCELED, "canceled", 1);
    ck_assert_int_eq(seen[0].result.queue_us, 0);
    expect_about(seen[0].attempts[0].backoff_us, 30 * SECONDS);
    expect_exact_sums(0);
}

RETRY_TEST(pause_counts_as_running_when_the_gather_is_satisfied)
{
    n_failures = 1;
    run_beside(net, "{\"gather\": {\"until\": \"first_success\"}, \"limits\": {\"concurrency\": "
                    "1}, \"urls\": [\"http://127.0.0.1:@/flaky\", \"http://127.0.0.1:@/\"]}");
    join_all();
    expect(0, OUTCOME_CANCELED, "canceled", 1);
    expect(1, OUTCOME_SUCCESS, NULL, 0);
}

RETRY_TEST(attempt_that_is_followed_by_another_satisfies_nothing)
{
    n_failures = 1;
    run_beside(net, "{\"gather\": {\"until\": \"first_completed\", \"on_failure\": "
                    "\"cancel_rest\"}, \"urls\": [\"http://127.0.0.1:@/flaky\"]}");
    wind_after(net, 1, 100 * SECONDS);
    join_all();
    expect(0, OUTCOME_SUCCESS, NULL, 1);
}

RETRY_TEST(second_wait_in_the_queue_may_take_too_long_as_well)
{
    n_failures = 1;
    prepare(net->origin.port, "{\"limits\": {\"concurrency\": 1}, \"urls\": "
                              "[\"http://127.0.0.1:@/flaky\", \"http://127.0.0.1:@/hang\"]}");
    static struct fetch_options patient;
    patient = *spec->requests[1].options;
    patient.timeout_us = 0;
    spec->requests[1].options = &patient;
    options.queue_timeout_us = 150 * SECONDS;
    assert_ok(co_create_task("batch", execute, NULL, &task));
    while (!is_hanging)
        assert_ok(co_sleep(0));
    settle();
    wind(200 * CO_SECOND);
    settle();
    ck_assert_uint_eq(n_finished, 0);
    wind(60 * CO_SECOND);
    while (n_finished < 1)
        assert_ok(co_sleep(0));
    expect(0, OUTCOME_TRANSPORT_ERROR, "queue_timeout", 1);
    expect_about(seen[0].result.queue_us, 150 * SECONDS);
    expect_exact_sums(0);
    run_cancel(&run);
    join_all();
}

RETRY_TEST(caller_may_be_gone_in_a_pause)
{
    n_failures = 1;
    run_beside(net, FLAKY);
    wind_after(net, 1, 0);
    settle();
    co_cancel(task, "the client has gone");
    ck_assert_int_eq(join(), -ECANCELED);
    ck_assert_uint_eq(n_finished, 0);
}

/* --- Memory -------------------------------------------------------------------------------------
 */

static uint16_t reserve_port(int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(bind(*ret_fd, (struct sockaddr *)&address, length));
    assert_ok(getsockname(*ret_fd, (struct sockaddr *)&address, &length));
    return ntohs(address.sin_port);
}

RETRY_TEST(item_is_reported_once_whatever_allocation_fails)
{
    int fd;
    uint16_t port = reserve_port(&fd);

    for (size_t n = 1;; n++) {
        prepare(port, "[\"http://127.0.0.1:@/\"]");
        options.retry.backoff_us = 1;
        spec->keeps_cookies = true;
        fault_arm(n);
        int rc = run_execute(&run);
        bool failed = fault_disarm();
        assert_ok(rc);
        ck_assert_uint_eq(n_finished, 1);
        ck_assert_int_eq(seen[0].result.outcome, OUTCOME_TRANSPORT_ERROR);
        ck_assert(seen[0].result.error.retryable);
        expect_exact_sums(0);
        if (!failed)
            break;
    }
    expect(0, OUTCOME_TRANSPORT_ERROR, "connect_refused", 2);
    close(fd);
}

Suite *suite_engine_retry(void);

Suite *suite_engine_retry(void)
{
    Suite *suite = suite_create("daemon/engine/engine_retry");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, item_is_tried_again_until_it_succeeds);
    tcase_add_test(tcase, attempts_know_when_they_began);
    tcase_add_test(tcase, last_attempt_is_the_result);
    tcase_add_test(tcase, origin_says_how_long_to_wait);
    tcase_add_test(tcase, origin_that_wants_to_be_left_alone_is);
    tcase_add_test(tcase, place_is_free_during_the_pause);
    tcase_add_test(tcase, wait_beyond_the_pause_is_waiting_in_the_queue);
    tcase_add_test(tcase, pause_beyond_the_deadline_is_not_begun);
    tcase_add_test(tcase, deadline_ends_what_was_tried_and_waits);
    tcase_add_test(tcase, pause_that_is_cut_short_is_as_long_as_it_was);
    tcase_add_test(tcase, pause_counts_as_running_when_the_gather_is_satisfied);
    tcase_add_test(tcase, attempt_that_is_followed_by_another_satisfies_nothing);
    tcase_add_test(tcase, second_wait_in_the_queue_may_take_too_long_as_well);
    tcase_add_test(tcase, caller_may_be_gone_in_a_pause);
    tcase_add_test(tcase, item_is_reported_once_whatever_allocation_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
