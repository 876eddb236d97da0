#include "daemon/engine/request_settings.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fault.h"

#define PROXIES "http://user:canary@127.0.0.1:3128 https://proxy.example/"

static struct config config;
static struct request_settings settings;
static struct err err;

static void set_up(void)
{
    err = (struct err){""};
    ck_assert_int_eq(config_init(&config), 0);
    ck_assert_int_eq(config_set(&config, "fetch.user_agent=me/1", NULL), 0);
    ck_assert_int_eq(config_set(&config, "fetch.max_redirects=7", NULL), 0);
    ck_assert_int_eq(config_set(&config, "fetch.max_attempts=4", NULL), 0);
    ck_assert_int_eq(config_set(&config, "fetch.proxies=" PROXIES, NULL), 0);
}

static void tear_down(void)
{
    request_settings_done(&settings);
    config_done(&config);
}

START_TEST(what_clients_may_ask_for_is_as_configured)
{
    const struct parse_settings *parse = &settings.parse;

    ck_assert_int_eq(request_settings_init(&settings, &config, NULL, &err), 0);
    ck_assert_uint_eq(parse->max_redirects, 7);
    ck_assert_uint_eq(parse->max_attempts, 4);
    ck_assert_uint_eq(parse->max_items, config.api.max_items);
    ck_assert_int_eq(parse->defaults.timeout_us, (int64_t)config.fetch.timeout_ms * 1000);
    ck_assert_str_eq(parse->defaults.headers[0].name, "User-Agent");
    ck_assert_str_eq(parse->defaults.headers[0].value, "me/1");
}
END_TEST

START_TEST(proxies_keep_their_credentials)
{
    ck_assert_int_eq(request_settings_init(&settings, &config, NULL, &err), 0);
    ck_assert_uint_eq(settings.parse.n_proxies, 2);
    ck_assert_str_eq(settings.parse.proxies[0].origin, "http://127.0.0.1:3128");
    ck_assert_str_eq(settings.parse.proxies[0].user, "user");
    ck_assert_str_eq(settings.parse.proxies[0].password, "canary");
    ck_assert_str_eq(settings.parse.proxies[1].origin, "https://proxy.example:443");
    ck_assert_ptr_null(settings.parse.proxies[1].user);
}
END_TEST

START_TEST(secrets_file_that_is_not_there_is_an_error)
{
    ck_assert_int_eq(config_set(&config, "fetch.secrets_file=/nonexistent/secrets", NULL), 0);
    ck_assert_int_lt(request_settings_init(&settings, &config, NULL, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent/secrets"));
}
END_TEST

START_TEST(nothing_is_left_whatever_allocation_fails)
{
    size_t live = fault_live();

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = request_settings_init(&settings, &config, NULL, &err);
        bool failed = fault_disarm();
        request_settings_done(&settings);
        ck_assert_uint_eq(fault_live(), live);
        if (!failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

Suite *suite_request_settings(void);

Suite *suite_request_settings(void)
{
    Suite *suite = suite_create("daemon/engine/request_settings");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_clients_may_ask_for_is_as_configured);
    tcase_add_test(tcase, proxies_keep_their_credentials);
    tcase_add_test(tcase, secrets_file_that_is_not_there_is_an_error);
    tcase_add_test(tcase, nothing_is_left_whatever_allocation_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
