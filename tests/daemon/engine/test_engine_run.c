/* Runs that are fed piece by piece, as those of stored jobs are. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/engine/engine.h"
#include "tests/support/fault.h"
#include "tests/support/net.h"
#include "tests/support/spec.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define SECONDS           INT64_C(1000000)

enum { MAX_ITEMS = 64, MANY = 1000, PER_HOST = 50, N_PLACES = 4 };

/* --- A job whose owner writes everything down --------------------------------------------------
 */

struct seen {
    unsigned n_times;
    enum outcome outcome;
    const char *code, *phase;
    unsigned n_attempts;
};

static struct fake_origin *origin;
static struct engine *engine;
static struct egress *egress;
static struct job_spec *head;
static struct run run;
static struct co_task *task;
static int executed;

static struct seen seen[MAX_ITEMS];
static unsigned n_finished, n_there, n_ended, n_asked;
static struct co_event piece_has_ended;

/* What the owner says before an item is sent. */
static int answer;
static struct co_event may_answer;

static void finished(void *arg, struct run_piece *piece, uint32_t item, const struct result *result)
{
    struct seen *one = &seen[run_piece_index(piece, item)];

    (void)arg;
    ck_assert_uint_lt(item, piece->n_items);
    one->n_times++;
    one->outcome = result->outcome;
    one->code = result->error.code;
    one->phase = result->error.phase;
    one->n_attempts = result->n_attempts;
    n_finished++;
}

/* So that whatever is done with a piece afterwards is found by the sanitizer. */
static void piece_ended(void *arg, struct run_piece *piece)
{
    (void)arg;
    n_there--;
    n_ended++;
    job_spec_free((struct job_spec *)piece->spec);
    free(piece);
    co_event_set(&piece_has_ended);
}

static int before_sending(void *arg, struct run_piece *piece, uint32_t item)
{
    (void)arg, (void)piece, (void)item;
    n_asked++;
    int rc = co_event_wait(&may_answer);
    return rc < 0 ? rc : answer;
}

static const struct run_owner owner = {.finished = finished, .piece_ended = piece_ended};
static const struct run_owner asking_owner = {
    .finished = finished,
    .piece_ended = piece_ended,
    .before_sending = before_sending,
};

static int open_job_of(const struct run_owner *of, const char *document, struct run_job job)
{
    job_spec_free(head);
    head = spec_at(origin->port, document);
    job.head = head;
    job.n_places = N_PLACES;
    if (job.accepted_at == 0)
        job.accepted_at = instant_now();
    return run_open(&run, engine, &job, of);
}

#define HEAD(members) "{" members "\"urls\": [\"http://127.0.0.1:@/\"]}"

static void open_job(const char *document, uint32_t n_items)
{
    assert_ok(open_job_of(&owner, document, (struct run_job){.n_items = n_items}));
}

/* The items from `first` on, as `document` has them. */
static int add_left_out(uint32_t first, const char *document, const uint64_t *left_out)
{
    struct run_piece *piece = malloc(sizeof(*piece));
    struct job_spec *spec = spec_at(origin->port, document);

    *piece = (struct run_piece){
        .spec = spec, .n_items = (uint32_t)spec->n_items, .first = first, .left_out = left_out};
    int rc = run_add_piece(&run, piece);
    if (rc == 0) {
        n_there++;
    } else {
        job_spec_free(spec);
        free(piece);
    }
    return rc;
}

static int add(uint32_t first, const char *document)
{
    return add_left_out(first, document, NULL);
}

/* n items like "http://127.0.0.1:PORT/PATH". */
static int add_some(uint32_t first, uint32_t n, const char *path)
{
    char document[128];

    snprintf(document, sizeof(document), "[{\"url\": \"http://127.0.0.1:@%s\", \"repeat\": %u}]",
             path, n);
    return add(first, document);
}

static int execute(void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    executed = run_execute(&run);
    return 0;
}

static void begin_to_run(void)
{
    assert_ok(co_create_task("run", execute, NULL, &task));
}

static int join(void)
{
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    ck_assert_uint_eq(n_there, 0);
    return executed;
}

static void expect(uint32_t index, enum outcome outcome, const char *code)
{
    ck_assert_uint_eq(seen[index].n_times, 1);
    ck_assert_str_eq(outcome_name(seen[index].outcome), outcome_name(outcome));
    ck_assert_pstr_eq(seen[index].code, code);
}

