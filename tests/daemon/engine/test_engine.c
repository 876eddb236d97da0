#include "daemon/engine/engine.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"
#include "tests/support/spec.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_ITEMS = 6000, MANY = 1000, PER_HOST = 50 };

/* --- A batch whose owner writes everything down ----------------------------------------------- */

struct seen {
    bool has_finished;
    enum outcome outcome;
    const char *code, *phase;
    bool retryable;
    int64_t queue_us, total_us;
    unsigned number; /* 1: the first to finish */
};

struct batch {
    struct job_spec *spec;
    struct run run;
    struct seen seen[MAX_ITEMS];
    unsigned n_finished;
    unsigned max_running; /* of the batch, at any end */
    struct co_task *task;
    int rc;
};

static struct batch first, second;
static struct engine *engine;
static struct egress *egress;

static void finished(void *arg, struct run_piece *piece, uint32_t item, const struct result *result)
{
    struct batch *batch = arg;
    struct seen *seen = &batch->seen[run_piece_index(piece, item)];

    ck_assert(!seen->has_finished);
    *seen = (struct seen){.has_finished = true,
                          .outcome = result->outcome,
                          .code = result->error.code,
                          .phase = result->error.phase,
                          .retryable = result->error.retryable,
                          .queue_us = result->queue_us,
                          .total_us = result->total_us,
                          .number = ++batch->n_finished};
    if (run_n_running(&batch->run) > batch->max_running)
        batch->max_running = (unsigned)run_n_running(&batch->run);
}

/* '@' in the document is the port. */
static void prepare(struct batch *batch, uint16_t port, const char *document)
{
    const struct run_owner owner = {.finished = finished, .arg = batch};

    job_spec_free(batch->spec);
    memset(batch->seen, 0, sizeof(batch->seen));
    batch->n_finished = batch->max_running = 0;
    batch->spec = spec_at(port, document);
    ck_assert_uint_le(batch->spec->n_items, MAX_ITEMS);
    run_init(&batch->run, engine, batch->spec, &owner);
}

static void run_prepared(struct batch *batch)
{
    assert_ok(run_execute(&batch->run));
    ck_assert_uint_eq(batch->n_finished, batch->spec->n_items);
    ck_assert_uint_eq(run_n_running(&batch->run), 0);
}

static void run(struct net *net, const char *document)
{
    prepare(&first, net->origin.port, document);
    run_prepared(&first);
}

static int execute(void *arg, void **ret_result)
{
    struct batch *batch = arg;

    (void)ret_result;
    batch->rc = run_execute(&batch->run);
    return 0;
}

static void run_beside(struct net *net, struct batch *batch, const char *document)
{
    prepare(batch, net->origin.port, document);
    assert_ok(co_create_task("batch", execute, batch, &batch->task));
}

static int join(struct batch *batch)
{
    assert_ok(co_task_await(batch->task, NULL));
    co_task_unref(batch->task);
    if (batch->rc == 0)
        ck_assert_uint_eq(batch->n_finished, batch->spec->n_items);
    return batch->rc;
}

static const struct seen *seen_of(size_t index)
{
    return &first.seen[index];
}

static void expect(size_t index, enum outcome outcome, const char *code)
{
    ck_assert(seen_of(index)->has_finished);
    ck_assert_str_eq(outcome_name(seen_of(index)->outcome), outcome_name(outcome));
    ck_assert_pstr_eq(seen_of(index)->code, code);
}

static void expect_rest(size_t from, enum outcome outcome, const char *code)
{
    for (size_t i = from; i < first.spec->n_items; i++)
        expect(i, outcome, code);
}

/* --- An origin ----------------------------------------------------------------------------------
 */

static unsigned n_hanging;
static struct co_event hangs_as_wanted; /* n_hanging has come to n_wanted */
static unsigned n_wanted;

