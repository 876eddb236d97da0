/* How TLS is spoken, and what is told of it. */
#include <string.h>
#include <time.h>

#include "tests/support/fake_tls.h"
#include "tests/support/fault.h"
#include "tests/support/net.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define HERE "https://127.0.0.1:@/"

static struct fake_tls tls;

static void talk(struct fake_origin *origin, int fd)
{
    fake_tls_serve(&tls, origin, fd);
}

static void start(struct net *net, const struct fake_tls_options *options)
{
    fake_tls_start(&tls, options);
    net->origin.talk = talk;
}

/* Fetches what trusts the authority, and otherwise wants what the options say. */
static void fetch_trusting(struct net *net, struct co_http_tls_options options)
{
    if (options.ca_file == NULL)
        options.ca_file = tls.ca_file;
    assert_ok(fetch(net, HERE, (struct co_http_request){.tls = &options}));
}

/* --- Who the other side is ------------------------------------------------------------------- */

NET_TEST(the_authority_of_a_request_is_trusted_by_that_request_only)
{
    start(net, NULL);
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_success(net);
    ck_assert_int_ge(net->response.phase_us[CO_HTTP_TLS], 0);
    fetch(net, HERE, (struct co_http_request){0});
    assert_failure(net, CO_HTTP_TLS_CERT_UNTRUSTED, CO_HTTP_TLS);
    ck_assert_ptr_null(net->response.tls);
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_success(net);
    ck_assert(net->response.reused);
    fake_tls_stop(&tls);
}

static const struct {
    struct fake_tls_options origin;
    enum co_http_error error;
} flaws[] = {
    {{.days = -1}, CO_HTTP_TLS_CERT_EXPIRED},
    {{.names = "DNS:other.test"}, CO_HTTP_TLS_HOSTNAME_MISMATCH},
    {{.has_stale_authority = true}, CO_HTTP_TLS_CERT_UNTRUSTED},
};

NET_TEST(what_is_wrong_with_a_certificate_has_a_name)
{
    start(net, &flaws[_i].origin);
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_failure(net, flaws[_i].error, CO_HTTP_TLS);
    ck_assert_uint_eq(net->origin.n_requests, 0);
    fake_tls_stop(&tls);
}

NET_TEST(an_unverified_connection_is_for_those_who_want_it)
{
    start(net, &flaws[_i].origin);
    fetch_trusting(net, (struct co_http_tls_options){.is_unverified = true});
    assert_success(net);
    ck_assert(!net->response.tls->is_verified);
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_failure(net, flaws[_i].error, CO_HTTP_TLS);
    fetch_trusting(net, (struct co_http_tls_options){.is_unverified = true});
    ck_assert(net->response.reused);
    fake_tls_stop(&tls);
}

/* --- What both can speak --------------------------------------------------------------------- */

static const struct {
    int max_version; /* of the origin */
    int min_version; /* of the request */
    const char *version;
} versions[] = {
    {13, 0, "TLSv1.3"},  {12, 0, "TLSv1.2"},  {11, 0, NULL},       {13, 10, "TLSv1.3"},
    {11, 10, "TLSv1.1"}, {10, 10, "TLSv1"},   {10, 11, NULL},      {12, 11, "TLSv1.2"},
    {11, 12, NULL},      {12, 12, "TLSv1.2"}, {13, 13, "TLSv1.3"}, {12, 13, NULL},
};

NET_TEST(a_version_that_is_too_old_is_not_spoken)
{
    start(net, &(struct fake_tls_options){.max_version = versions[_i].max_version});
    fetch_trusting(net, (struct co_http_tls_options){.min_version = versions[_i].min_version});
    if (versions[_i].version != NULL) {
        assert_success(net);
        ck_assert_str_eq(net->response.tls->version, versions[_i].version);
    } else {
        assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
    }
    fake_tls_stop(&tls);
}

NET_TEST(a_client_shows_its_certificate_where_it_has_one)
{
    start(net, &(struct fake_tls_options){.needs_client = true, .max_version = 12});
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
    fetch_trusting(net, (struct co_http_tls_options){.client_file = tls.client_file});
    assert_success(net);
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
    fake_tls_stop(&tls);
}

NET_TEST(a_certificate_of_ours_that_cannot_be_read_is_our_mistake)
{
    start(net, NULL);
    fetch_trusting(net, (struct co_http_tls_options){.client_file = "/nowhere.pem"});
    assert_failure(net, CO_HTTP_TLS_FILE, CO_HTTP_TLS);
    fetch_trusting(net, (struct co_http_tls_options){.ca_file = "/nowhere.pem"});
    assert_failure(net, CO_HTTP_TLS_FILE, CO_HTTP_TLS);
    fake_tls_stop(&tls);
}

/* --- HTTP/2 ---------------------------------------------------------------------------------- */

static const char *const applications[] = {NULL, "http/1.1"};

NET_TEST(who_wants_http_2_only_gets_nothing_else)
{
    struct co_http_tls_options options = {0};
    struct co_http_request request = {.tls = &options, .version = CO_HTTP_VERSION_2};

    start(net, &(struct fake_tls_options){.application = applications[_i]});
    options.ca_file = tls.ca_file;
    for (int i = 0; i < 2; i++) {
        assert_ok(fetch(net, HERE, request));
        assert_failure(net, CO_HTTP_TLS_HANDSHAKE, CO_HTTP_TLS);
        fetch_trusting(net, (struct co_http_tls_options){0}); /* leaves a connection behind */
        assert_success(net);
        ck_assert_int_eq(net->response.http_version, 11);
    }
    ck_assert_uint_eq(net->origin.n_requests, 2);
    fake_tls_stop(&tls);
}