static void expect_from(uint32_t first, uint32_t n, enum outcome outcome, const char *code)
{
    for (uint32_t i = first; i < first + n; i++)
        expect(i, outcome, code);
}

/* --- An origin -------------------------------------------------------------------------------- */

static unsigned n_hanging;

/* /hang is never answered, /404 and /503 are no success. */
static void talk(struct fake_origin *of, int fd)
{
    while (fake_origin_receive(of, fd)) {
        if (strstr(of->request, " /hang") != NULL) {
            n_hanging++;
            fake_origin_linger(fd);
        } else if (strstr(of->request, " /404") != NULL) {
            fake_origin_send(fd, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
        } else if (strstr(of->request, " /503") != NULL) {
            fake_origin_send(fd, "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n");
        } else {
            fake_origin_send(fd, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n"
                                 "ok");
        }
    }
}

/* Until as many requests as that hang. */
static void wait_until_hanging(unsigned n)
{
    while (n_hanging < n)
        assert_ok(co_sleep(0));
}

static void wait_until_finished(unsigned n)
{
    while (n_finished < n)
        assert_ok(co_sleep(0));
}

static void set_up(struct net *net)
{
    static const char *const open[] = {"127.0.0.0/8"};

    origin = &net->origin;
    assert_ok(egress_new(&egress, open, N_ELEMENTS(open), NULL, 0, NULL));
    const struct fetcher fetcher = {.session = net->session,
                                    .egress = egress,
                                    .max_header_bytes = 64 * 1024,
                                    .max_body_bytes = 1024 * 1024};
    assert_ok(engine_new(&engine, &fetcher, MANY, PER_HOST));
    origin->talk = talk;
    memset(seen, 0, sizeof(seen));
    n_hanging = n_finished = n_there = n_ended = n_asked = 0;
    answer = 0;
    co_event_init(&may_answer);
    co_event_init(&piece_has_ended);
}

static void tear_down(void)
{
    engine_free(engine);
    egress_free(egress);
    job_spec_free(co_take(head));
}

#define RUN_TEST(name)                                                                             \
    static void name##_with(int _i);                                                               \
    NET_TEST(name)                                                                                 \
    {                                                                                              \
        set_up(net);                                                                               \
        name##_with(_i);                                                                           \
        tear_down();                                                                               \
    }                                                                                              \
    static void name##_with(CK_ATTRIBUTE_UNUSED int _i)

/* --- Feeding ---------------------------------------------------------------------------------- */

RUN_TEST(job_is_run_piece_by_piece)
{
    uint32_t next = 0;

    open_job(HEAD(), 60);
    begin_to_run();
    while (next < 60) {
        co_event_clear(&piece_has_ended);
        while (next < 60 && run_wants_piece(&run, 0)) {
            assert_ok(add_some(next, 5, "/"));
            next += 5;
        }
        ck_assert_uint_le(n_there, N_PLACES);
        assert_ok(co_event_wait(&piece_has_ended));
    }
    assert_ok(join());
    ck_assert_int_eq(run.stop, RUN_GOES_ON);
    expect_from(0, 60, OUTCOME_SUCCESS, NULL);
    ck_assert_uint_eq(n_ended, 12);
    ck_assert_uint_eq(origin->n_requests, 60);
}

RUN_TEST(piece_can_be_some_items_of_a_spec)
{
    struct job_spec *spec =
        spec_at(origin->port, "[\"http://127.0.0.1:@/404\", \"http://127.0.0.1:@/\", "
                              "\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/404\"]");
    struct run_piece piece = {.spec = spec, .offset = 1, .n_items = 2, .first = 11};
    const struct run_owner other = {.finished = finished};

    assert_ok(open_job_of(&other, HEAD(), (struct run_job){.n_items = 50, .n_done = 48}));
    assert_ok(run_add_piece(&run, &piece));
    assert_ok(run_execute(&run));
    expect_from(11, 2, OUTCOME_SUCCESS, NULL);
    ck_assert_uint_eq(n_finished, 2);
    job_spec_free(spec);
}

RUN_TEST(item_that_is_left_out_is_not_run)
{
    static const uint64_t some = 0x5, all = 0xf;

    assert_ok(open_job_of(&owner, HEAD(), (struct run_job){.n_items = 8, .n_done = 6}));
    ck_assert_int_eq(add_left_out(0, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 4}]", &all),
                     1);
    assert_ok(add_left_out(4, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 4}]", &some));
    begin_to_run();
    assert_ok(join());
    expect(5, OUTCOME_SUCCESS, NULL);
    expect(7, OUTCOME_SUCCESS, NULL);
    ck_assert_uint_eq(n_finished, 2);
}