static void answer_late(int fd)
{
    wind(5 * CO_SECOND);
    if (co_sleep(0) == 0) /* so that the loop looks at the clock before the answer comes */
        fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/* /hang is never answered, /404 is no success, /late takes five seconds. */
static void talk(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        if (strstr(origin->request, " /hang") != NULL) {
            if (++n_hanging == n_wanted)
                co_event_set(&hangs_as_wanted);
            fake_origin_linger(fd);
        } else if (strstr(origin->request, " /late") != NULL) {
            answer_late(fd);
        } else if (strstr(origin->request, " /404") != NULL) {
            fake_origin_send(fd, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
        } else {
            fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    }
}

static void wait_until_hanging(unsigned n)
{
    n_wanted = n;
    if (n_hanging < n)
        assert_ok(co_event_wait(&hangs_as_wanted));
}

static void begin(struct net *net)
{
    static const char *const open[] = {"127.0.0.0/8"};

    assert_ok(egress_new(&egress, open, N_ELEMENTS(open), NULL, 0, NULL));
    const struct fetcher fetcher = {.session = net->session,
                                    .egress = egress,
                                    .max_header_bytes = 64 * 1024,
                                    .max_body_bytes = 1024 * 1024};
    assert_ok(engine_new(&engine, &fetcher, MANY, PER_HOST));
    net->origin.talk = talk;
    co_event_init(&hangs_as_wanted);
    n_hanging = n_wanted = 0;
}

static void end(void)
{
    engine_free(engine);
    egress_free(egress);
    job_spec_free(co_take(first.spec));
    job_spec_free(co_take(second.spec));
}

#define ENGINE_TEST(test_name)                                                                     \
    static void test_name##_with(struct net *net, int _i);                                         \
    NET_TEST(test_name)                                                                            \
    {                                                                                              \
        begin(net);                                                                                \
        test_name##_with(net, _i);                                                                 \
        end();                                                                                     \
    }                                                                                              \
    static void test_name##_with(CK_ATTRIBUTE_UNUSED struct net *net, CK_ATTRIBUTE_UNUSED int _i)

/* --- All of them ------------------------------------------------------------------------------ */

ENGINE_TEST(every_item_is_fetched_once_and_reported_in_its_place)
{
    run(net, "[\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/404\", \"http://10.0.0.1/\", "
             "{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 3}]");
    expect(0, OUTCOME_SUCCESS, NULL);
    expect(1, OUTCOME_HTTP_ERROR, NULL);
    expect(2, OUTCOME_BLOCKED, "blocked_by_policy");
    expect_rest(3, OUTCOME_SUCCESS, NULL);
    ck_assert_uint_eq(net->origin.n_requests, 5);
}

ENGINE_TEST(concurrency_is_the_most_that_runs)
{
    run(net, "{\"limits\": {\"concurrency\": 3}, \"requests\": [{\"url\": "
             "\"http://127.0.0.1:@/\", \"repeat\": 30}]}");
    ck_assert_uint_eq(first.max_running, 3);
    ck_assert_uint_le(net->origin.n_connections, 3);
}

ENGINE_TEST(limit_of_a_host_holds_for_all)
{
    run(net, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 200}]");
    ck_assert_uint_eq(first.max_running, PER_HOST);
    ck_assert_uint_le(net->origin.n_connections, PER_HOST);
}

ENGINE_TEST(request_with_a_defect_is_a_result)
{
    run(net, "{\"on_invalid\": \"report\", \"urls\": [\"ftp://a/\", \"http://127.0.0.1:@/\"]}");
    expect(0, OUTCOME_TRANSPORT_ERROR, "unsupported_scheme");
    ck_assert_str_eq(seen_of(0)->phase, "queue");
    expect(1, OUTCOME_SUCCESS, NULL);
}

static int count_turns(void *arg, void **ret_result)
{
    unsigned *n_turns = arg;

    (void)ret_result;
    while (co_sleep(0) == 0)
        ++*n_turns;
    return 0;
}

ENGINE_TEST(others_have_turns_while_many_items_end_at_once)
{
    struct co_task *task;
    unsigned n_turns = 0;

    assert_ok(co_create_task("other", count_turns, &n_turns, &task));
    run(net, "{\"on_invalid\": \"report\", \"requests\": [{\"url\": \"ftp://a/\", \"repeat\": "
             "6000}]}");
    ck_assert_uint_ge(n_turns, 6000 / 256);
    co_task_stop(task, "the test is over");
}

ENGINE_TEST(small_batch_does_not_wait_for_a_large_one)
{
    run_beside(net, &second, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 6000}]");
    assert_ok(co_event_wait(&net->origin.asked));
    run(net, "[\"http://127.0.0.1:@/\"]");
    ck_assert_uint_lt(second.n_finished, 1000);
    assert_ok(join(&second));
}