NET_TEST(http_2_is_not_believed_but_agreed_on)
{
    net->origin.reply = "HTTP/2 200\r\nContent-Length: 2\r\n\r\nok";
    fetch(net, "http://127.0.0.1:@/", (struct co_http_request){0});
    assert_failure(net, CO_HTTP_PARSE_ERROR, CO_HTTP_WAIT);
    start(net, NULL);
    fetch_trusting(net, (struct co_http_tls_options){0});
    assert_failure(net, CO_HTTP_PARSE_ERROR, CO_HTTP_WAIT);
    fake_tls_stop(&tls);
}

NET_TEST(who_does_not_want_http_2_does_not_offer_it)
{
    struct co_http_tls_options options = {0};
    struct co_http_request request = {.tls = &options, .version = CO_HTTP_VERSION_1_1};

    start(net, &(struct fake_tls_options){.application = "h2"});
    options.ca_file = tls.ca_file;
    for (int i = 0; i < 2; i++) {
        fetch(net, HERE, request);
        assert_success(net);
        ck_assert_int_eq(net->response.reused, i > 0);
    }
    fake_tls_stop(&tls);
}

/* --- What is told ---------------------------------------------------------------------------- */

NET_TEST(a_response_tells_what_was_agreed_on)
{
    const struct co_http_tls *told;
    time_t now = time(NULL);

    start(net, &(struct fake_tls_options){.subject = "f\303\244ke, \"x\"", .days = 3});
    for (int i = 0; i < 2; i++) {
        fetch_trusting(net, (struct co_http_tls_options){0});
        assert_success(net);
        ck_assert_int_eq(net->response.reused, i > 0);
        told = net->response.tls;
        ck_assert_str_eq(told->version, "TLSv1.3");
        ck_assert_ptr_nonnull(strstr(told->cipher, "TLS_"));
        ck_assert_str_eq(told->subject, "CN=f\303\244ke\\, \\\"x\\\",O=Tests\\, Inc.");
        ck_assert_str_eq(told->issuer, "CN=authority,O=Tests\\, Inc.");
        ck_assert(told->is_verified);
        ck_assert_int_ge(told->not_after_at, (now + 3 * 24 * 3600) * INT64_C(1000000));
        ck_assert_int_le(told->not_after_at, (now + 3 * 24 * 3600 + 1000) * INT64_C(1000000));
        ck_assert_int_gt(told->chain_not_after_at, 0);
        ck_assert_int_le(told->chain_not_after_at, told->not_after_at);
        ck_assert_int_gt(told->trusted_not_after_at, 0);
        ck_assert_int_le(told->trusted_not_after_at, told->not_after_at);
        ck_assert_ptr_nonnull(told->names);
    }
    fake_tls_stop(&tls);
}

NET_TEST(what_is_told_outlives_the_connection)
{
    struct co_http_response first;

    start(net, NULL);
    fetch_trusting(net, (struct co_http_tls_options){0});
    first = net->response;
    net->response = (struct co_http_response){0};
    fetch_trusting(net, (struct co_http_tls_options){0});
    ck_assert_ptr_eq(net->response.tls, first.tls);
    ck_assert_uint_eq(first.tls->n_references, 3);
    co_http_response_done(&net->response);
    co_http_session_free(co_take(net->session));
    ck_assert_uint_eq(first.tls->n_references, 1);
    ck_assert_str_eq(first.tls->version, "TLSv1.3");
    co_http_response_done(&first);
    fake_tls_stop(&tls);
}

NET_TEST(without_memory_for_it_the_fetch_fails)
{
    bool was_hit = true;

    start(net, NULL);
    fetch_trusting(net, (struct co_http_tls_options){0}); /* OpenSSL and the loop have what stays */
    for (size_t n = 1; was_hit; n++) {
        struct co_http_tls_options options = {.is_unverified = n % 2 == 0, .ca_file = tls.ca_file};
        struct co_http_request request = {.tls = &options, .method = "POST"};
        fetch_begin(net, HERE, request);
        fault_arm(n);
        assert_ok(fetch_end(net));
        was_hit = fault_disarm(); /* the origin, maybe: then it hung up */
        ck_assert(net->response.error != CO_HTTP_INTERNAL);
    }
    assert_success(net);
    fake_tls_stop(&tls);
}

Suite *suite_http_tls(void);

Suite *suite_http_tls(void)
{
    Suite *suite = suite_create("http_tls");
    TCase *tcase = tcase_create("http_tls");

    tcase_add_test(tcase, the_authority_of_a_request_is_trusted_by_that_request_only);
    tcase_add_loop_test(tcase, what_is_wrong_with_a_certificate_has_a_name, 0, N_ELEMENTS(flaws));
    tcase_add_loop_test(tcase, an_unverified_connection_is_for_those_who_want_it, 0,
                        N_ELEMENTS(flaws));
    tcase_add_loop_test(tcase, a_version_that_is_too_old_is_not_spoken, 0, N_ELEMENTS(versions));
    tcase_add_test(tcase, a_client_shows_its_certificate_where_it_has_one);
    tcase_add_test(tcase, a_certificate_of_ours_that_cannot_be_read_is_our_mistake);
    tcase_add_loop_test(tcase, who_wants_http_2_only_gets_nothing_else, 0,
                        N_ELEMENTS(applications));
    tcase_add_test(tcase, http_2_is_not_believed_but_agreed_on);
    tcase_add_test(tcase, who_does_not_want_http_2_does_not_offer_it);
    tcase_add_test(tcase, a_response_tells_what_was_agreed_on);
    tcase_add_test(tcase, what_is_told_outlives_the_connection);
    tcase_add_test(tcase, without_memory_for_it_the_fetch_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