RUN_TEST(there_is_no_more_room_than_places)
{
    open_job(HEAD(), 50);
    for (uint32_t i = 0; i < N_PLACES; i++) {
        ck_assert(run_has_room(&run));
        assert_ok(add_some(i, 1, "/hang"));
    }
    ck_assert(!run_has_room(&run));
    ck_assert(!run_wants_piece(&run, 0));
    ck_assert_int_eq(add_some(10, 1, "/"), -EAGAIN);
    run_close(&run);
    ck_assert_uint_eq(n_ended, N_PLACES);
}

RUN_TEST(run_that_has_enough_to_do_wants_nothing)
{
    open_job(HEAD("\"limits\": {\"concurrency\": 3}, "), 50);
    ck_assert(run_wants_piece(&run, 0));
    assert_ok(add_some(0, 5, "/"));
    ck_assert_uint_eq(run_n_ready(&run), 5);
    ck_assert(run_wants_piece(&run, 0));
    assert_ok(add_some(5, 1, "/"));
    ck_assert(!run_wants_piece(&run, 0));
    ck_assert(run_wants_piece(&run, 1));
    run_close(&run);
}

RUN_TEST(what_is_due_later_is_not_ready)
{
    open_job(HEAD(), 50);
    assert_ok(add(0, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": {\"count\": 4, "
                     "\"interval_ms\": 1000}}]"));
    ck_assert_uint_eq(run_n_ready(&run), 1);
    run_close(&run);
}

RUN_TEST(nothing_goes_before_the_run_is_executed)
{
    open_job(HEAD(), 4);
    assert_ok(add_some(0, 4, "/"));
    settle();
    ck_assert_uint_eq(engine_n_waiting(engine), 4);
    ck_assert_uint_eq(origin->n_connections, 0);
    begin_to_run();
    assert_ok(join());
    expect_from(0, 4, OUTCOME_SUCCESS, NULL);
}

RUN_TEST(run_that_is_closed_gives_its_pieces_back)
{
    open_job(HEAD("\"cookies\": true, "), 8);
    assert_ok(add_some(0, 4, "/"));
    assert_ok(add_some(4, 4, "/"));
    run_close(&run);
    ck_assert_uint_eq(n_ended, 2);
    ck_assert_uint_eq(n_finished, 0);
    ck_assert_int_eq(add_some(0, 1, "/"), -ECANCELED);
}

RUN_TEST(cookies_go_from_piece_to_piece)
{
    open_job(HEAD("\"cookies\": true, "), 2);
    begin_to_run();
    assert_ok(add_some(0, 1, "/"));
    wait_until_finished(1);
    assert_ok(add_some(1, 1, "/"));
    assert_ok(join());
    ck_assert_ptr_nonnull(strstr(origin->request, "Cookie: a=b"));
}

RUN_TEST(rate_of_a_host_holds_from_piece_to_piece)
{
    open_job(HEAD("\"limits\": {\"per_host_rate\": {\"requests\": 1, \"per_ms\": 100000}}, "), 2);
    begin_to_run();
    assert_ok(add_some(0, 1, "/"));
    wait_until_finished(1);
    assert_ok(add_some(1, 1, "/"));
    settle();
    ck_assert_uint_eq(origin->n_requests, 1);
    wind(100 * CO_SECOND);
    assert_ok(join());
}

/* --- Coming back ------------------------------------------------------------------------------ */

RUN_TEST(run_of_which_nothing_is_left_is_over)
{
    assert_ok(open_job_of(&owner, HEAD(), (struct run_job){.n_items = 3, .n_done = 3}));
    assert_ok(run_execute(&run));
    ck_assert_int_eq(run.stop, RUN_GOES_ON);
}

