/* Which transfers are kept for further requests. */
#include <stdio.h>
#include <string.h>

#include "lib/co/io.h"
#include "lib/net/http_private.h"

#include "tests/support/net.h"

#define HERE "http://127.0.0.1:@/"
#define OK   "HTTP/1.1 200 OK\r\n"

enum { LARGE = 20 * 1024 };

static char *large_text(void)
{
    static char text[LARGE + 1];

    return memset(text, 'x', LARGE);
}

NET_TEST(one_transfer_serves_one_request_after_the_other)
{
    struct co_http_session *session = net->session;

    net->origin.reply = OK "Content-Length: 0\r\n\r\n";
    for (int i = 0; i < 3; i++) {
        fetch(net, HERE, (struct co_http_request){0});
        assert_success(net);
        ck_assert_int_eq(session->n_idle, 1);
    }
}

NET_TEST(one_that_failed_is_not_kept)
{
    net->origin.reply = "SSH-2.0-OpenSSH_9.2\r\n";
    fetch(net, HERE, (struct co_http_request){0});
    assert_failure(net, CO_HTTP_PARSE_ERROR, CO_HTTP_WAIT);
    ck_assert_int_eq(net->session->n_idle, 0);
}

NET_TEST(one_that_had_a_large_header_is_not_kept)
{
    static char reply[LARGE + 100];

    snprintf(reply, sizeof(reply), OK "X: %s\r\nContent-Length: 0\r\n\r\n", large_text());
    net->origin.reply = reply;
    fetch(net, HERE, (struct co_http_request){0});
    assert_success(net);
    ck_assert_int_eq(net->session->n_idle, 0);
}

/* The fake origin does so only for small ones. */
static void answer_large_request(struct fake_origin *origin, int fd)
{
    static char request[LARGE + 1000];
    size_t length = 0;

    while (strstr(request, "\r\n\r\n") == NULL)
        length += (size_t)co_read(fd, request + length, sizeof(request) - 1 - length);
    fake_origin_send(fd, origin->reply);
}

NET_TEST(one_that_sent_a_large_header_is_not_kept)
{
    const struct co_http_header large = {.name = "X", .value = large_text()};

    net->origin.talk = answer_large_request;
    net->origin.reply = OK "Content-Length: 0\r\n\r\n";
    fetch(net, HERE, (struct co_http_request){.headers = &large, .n_headers = 1});
    assert_success(net);
    ck_assert_int_eq(net->session->n_idle, 0);
}

Suite *suite_http_transfer(void);

Suite *suite_http_transfer(void)
{
    Suite *suite = suite_create("http_transfer");
    TCase *tcase = tcase_create("http_transfer");

    tcase_add_test(tcase, one_transfer_serves_one_request_after_the_other);
    tcase_add_test(tcase, one_that_failed_is_not_kept);
    tcase_add_test(tcase, one_that_had_a_large_header_is_not_kept);
    tcase_add_test(tcase, one_that_sent_a_large_header_is_not_kept);
    suite_add_tcase(suite, tcase);
    return suite;
}
