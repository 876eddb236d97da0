/* Waiting for jobs as clients see it: GET /v1/jobs/{id}, POST /v1/jobs, POST /v1/jobs/{id}/retry.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/api.h"

#include "tests/daemon/api/http_front.h"
#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"

static const struct http_route routes[] = {
    {"POST", "/v1/jobs", job_submit, .takes_body = true, .streams_body = true},
    {"GET", "/v1/jobs/{id}", job_get, .takes_body = false},
    {"DELETE", "/v1/jobs/{id}", job_delete, .takes_body = false},
    {"POST", "/v1/jobs/{id}/retry", job_run_again, .takes_body = false},
};

enum { MAX_WAIT_MS = 55000, CROWD = 100 };

static struct config config = {.api.max_wait_ms = MAX_WAIT_MS};
static struct api api;

static void begin(struct jobs_fixture *fixture)
{
    api = (struct api){
        .engine = fixture->engine,
        .jobs = fixture->jobs,
        .store = fixture->store,
        .parse = &fixture->parse,
        .config = &config,
    };
    submit_keys_init(&api.submit_keys);
    job_renderings_init(&api.renderings, fixture->store, api.parse);
    front_options.routes = routes;
    front_options.n_routes = N_ELEMENTS(routes);
    front_options.handler_arg = &api;
    front_options.max_connections = CROWD;
    front_start();
}

static void end(void)
{
    front_stop(NO_GRACE);
    ck_assert_uint_eq(jobs_watches(api.jobs)->n_watches, 0);
    job_renderings_done(&api.renderings);
}

#define WAIT_TEST(name)                                                                            \
    static void name##_at(struct jobs_fixture *fixture);                                           \
    JOBS_TEST(name)                                                                                \
    {                                                                                              \
        begin(fixture);                                                                            \
        name##_at(fixture);                                                                        \
        end();                                                                                     \
    }                                                                                              \
    static void name##_at(CK_ATTRIBUTE_UNUSED struct jobs_fixture *fixture)

#define ONE_THAT_ENDS  "[\"http://10.0.0.1/\"]"
#define ONE_THAT_HANGS "[\"http://127.0.0.1:@/hang\"]"

/* --- Asking ----------------------------------------------------------------------------------- */

/* headers end in CRLF each */
static void ask(struct http_client *client, const struct job_record *job, const char *query,
                const char *headers)
{
    char head[1024];

    sprintf(head, "GET /v1/jobs/%s%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", job->id, query,
            headers);
    http_client_send(client, head);
}

static const struct http_reply *get(struct http_client *client, const struct job_record *job,
                                    const char *query, const char *headers)
{
    ask(client, job, query, headers);
    return http_client_receive(client);
}

/* Until somebody waits for it. */
static void ask_and_settle(struct http_client *client, const struct job_record *job,
                           const char *query, const char *headers)
{
    size_t before = jobs_watches(api.jobs)->n_watches;

    ask(client, job, query, headers);
    while (jobs_watches(api.jobs)->n_watches == before)
        assert_ok(co_sleep(0));
}

static char *if_none_match(const struct job_record *job, char header[128])
{
    sprintf(header, "If-None-Match: \"%s-%llu\"\r\n", job->id,
            (unsigned long long)job_record_version(job));
    return header;
}

static void send_post(struct http_client *client, const char *target, const char *headers,
                      const char *document)
{
    char head[1024];

    sprintf(head, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n", target,
            strlen(document), headers);
    http_client_send(client, head);
    http_client_send(client, document);
}

static const struct http_reply *post(struct http_client *client, const char *target,
                                     const char *headers, const char *document)
{
    send_post(client, target, headers, document);
    return http_client_receive(client);
}

static bool has(const struct http_reply *reply, const char *name, const char *value)
{
    const char *found = http_reply_header(reply, name);

    return strncmp(found, value, strlen(value)) == 0 && found[strlen(value)] == '\r';
}