RUN_TEST(successes_of_before_count)
{
    assert_ok(open_job_of(&owner, HEAD("\"gather\": {\"until\": {\"successes\": 3}}, "),
                          (struct run_job){.n_items = 20, .n_done = 5, .n_successes = 2}));
    begin_to_run();
    assert_ok(add(5, "[\"http://127.0.0.1:@/404\", \"http://127.0.0.1:@/\", "
                     "{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 3}]"));
    assert_ok(join());
    ck_assert_int_eq(run.stop, RUN_SATISFIED);
    expect(6, OUTCOME_SUCCESS, NULL);
    expect_from(7, 3, OUTCOME_CANCELED, "canceled");
}

static const struct {
    const char *head;
    uint32_t n_done, n_successes;
} satisfied[] = {
    {HEAD("\"gather\": {\"until\": {\"successes\": 2}}, "), 4, 2},
    {HEAD("\"gather\": {\"until\": \"first_completed\"}, "), 1, 0},
    {HEAD("\"gather\": {\"on_failure\": \"cancel_rest\"}, "), 4, 3},
};

RUN_TEST(run_that_was_satisfied_before_does_nothing_more)
{
    assert_ok(open_job_of(&owner, satisfied[_i].head,
                          (struct run_job){.n_items = 9,
                                           .n_done = satisfied[_i].n_done,
                                           .n_successes = satisfied[_i].n_successes}));
    ck_assert(!run_has_room(&run));
    ck_assert_int_eq(add_some(0, 1, "/"), -ECANCELED);
    assert_ok(run_execute(&run));
    ck_assert_int_eq(run.stop, RUN_SATISFIED);
}

RUN_TEST(item_that_ended_elsewhere_counts)
{
    struct result result;

    result_init(&result);
    result.outcome = OUTCOME_SUCCESS;
    open_job(HEAD(), 3);
    begin_to_run();
    assert_ok(add_some(0, 1, "/"));
    wait_until_finished(1);
    run_count(&run, &result);
    run_count(&run, &result);
    assert_ok(join());
    ck_assert_uint_eq(run.n_successes, 3);
    ck_assert_uint_eq(engine_stats(engine)->n_finished[OUTCOME_SUCCESS], 3);
    result_done(&result);
}

RUN_TEST(deadline_counts_from_when_the_job_was_accepted)
{
    const struct run_job job = {.n_items = 50, .accepted_at = instant_now() - 3600 * SECONDS};

    assert_ok(open_job_of(&owner, HEAD("\"deadline_ms\": 1800000, "), job));
    assert_ok(add_some(0, 2, "/"));
    begin_to_run();
    assert_ok(join());
    ck_assert_int_eq(run.stop, RUN_DEADLINE);
    expect_from(0, 2, OUTCOME_SKIPPED, "deadline_exceeded");
    ck_assert_uint_eq(n_finished, 2);
    ck_assert_uint_eq(origin->n_connections, 0);
}

RUN_TEST(time_in_the_queue_counts_from_when_the_job_was_accepted)
{
    const struct run_job job = {.n_items = 2, .accepted_at = instant_now() - 100 * SECONDS};

    assert_ok(open_job_of(&owner, HEAD(), job));
    assert_ok(add(0, "[{\"url\": \"http://127.0.0.1:@/\", \"queue_timeout_ms\": 99000}, "
                     "{\"url\": \"http://127.0.0.1:@/\", \"queue_timeout_ms\": 999000}]"));
    begin_to_run();
    assert_ok(join());
    expect(0, OUTCOME_TRANSPORT_ERROR, "queue_timeout");
    expect(1, OUTCOME_SUCCESS, NULL);
}

RUN_TEST(repetitions_that_are_overdue_are_due_at_once)
{
    const struct run_job job = {.n_items = 4, .accepted_at = instant_now() - 1000 * SECONDS};

    assert_ok(open_job_of(&owner, HEAD(), job));
    assert_ok(add(0, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": {\"count\": 4, "
                     "\"interval_ms\": 400000}}]"));
    begin_to_run();
    wait_until_finished(3);
    settle();
    ck_assert_uint_eq(n_finished, 3);
    wind(200 * CO_SECOND);
    assert_ok(join());
}

