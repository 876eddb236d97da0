#include "daemon/api/http_dispatch.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/http_exchange_private.h"
#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_BODY_BYTES = 100 };

static int never_called(struct http_exchange *exchange, void *arg)
{
    (void)exchange;
    (void)arg;
    ck_abort_msg("a handler was called");
    return 0;
}

static const struct http_route routes[] = {
    {"GET", "/read", never_called, .takes_body = false},
    {"POST", "/write", never_called, .takes_body = true},
    {"POST", "/stream", never_called, .takes_body = true, .streams_body = true},
};

static const struct http_body_limits limits = {.max_body_bytes = 100, .max_stream_bytes = 200};

static struct http_exchange exchange;
static struct http_gate gate;
static struct http_field fields[4];
static size_t n_fields;

static void set_up(void)
{
    http_exchange_init(&exchange);
    gate = (struct http_gate){.check = NULL};
    n_fields = 0;
}

static void tear_down(void)
{
    http_exchange_done(&exchange);
}

static void add_field(const char *name, const char *value)
{
    fields[n_fields++] = (struct http_field){
        .name = name, .name_length = strlen(name), .value = value, .value_length = strlen(value)};
}

static int dispatch(const char *method, const char *target)
{
    struct http_head head = {.method = method,
                             .target = target,
                             .version = "HTTP/1.1",
                             .fields = fields,
                             .n_fields = n_fields};
    int rc = http_exchange_set_head(&exchange, &head);

    return rc < 0 ? rc : http_dispatch(&exchange, routes, N_ELEMENTS(routes), &gate, &limits);
}

static const char *answer_field(const char *wanted)
{
    const char *name = NULL;
    const char *value;

    while (http_answer_next_field(&exchange.answer, &name, &value))
        if (strcmp(name, wanted) == 0)
            return value;
    return NULL;
}

static const struct {
    const char *method, *target;
    const char *name, *value; /* of a header */
    int status;               /* 0: it goes to the handler */
} requests[] = {
    {"GET", "/read?a=b", NULL, NULL, 0},
    {"HEAD", "/read", NULL, NULL, 0},
    {"GET", "/read", "Content-Length", "0", 0},
    {"GET", "/read", "Content-Encoding", "gzip", 0},
    {"POST", "/write", NULL, NULL, 0},
    {"POST", "/write", "Content-Length", "100", 0},
    {"POST", "/write", "Transfer-Encoding", "chunked", 0},
    {"POST", "/stream", "Content-Length", "200", 0},

    {"GET", "/read", "Content-Length", "1", 400},
    {"GET", "/read", "Transfer-Encoding", "chunked", 400},
    {"GET", "/nothing", NULL, NULL, 404},
    {"OPTIONS", "/nothing", NULL, NULL, 404},
    {"GET", "/write", NULL, NULL, 405},
    {"TRACE", "/write", NULL, NULL, 405},
    {"POST", "/write", "Content-Length", "101", 413},
    {"POST", "/stream", "Content-Length", "201", 413},
    {"POST", "/write", "Content-Length", "18446744073709551615", 413},
    {"POST", "/write", "Content-Length", "99999999999999999999", 413},
    {"OPTIONS", "/write", NULL, NULL, 204},
    {"OPTIONS", "*", NULL, NULL, 204},
};

START_TEST(request_gets_a_handler_or_an_answer)
{
    if (requests[_i].name != NULL)
        add_field(requests[_i].name, requests[_i].value);
    ck_assert_int_eq(dispatch(requests[_i].method, requests[_i].target), 0);
    ck_assert_int_eq(exchange.answer.status, requests[_i].status);
    ck_assert_int_eq(exchange.route != NULL, requests[_i].status == 0 ||
                                                 requests[_i].status == 400 ||
                                                 requests[_i].status == 413);
}
END_TEST

static const struct {
    const char *encoding;
    int status;
} encodings[] = {
    {"identity", 0}, {"Identity", 0}, {"gzip", 415}, {"identity, gzip", 415}, {"", 415}};

START_TEST(encoded_body_is_not_taken)
{
    add_field("Content-Length", "5");
    add_field("Content-Encoding", encodings[_i].encoding);
    ck_assert_int_eq(dispatch("POST", "/write"), 0);
    ck_assert_int_eq(exchange.answer.status, encodings[_i].status);
}
END_TEST

START_TEST(body_may_grow_to_its_limit)
{
    static const char bytes[MAX_BODY_BYTES + 1];

    add_field("Transfer-Encoding", "chunked");
    ck_assert_int_eq(dispatch("POST", "/write"), 0);
    ck_assert_int_eq(buffer_append(&exchange.body, bytes, MAX_BODY_BYTES), 0);
    ck_assert_int_eq(buffer_append(&exchange.body, bytes, 1), -EMSGSIZE);
    ck_assert_int_eq(http_dispatch_body_too_large(&exchange, &limits), 0);
    ck_assert_int_eq(exchange.answer.status, 413);
}
END_TEST

