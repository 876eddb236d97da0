#include "daemon/base/config.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define LETTERS_161                                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"             \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct config config;
static struct err err;

static void set_up(void)
{
    err = (struct err){0};
    ck_assert_int_eq(config_init(&config), 0);
}

static void tear_down(void)
{
    config_done(&config);
}

/* The value of a setting as text, the words of a list parted by commas. */
static const char *text_of(const char *name)
{
    static char text[512];
    const struct setting *setting = config_find(name, strlen(name), NULL);
    FILE *out = fmemopen(text, sizeof(text), "w");

    ck_assert_ptr_nonnull(setting);
    text[0] = '\0';
    setting_print(setting, &config, ",", out);
    fclose(out);
    return text;
}

START_TEST(done_accepts_null)
{
    config_done(NULL);
}
END_TEST

START_TEST(defaults_are_those_that_scripts_rely_on)
{
    ck_assert_uint_eq(config.api.listen.n, 1);
    ck_assert_str_eq(config.api.listen.items[0], "127.0.0.1:7480");
    ck_assert_uint_eq(config.api.max_body_bytes, 64 << 20);
    ck_assert_uint_eq(config.api.max_job_bytes, 1 << 30);
    ck_assert_uint_eq(config.fetch.concurrency, 256);
    ck_assert_uint_eq(config.fetch.timeout_ms, 30000);
    ck_assert_str_eq(config.fetch.user_agent, "gatherd/" PACKAGE_VERSION);
    ck_assert_uint_eq(config.fetch.dns_servers.n, 0);
    ck_assert_uint_eq(config.egress.allow.n, 0);
    ck_assert_str_eq(config.store.path, "");
    ck_assert_uint_eq(config.store.max_bytes, UINT64_C(8) << 30);
    ck_assert_uint_eq(config.store.min_free_bytes, 256 << 20);
    ck_assert_uint_eq(config.store.if_damaged, STORE_REFUSE);
    ck_assert_uint_eq(config.log.level, LOG_LEVEL_INFO);
}
END_TEST

static void assert_all_are_defaults(void)
{
    for (size_t i = 0; i < config_n_settings; i++)
        ck_assert_str_eq(text_of(config_settings[i].name), config_settings[i].default_text);
}

START_TEST(every_default_is_written_as_it_is_printed)
{
    assert_all_are_defaults();
}
END_TEST

START_TEST(every_setting_has_one_name_and_some_help)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        const char *name = config_settings[i].name;

        ck_assert_ptr_eq(config_find(name, strlen(name), &err), &config_settings[i]);
        ck_assert_uint_lt(strcspn(name, "."), strlen(name));
        ck_assert_uint_gt(strlen(config_settings[i].help), 10);
    }
}
END_TEST

static const struct {
    const char *assignment, *name, *text;
} good[] = {
    {"api.listen=[::1]:80 unix:/run/x.sock", "api.listen", "[::1]:80,unix:/run/x.sock"},
    {"api.allowed_hosts= a\tb ", "api.allowed_hosts", "a,b"},
    {"api.allowed_hosts=a #b ;c", "api.allowed_hosts", "a"},
    {"api.allowed_hosts=", "api.allowed_hosts", ""},
    {"api.max_items=10000000", "api.max_items", "10000000"},
    {"api.max_body_bytes=2048", "api.max_body_bytes", "2K"},
    {"fetch.timeout_ms=90000", "fetch.timeout_ms", "90s"},
    {"fetch.timeout_ms= 2m ", "fetch.timeout_ms", "2m"},
    {"fetch.max_redirects=0", "fetch.max_redirects", "0"},
    {"fetch.max_decode_ratio=0", "fetch.max_decode_ratio", "0"},
    {"fetch.proxies=http://u:p@a:3128 https://b", "fetch.proxies", "http://***@a:3128,https://b"},
    {"fetch.secrets_file=/etc/a b", "fetch.secrets_file", "/etc/a b"},
    {"fetch.certs_dir=", "fetch.certs_dir", ""},
    {"fetch.user_agent= a=b; c;d ", "fetch.user_agent", "a=b; c;d"},
    {"fetch.user_agent=caf\xc3\xa9", "fetch.user_agent", "caf\xc3\xa9"},
    {"store.path=/srv/gatherd", "store.path", "/srv/gatherd"},
    {"store.path=", "store.path", ""},
    {"store.max_bytes=16M", "store.max_bytes", "16M"},
    {"store.min_free_bytes=0", "store.min_free_bytes", "0"},
    {"store.if_damaged=start_empty", "store.if_damaged", "start_empty"},
    {"log.level=debug", "log.level", "debug"},
};

