#include "daemon/client/local_gather.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/buffer.h"

#include "tests/support/fault.h"
#include "tests/support/net.h"

static struct buffer lines;
static struct co_http_response response;
static struct err err;

static void set_up(void)
{
    buffer_init(&lines, SIZE_MAX);
    err.message[0] = '\0';
}

static void keep_lines(void *arg, const void *bytes, size_t n)
{
    ck_assert_int_eq(buffer_append(arg, bytes, n), 0);
}

/* '@' becomes the port of the origin. */
static int gather(const struct net *net, const char *document)
{
    char text[1024];
    size_t length = 0;

    for (; *document != '\0'; document++)
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, *document == '@' ? "%d" : "%c",
                             *document == '@' ? net->origin.port : *document);
    const struct local_gather asked = {
        .document = text,
        .length = length,
        .tap = {keep_lines, &lines},
    };
    return local_gather(&asked, &response, &err);
}

static void clean_up(void)
{
    buffer_done(&lines);
    co_http_response_done(&response);
}

static bool has(const char *part)
{
    return memmem(lines.data, lines.len, part, strlen(part)) != NULL;
}

static size_t n_lines(void)
{
    size_t n = 0;

    for (size_t i = 0; i < lines.len; i++)
        n += lines.data[i] == '\n';
    return n;
}

NET_TEST(lines_are_those_of_a_daemon)
{
    ck_assert_int_eq(gather(net, "[\"http://127.0.0.1:@/a\", \"http://127.0.0.1:@/b\"]"), 0);
    ck_assert_int_eq(response.status, 200);
    ck_assert_uint_eq(n_lines(), 3);
    ck_assert(has("{\"object\":\"result\",\"index\":0,"));
    ck_assert(has("{\"object\":\"result\",\"index\":1,"));
    ck_assert(has("\n{\"type\":\"gather\",\"object\":\"gather\","));
    ck_assert_uint_eq(net->origin.n_requests, 2);
    clean_up();
}

NET_TEST(what_is_near_may_be_fetched_but_not_from_the_ports_of_mail)
{
    ck_assert_int_eq(gather(net, "[\"http://localhost:25/\"]"), 0);
    ck_assert(has("\"outcome\":\"blocked\""));
    ck_assert(has("port-bad"));
    clean_up();
}

NET_TEST(document_that_is_wrong_is_refused_as_a_daemon_would)
{
    ck_assert_int_eq(gather(net, "{\"urls\": [\"ftp://one.example/\"]}"), 0);
    ck_assert_int_eq(response.status, 422);
    ck_assert_ptr_nonnull(strstr(response.body, "\"pointer\":\"/urls/0\""));
    ck_assert_uint_eq(strlen(response.body), response.body_length);
    ck_assert_uint_eq(lines.len, 0);
    clean_up();
}

static int gather_from_silence(void *arg, void **ret_result)
{
    (void)ret_result;
    return gather(arg, "[\"http://127.0.0.1:@/\"]");
}

static void say_nothing(struct fake_origin *origin, int fd)
{
    if (fake_origin_receive(origin, fd))
        co_event_set(&origin->asked);
    fake_origin_linger(fd);
}

NET_TEST(gather_that_is_cancelled_ends)
{
    struct co_group group;

    net->origin.talk = say_nothing;
    co_event_init(&net->origin.asked);
    co_group_enter(&group, CO_NEVER);
    ck_assert_int_eq(co_group_spawn(&group, "gather", gather_from_silence, net, NULL), 0);
    ck_assert_int_eq(co_event_wait(&net->origin.asked), 0);
    co_group_cancel(&group, -ECANCELED, "the user has had enough");
    ck_assert_int_eq(co_group_exit(&group, 0), -ECANCELED);
    ck_assert_uint_eq(n_lines(), 0);
    clean_up();
}

NET_TEST(lack_of_memory_leaves_nothing)
{
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = gather(net, "7");
        bool has_failed = fault_disarm();
        clean_up();
        if (!has_failed)
            break;
        /* A detail may be left out of a refusal, and the resolver remember less. */
        ck_assert(rc == 0 || rc == -ENOMEM);
    }
}

Suite *suite_local_gather(void);

Suite *suite_local_gather(void)
{
    Suite *suite = suite_create("daemon/client/local_gather");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, lines_are_those_of_a_daemon);
    tcase_add_test(tcase, what_is_near_may_be_fetched_but_not_from_the_ports_of_mail);
    tcase_add_test(tcase, document_that_is_wrong_is_refused_as_a_daemon_would);
    tcase_add_test(tcase, gather_that_is_cancelled_ends);
    tcase_add_test(tcase, lack_of_memory_leaves_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
