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
};

static struct config config;
static struct api api;

/* A server with this one resource, beside the fixture's jobs. */
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
    front_start();
}

static void end(void)
{
    front_stop(NO_GRACE);
    ck_assert(co_list_is_empty(&api.submit_keys.taken));
    job_renderings_done(&api.renderings);
}

#define SUBMIT_TEST(name)                                                                          \
    static void name##_at(struct jobs_fixture *jobs);                                              \
    JOBS_TEST(name)                                                                                \
    {                                                                                              \
        begin(fixture);                                                                            \
        name##_at(fixture);                                                                        \
        end();                                                                                     \
    }                                                                                              \
    static void name##_at(CK_ATTRIBUTE_UNUSED struct jobs_fixture *jobs)

/* Headers end in CRLF each. */
static void send_document(struct http_client *client, const char *headers, const char *document)
{
    char head[512];

    sprintf(head, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n",
            strlen(document), headers);
    http_client_send(client, head);
    http_client_send(client, document);
}

static const struct http_reply *submit_by(struct http_client *client, const char *headers,
                                          const char *document)
{
    send_document(client, headers, document);
    return http_client_receive(client);
}

static void assert_problem(const struct http_reply *reply, int status, const char *code)
{
    char member[64];

    sprintf(member, "\"code\":\"%s\"", code);
    ck_assert_int_eq(reply->status, status);
    ck_assert_msg(strstr(reply->body, member) != NULL, "%s", reply->body);
}

static size_t n_jobs(struct jobs_fixture *fixture)
{
    static const struct store_query all;
    struct job_record *records[500];
    bool more;
    int n = store_list(fixture->store, &all, N_ELEMENTS(records), records, &more);

    ck_assert_int_ge(n, 0);
    for (int i = 0; i < n; i++)
        job_record_unref(records[i]);
    return (size_t)n;
}

#define DOCUMENT  "{\"name\": \"mine\", \"urls\": [\"http://10.0.0.1/a\", \"http://10.0.0.1/b\"]}"
#define WITH_KEY  "Idempotency-Key: key\r\n"
#define JOB_START "{\"id\":\"job_"

SUBMIT_TEST(document_becomes_a_job)
{
    struct http_client *client = front_open();
    const struct http_reply *reply = submit_by(client, "", DOCUMENT);

    ck_assert_int_eq(reply->status, 202);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"name\":\"mine\""));
    ck_assert_ptr_nonnull(strstr(reply->body, "\"total\":2"));
    const char *id = strstr(reply->body, JOB_START) + strlen("{\"id\":\"");
    const char *location = http_reply_header(reply, "Location");
    ck_assert_int_eq(strncmp(location, "/v1/jobs/", 9), 0);
    ck_assert_int_eq(strncmp(location + 9, id, JOB_ID_SIZE - 1), 0);
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Retry-After"), "1\r\n", 3), 0);
    ck_assert_str_eq(http_reply_header(reply, "Idempotent-Replayed"), "");
    ck_assert_uint_eq(n_jobs(jobs), 1);
    http_client_close(client);
}

static const struct {
    const char *headers, *document;
    int status;
    const char *code;
} refused[] = {
    {"", "{", 400, "invalid_json"},
    {"", "[]", 422, "invalid_request"},
    {"", "[\"ftp://a/\", 5]", 422, "invalid_request"},
    {"Content-Type: application/xml\r\n", "<a/>", 415, "unsupported_media_type"},
    {"Idempotency-Key: a b\r\n", DOCUMENT, 400, "invalid_idempotency_key"},
    {"Idempotency-Key:\r\n", DOCUMENT, 400, "invalid_idempotency_key"},
};

SUBMIT_TEST(what_is_refused_is_no_job)
{
    struct http_client *client = front_open();

    for (size_t i = 0; i < N_ELEMENTS(refused); i++)
        assert_problem(submit_by(client, refused[i].headers, refused[i].document),
                       refused[i].status, refused[i].code);
    ck_assert_uint_eq(n_jobs(jobs), 0);
    http_client_close(client);
}

