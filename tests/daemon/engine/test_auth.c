#include "daemon/engine/auth.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fault.h"

static struct credentials *credentials;
static struct co_url url;
static struct result result;
static struct auth auth;

static void set_up(void)
{
    static const char secrets[] = "anywhere = canary-1\n"
                                  "home *.example.com api.test = canary-2\n";
    static const char home[] = "https://www.example.com/";
    char path[] = "/tmp/test_auth.XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, secrets, strlen(secrets)), (ssize_t)strlen(secrets));
    close(fd);
    ck_assert_int_eq(credentials_load(&credentials, path, "", NULL), 0);
    unlink(path);
    ck_assert_int_eq(co_url_parse(home, strlen(home), &url), 0);
    result_init(&result);
}

static void tear_down(void)
{
    auth_done(&auth);
    result_done(&result);
    co_url_done(&url);
    credentials_free(credentials);
}

static int prepare(const struct fetch_auth *wanted)
{
    const struct fetch_options options = {.method = "GET", .auth = wanted};

    auth_done(&auth);
    return auth_init(&auth, credentials, &options, &url, &result);
}

static void go_to(const char *text)
{
    co_url_done(&url);
    ck_assert_int_eq(co_url_parse(text, strlen(text), &url), 0);
}

START_TEST(request_without_credentials_has_none)
{
    ck_assert_int_eq(prepare(NULL), 1);
    ck_assert_ptr_null(auth.header);
    ck_assert_ptr_null(auth.digest_user);
}
END_TEST

/* source  RFC 7617 section 2 */
START_TEST(basic_is_user_and_password_in_base64)
{
    ck_assert_int_eq(prepare(&(struct fetch_auth){
                         .type = AUTH_BASIC, .user = "Aladdin", .secret = "open sesame"}),
                     1);
    ck_assert_str_eq(auth.header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    ck_assert_ptr_null(auth.digest_user);
}
END_TEST

START_TEST(bearer_is_the_token)
{
    ck_assert_int_eq(
        prepare(&(struct fetch_auth){.type = AUTH_BEARER, .secret = "mF_9.B5f-4.1JqM"}), 1);
    ck_assert_str_eq(auth.header, "Bearer mF_9.B5f-4.1JqM");
}
END_TEST

START_TEST(digest_is_left_to_who_sees_the_challenge)
{
    ck_assert_int_eq(prepare(&(struct fetch_auth){
                         .type = AUTH_DIGEST, .user = "Mufasa", .secret_ref = "anywhere"}),
                     1);
    ck_assert_ptr_null(auth.header);
    ck_assert_str_eq(auth.digest_user, "Mufasa");
    ck_assert_str_eq(auth.digest_password, "canary-1");
}
END_TEST

START_TEST(secret_is_looked_up_by_its_name)
{
    ck_assert_int_eq(prepare(&(struct fetch_auth){.type = AUTH_BEARER, .secret_ref = "anywhere"}),
                     1);
    ck_assert_str_eq(auth.header, "Bearer canary-1");
    ck_assert_int_eq(prepare(&(struct fetch_auth){.type = AUTH_BEARER, .secret_ref = "home"}), 1);
    ck_assert_str_eq(auth.header, "Bearer canary-2");
}
END_TEST

static void expect_blocked(const char *rule)
{
    ck_assert_int_eq(result.outcome, OUTCOME_BLOCKED);
    ck_assert_str_eq(result.error.code, "blocked_by_policy");
    ck_assert_str_eq(result.error.rule, rule);
    ck_assert_ptr_nonnull(result.error.message);
    ck_assert_ptr_null(auth.header);
    ck_assert_ptr_null(auth.digest_user);
    ck_assert_ptr_null(strstr(result.error.message, "canary"));
}

static const int types[] = {AUTH_BASIC, AUTH_BEARER, AUTH_DIGEST};

START_TEST(secret_goes_to_its_hosts_only)
{
    struct fetch_auth wanted = {.type = types[_i], .user = "me", .secret_ref = "home"};

    go_to("https://example.com.evil.test/");
    ck_assert_int_eq(prepare(&wanted), 0);
    expect_blocked("secret home");
}
END_TEST

static const struct {
    const char *url;
    bool is_unverified;
    int rc;
} pinned[] = {
    {"https://www.example.com/", false, 1},
    {"https://www.example.com/", true, 0},
    {"http://www.example.com:443/", false, 0},
    {"http://www.example.com/", false, 1}, /* another port, which is not pinned */
};

START_TEST(secret_goes_where_a_client_places_its_host_if_a_certificate_proves_it)
{
    const struct fetch_auth wanted = {.type = AUTH_BEARER, .secret_ref = "home"};
    const struct fetch_pin pin = {.host = "www.example.com", .port = 443};
    const struct fetch_options options = {
        .method = "GET",
        .auth = &wanted,
        .pins = &pin,
        .n_pins = 1,
        .tls.is_unverified = pinned[_i].is_unverified,
    };

    go_to(pinned[_i].url);
    ck_assert_int_eq(auth_init(&auth, credentials, &options, &url, &result), pinned[_i].rc);
    if (pinned[_i].rc == 0)
        expect_blocked("secret home");
}
END_TEST

START_TEST(secret_is_not_sent_with_what_is_answered_by_showing_it)
{
    const struct fetch_auth wanted = {.type = AUTH_BEARER, .secret_ref = "anywhere"};
    const struct fetch_options options = {.method = "TRACE", .auth = &wanted};

    ck_assert_int_eq(auth_init(&auth, credentials, &options, &url, &result), 0);
    expect_blocked("secret anywhere");
}
END_TEST

START_TEST(secret_that_is_not_there_goes_nowhere)
{
    struct fetch_auth wanted = {.type = types[_i], .user = "me", .secret_ref = "nothing"};

    ck_assert_int_eq(prepare(&wanted), 0);
    expect_blocked("secret nothing");
}
END_TEST

START_TEST(nothing_is_left_of_it_whatever_allocation_fails)
{
    static const struct fetch_auth all[] = {
        {.type = AUTH_BASIC, .user = "me", .secret = "x"},
        {.type = AUTH_BEARER, .secret_ref = "anywhere"},
        {.type = AUTH_BEARER, .secret_ref = "nothing"},
    };
    size_t live = fault_live();

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = prepare(&all[_i]);
        bool failed = fault_disarm();
        auth_done(&auth);
        result_done(&result);
        result_init(&result);
        ck_assert_uint_eq(fault_live(), live);
        if (!failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

Suite *suite_auth(void);

Suite *suite_auth(void)
{
    Suite *suite = suite_create("daemon/engine/auth");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, request_without_credentials_has_none);
    tcase_add_test(tcase, basic_is_user_and_password_in_base64);
    tcase_add_test(tcase, bearer_is_the_token);
    tcase_add_test(tcase, digest_is_left_to_who_sees_the_challenge);
    tcase_add_test(tcase, secret_is_looked_up_by_its_name);
    tcase_add_loop_test(tcase, secret_goes_to_its_hosts_only, 0, 3);
    tcase_add_loop_test(tcase,
                        secret_goes_where_a_client_places_its_host_if_a_certificate_proves_it, 0,
                        (int)(sizeof(pinned) / sizeof(pinned[0])));
    tcase_add_test(tcase, secret_is_not_sent_with_what_is_answered_by_showing_it);
    tcase_add_loop_test(tcase, secret_that_is_not_there_goes_nowhere, 0, 3);
    tcase_add_loop_test(tcase, nothing_is_left_of_it_whatever_allocation_fails, 0, 3);
    suite_add_tcase(suite, tcase);
    return suite;
}
