/* The short way: a session with defaults, and a GET by its URL. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"

static int get(struct net *net, struct co_http_session *session, const char *host)
{
    char url[100];

    co_http_response_done(&net->response);
    snprintf(url, sizeof(url), "http://%s:%u/path?query#fragment", host, net->origin.port);
    return co_http_get(session, url, &net->response);
}

NET_TEST(a_get_is_one_call)
{
    assert_ok(get(net, net->session, "127.0.0.1"));
    assert_success(net);
    ck_assert_int_eq(net->response.status, 200);
    ck_assert_str_eq(net->response.body, "ok");
    ck_assert_int_eq(strncmp(net->origin.request, "GET /path?query HTTP/1.1\r\n", 26), 0);
}

NET_TEST(a_session_by_default_resolves_names_itself)
{
    CO_CLEANUP(co_http_session_freep) struct co_http_session *session = NULL;

    assert_ok(co_http_session_new(&session, NULL));
    assert_ok(get(net, session, "localhost"));
    assert_success(net);
}

static void hang_up(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
}

NET_TEST(an_answer_that_does_not_come_is_no_error_of_the_call)
{
    net->origin.talk = hang_up;
    assert_ok(get(net, net->session, "127.0.0.1"));
    ck_assert_int_ne(net->response.error, CO_HTTP_OK);
    ck_assert_ptr_nonnull(net->response.message);
}

NET_TEST(what_is_no_url_is_not_fetched)
{
    static const char *const urls[] = {"", "example.com", "ftp://example.com/", "http://a b/"};

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        net->response.status = 1;
        ck_assert_int_eq(co_http_get(net->session, urls[i], &net->response), -EINVAL);
        ck_assert_int_eq(net->response.status, 0);
    }
    ck_assert_uint_eq(net->origin.n_connections, 0);
}

NET_TEST(a_cancelled_get_says_so)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_NEVER);
    co_scope_cancel(&scope, -EINTR, "test");
    ck_assert_int_eq(get(net, net->session, "127.0.0.1"), -ECANCELED);
    ck_assert_int_eq(net->response.error, CO_HTTP_CANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -EINTR);
}

NET_TEST(a_session_with_its_resolver_is_made_whole_or_not_at_all)
{
    struct co_http_session *session = NULL;

    assert_ok(co_http_session_new(&session, NULL)); /* so that the loop has its spare tasks */
    co_http_session_free(co_take(session));
    for (size_t n = 1;; n++) {
        struct holdings before = holdings_now();
        fault_arm(n);
        int rc = co_http_session_new(&session, NULL);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        holdings_assert_unchanged(before);
    }
    co_http_session_free(session);
}

NET_TEST(a_get_without_memory_fails_one_way_or_the_other)
{
    bool was_hit = true;

    assert_ok(get(net, net->session, "127.0.0.1"));
    for (size_t n = 1; was_hit; n++) {
        fault_arm(n);
        int rc = get(net, net->session, "127.0.0.1");
        was_hit = fault_disarm();
        if (rc < 0)
            ck_assert_int_eq(rc, -ENOMEM);
    }
    assert_success(net);
}

Suite *suite_http_get(void);

Suite *suite_http_get(void)
{
    Suite *suite = suite_create("http_get");
    TCase *tcase = tcase_create("http_get");

    tcase_add_test(tcase, a_get_is_one_call);
    tcase_add_test(tcase, a_session_by_default_resolves_names_itself);
    tcase_add_test(tcase, an_answer_that_does_not_come_is_no_error_of_the_call);
    tcase_add_test(tcase, what_is_no_url_is_not_fetched);
    tcase_add_test(tcase, a_cancelled_get_says_so);
    tcase_add_test(tcase, a_session_with_its_resolver_is_made_whole_or_not_at_all);
    tcase_add_test(tcase, a_get_without_memory_fails_one_way_or_the_other);
    suite_add_tcase(suite, tcase);
    return suite;
}
