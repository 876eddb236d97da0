/* Every allocation that fails while a handler is at work: its client gets an error, or a connection
 * that breaks off, and never half an answer that looks whole; the next one is served as ever. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/api.h"
#include "daemon/model/result_set.h"

#include "tests/daemon/api/http_front.h"
#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"

static struct config config = {.api = {.max_wait_ms = 55000, .max_body_bytes = 1 << 20}};
static struct result_budget budget = {.max = 1 << 30};
static struct api api;

static void begin(struct jobs_fixture *fixture)
{
    api = (struct api){
        .engine = fixture->engine,
        .jobs = fixture->jobs,
        .store = fixture->store,
        .parse = &fixture->parse,
        .budget = &budget,
        .config = &config,
    };
    submit_keys_init(&api.submit_keys);
    job_renderings_init(&api.renderings, fixture->store, api.parse);
    front_options.routes = api_routes;
    front_options.n_routes = api_n_routes;
    front_options.handler_arg = &api;
    front_start();
}

static void end(void)
{
    front_stop(NO_GRACE);
    result_blocks_done(&api.result_blocks);
    job_renderings_done(&api.renderings);
    ck_assert_uint_eq(budget.used, 0);
}

/* --- Asking ----------------------------------------------------------------------------------- */

enum { REPLY_SIZE = 64 * 1024 };

struct whole_reply {
    int status; /* 0: there is none */
    bool is_whole;
    size_t n;
    char body[REPLY_SIZE]; /* ends in a NUL */
};

static size_t read_all(struct http_client *client, char *bytes)
{
    size_t n = 0;
    ssize_t part;

    while ((part = co_read(client->fd, bytes + n, REPLY_SIZE - 1 - n)) > 0)
        n += (size_t)part;
    ck_assert_uint_lt(n, REPLY_SIZE - 1);
    bytes[n] = '\0';
    return n;
}

/* returns whether the last chunk is there */
static bool take_chunks(const char *from, struct whole_reply *reply)
{
    char *data;
    size_t size;

    while ((size = strtoul(from, &data, 16)) > 0 && strlen(data) >= size + 4) {
        memcpy(reply->body + reply->n, data + 2, size);
        reply->n += size;
        from = data + 2 + size + 2;
    }
    reply->body[reply->n] = '\0';
    return strcmp(from, "0\r\n\r\n") == 0;
}

static void split(const char *bytes, struct whole_reply *reply)
{
    const char *body = strstr(bytes, "\r\n\r\n");
    const char *length = strstr(bytes, "Content-Length: ");

    reply->n = 0;
    reply->status = 0;
    reply->is_whole = false;
    if (body == NULL || sscanf(bytes, "HTTP/1.1 %d", &reply->status) != 1)
        return;
    body += 4;
    if (length == NULL || length > body) {
        reply->is_whole = take_chunks(body, reply);
        return;
    }
    reply->n = strlen(body);
    memcpy(reply->body, body, reply->n + 1);
    reply->is_whole = reply->n == strtoul(length + strlen("Content-Length: "), NULL, 10);
}

/* n: of the allocation that fails; 0: none. returns whether one has */
static bool ask(const char *request, void (*arm)(size_t n), size_t n, struct whole_reply *reply)
{
    static char bytes[REPLY_SIZE];
    struct http_client *client = front_open();

    settle();
    if (n > 0)
        arm(n);
    http_client_send(client, request);
    read_all(client, bytes);
    bool has_failed = fault_disarm();
    split(bytes, reply);
    http_client_close(client);
    settle();
    return has_failed;
}

/* --- What is asked ---------------------------------------------------------------------------- */

#define DOCUMENT                                                                                   \
    "[{\"url\": \"http://127.0.0.1:@/\", \"capture\": {\"body\": \"full\"}},"                      \
    " \"http://10.0.0.1/\", \"http://127.0.0.1:@/busy\"]"