static void assert_shows(const struct http_reply *reply, int status, const char *part)
{
    ck_assert_msg(reply->status == status, "%d: %s", reply->status, reply->body);
    ck_assert_msg(strstr(reply->body, part) != NULL, "%s", reply->body);
}

/* One that nothing will happen to by itself. */
static struct job_record *running_job(struct jobs_fixture *fixture)
{
    struct job_record *job = submit(fixture, ONE_THAT_HANGS);

    while ((job = renew(fixture, job))->status != JOB_RUNNING)
        assert_ok(co_sleep(0));
    return job;
}

/* --- Without waiting -------------------------------------------------------------------------- */

WAIT_TEST(job_has_a_tag_and_who_shows_it_is_not_told_again)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, ONE_THAT_ENDS));
    struct http_client *client = front_open();
    char known[128];

    const struct http_reply *reply = get(client, job, "", "");
    assert_shows(reply, 200, "\"status\":\"done\"");
    if_none_match(job, known);
    ck_assert(has(reply, "Cache-Control", "private, no-cache"));
    ck_assert_int_eq(
        strncmp(http_reply_header(reply, "ETag"), strchr(known, '"'), strlen(strchr(known, '"'))),
        0);
    ask(client, job, "", known);
    reply = http_client_receive_head(client);
    ck_assert_int_eq(reply->status, 304);
    ck_assert_str_ne(http_reply_header(reply, "ETag"), "");
    ask(client, job, "?wait=9", "If-None-Match: *\r\n");
    ck_assert_int_eq(http_client_receive_head(client)->status, 304);
    assert_shows(get(client, job, "", "If-None-Match: \"other\"\r\n"), 200, "\"done\":true");
    http_client_close(client);
    job_record_unref(job);
}

WAIT_TEST(job_is_shown_with_its_results_if_they_are_asked_for)
{
    struct job_record *job =
        wait_for_end(fixture, submit(fixture, "[\"http://10.0.0.1/a\", \"http://10.0.0.1/b\"]"));
    struct http_client *client = front_open();

    const struct http_reply *reply = get(client, job, "?include=results", "");
    assert_shows(reply, 200, "\"results\":[{");
    assert_shows(reply, 200, "http://10.0.0.1/b");
    assert_shows(reply, 200, "\"next_cursor\":null,\"has_more\":false}");
    ck_assert_ptr_null(strstr(get(client, job, "", "")->body, "\"results\":["));
    http_client_close(client);
    job_record_unref(job);
}

static const struct {
    const char *query, *headers;
    const char *code;
} wrong[] = {
    {"?wait=", "", "bad_parameter"},
    {"?wait=soon", "", "bad_parameter"},
    {"?wait=-1", "", "bad_parameter"},
    {"?until=end", "", "bad_parameter"},
    {"?include=all", "", "bad_parameter"},
    {"?waits=1", "", "unknown_parameter"},
    {"", "Prefer: wait=soon\r\n", "bad_preference"},
    {"?wait=1", "Prefer: respond-async, wait\r\n", "bad_preference"},
};

WAIT_TEST(wrong_wish_is_refused)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, ONE_THAT_ENDS));
    struct http_client *client = front_open();

    for (size_t i = 0; i < N_ELEMENTS(wrong); i++)
        assert_shows(get(client, job, wrong[i].query, wrong[i].headers), 400, wrong[i].code);
    http_client_close(client);
    job_record_unref(job);
}

/* --- Waiting for a change --------------------------------------------------------------------- */

WAIT_TEST(who_waits_is_answered_at_the_first_change)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();
    char known[128];

    ask_and_settle(client, job, "?wait=10", if_none_match(job, known));
    wind(9 * CO_SECOND);
    assert_ok(jobs_cancel(fixture->jobs, job));
    const struct http_reply *reply = http_client_receive(client);
    assert_shows(reply, 200, "\"status\":\"cancel");
    ck_assert(has(reply, "Preference-Applied", "wait=10"));
    http_client_close(client);
    job_record_unref(wait_for_end(fixture, job));
}