SUBMIT_TEST(second_document_with_a_key_gets_the_first_one_s_job)
{
    struct http_client *client = front_open();
    char first[sizeof(((struct http_reply *)NULL)->head)];

    strcpy(first, http_reply_header(submit_by(client, WITH_KEY, DOCUMENT), "Location"));
    const struct http_reply *again = submit_by(client, WITH_KEY, DOCUMENT);
    ck_assert_int_eq(again->status, 202);
    ck_assert_int_eq(strncmp(http_reply_header(again, "Idempotent-Replayed"), "true\r\n", 6), 0);
    ck_assert_int_eq(strncmp(http_reply_header(again, "Location"), first, 9 + JOB_ID_SIZE - 1), 0);
    assert_problem(submit_by(client, WITH_KEY, DOCUMENT " "), 422, "idempotency_key_reused");
    assert_problem(submit_by(client, WITH_KEY "Content-Type: a/b\r\n", DOCUMENT), 422,
                   "idempotency_key_reused");
    ck_assert_uint_eq(n_jobs(jobs), 1);
    http_client_close(client);
}

SUBMIT_TEST(key_is_taken_while_its_document_comes)
{
    struct http_client *first = front_open();
    struct http_client *second = front_open();

    http_client_send(first, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n" WITH_KEY
                            "Transfer-Encoding: chunked\r\n\r\n");
    settle();
    const struct http_reply *reply = submit_by(second, WITH_KEY, DOCUMENT);
    assert_problem(reply, 409, "idempotency_key_in_use");
    ck_assert_int_eq(strncmp(http_reply_header(reply, "Retry-After"), "1\r\n", 3), 0);
    http_client_close(first);
    settle();
    ck_assert_int_eq(submit_by(second, WITH_KEY, DOCUMENT)->status, 202);
    http_client_close(second);
}

/* --- Whatever happens meanwhile --------------------------------------------------------------- */

/* At each of many moments: then either there is a job, or nothing of it. */
SUBMIT_TEST(client_may_leave_at_any_moment)
{
    for (int n_turns = 0; n_turns < 40; n_turns++) {
        size_t before = n_jobs(jobs);
        struct http_client *client = front_open();
        send_document(client, WITH_KEY, DOCUMENT);
        for (int i = 0; i < n_turns; i++)
            ck_assert_int_eq(co_sleep(0), 0);
        http_client_close(client);
        settle();
        client = front_open();
        ck_assert_int_eq(submit_by(client, WITH_KEY, DOCUMENT)->status, 202);
        ck_assert_uint_eq(n_jobs(jobs), before > 0 ? before : 1);
        http_client_close(client);
    }
}

/* The client does not know whether there is a job, and sends its document again. */
static bool submission_meets_a_fault(struct jobs_fixture *fixture, void (*arm)(size_t n), size_t n)
{
    struct http_client *client = front_open();
    size_t before = n_jobs(fixture);
    char headers[64];

    sprintf(headers, "Idempotency-Key: %zu\r\n", before);
    settle();
    arm(n);
    int status = submit_by(client, headers, DOCUMENT)->status;
    bool has_failed = fault_disarm();
    ck_assert(has_failed || status == 202);
    ck_assert(status == 202 || status == 500 || status == 0);
    ck_assert_uint_le(n_jobs(fixture), before + 1);
    http_client_close(client);
    client = front_open();
    ck_assert_int_eq(submit_by(client, headers, DOCUMENT)->status, 202);
    ck_assert_uint_eq(n_jobs(fixture), before + 1);
    http_client_close(client);
    return has_failed;
}

SUBMIT_TEST(failing_allocation_never_makes_two_jobs)
{
    for (size_t n = 1; submission_meets_a_fault(jobs, fault_arm, n); n++)
        continue;
}

Suite *suite_job_submit(void);

Suite *suite_job_submit(void)
{
    Suite *suite = suite_create("job_submit");
    TCase *tcase = tcase_create("job_submit");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_add_test(tcase, document_becomes_a_job);
    tcase_add_test(tcase, what_is_refused_is_no_job);
    tcase_add_test(tcase, second_document_with_a_key_gets_the_first_one_s_job);
    tcase_add_test(tcase, key_is_taken_while_its_document_comes);
    tcase_add_test(tcase, client_may_leave_at_any_moment);
    tcase_add_test(tcase, failing_allocation_never_makes_two_jobs);
    suite_add_tcase(suite, tcase);
    return suite;
}