static const struct {
    const char *line; /* '#' is the job */
    const char *accept;
    bool is_stable; /* the answer is the same each time */
} requests[] = {
    {"GET /v1/jobs/#", "*/*", true},
    {"GET /v1/jobs/#?include=results", "*/*", true},
    {"GET /v1/jobs?limit=2", "*/*", true},
    {"GET /v1/jobs/#/results?limit=2", "*/*", true},
    {"GET /v1/jobs/#/results?order=completed", "*/*", true},
    {"GET /v1/jobs/#/results", "application/x-ndjson", true},
    {"GET /v1/jobs/#/results", "text/csv", true},
    {"GET /v1/jobs/#/events", "text/event-stream", true},
    {"GET /v1/jobs/#/results/0", "*/*", true},
    {"GET /v1/jobs/#/results/0/body", "*/*", true},
    {"GET /v1/jobs/#/har", "*/*", true},
    {"GET /v1/limits", "*/*", true},
    {"POST /v1/gather", "*/*", false},
    {"POST /v1/gather", "application/x-ndjson", false},
};

/* Replaces what stands for something, wherever it is. */
static void fill_in(const char *text, char mark, const char *with, char *ret_text)
{
    for (; *text != '\0'; text++) {
        if (*text == mark)
            ret_text = stpcpy(ret_text, with);
        else
            *ret_text++ = *text;
    }
    *ret_text = '\0';
}

static void write_request(struct jobs_fixture *fixture, int i, const struct job_record *job,
                          char *ret_request)
{
    bool has_body = requests[i].line[0] == 'P';
    char line[256], port[8], document[512] = "";

    snprintf(port, sizeof(port), "%u", fixture->net->origin.port);
    fill_in(requests[i].line, '#', job->id, line);
    if (has_body)
        fill_in(DOCUMENT, '@', port, document);
    sprintf(ret_request,
            "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: %s\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            line, requests[i].accept, strlen(document), document);
}

/* --- Faults ----------------------------------------------------------------------------------- */

static void assert_status_of_a_fault(int status)
{
    ck_assert_msg(status == 0 || status == 200 || status == 500 || status == 503, "%d", status);
}

static void assert_same(int i, const struct whole_reply *reply, const struct whole_reply *good)
{
    ck_assert_msg(reply->status == 200, "%s: %d %s", requests[i].line, reply->status, reply->body);
    ck_assert(reply->is_whole);
    if (requests[i].is_stable)
        ck_assert_str_eq(reply->body, good->body);
}

static void fail_each(int i, const char *request, void (*arm)(size_t n))
{
    static struct whole_reply good, reply;
    bool has_failed = true;

    ask(request, arm, 0, &good);
    assert_same(i, &good, &good);
    for (size_t n = 1; has_failed; n++) {
        has_failed = ask(request, arm, n, &reply);
        assert_status_of_a_fault(reply.status);
        if (!has_failed || (reply.status == 200 && reply.is_whole && requests[i].is_stable))
            assert_same(i, &reply, &good);
        if (n % 16 != 0)
            continue;
        ask(request, arm, 0, &reply);
        assert_same(i, &reply, &good);
    }
    ask(request, arm, 0, &reply);
    assert_same(i, &reply, &good);
}

NET_TEST(failing_allocation_costs_one_answer_at_most)
{
    struct jobs_fixture fixture;
    char request[1024];

    jobs_fixture_begin(&fixture, net);
    begin(&fixture);
    struct job_record *job = wait_for_end(&fixture, submit(&fixture, DOCUMENT));
    write_request(&fixture, _i, job, request);
    fail_each(_i, request, fault_arm);
    fail_each(_i, request, fault_arm_sticky);
    job_record_unref(job);
    end();
    jobs_fixture_end(&fixture);
}

Suite *suite_handler_faults(void);

Suite *suite_handler_faults(void)
{
    Suite *suite = suite_create("handler_faults");
    TCase *tcase = tcase_create("handler_faults");

    tcase_add_checked_fixture(tcase, front_set_up, front_tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, failing_allocation_costs_one_answer_at_most, 0,
                        N_ELEMENTS(requests));
    suite_add_tcase(suite, tcase);
    return suite;
}