START_TEST(wrong_method_and_options_are_told_what_is_allowed)
{
    ck_assert_int_eq(dispatch("GET", "/write"), 0);
    ck_assert_str_eq(answer_field("Allow"), "POST, OPTIONS");
    tear_down();
    set_up();
    ck_assert_int_eq(dispatch("OPTIONS", "/read"), 0);
    ck_assert_str_eq(answer_field("Allow"), "GET, HEAD, OPTIONS");
    ck_assert_ptr_null(answer_field("Access-Control-Allow-Methods"));
}
END_TEST

START_TEST(page_of_a_trusted_origin_may_send_what_it_asks_for)
{
    add_field("Origin", "https://board.example");
    add_field("Access-Control-Request-Method", "POST");
    add_field("Access-Control-Request-Headers", "content-type");
    ck_assert_int_eq(dispatch("OPTIONS", "/write"), 0);
    ck_assert_int_eq(exchange.answer.status, 204);
    ck_assert_str_eq(answer_field("Access-Control-Allow-Origin"), "https://board.example");
    ck_assert_str_eq(answer_field("Access-Control-Allow-Methods"), "POST, OPTIONS");
    ck_assert_str_eq(answer_field("Access-Control-Allow-Headers"), "content-type");
    ck_assert_str_eq(answer_field("Vary"), "Origin");
}
END_TEST

START_TEST(what_cannot_be_sent_back_is_not_allowed)
{
    add_field("Origin", "https://board.example");
    add_field("Access-Control-Request-Headers", _i == 0 ? "" : "content-type,\tx");
    ck_assert_int_eq(dispatch("OPTIONS", "/write"), 0);
    ck_assert_int_eq(exchange.answer.status, 204);
    ck_assert_ptr_null(answer_field("Access-Control-Allow-Headers"));
}
END_TEST

START_TEST(page_of_a_trusted_origin_may_read_the_answer)
{
    add_field("Origin", "https://board.example");
    ck_assert_int_eq(dispatch("GET", "/read"), 0);
    ck_assert_int_eq(exchange.answer.status, 0);
    ck_assert_str_eq(answer_field("Access-Control-Allow-Origin"), "https://board.example");
}
END_TEST

/* arg: the status of the answer; NULL: it may pass */
static int check(void *arg, struct http_exchange *asked, const struct http_route *route)
{
    ck_assert_ptr_eq(asked, &exchange);
    ck_assert_str_eq(route->path, "/write");
    return arg != NULL ? http_answer(asked, *(int *)arg, NULL, NULL) : 0;
}

START_TEST(gate_is_asked_before_a_body_is_taken)
{
    int status = 401;

    gate = (struct http_gate){check, &status};
    add_field("Content-Length", "1000000");
    ck_assert_int_eq(dispatch("POST", "/write"), 0);
    ck_assert_int_eq(exchange.answer.status, 401);
    tear_down();
    set_up();
    gate = (struct http_gate){check, NULL};
    add_field("Content-Length", "1000000");
    ck_assert_int_eq(dispatch("POST", "/write"), 0);
    ck_assert_int_eq(exchange.answer.status, 413);
}
END_TEST

START_TEST(every_failing_allocation_is_reported)
{
    add_field("Origin", "https://board.example");
    for (size_t n = 1;; n++) {
        size_t live_before = fault_live();
        fault_arm(n);
        int rc = dispatch("GET", "/nothing");
        bool has_failed = fault_disarm();
        http_exchange_done(&exchange);
        http_exchange_init(&exchange);
        ck_assert_uint_eq(fault_live(), live_before);
        ck_assert_int_eq(rc, has_failed ? -ENOMEM : 0);
        if (!has_failed)
            break;
    }
}
END_TEST

Suite *suite_http_dispatch(void);

Suite *suite_http_dispatch(void)
{
    Suite *suite = suite_create("http_dispatch");
    TCase *tcase = tcase_create("http_dispatch");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, request_gets_a_handler_or_an_answer, 0, N_ELEMENTS(requests));
    tcase_add_loop_test(tcase, encoded_body_is_not_taken, 0, N_ELEMENTS(encodings));
    tcase_add_test(tcase, body_may_grow_to_its_limit);
    tcase_add_test(tcase, gate_is_asked_before_a_body_is_taken);
    tcase_add_test(tcase, wrong_method_and_options_are_told_what_is_allowed);
    tcase_add_test(tcase, page_of_a_trusted_origin_may_send_what_it_asks_for);
    tcase_add_loop_test(tcase, what_cannot_be_sent_back_is_not_allowed, 0, 2);
    tcase_add_test(tcase, page_of_a_trusted_origin_may_read_the_answer);
    tcase_add_test(tcase, every_failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
