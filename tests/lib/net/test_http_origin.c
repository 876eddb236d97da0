/* What is known of origins, and who waits for it to be known. */
#include "lib/net/http_private.h"

#include <string.h>

#include "tests/support/crowd.h"
#include "tests/support/fake_tls.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define HERE "https://127.0.0.1:@/#"

static struct crowd crowd;
static struct fake_tls tls;
static struct co_http_tls_options trusting;
static struct co_event released; /* the handshakes */

static void talk(struct fake_origin *origin, int fd)
{
    if (co_event_wait(&released) == 0)
        fake_tls_serve(&tls, origin, fd);
}

static void start(struct net *net, const struct fake_tls_options *options)
{
    fake_tls_start(&tls, options);
    trusting = (struct co_http_tls_options){.ca_file = tls.ca_file};
    co_event_init(&released);
    net->origin.talk = talk;
}

static void hang_up(struct fake_origin *origin, int fd)
{
    (void)origin, (void)fd;
    (void)!co_event_wait(&released);
}

static void join(struct net *net, unsigned n, struct co_http_request request)
{
    request.tls = &trusting;
    crowd_join(&crowd, net, n, HERE, request);
}

static void stop(void)
{
    crowd_leave(&crowd);
    fake_tls_stop(&tls);
}

/* --- The first goes ahead ------------------------------------------------------------------- */

NET_TEST(the_first_finds_out_and_the_others_wait)
{
    start(net, NULL);
    join(net, 20, (struct co_http_request){0});
    ck_assert_uint_eq(net->origin.n_connections, 1);
    co_event_set(&released);
    crowd_wait(&crowd);
    ck_assert_uint_eq(crowd_count(&crowd, CO_HTTP_OK), 20);
    ck_assert_uint_gt(net->origin.n_connections, 1);
    stop();
}

NET_TEST(who_waited_was_connecting)
{
    start(net, NULL);
    join(net, 2, (struct co_http_request){0});
    wind(3 * CO_SECOND);
    co_event_set(&released);
    crowd_wait(&crowd);
    ck_assert_int_ge(crowd.members[1].response.phase_us[CO_HTTP_CONNECT], 3000000);
    stop();
}

NET_TEST(nobody_waits_for_an_origin_that_is_known)
{
    start(net, NULL);
    co_event_set(&released);
    join(net, 1, (struct co_http_request){0});
    crowd_wait(&crowd);
    co_event_clear(&released);
    net->origin.n_connections = 0;
    join(net, 20, (struct co_http_request){0});
    ck_assert_uint_eq(net->origin.n_connections, 19); /* and one that is open */
    stop();
}

NET_TEST(who_wants_http_1_only_does_not_wait)
{
    start(net, NULL);
    join(net, 3, (struct co_http_request){.version = CO_HTTP_VERSION_1_1});
    ck_assert_uint_eq(net->origin.n_connections, 3);
    stop();
}

NET_TEST(other_tls_options_make_another_origin)
{
    static const struct co_http_tls_options others = {.is_unverified = true};

    start(net, NULL);
    join(net, 2, (struct co_http_request){0});
    crowd_join(&crowd, net, 2, HERE, (struct co_http_request){.tls = &others});
    ck_assert_uint_eq(net->origin.n_connections, 2);
    stop();
}

/* --- It comes back with nothing -------------------------------------------------------------- */

NET_TEST(after_each_failure_two_others_try)
{
    start(net, NULL);
    net->origin.talk = hang_up;
    join(net, 20, (struct co_http_request){0});
    for (unsigned n_expected = 1, step = 1; n_expected <= 15; n_expected += step *= 2) {
        ck_assert_uint_eq(net->origin.n_connections, n_expected);
        co_event_set(&released);
        co_event_clear(&released);
        settle();
    }
    co_event_set(&released);
    crowd_wait(&crowd);
    ck_assert_uint_eq(crowd_count(&crowd, CO_HTTP_TLS_HANDSHAKE), 20);
    stop();
}

NET_TEST(when_the_first_is_cancelled_others_try)
{
    start(net, NULL);
    join(net, 3, (struct co_http_request){0});
    co_cancel(crowd.members[0].task, "a test");
    settle();
    ck_assert_uint_eq(net->origin.n_connections, 3);
    co_event_set(&released);
    crowd_wait(&crowd);
    ck_assert_uint_eq(crowd_count(&crowd, CO_HTTP_OK), 2);
    stop();
}

NET_TEST(who_waits_can_be_cancelled)
{
    start(net, NULL);
    join(net, 3, (struct co_http_request){0});
    co_cancel(crowd.members[1].task, "a test");
    settle();
    ck_assert_int_eq(crowd.members[1].response.error, CO_HTTP_CANCELED);
    ck_assert_int_eq(crowd.members[1].response.error_phase, CO_HTTP_CONNECT);
    co_event_set(&released);
    crowd_wait(&crowd);
    ck_assert_uint_eq(crowd_count(&crowd, CO_HTTP_OK), 2);
    stop();
}

