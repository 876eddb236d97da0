/* Cookies that fetches share. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"

#define HERE "http://127.0.0.1:@/"

static const struct fake_name names[] = {
    {.name = "one.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "two.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "both.localhost", .addresses = {"127.0.0.1", "::1"}, .ttl = 60},
    {0},
};

static const struct co_http_request plain;

static struct co_http_request with(struct co_http_jar *jar)
{
    return (struct co_http_request){.jar = jar};
}

static struct co_http_jar *make_jar(void)
{
    struct co_http_jar *jar;

    assert_ok(co_http_jar_new(&jar));
    return jar;
}

static void assert_cookie(const struct net *net, const char *cookie)
{
    char line[100];

    assert_success(net);
    sprintf(line, "\r\nCookie: %s\r\n", cookie);
    ck_assert_ptr_nonnull(strstr(net->origin.request, line));
}

static void assert_no_cookie(const struct net *net)
{
    assert_success(net);
    ck_assert_ptr_null(strcasestr(net->origin.request, "\r\nCookie:"));
}

#define SET(cookie) "HTTP/1.1 200 OK\r\nSet-Cookie: " cookie "\r\nContent-Length: 2\r\n\r\nok"

NET_TEST(what_one_fetch_is_given_the_next_gives_back)
{
    struct co_http_jar *jar = make_jar();

    net->origin.reply = SET("a=1");
    fetch(net, HERE, with(jar));
    assert_no_cookie(net);
    fetch(net, HERE, with(jar));
    assert_cookie(net, "a=1");
    fetch(net, HERE, (struct co_http_request){.jar = jar, .method = "POST"});
    assert_cookie(net, "a=1");
    co_http_jar_free(jar);
}

NET_TEST(cookies_are_for_who_shares_the_jar)
{
    struct co_http_jar *jar = make_jar(), *other = make_jar();

    net->origin.reply = SET("a=1");
    fetch(net, HERE, with(jar));
    fetch(net, HERE, plain);
    assert_no_cookie(net);
    ck_assert(net->response.reused);
    fetch(net, HERE, plain);
    assert_no_cookie(net);
    fetch(net, HERE, with(other));
    assert_no_cookie(net);
    fetch(net, HERE, with(jar));
    assert_cookie(net, "a=1");
    co_http_jar_free(other);
    co_http_jar_free(jar);
}

NET_TEST(cookies_go_to_the_host_they_came_from)
{
    struct co_http_jar *jar = make_jar();

    net->server.names = names;
    net->origin.reply = SET("a=1; Path=/x");
    fetch(net, "http://one.test:@/x/y", with(jar));
    net->origin.reply = NULL;
    fetch(net, "http://two.test:@/x/y", with(jar));
    assert_no_cookie(net);
    fetch(net, "http://one.test:@/z", with(jar));
    assert_no_cookie(net);
    fetch(net, "http://one.test:@/x/z", with(jar));
    assert_cookie(net, "a=1");
    co_http_jar_free(jar);
}

NET_TEST(nobody_can_set_a_cookie_for_all_sites)
{
    struct co_http_jar *jar = make_jar();

    net->server.names = names;
    net->origin.reply = SET("a=1; Domain=test");
    fetch(net, "http://one.test:@/", with(jar));
    fetch(net, "http://two.test:@/", with(jar));
    assert_no_cookie(net);
    co_http_jar_free(jar);
}

NET_TEST(who_sends_a_cookie_of_his_own_has_no_jar)
{
    static const struct co_http_header own = {"cookie", "mine=1"};
    struct co_http_jar *jar = make_jar();
    struct co_http_request request = {.jar = jar, .headers = &own, .n_headers = 1};

    net->origin.reply = SET("a=1");
    fetch(net, HERE, with(jar));
    fetch(net, HERE, request);
    assert_success(net);
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\ncookie: mine=1\r\n"));
    ck_assert_ptr_null(strstr(net->origin.request, "a=1"));
    co_http_jar_free(jar);
}

/* 50 cookies at a time, which is as many as libcurl takes of one response; also when that comes
 * before the last one. */
static void give_many(struct fake_origin *origin, int fd)
{
    char reply[4096];

    while (fake_origin_receive(origin, fd)) {
        char *end = reply + sprintf(reply, "HTTP/1.1 %s\r\nSet-Cookie: a=1\r\n", origin->reply);
        for (unsigned i = 1; i < 50; i++)
            end += sprintf(end, "Set-Cookie: c%u=1; Path=/no\r\n", origin->n_requests * 50 + i);
        end = stpcpy(end, strcmp(origin->reply, "200 OK") == 0 ? "" : "\r\nHTTP/1.1 200 OK\r\n");
        strcpy(end, "Content-Length: 0\r\n\r\n");
        fake_origin_send(fd, reply);
    }
}

static const char *const statuses[] = {"200 OK", "103 Early Hints"};