START_TEST(value_is_set)
{
    ck_assert_int_eq(config_set(&config, good[_i].assignment, &err), 0);
    ck_assert_str_eq(text_of(good[_i].name), good[_i].text);
    ck_assert_str_eq(err.message, "");
}
END_TEST

static const struct {
    const char *assignment, *message;
} bad[] = {
    {"", "'' is not SECTION.KEY=VALUE"},
    {"api.listen", "'api.listen' is not SECTION.KEY=VALUE"},
    {"=5", ": there is no such setting"},
    {"nonsense=5", "nonsense: there is no such setting"},
    {"fetch.concurency=5",
     "fetch.concurency: there is no such setting; did you mean fetch.concurrency?"},
    {"fetch.timeout=5", "fetch.timeout: there is no such setting; did you mean fetch.timeout_ms?"},
    {"fetch.max_items=5", "fetch.max_items: there is no such setting; did you mean api.max_items?"},
    {"max_items=5", "max_items: there is no such setting; did you mean api.max_items?"},
    {"api.max_items=", "api.max_items: '' is not a whole number"},
    {"api.max_items=-1", "api.max_items: '-1' is not a whole number"},
    {"api.max_items=0", "api.max_items: '0' is out of range, which is 1 to 100000000"},
    {"api.max_items=99999999999999999999",
     "api.max_items: '99999999999999999999' is out of range, which is 1 to 100000000"},
    {"api.max_body_bytes=1", "api.max_body_bytes: '1' is out of range, which is 1K to 4G"},
    {"api.max_body_bytes=1MB",
     "api.max_body_bytes: '1MB' is not a number of bytes, such as 512, 64K, 16M or 1G"},
    {"fetch.timeout_ms=1d",
     "fetch.timeout_ms: '1d' is not a duration, such as 250ms, 30s, 5m or 1h"},
    {"fetch.user_agent=", "fetch.user_agent: has 0 characters, not 1 to 160"},
    {"fetch.user_agent=" LETTERS_161, "fetch.user_agent: has 161 characters, not 1 to 160"},
    {"fetch.user_agent=a\r\nb", "fetch.user_agent: contains a control character"},
    {"fetch.user_agent=a ;b",
     "fetch.user_agent: contains a ';' after a blank, where it begins a comment"},
    {"api.listen=", "api.listen: needs at least 1 entry"},
    {"api.listen=127.0.0.1", "api.listen: '127.0.0.1' is not HOST:PORT with an address for HOST, "
                             "[IPV6]:PORT, unix:/PATH or fd:NUMBER"},
    {"api.listen=example.com:80", "api.listen: 'example.com:80' is not HOST:PORT with an address "
                                  "for HOST, [IPV6]:PORT, unix:/PATH or fd:NUMBER"},
    {"egress.allow=10.0.0.1/8", "egress.allow: '10.0.0.1/8' is not an address range such as "
                                "10.0.0.0/8, fd00::/8 or 127.0.0.1:8080 (with all bits after the "
                                "prefix 0)"},
    {"api.allowed_origins=https://a.example https://b.example/",
     "api.allowed_origins: 'https://b.example/' is not an origin such as https://tools.example or "
     "http://10.0.0.8:3000 (without a slash at the end)"},
    {"api.allowed_origins=a.example",
     "api.allowed_origins: 'a.example' is not an origin such as https://tools.example or "
     "http://10.0.0.8:3000 (without a slash at the end)"},
    {"fetch.dns_servers=10.0.0.0/8",
     "fetch.dns_servers: '10.0.0.0/8' is not ADDRESS, ADDRESS:PORT or [IPV6]:PORT"},
    {"fetch.proxies=http://a:1 u:p@b:2",
     "fetch.proxies: a proxy is not a URL: only URLs that begin with http:// or https:// can be "
     "fetched"},
    {"fetch.proxies=https://u:p@a:1/x",
     "fetch.proxies: a proxy is scheme, host and port, without a path"},
    {"fetch.max_attempts=0", "fetch.max_attempts: '0' is out of range, which is 1 to 100"},
    {"api.allowed_hosts=a b = c", "api.allowed_hosts: a list cannot contain a '='"},
    {"api.allowed_hosts=a\x01", "api.allowed_hosts: contains a control character"},
    {"api.allowed_hosts=b " LETTERS_161,
     "api.allowed_hosts: a word has 161 characters, of at most 160"},
    {"log.level=loud", "log.level: 'loud' is not one of error, warning, info, debug"},
};

