/* Short of memory and descriptors. */
#include <errno.h>
#include <sys/resource.h>

#include "tests/support/fault.h"
#include "tests/support/limit.h"
#include "tests/support/net.h"

static const struct fake_name names[] = {
    {.name = "origin.test", .addresses = {"127.0.0.1"}, .ttl = 60}, {0}};

NET_TEST(a_session_is_made_whole_or_not_at_all)
{
    struct co_http_session_options options = {.dns = net->dns, .ca_file = "some.pem"};
    struct co_http_session *session = NULL;

    for (size_t n = 1;; n++) {
        struct holdings before = holdings_now();
        fault_arm(n);
        int rc = co_http_session_new(&session, &options);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        holdings_assert_unchanged(before);
    }
    co_http_session_free(session);
    co_http_session_free(NULL);
}

/* A GET uses the connection that is there, a POST makes one. */
static const char *const methods[] = {"GET", "POST"};

static struct co_http_request with_all(const char *method)
{
    static const struct co_http_header headers[] = {{"X-One", "1"}, {"X-Two", "2"}};

    return (struct co_http_request){.method = method,
                                    .headers = headers,
                                    .n_headers = 2,
                                    .body = "body",
                                    .body_length = 4,
                                    .first_byte_timeout = CO_SECOND};
}

/* A handle that failed is not kept, so the next fetch makes everything anew. */
static void empty_the_pool(struct net *net)
{
    fetch(net, "http://127.0.0.9:@/", (struct co_http_request){0});
    assert_failure(net, CO_HTTP_CONNECT_REFUSED, CO_HTTP_CONNECT);
}

NET_TEST(a_fetch_without_memory_fails_and_the_next_does_not)
{
    struct co_http_request request = with_all(methods[_i]);
    unsigned n_exhausted = 0;
    bool was_hit = true;

    net->server.names = names;
    for (size_t n = 1; was_hit; n++) {
        assert_ok(fetch(net, "http://origin.test:@/", (struct co_http_request){0}));
        assert_success(net);
        empty_the_pool(net);
        fetch_begin(net, "http://origin.test:@/", request);
        fault_arm(n);
        assert_ok(fetch_end(net));
        was_hit = fault_disarm(); /* the origin, maybe: then it hung up */
        n_exhausted += net->response.error == CO_HTTP_RESOURCE_EXHAUSTED;
        ck_assert(net->response.error != CO_HTTP_INTERNAL);
    }
    assert_success(net);
    ck_assert_uint_ge(n_exhausted, 5);
}

static struct rlimit set_descriptor_limit(rlim_t n)
{
    struct rlimit before, wanted;

    assert_ok(getrlimit(RLIMIT_NOFILE, &before));
    wanted = (struct rlimit){.rlim_cur = n, .rlim_max = before.rlim_max};
    assert_ok(setrlimit(RLIMIT_NOFILE, &wanted));
    return before;
}

NET_TEST(a_fetch_without_a_descriptor_fails_and_the_next_does_not)
{
    settle(); /* the origin waits for connections */
    struct rlimit before = set_descriptor_limit(3);

    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_failure(net, CO_HTTP_RESOURCE_EXHAUSTED, CO_HTTP_CONNECT);
    set_descriptor_limit(before.rlim_cur);
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_success(net);
}

NET_TEST(a_socket_that_the_kernel_has_no_room_for_is_watched_later)
{
    settle(); /* the origin waits for connections */
    limit_arm(1);
    fetch_begin(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    settle();
    ck_assert(limit_disarm());
    ck_assert(!co_task_is_done(net->fetching.task));
    wind(CO_SECOND);
    assert_ok(fetch_end(net));
    assert_success(net);
}

static void open_use_and_close_session(struct net *net)
{
    struct co_http_session *usual = net->session;
    struct co_http_session_options options = {.dns = net->dns};

    assert_ok(co_http_session_new(&net->session, &options));
    for (int i = 0; i < 3; i++)
        fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_success(net);
    co_http_response_done(&net->response);
    co_http_session_free(net->session);
    net->session = usual;
    settle();
}

NET_TEST(what_a_fetch_holds_goes_with_the_session)
{
    open_use_and_close_session(net); /* so that the loop has its spare tasks */
    struct holdings before = holdings_now();
    open_use_and_close_session(net);
    holdings_assert_unchanged(before);
}

Suite *suite_http_faults(void);

Suite *suite_http_faults(void)
{
    Suite *suite = suite_create("http_faults");
    TCase *tcase = tcase_create("http_faults");

    tcase_add_test(tcase, a_session_is_made_whole_or_not_at_all);
    tcase_add_loop_test(tcase, a_fetch_without_memory_fails_and_the_next_does_not, 0, 2);
    tcase_add_test(tcase, a_fetch_without_a_descriptor_fails_and_the_next_does_not);
    tcase_add_test(tcase, a_socket_that_the_kernel_has_no_room_for_is_watched_later);
    tcase_add_test(tcase, what_a_fetch_holds_goes_with_the_session);
    suite_add_tcase(suite, tcase);
    return suite;
}