ENGINE_TEST(repetitions_come_at_their_times)
{
    run_beside(net, &first,
               "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": {\"count\": 3, "
               "\"interval_ms\": 100000}}]");
    for (unsigned i = 1; i <= 3; i++) {
        while (first.n_finished < i)
            assert_ok(co_sleep(0));
        settle();
        ck_assert_uint_eq(first.n_finished, i);
        wind(100 * CO_SECOND);
    }
    assert_ok(join(&first));
    expect_rest(0, OUTCOME_SUCCESS, NULL);
}

/* --- When it ends -------------------------------------------------------------------------------
 */

ENGINE_TEST(first_success_ends_the_rest)
{
    run(net,
        "{\"gather\": {\"until\": \"first_success\"}, \"limits\": {\"concurrency\": 3}, "
        "\"urls\": [\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/404\", "
        "\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\", \"http://127.0.0.1:@/never\"]}");
    expect(0, OUTCOME_CANCELED, "canceled");
    expect(1, OUTCOME_HTTP_ERROR, NULL);
    expect(2, OUTCOME_CANCELED, "canceled");
    expect(3, OUTCOME_SUCCESS, NULL);
    expect(4, OUTCOME_SKIPPED, "canceled");
    ck_assert_str_eq(seen_of(4)->phase, "queue");
    ck_assert_ptr_null(strstr(net->origin.request, "/never"));
}

ENGINE_TEST(first_that_completes_ends_the_rest_whatever_it_is)
{
    run(net, "{\"gather\": {\"until\": \"first_completed\"}, \"urls\": "
             "[\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/404\"]}");
    expect(0, OUTCOME_CANCELED, "canceled");
    expect(1, OUTCOME_HTTP_ERROR, NULL);
}

ENGINE_TEST(quorum_ends_the_rest)
{
    run(net, "{\"gather\": {\"until\": {\"successes\": 2}}, \"limits\": {\"concurrency\": 1}, "
             "\"urls\": [\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/404\", "
             "\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/\"]}");
    expect(0, OUTCOME_SUCCESS, NULL);
    expect(1, OUTCOME_HTTP_ERROR, NULL);
    expect(2, OUTCOME_SUCCESS, NULL);
    expect(3, OUTCOME_SKIPPED, "canceled");
}

ENGINE_TEST(quorum_that_is_not_reached_changes_nothing)
{
    run(net, "{\"gather\": {\"until\": {\"successes\": 2}}, \"urls\": "
             "[\"http://127.0.0.1:@/404\", \"http://127.0.0.1:@/\"]}");
    expect(0, OUTCOME_HTTP_ERROR, NULL);
    expect(1, OUTCOME_SUCCESS, NULL);
}

ENGINE_TEST(failure_ends_the_rest_if_asked_to)
{
    run(net, "{\"gather\": {\"on_failure\": \"cancel_rest\"}, \"limits\": {\"concurrency\": 2}, "
             "\"urls\": [\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\", "
             "\"http://127.0.0.1:@/404\", \"http://127.0.0.1:@/\"]}");
    expect(0, OUTCOME_CANCELED, "canceled");
    expect(1, OUTCOME_SUCCESS, NULL);
    expect(2, OUTCOME_HTTP_ERROR, NULL);
    expect(3, OUTCOME_SKIPPED, "canceled");
}

ENGINE_TEST(all_that_waits_is_reported_however_much_it_is)
{
    run(net, "{\"gather\": {\"until\": \"first_completed\"}, \"limits\": {\"concurrency\": 1}, "
             "\"requests\": [{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 6000}]}");
    expect(0, OUTCOME_SUCCESS, NULL);
    expect_rest(1, OUTCOME_SKIPPED, "canceled");
}

ENGINE_TEST(nothing_more_goes_once_the_end_is_decided)
{
    run(net, "{\"gather\": {\"until\": \"first_completed\"}, \"on_invalid\": \"report\", "
             "\"requests\": [{\"url\": \"ftp://a/\", \"repeat\": 3}]}");
    expect(0, OUTCOME_TRANSPORT_ERROR, "unsupported_scheme");
    expect_rest(1, OUTCOME_SKIPPED, "canceled");
}

/* --- Deadlines ----------------------------------------------------------------------------------
 */

#define DEADLINE(rest) "{\"deadline_ms\": 300000, \"limits\": {\"concurrency\": 2}, " rest "}"

ENGINE_TEST(deadline_ends_what_runs_and_skips_what_waits)
{
    run_beside(net, &first,
               DEADLINE("\"urls\": [\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\", "
                        "\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/never\"]"));
    wait_until_hanging(2);
    wind(299 * CO_SECOND);
    settle();
    ck_assert_uint_eq(first.n_finished, 1);
    wind(1 * CO_SECOND);
    assert_ok(join(&first));
    expect(0, OUTCOME_SUCCESS, NULL);
    for (size_t i = 1; i < 3; i++) {
        expect(i, OUTCOME_TRANSPORT_ERROR, "deadline_exceeded");
        ck_assert_str_eq(seen_of(i)->phase, "wait");
        ck_assert(seen_of(i)->retryable);
    }
    expect(3, OUTCOME_SKIPPED, "deadline_exceeded");
    ck_assert_str_eq(seen_of(3)->phase, "queue");
    ck_assert_int_ge(seen_of(3)->queue_us, 300 * INT64_C(1000000));
}

ENGINE_TEST(deadline_counts_from_acceptance)
{
    prepare(&first, net->origin.port, DEADLINE("\"urls\": [\"http://127.0.0.1:@/never\"]"));
    wind(300 * CO_SECOND);
    settle();
    run_prepared(&first);
    ck_assert_str_eq(seen_of(0)->code, "deadline_exceeded");
    ck_assert_uint_eq(net->origin.n_requests, 0);
}

ENGINE_TEST(deadline_that_is_not_reached_changes_nothing)
{
    run(net, DEADLINE("\"urls\": [\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/\"]"));
    expect_rest(0, OUTCOME_SUCCESS, NULL);
}

/* --- Waiting in the queue -----------------------------------------------------------------------
 */

ENGINE_TEST(item_that_waited_too_long_is_not_fetched)
{
    run(net, "{\"limits\": {\"concurrency\": 1}, \"requests\": [\"http://127.0.0.1:@/late\", "
             "{\"url\": \"http://127.0.0.1:@/never\", \"queue_timeout_ms\": 4000}, "
             "{\"url\": \"http://127.0.0.1:@/\", \"queue_timeout_ms\": 400000}]}");
    expect(0, OUTCOME_SUCCESS, NULL);
    expect(1, OUTCOME_TRANSPORT_ERROR, "queue_timeout");
    ck_assert_str_eq(seen_of(1)->phase, "queue");
    ck_assert(seen_of(1)->retryable);
    expect(2, OUTCOME_SUCCESS, NULL);
    ck_assert_int_ge(seen_of(2)->queue_us, 5 * 1000000);
}

ENGINE_TEST(interval_of_repetitions_is_no_wait_in_the_queue)
{
    run_beside(net, &first,
               "[{\"url\": \"http://127.0.0.1:@/\", \"queue_timeout_ms\": 50000, "
               "\"repeat\": {\"count\": 2, \"interval_ms\": 100000}}]");
    while (first.n_finished < 1)
        assert_ok(co_sleep(0));
    settle();
    wind(100 * CO_SECOND);
    assert_ok(join(&first));
    expect_rest(0, OUTCOME_SUCCESS, NULL);
    ck_assert_int_lt(seen_of(1)->queue_us, 50 * 1000000);
}

/* --- Giving up ----------------------------------------------------------------------------------
 */

#define TWO_OF_THREE                                                                               \
    "{\"limits\": {\"concurrency\": 2}, \"requests\": [{\"url\": \"http://127.0.0.1:@/hang\", "    \
    "\"repeat\": 3}]}"

ENGINE_TEST(canceled_run_reports_everything)
{
    run_beside(net, &first, TWO_OF_THREE);
    wait_until_hanging(2);
    ck_assert_uint_eq(run_n_running(&first.run), 2);
    run_cancel(&first.run);
    run_cancel(&first.run);
    assert_ok(join(&first));
    expect(0, OUTCOME_CANCELED, "canceled");
    expect(1, OUTCOME_CANCELED, "canceled");
    expect(2, OUTCOME_SKIPPED, "canceled");
}

ENGINE_TEST(run_can_be_canceled_before_it_begins)
{
    prepare(&first, net->origin.port, TWO_OF_THREE);
    run_cancel(&first.run);
    run_prepared(&first);
    expect_rest(0, OUTCOME_SKIPPED, "canceled");
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

ENGINE_TEST(run_whose_caller_is_gone_reports_nothing_more)
{
    run_beside(net, &first,
               "{\"limits\": {\"concurrency\": 3}, \"requests\": [\"http://127.0.0.1:@/\", "
               "{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 1000}]}");
    wait_until_hanging(3);
    co_cancel(first.task, "the client has gone");
    ck_assert_int_eq(join(&first), -ECANCELED);
    ck_assert_uint_eq(first.n_finished, 1);
    run(net, "[\"http://127.0.0.1:@/\"]");
    expect(0, OUTCOME_SUCCESS, NULL);
}

ENGINE_TEST(caller_may_be_gone_before_its_run_begins)
{
    run_beside(net, &first, TWO_OF_THREE);
    co_cancel(first.task, "the client has gone");
    ck_assert_int_eq(join(&first), -ECANCELED);
    ck_assert_uint_eq(first.n_finished, 0);
}

ENGINE_TEST(caller_may_go_while_the_rest_is_being_reported)
{
    run_beside(net, &first,
               "{\"limits\": {\"concurrency\": 1}, \"gather\": {\"until\": \"first_completed\"}, "
               "\"requests\": [{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 6000}]}");
    while (first.n_finished < 2)
        assert_ok(co_sleep(0));
    co_cancel(first.task, "the client has gone");
    ck_assert_int_eq(join(&first), -ECANCELED);
    ck_assert_uint_lt(first.n_finished, 6000);
}

ENGINE_TEST(place_of_a_canceled_run_is_free_for_others)
{
    run_beside(net, &second, "[{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 100}]");
    wait_until_hanging(PER_HOST);
    run_beside(net, &first, "[\"http://127.0.0.1:@/\"]");
    settle();
    ck_assert_uint_eq(first.n_finished, 0);
    run_cancel(&second.run);
    assert_ok(join(&second));
    assert_ok(join(&first));
    expect(0, OUTCOME_SUCCESS, NULL);
}

/* --- Memory -------------------------------------------------------------------------------------
 */

/* A port where nobody listens, so that the origin has no part in it. */
static uint16_t reserve_port(int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(bind(*ret_fd, (struct sockaddr *)&address, length));
    assert_ok(getsockname(*ret_fd, (struct sockaddr *)&address, &length));
    return ntohs(address.sin_port);
}

static bool was_short_of_memory(void)
{
    bool was_short = false;

    for (size_t i = 0; i < first.spec->n_items; i++) {
        const char *code = seen_of(i)->code;
        bool is_short = strcmp(code, "resource_exhausted") == 0;
        ck_assert_int_eq(seen_of(i)->outcome, OUTCOME_TRANSPORT_ERROR);
        ck_assert_msg(is_short || strcmp(code, "connect_refused") == 0, "%s", code);
        ck_assert(seen_of(i)->retryable);
        was_short |= is_short;
    }
    return was_short;
}

ENGINE_TEST(every_item_is_reported_whatever_allocation_fails)
{
    int fd;
    uint16_t port = reserve_port(&fd);

    for (size_t n = 1;; n++) {
        prepare(&first, port,
                "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": {\"count\": 3, \"interval_ms\": "
                "0.001}}, \"http://127.0.0.1:@/\"]");
        fault_arm(n);
        int rc = run_execute(&first.run);
        bool failed = fault_disarm();
        assert_ok(rc);
        ck_assert_uint_eq(first.n_finished, 4);
        ck_assert(!was_short_of_memory() || failed);
        if (!failed)
            break;
    }
    close(fd);
}

/* In a new loop each time, which has no task and no stack to spare. */
ENGINE_TEST(first_item_is_reported_whatever_allocation_fails)
{
    int fd;

    prepare(&first, reserve_port(&fd), "[\"http://127.0.0.1:@/\"]");
    fault_arm((size_t)_i);
    int rc = run_execute(&first.run);
    bool failed = fault_disarm();
    assert_ok(rc);
    ck_assert_uint_eq(first.n_finished, 1);
    ck_assert(!was_short_of_memory() || failed);
    close(fd);
}

ENGINE_TEST(engine_there_is_no_memory_for_is_not_made)
{
    const struct fetcher fetcher = {0};
    struct engine *other;

    for (size_t n = 1;; n++) {
        size_t live = fault_live();
        fault_arm(n);
        int rc = engine_new(&other, &fetcher, 1, 1);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
    }
    engine_free(other);
    engine_free(NULL);
}

Suite *suite_engine(void);

Suite *suite_engine(void)
{
    Suite *suite = suite_create("daemon/engine/engine");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, every_item_is_fetched_once_and_reported_in_its_place);
    tcase_add_test(tcase, concurrency_is_the_most_that_runs);
    tcase_add_test(tcase, limit_of_a_host_holds_for_all);
    tcase_add_test(tcase, request_with_a_defect_is_a_result);
    tcase_add_test(tcase, others_have_turns_while_many_items_end_at_once);
    tcase_add_test(tcase, small_batch_does_not_wait_for_a_large_one);
    tcase_add_test(tcase, repetitions_come_at_their_times);
    tcase_add_test(tcase, first_success_ends_the_rest);
    tcase_add_test(tcase, first_that_completes_ends_the_rest_whatever_it_is);
    tcase_add_test(tcase, quorum_ends_the_rest);
    tcase_add_test(tcase, quorum_that_is_not_reached_changes_nothing);
    tcase_add_test(tcase, failure_ends_the_rest_if_asked_to);
    tcase_add_test(tcase, all_that_waits_is_reported_however_much_it_is);
    tcase_add_test(tcase, nothing_more_goes_once_the_end_is_decided);
    tcase_add_test(tcase, deadline_ends_what_runs_and_skips_what_waits);
    tcase_add_test(tcase, deadline_counts_from_acceptance);
    tcase_add_test(tcase, deadline_that_is_not_reached_changes_nothing);
    tcase_add_test(tcase, item_that_waited_too_long_is_not_fetched);
    tcase_add_test(tcase, interval_of_repetitions_is_no_wait_in_the_queue);
    tcase_add_test(tcase, canceled_run_reports_everything);
    tcase_add_test(tcase, run_can_be_canceled_before_it_begins);
    tcase_add_test(tcase, run_whose_caller_is_gone_reports_nothing_more);
    tcase_add_test(tcase, caller_may_be_gone_before_its_run_begins);
    tcase_add_test(tcase, caller_may_go_while_the_rest_is_being_reported);
    tcase_add_test(tcase, place_of_a_canceled_run_is_free_for_others);
    tcase_add_test(tcase, every_item_is_reported_whatever_allocation_fails);
    tcase_add_loop_test(tcase, first_item_is_reported_whatever_allocation_fails, 1, 16);
    tcase_add_test(tcase, engine_there_is_no_memory_for_is_not_made);
    suite_add_tcase(suite, tcase);
    return suite;
}