RUN_TEST(clock_that_was_set_back_makes_no_job_of_the_future)
{
    const struct run_job job = {.n_items = 1, .accepted_at = instant_now() + 3600 * SECONDS};

    assert_ok(open_job_of(&owner, HEAD("\"deadline_ms\": 1000000, "), job));
    ck_assert_int_le(run.accepted, co_now());
    assert_ok(add_some(0, 1, "/"));
    begin_to_run();
    assert_ok(join());
    expect(0, OUTCOME_SUCCESS, NULL);
}

/* --- Ending before its time ------------------------------------------------------------------- */

RUN_TEST(canceled_run_reports_what_is_there)
{
    open_job(HEAD("\"limits\": {\"concurrency\": 2}, "), 50);
    assert_ok(add_some(0, 3, "/hang"));
    assert_ok(add_some(3, 3, "/hang"));
    begin_to_run();
    wait_until_hanging(2);
    run_cancel(&run);
    ck_assert(!run_has_room(&run));
    ck_assert_uint_eq(run_n_ready(&run), 0);
    ck_assert_int_eq(add_some(6, 1, "/"), -ECANCELED);
    assert_ok(join());
    expect_from(0, 2, OUTCOME_CANCELED, "canceled");
    expect_from(2, 4, OUTCOME_SKIPPED, "canceled");
    ck_assert_uint_eq(n_finished, 6);
    ck_assert_uint_eq(n_ended, 2);
}

RUN_TEST(caller_that_is_gone_gets_its_pieces_back_without_results)
{
    open_job(HEAD("\"limits\": {\"concurrency\": 2}, "), 50);
    assert_ok(add(0, "{\"defaults\": {\"retry\": {\"max_attempts\": 3, \"backoff_ms\": 100000, "
                     "\"max_backoff_ms\": 100000}}, \"urls\": [\"http://127.0.0.1:@/503\"]}"));
    assert_ok(add_some(1, 3, "/hang"));
    begin_to_run();
    wait_until_hanging(2); /* so the other one backs off */
    co_cancel(task, "the daemon is stopping");
    ck_assert_int_eq(join(), -ECANCELED);
    ck_assert_uint_eq(n_finished, 0);
    ck_assert_uint_eq(n_ended, 2);
}

RUN_TEST(item_that_backs_off_keeps_its_piece_and_what_it_has_tried)
{
    open_job(HEAD(), 3);
    assert_ok(add(0, "{\"defaults\": {\"retry\": {\"max_attempts\": 2, \"backoff_ms\": 100000, "
                     "\"max_backoff_ms\": 100000, \"jitter\": 0}}, "
                     "\"urls\": [\"http://127.0.0.1:@/503\", \"http://127.0.0.1:@/\"]}"));
    begin_to_run();
    wait_until_finished(1);
    while (origin->n_requests < 2 || run_n_running(&run) > 0)
        assert_ok(co_sleep(0));
    ck_assert_uint_eq(n_ended, 0);
    assert_ok(add_some(2, 1, "/"));
    wait_until_finished(2);
    ck_assert_uint_eq(n_ended, 1);
    settle();
    wind(200 * CO_SECOND);
    assert_ok(join());
    expect(0, OUTCOME_HTTP_ERROR, NULL);
    ck_assert_uint_eq(seen[0].n_attempts, 1);
}

/* --- Before an item is sent ------------------------------------------------------------------- */

static void open_asking(uint32_t n_items)
{
    assert_ok(open_job_of(&asking_owner, HEAD(), (struct run_job){.n_items = n_items}));
    begin_to_run();
}

static void wait_until_asked(unsigned n)
{
    while (n_asked < n)
        assert_ok(co_sleep(0));
}

RUN_TEST(item_is_sent_when_its_owner_agrees)
{
    open_asking(2);
    assert_ok(add_some(0, 2, "/"));
    wait_until_asked(2);
    settle();
    ck_assert_uint_eq(run_n_running(&run), 2);
    ck_assert_uint_eq(origin->n_connections, 0);
    co_event_set(&may_answer);
    assert_ok(join());
    expect_from(0, 2, OUTCOME_SUCCESS, NULL);
}