NET_TEST(who_waits_has_limits)
{
    start(net, NULL);
    join(net, 1, (struct co_http_request){0});
    join(net, 1, (struct co_http_request){.connect_timeout = CO_SECOND});
    join(net, 1, (struct co_http_request){.deadline = co_now() + CO_SECOND});
    wind(2 * CO_SECOND);
    settle();
    ck_assert_int_eq(crowd.members[1].response.error, CO_HTTP_CONNECT_TIMEOUT);
    ck_assert_int_eq(crowd.members[2].response.error, CO_HTTP_TIMEOUT_TOTAL);
    ck_assert_uint_eq(net->origin.n_connections, 1);
    stop();
}

/* --- HTTP/2 that does not work ---------------------------------------------------------------- */

static bool receive(int fd, unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (co_read(fd, &bytes[i], 1) != 1)
            return false;
    return true;
}

/* Answers each HEADERS with RST_STREAM, for PROTOCOL_ERROR.
 *
 * source  RFC 9113 sections 4.1, 6.4 and 6.5 */
static void reset_streams(struct fake_origin *origin, int fd)
{
    enum { PREFACE = 24, HEADERS = 1 };
    static const unsigned char settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    unsigned char bytes[1024], frame[9];

    (void)origin;
    fake_origin_send_bytes(fd, settings, sizeof(settings));
    ck_assert(receive(fd, bytes, PREFACE));
    while (receive(fd, frame, sizeof(frame)) &&
           receive(fd, bytes, (size_t)frame[1] << 8 | frame[2])) {
        unsigned char reset[] = {0, 0, 4, 3, 0, 0, 0, 0, frame[8], 0, 0, 0, 1};
        if (frame[3] == HEADERS)
            fake_origin_send_bytes(fd, reset, sizeof(reset));
    }
}

static void start_broken_http_2(struct net *net)
{
    static const struct fake_tls_options options = {.application = "h2"};

    start(net, &options);
    tls.talk = reset_streams;
    co_event_set(&released);
}

static int version_that_is_tried(struct net *net)
{
    fetch(net, "https://127.0.0.1:@/", (struct co_http_request){.tls = &trusting});
    return net->response.http_version;
}

NET_TEST(an_origin_that_fails_twice_at_http_2_is_spoken_1_to)
{
    start_broken_http_2(net);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(version_that_is_tried(net), 0);
        ck_assert_str_eq(net->response.curl_name, "CURLE_HTTP2_STREAM");
    }
    tls.talk = NULL;
    ck_assert_int_eq(version_that_is_tried(net), 11);
    stop();
}

NET_TEST(and_after_ten_minutes_it_gets_another_chance)
{
    start_broken_http_2(net);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(version_that_is_tried(net), 0);
    wind(600 * CO_SECOND);
    settle();
    ck_assert_int_eq(version_that_is_tried(net), 0);
    ck_assert_str_eq(net->response.curl_name, "CURLE_HTTP2_STREAM");
    stop();
}

/* --- The table ------------------------------------------------------------------------------- */

NET_TEST(only_so_many_origins_are_known)
{
    static const char *const urls[] = {"http://127.0.0.1:@/", "http://127.0.0.2:1/",
                                       "http://127.0.0.3:1/", "http://127.0.0.4:1/"};

    net->session->origins.max_entries = 3;
    for (size_t i = 0; i < N_ELEMENTS(urls); i++)
        fetch(net, urls[i], (struct co_http_request){0});
    ck_assert_uint_eq(net->session->origins.n_entries, 3);
    fetch(net, urls[0], (struct co_http_request){0});
    ck_assert(net->response.reused); /* one with connections is not forgotten */
}

NET_TEST(an_origin_is_what_shares_connections)
{
    static const struct co_address addresses[] = {{.bytes = {127, 0, 0, 1}, .family = AF_INET}};
    const struct co_http_request requests[] = {
        {0},
        {.ip_family = AF_INET},
        {.addresses = addresses, .n_addresses = 1},
        {.method = "HEAD"}, /* as the first, and so the next */
        {.version = CO_HTTP_VERSION_1_1},
    };

    for (size_t i = 0; i < N_ELEMENTS(requests); i++)
        fetch(net, "http://127.0.0.1:@/", requests[i]);
    ck_assert_uint_eq(net->session->origins.n_entries, 3);
}

Suite *suite_http_origin(void);

Suite *suite_http_origin(void)
{
    Suite *suite = suite_create("http_origin");
    TCase *tcase = tcase_create("http_origin");

    tcase_add_test(tcase, the_first_finds_out_and_the_others_wait);
    tcase_add_test(tcase, who_waited_was_connecting);
    tcase_add_test(tcase, nobody_waits_for_an_origin_that_is_known);
    tcase_add_test(tcase, who_wants_http_1_only_does_not_wait);
    tcase_add_test(tcase, other_tls_options_make_another_origin);
    tcase_add_test(tcase, after_each_failure_two_others_try);
    tcase_add_test(tcase, when_the_first_is_cancelled_others_try);
    tcase_add_test(tcase, who_waits_can_be_cancelled);
    tcase_add_test(tcase, who_waits_has_limits);
    tcase_add_test(tcase, an_origin_that_fails_twice_at_http_2_is_spoken_1_to);
    tcase_add_test(tcase, and_after_ten_minutes_it_gets_another_chance);
    tcase_add_test(tcase, only_so_many_origins_are_known);
    tcase_add_test(tcase, an_origin_is_what_shares_connections);
    suite_add_tcase(suite, tcase);
    return suite;
}