START_TEST(bad_assignment_is_explained_and_changes_nothing)
{
    ck_assert_int_eq(config_set(&config, bad[_i].assignment, &err), -EINVAL);
    ck_assert_str_eq(err.message, bad[_i].message);
    assert_all_are_defaults();
}
END_TEST

START_TEST(list_has_a_limit)
{
    char assignment[1024] = "api.allowed_hosts=";
    char *end = assignment + strlen(assignment);

    for (int i = 0; i < 256; i++)
        end = stpcpy(end, " a");
    ck_assert_int_eq(config_set(&config, assignment, &err), 0);
    stpcpy(end, " a");
    ck_assert_int_eq(config_set(&config, assignment, &err), -EINVAL);
    ck_assert_str_eq(err.message, "api.allowed_hosts: has more than 256 entries");
}
END_TEST

START_TEST(memory_for_values_is_limited)
{
    int rc = 0;

    for (int i = 0; i < 100000 && rc == 0; i++)
        rc = config_set(&config, "fetch.user_agent=somebody", &err);
    ck_assert_int_eq(rc, -ENOMEM);
    ck_assert_str_eq(err.message, "fetch.user_agent: out of memory");
    ck_assert_str_eq(config.fetch.user_agent, "somebody");
}
END_TEST

START_TEST(failed_allocation_of_defaults_leaks_nothing)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        struct config another;

        fault_arm(n);
        int rc = config_init(&another);
        if (!fault_disarm()) {
            config_done(&another);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
        config_done(&another);
    }
}
END_TEST

static const char *const others[] = {
    "api.max_items=7",        "api.max_body_bytes=2K", "api.max_wait_ms=3s",
    "fetch.user_agent=other", "egress.nat64=deny",     "egress.allow=10.0.0.0/8",
    "api.listen=127.0.0.1:1",
};

START_TEST(values_of_two_configurations_are_compared_and_copied)
{
    struct config other;
    size_t length = strcspn(others[_i], "=");
    const struct setting *setting = config_find(others[_i], length, NULL);

    ck_assert_int_eq(config_init(&other), 0);
    ck_assert(setting_is_same(setting, &config, &other));
    ck_assert_int_eq(config_set(&other, others[_i], NULL), 0);
    ck_assert(!setting_is_same(setting, &config, &other));
    setting_copy(setting, &config, &other);
    ck_assert(setting_is_same(setting, &config, &other));
    config_done(&other);
}
END_TEST

Suite *suite_config(void);

Suite *suite_config(void)
{
    Suite *suite = suite_create("daemon/base/config");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, done_accepts_null);
    tcase_add_test(tcase, defaults_are_those_that_scripts_rely_on);
    tcase_add_test(tcase, every_default_is_written_as_it_is_printed);
    tcase_add_test(tcase, every_setting_has_one_name_and_some_help);
    tcase_add_loop_test(tcase, value_is_set, 0, N_ELEMENTS(good));
    tcase_add_loop_test(tcase, bad_assignment_is_explained_and_changes_nothing, 0, N_ELEMENTS(bad));
    tcase_add_test(tcase, list_has_a_limit);
    tcase_add_test(tcase, memory_for_values_is_limited);
    tcase_add_test(tcase, failed_allocation_of_defaults_leaks_nothing);
    tcase_add_loop_test(tcase, values_of_two_configurations_are_compared_and_copied, 0,
                        N_ELEMENTS(others));
    suite_add_tcase(suite, tcase);
    return suite;
}