RUN_TEST(item_its_owner_does_not_agree_with_is_not_sent)
{
    answer = -EIO;
    co_event_set(&may_answer);
    open_asking(2);
    assert_ok(add_some(0, 2, "/"));
    assert_ok(join());
    expect_from(0, 2, OUTCOME_TRANSPORT_ERROR, "resource_exhausted");
    ck_assert_str_eq(seen[0].phase, "queue");
    ck_assert_uint_eq(origin->n_connections, 0);
}

RUN_TEST(item_its_owner_does_not_want_now_gives_its_place_back_and_is_asked_about_again)
{
    answer = -EAGAIN;
    co_event_set(&may_answer);
    open_asking(1);
    assert_ok(add_some(0, 1, "/"));
    wait_until_asked(1);
    while (run_n_running(&run) > 0)
        assert_ok(co_sleep(0));
    settle();
    ck_assert_uint_eq(n_finished, 0);
    ck_assert_uint_eq(engine_n_waiting(engine), 1);
    ck_assert_uint_eq(origin->n_connections, 0);
    answer = 0;
    wind(CO_SECOND);
    assert_ok(join());
    expect(0, OUTCOME_SUCCESS, NULL);
    ck_assert_uint_eq(n_asked, 2);
}

RUN_TEST(owner_is_asked_once_however_often_an_item_is_tried)
{
    co_event_set(&may_answer);
    open_asking(1);
    assert_ok(add(
        0, "{\"defaults\": {\"retry\": {\"max_attempts\": 3, \"backoff_ms\": 1, \"jitter\": 0}}, "
           "\"urls\": [\"http://127.0.0.1:@/503\"]}"));
    for (unsigned i = 1; i < 3; i++) {
        while (origin->n_requests < i || run_n_running(&run) > 0)
            assert_ok(co_sleep(0));
        settle();
        wind(CO_SECOND);
    }
    assert_ok(join());
    ck_assert_uint_eq(seen[0].n_attempts, 2);
    ck_assert_uint_eq(n_asked, 1);
}

RUN_TEST(item_of_a_run_that_is_stopped_meanwhile_is_not_sent)
{
    open_asking(50);
    assert_ok(add_some(0, 1, "/"));
    wait_until_asked(1);
    run_cancel(&run);
    assert_ok(join());
    expect(0, OUTCOME_SKIPPED, "canceled");
    ck_assert_uint_eq(origin->n_connections, 0);
}

static int cancel_run(void *arg, struct run_piece *piece, uint32_t item)
{
    (void)arg, (void)piece, (void)item;
    run_cancel(&run);
    return 0;
}

RUN_TEST(item_is_not_sent_though_its_owner_agrees_when_the_run_has_been_stopped)
{
    const struct run_owner canceling = {
        .finished = finished, .piece_ended = piece_ended, .before_sending = cancel_run};

    assert_ok(open_job_of(&canceling, HEAD(), (struct run_job){.n_items = 50}));
    assert_ok(add_some(0, 1, "/"));
    begin_to_run();
    assert_ok(join());
    expect(0, OUTCOME_SKIPPED, "canceled");
    ck_assert_uint_eq(origin->n_connections, 0);
}

RUN_TEST(item_is_dropped_unsent_when_the_caller_goes)
{
    open_asking(50);
    assert_ok(add_some(0, 1, "/"));
    wait_until_asked(1);
    co_cancel(task, "the daemon is stopping");
    ck_assert_int_eq(join(), -ECANCELED);
    ck_assert_uint_eq(n_finished, 0);
    ck_assert_uint_eq(origin->n_connections, 0);
}

/* --- A pause ---------------------------------------------------------------------------------- */

RUN_TEST(pause_holds_up_what_is_fed_and_nothing_else)
{
    const struct run_owner other = {.finished = finished};
    struct job_spec *spec = spec_at(origin->port, "[\"http://127.0.0.1:@/\"]");
    struct run gather;

    engine_pause(engine, true);
    open_job(HEAD(), 5);
    assert_ok(add_some(1, 4, "/"));
    begin_to_run();
    run_init(&gather, engine, spec, &other);
    assert_ok(run_execute(&gather));
    settle();
    expect(0, OUTCOME_SUCCESS, NULL);
    ck_assert_uint_eq(n_finished, 1);
    engine_pause(engine, false);
    wait_until_finished(5);
    run_cancel(&run);
    assert_ok(join());
    job_spec_free(spec);
}