WAIT_TEST(wait_ends_when_nothing_has_changed)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();
    char known[128];

    ask_and_settle(client, job, "?wait=1500ms", if_none_match(job, known));
    wind(1500 * CO_MILLISECOND);
    const struct http_reply *reply = http_client_receive_head(client);
    ck_assert_int_eq(reply->status, 304);
    ck_assert(has(reply, "Preference-Applied", "wait=1500ms"));
    ask_and_settle(client, job, "", "Prefer: wait=1\r\n");
    wind(CO_SECOND);
    assert_shows(http_client_receive(client), 200, "\"status\":\"running\"");
    http_client_close(client);
    job_record_unref(job);
}

WAIT_TEST(who_does_not_know_the_job_as_it_is_need_not_wait)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();

    assert_shows(get(client, job, "?wait=10", "If-None-Match: \"old\", W/\"older\"\r\n"), 200,
                 "\"status\":\"running\"");
    http_client_close(client);
    job_record_unref(job);
}

WAIT_TEST(nobody_waits_longer_than_the_configuration_allows)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();

    ask_and_settle(client, job, "?until=done", "Prefer: wait=3600\r\n");
    wind(MAX_WAIT_MS * CO_MILLISECOND);
    const struct http_reply *reply = http_client_receive(client);
    assert_shows(reply, 200, "\"status\":\"running\"");
    ck_assert(has(reply, "Preference-Applied", "wait=55"));
    http_client_close(client);
    job_record_unref(job);
}

WAIT_TEST(who_waits_for_the_end_hears_nothing_before)
{
    struct job_record *job =
        submit(fixture, "{\"limits\": {\"concurrency\": 1}, \"urls\": ["
                        "\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\"]}");
    struct http_client *client = front_open();

    ask_and_settle(client, job, "?until=done&include=results", "");
    job = wait_until_finished(fixture, job, 1);
    job = wait_until_running(fixture, job, 1);
    ck_assert_uint_eq(jobs_watches(fixture->jobs)->n_watches, 1);
    assert_ok(jobs_cancel(fixture->jobs, job));
    const struct http_reply *reply = http_client_receive(client);
    assert_shows(reply, 200, "\"status\":\"canceled\"");
    assert_shows(reply, 200, "\"index\":1");
    ck_assert(has(reply, "Preference-Applied", "wait=55"));
    assert_shows(get(client, job, "?until=done", ""), 200, "\"status\":\"canceled\"");
    http_client_close(client);
    job_record_unref(job);
}

WAIT_TEST(job_that_is_deleted_is_seen_to_end)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();

    ask_and_settle(client, job, "?until=done", "");
    assert_ok(jobs_delete(fixture->jobs, job));
    assert_shows(http_client_receive(client), 200, "\"status\":\"canceled\"");
    ck_assert_int_eq(get(client, job, "?wait=10", "")->status, 404);
    http_client_close(client);
    job_record_unref(job);
}

/* --- Crowds ----------------------------------------------------------------------------------- */

WAIT_TEST(all_who_wait_for_a_job_share_one_rendering)
{
    struct job_record *job = running_job(fixture);
    struct http_client *clients[CROWD];

    for (size_t i = 0; i < CROWD; i++) {
        clients[i] = front_open();
        ask_and_settle(clients[i], job, "?until=done", "");
    }
    assert_ok(jobs_cancel(fixture->jobs, job));
    for (size_t i = 0; i < CROWD; i++) {
        assert_shows(http_client_receive(clients[i]), 200, "\"status\":\"canceled\"");
        http_client_close(clients[i]);
    }
    ck_assert_uint_eq(api.renderings.n_made, 1);
    job_record_unref(job);
}

WAIT_TEST(client_that_goes_away_frees_its_waiter)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();
    struct http_client *other = front_open();

    ask_and_settle(client, job, "?wait=10", "");
    ask_and_settle(other, job, "?until=done", "");
    http_client_close(client);
    settle();
    ck_assert_uint_eq(jobs_watches(fixture->jobs)->n_watches, 1);
    http_client_close(other);
    settle();
    job_record_unref(job);
}