NET_TEST(a_jar_is_emptied_when_it_is_full)
{
    struct co_http_jar *jar = make_jar();
    bool was_emptied = false;

    net->origin.talk = give_many;
    net->origin.reply = statuses[_i];
    fetch(net, HERE, with(jar));
    for (int n = 0; n < 2 * CO_HTTP_JAR_MAX && !was_emptied; n += 50) {
        fetch(net, HERE, with(jar));
        assert_success(net);
        was_emptied = strstr(net->origin.request, "\r\nCookie:") == NULL;
        ck_assert_int_eq(was_emptied, net->origin.n_requests == CO_HTTP_JAR_MAX / 50 + 1);
    }
    ck_assert(was_emptied);
    fetch(net, HERE, with(jar));
    assert_cookie(net, "a=1");
    co_http_jar_free(jar);
}

/* Others come and go, to the same host and another, while one has not been answered. */
static void answer_but_slow_ones(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd))
        if (strncmp(origin->request, "GET /slow ", 10) == 0)
            fake_origin_linger(fd);
        else
            fake_origin_send(fd, SET("a=1"));
}

static void fetch_beside(struct net *net, const char *host, struct co_http_jar *jar)
{
    static struct net beside;
    char url[64];

    beside.origin.port = net->origin.port;
    beside.session = net->session;
    sprintf(url, "http://%s:@/", host);
    fetch(&beside, url, with(jar));
    assert_success(&beside);
    co_http_response_done(&beside.response);
}

NET_TEST(fetches_with_a_jar_may_overlap)
{
    struct co_http_jar *jar = make_jar();

    net->server.names = names;
    net->origin.talk = answer_but_slow_ones;
    fetch_begin(net, "http://one.test:@/slow", with(jar));
    for (int i = 0; i < 6; i++)
        fetch_beside(net, i % 2 == 0 ? "one.test" : "two.test", jar);
    co_cancel(net->fetching.task, "test");
    ck_assert_int_eq(fetch_end(net), -ECANCELED);
    fetch(net, "http://one.test:@/", with(jar));
    assert_cookie(net, "a=1");
    co_http_jar_free(jar);
}

static struct co_event other_is_done;

static void challenge_late_and_close(struct fake_origin *origin, int fd)
{
    fake_origin_receive(origin, fd);
    if (origin->n_requests == 1)
        assert_ok(co_event_wait(&other_is_done));
    fake_origin_send(fd, "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"
                         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\r\n");
}

/* Others have been given other addresses of the host meanwhile; libcurl would know the name. */
NET_TEST(a_name_that_was_lost_is_not_looked_up_elsewhere)
{
    struct co_http_jar *jar = make_jar();
    struct co_http_request first = {.jar = jar, .ip_family = AF_INET, .digest_user = "user"};
    struct co_http_request other = {.jar = jar, .ip_family = AF_INET6};
    static struct net beside; /* large */

    beside.origin.port = net->origin.port;
    beside.session = net->session;
    net->server.names = names;
    net->origin.talk = challenge_late_and_close;
    co_event_init(&other_is_done);
    first.digest_password = "pass";
    fetch_begin(net, "http://both.localhost:@/", first);
    settle();
    ck_assert_uint_eq(net->origin.n_requests, 1);
    fetch(&beside, "http://both.localhost:@/", other);
    co_http_response_done(&beside.response);
    co_event_set(&other_is_done);
    fetch_end(net);
    ck_assert_str_eq(co_http_error_name(net->response.error) ?: "success", "dns_error");
    ck_assert_uint_eq(net->origin.n_connections, 1);
    co_http_jar_free(jar);
}

START_TEST(a_jar_is_made_whole_or_not_at_all)
{
    struct co_http_jar *jar = NULL;

    fault_arm(1);
    ck_assert_int_eq(co_http_jar_new(&jar), -ENOMEM);
    ck_assert(fault_disarm());
    co_http_jar_free(NULL);
}
END_TEST

Suite *suite_http_jar(void);

Suite *suite_http_jar(void)
{
    Suite *suite = suite_create("http_jar");
    TCase *tcase = tcase_create("http_jar");

    tcase_add_test(tcase, what_one_fetch_is_given_the_next_gives_back);
    tcase_add_test(tcase, cookies_are_for_who_shares_the_jar);
    tcase_add_test(tcase, cookies_go_to_the_host_they_came_from);
    tcase_add_test(tcase, nobody_can_set_a_cookie_for_all_sites);
    tcase_add_test(tcase, who_sends_a_cookie_of_his_own_has_no_jar);
    tcase_add_loop_test(tcase, a_jar_is_emptied_when_it_is_full, 0, 2);
    tcase_add_test(tcase, fetches_with_a_jar_may_overlap);
    tcase_add_test(tcase, a_name_that_was_lost_is_not_looked_up_elsewhere);
    tcase_add_test(tcase, a_jar_is_made_whole_or_not_at_all);
    suite_add_tcase(suite, tcase);
    return suite;
}