/* --- Memory ----------------------------------------------------------------------------------- */

RUN_TEST(run_there_is_no_memory_for_is_not_opened)
{
    for (size_t n = 1;; n++) {
        head = head != NULL ? head : spec_at(origin->port, HEAD("\"cookies\": true, "));
        const struct run_job job = {.head = head, .n_items = 500, .n_places = N_PLACES};
        size_t live = fault_live();
        fault_arm(n);
        int rc = run_open(&run, engine, &job, &owner);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
    }
    run_close(&run);
}

RUN_TEST(every_item_is_reported_whatever_allocation_fails)
{
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        memset(seen, 0, sizeof(seen));
        n_finished = 0;
        open_job(HEAD(), 6);
        assert_ok(add(0, "{\"on_invalid\": \"report\", \"urls\": [\"ftp://a/\", "
                         "\"http://10.0.0.1/\", \"http://10.0.0.2/\"]}"));
        assert_ok(add(3, "[{\"url\": \"http://10.0.0.1/\", \"repeat\": 3}]"));
        fault_arm(n);
        int rc = run_execute(&run);
        failed = fault_disarm();
        assert_ok(rc);
        ck_assert_uint_eq(n_finished, 6);
        ck_assert_uint_eq(n_there, 0);
    }
    expect_from(3, 3, OUTCOME_BLOCKED, "blocked_by_policy");
}

Suite *suite_engine_run(void);

Suite *suite_engine_run(void)
{
    Suite *suite = suite_create("daemon/engine/engine_run");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, job_is_run_piece_by_piece);
    tcase_add_test(tcase, piece_can_be_some_items_of_a_spec);
    tcase_add_test(tcase, item_that_is_left_out_is_not_run);
    tcase_add_test(tcase, there_is_no_more_room_than_places);
    tcase_add_test(tcase, run_that_has_enough_to_do_wants_nothing);
    tcase_add_test(tcase, what_is_due_later_is_not_ready);
    tcase_add_test(tcase, nothing_goes_before_the_run_is_executed);
    tcase_add_test(tcase, run_that_is_closed_gives_its_pieces_back);
    tcase_add_test(tcase, cookies_go_from_piece_to_piece);
    tcase_add_test(tcase, rate_of_a_host_holds_from_piece_to_piece);
    tcase_add_test(tcase, run_of_which_nothing_is_left_is_over);
    tcase_add_test(tcase, successes_of_before_count);
    tcase_add_loop_test(tcase, run_that_was_satisfied_before_does_nothing_more, 0,
                        N_ELEMENTS(satisfied));
    tcase_add_test(tcase, item_that_ended_elsewhere_counts);
    tcase_add_test(tcase, deadline_counts_from_when_the_job_was_accepted);
    tcase_add_test(tcase, time_in_the_queue_counts_from_when_the_job_was_accepted);
    tcase_add_test(tcase, repetitions_that_are_overdue_are_due_at_once);
    tcase_add_test(tcase, clock_that_was_set_back_makes_no_job_of_the_future);
    tcase_add_test(tcase, canceled_run_reports_what_is_there);
    tcase_add_test(tcase, caller_that_is_gone_gets_its_pieces_back_without_results);
    tcase_add_test(tcase, item_that_backs_off_keeps_its_piece_and_what_it_has_tried);
    tcase_add_test(tcase, item_is_sent_when_its_owner_agrees);
    tcase_add_test(tcase, item_its_owner_does_not_agree_with_is_not_sent);
    tcase_add_test(tcase,
                   item_its_owner_does_not_want_now_gives_its_place_back_and_is_asked_about_again);
    tcase_add_test(tcase, owner_is_asked_once_however_often_an_item_is_tried);
    tcase_add_test(tcase, item_of_a_run_that_is_stopped_meanwhile_is_not_sent);
    tcase_add_test(tcase, item_is_not_sent_though_its_owner_agrees_when_the_run_has_been_stopped);
    tcase_add_test(tcase, item_is_dropped_unsent_when_the_caller_goes);
    tcase_add_test(tcase, pause_holds_up_what_is_fed_and_nothing_else);
    tcase_add_test(tcase, run_there_is_no_memory_for_is_not_opened);
    tcase_add_test(tcase, every_item_is_reported_whatever_allocation_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