WAIT_TEST(who_waits_is_answered_when_the_daemon_stops)
{
    struct job_record *job = running_job(fixture);
    struct http_client *client = front_open();

    ask_and_settle(client, job, "?until=done", "");
    job_watches_close(jobs_watches(fixture->jobs));
    assert_shows(http_client_receive(client), 200, "\"status\":\"running\"");
    http_client_close(client);
    job_record_unref(job);
}

/* --- Making a job ----------------------------------------------------------------------------- */

WAIT_TEST(job_that_ends_in_time_is_answered_with_its_results)
{
    struct http_client *client = front_open();
    const struct http_reply *reply =
        post(client, "/v1/jobs", "Prefer: wait=5, respond-async\r\n", ONE_THAT_ENDS);

    assert_shows(reply, 200, "\"status\":\"done\"");
    assert_shows(reply, 200, "\"results\":[{");
    ck_assert(has(reply, "Preference-Applied", "wait=5"));
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Location"), "/v1/jobs/job_", 13), 0);
    ck_assert_str_eq(http_reply_header(reply, "Retry-After"), "");
    http_client_close(client);
}

static const struct {
    const char *target, *headers, *applied;
    int ms;
} late[] = {
    {"/v1/jobs", "", "", 0},
    {"/v1/jobs", "Prefer: respond-async\r\n", "respond-async", 0},
    {"/v1/jobs?wait=2", "", "wait=2", 2000},
    {"/v1/jobs?wait=0", "", "wait=0", 0},
    {"/v1/jobs", "Prefer: wait=1\r\nPrefer: respond-async\r\n", "respond-async, wait=1", 1000},
    {"/v1/jobs?wait=100ms", "Prefer: wait=9\r\n", "wait=100ms", 100},
};

WAIT_TEST(job_that_does_not_end_in_time_is_accepted)
{
    struct http_client *client = front_open();
    char document[128];

    sprintf(document, "[\"http://127.0.0.1:%u/hang\"]", fixture->net->origin.port);
    for (size_t i = 0; i < N_ELEMENTS(late); i++) {
        send_post(client, late[i].target, late[i].headers, document);
        while (late[i].ms > 0 && jobs_watches(fixture->jobs)->n_watches == 0)
            assert_ok(co_sleep(0));
        wind(late[i].ms * CO_MILLISECOND);
        const struct http_reply *reply = http_client_receive(client);
        ck_assert_int_eq(reply->status, 202);
        ck_assert(has(reply, "Retry-After", "1"));
        ck_assert(late[i].applied[0] == '\0' || has(reply, "Preference-Applied", late[i].applied));
        ck_assert_ptr_null(strstr(reply->body, "\"results\":["));
    }
    http_client_close(client);
}

WAIT_TEST(replay_waits_for_the_job_there_is)
{
    struct http_client *client = front_open();
    const struct http_reply *reply =
        post(client, "/v1/jobs", "Idempotency-Key: a\r\n", ONE_THAT_ENDS);

    ck_assert_int_eq(reply->status, 202);
    reply = post(client, "/v1/jobs?wait=5", "Idempotency-Key: a\r\n", ONE_THAT_ENDS);
    assert_shows(reply, 200, "\"results\":[{");
    ck_assert(has(reply, "Idempotent-Replayed", "true"));
    reply = post(client, "/v1/jobs", "Idempotency-Key: a\r\n", ONE_THAT_ENDS);
    ck_assert_int_eq(reply->status, 202);
    ck_assert(has(reply, "Idempotent-Replayed", "true"));
    http_client_close(client);
}

/* While the first waits for its job's end, a second one with its key need not. */
WAIT_TEST(key_is_free_while_its_job_is_waited_for)
{
    struct http_client *first = front_open();
    struct http_client *second = front_open();
    char document[128];

    sprintf(document, "[\"http://127.0.0.1:%u/hang\"]", fixture->net->origin.port);
    send_post(first, "/v1/jobs?wait=5", "Idempotency-Key: a\r\n", document);
    while (jobs_watches(fixture->jobs)->n_watches == 0)
        assert_ok(co_sleep(0));
    const struct http_reply *reply = post(second, "/v1/jobs", "Idempotency-Key: a\r\n", document);
    ck_assert_int_eq(reply->status, 202);
    ck_assert(has(reply, "Idempotent-Replayed", "true"));
    wind(5 * CO_SECOND);
    ck_assert_int_eq(http_client_receive(first)->status, 202);
    http_client_close(first);
    http_client_close(second);
}

WAIT_TEST(retry_waits_for_the_new_job)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, ONE_THAT_ENDS));
    struct http_client *client = front_open();
    char target[128];

    sprintf(target, "/v1/jobs/%s/retry", job->id);
    const struct http_reply *reply = post(client, target, "Prefer: wait=5\r\n", "");
    assert_shows(reply, 200, "\"results\":[{");
    ck_assert_ptr_null(strstr(http_reply_header(reply, "Location"), job->id));
    ck_assert_int_eq(post(client, target, "", "")->status, 202);
    strcat(target, "?until=done");
    assert_shows(post(client, target, "", ""), 400, "unknown_parameter");
    http_client_close(client);
    job_record_unref(job);
}

/* --- Without memory --------------------------------------------------------------------------- */

static bool waiting_meets_a_fault(struct jobs_fixture *fixture, size_t n)
{
    struct job_record *job = submit(fixture, ONE_THAT_ENDS);
    struct http_client *client = front_open();

    settle();
    fault_arm(n);
    int status = get(client, job, "?until=done&include=results", "")->status;
    bool has_failed = fault_disarm();
    ck_assert(has_failed || status == 200);
    ck_assert_msg(status == 200 || status == 500 || status == 0, "%d", status);
    http_client_close(client);
    job_record_unref(job);
    return has_failed;
}

WAIT_TEST(failing_allocation_leaves_no_waiter)
{
    for (size_t n = 1; waiting_meets_a_fault(fixture, n); n++)
        ck_assert_uint_eq(jobs_watches(fixture->jobs)->n_watches, 0);
}

Suite *suite_job_wait(void);

Suite *suite_job_wait(void)
{
    Suite *suite = suite_create("daemon/api/job_wait");
    TCase *tcase = tcase_create("job_wait");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, job_has_a_tag_and_who_shows_it_is_not_told_again);
    tcase_add_test(tcase, job_is_shown_with_its_results_if_they_are_asked_for);
    tcase_add_test(tcase, wrong_wish_is_refused);
    tcase_add_test(tcase, who_waits_is_answered_at_the_first_change);
    tcase_add_test(tcase, wait_ends_when_nothing_has_changed);
    tcase_add_test(tcase, who_does_not_know_the_job_as_it_is_need_not_wait);
    tcase_add_test(tcase, nobody_waits_longer_than_the_configuration_allows);
    tcase_add_test(tcase, who_waits_for_the_end_hears_nothing_before);
    tcase_add_test(tcase, job_that_is_deleted_is_seen_to_end);
    tcase_add_test(tcase, all_who_wait_for_a_job_share_one_rendering);
    tcase_add_test(tcase, client_that_goes_away_frees_its_waiter);
    tcase_add_test(tcase, who_waits_is_answered_when_the_daemon_stops);
    tcase_add_test(tcase, job_that_ends_in_time_is_answered_with_its_results);
    tcase_add_test(tcase, job_that_does_not_end_in_time_is_accepted);
    tcase_add_test(tcase, replay_waits_for_the_job_there_is);
    tcase_add_test(tcase, key_is_free_while_its_job_is_waited_for);
    tcase_add_test(tcase, retry_waits_for_the_new_job);
    tcase_add_test(tcase, failing_allocation_leaves_no_waiter);
    suite_add_tcase(suite, tcase);
    return suite;
}
