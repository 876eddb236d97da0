#include "daemon/settings.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fault.h"

static struct config config;
static char complaints[1024];

static void set_up(void)
{
    complaints[0] = '\0';
    ck_assert_int_eq(config_init(&config), 0);
}

static void tear_down(void)
{
    config_done(&config);
}

static void set(const char *assignment)
{
    ck_assert_int_eq(config_set(&config, assignment, NULL), 0);
}

static void note(void *arg, const char *message)
{
    (void)arg;
    strcat(strcat(complaints, message), "\n");
}

static struct job_spec *parse(const struct settings *settings, const char *document)
{
    struct defect_list defects;
    struct parse_refusal refusal;
    struct job_spec *spec;

    defect_list_init(&defects);
    ck_assert_int_eq(job_parse(&settings->requests.parse, PARSE_GATHER, NULL, document,
                               strlen(document), &defects, &refusal, &spec),
                     0);
    defect_list_done(&defects);
    return spec;
}

START_TEST(requests_keep_what_they_were_read_with)
{
    struct settings *settings;

    set("fetch.user_agent=me/1");
    set("fetch.proxies=http://127.0.0.1:3128");
    ck_assert_int_eq(settings_new(&settings, &config, note, NULL), 0);
    struct job_spec *spec = parse(settings, "{\"requests\": [{\"url\": \"http://a.example/\", "
                                            "\"proxy\": \"http://127.0.0.1:3128\"}]}");
    settings_unref(settings);
    const struct fetch_options *options = spec->requests[0].options;
    ck_assert_str_eq(options->headers[0].value, "me/1");
    ck_assert_str_eq(options->proxy->origin, "http://127.0.0.1:3128");
    job_spec_free(spec);
}
END_TEST

START_TEST(all_that_is_wrong_is_told)
{
    struct settings *settings;

    set("fetch.secrets_file=/nonexistent/secrets");
    set("api.tokens_file=/nonexistent/tokens");
    set("egress.nat64_prefixes=2001:db8::/33");
    ck_assert_int_eq(settings_new(&settings, &config, note, NULL), -EINVAL);
    ck_assert_ptr_nonnull(strstr(complaints, "/nonexistent/secrets"));
    ck_assert_ptr_nonnull(strstr(complaints, "/nonexistent/tokens"));
    ck_assert_ptr_nonnull(strstr(complaints, "2001:db8::/33"));
}
END_TEST

START_TEST(without_memory_nothing_is_left)
{
    size_t live = fault_live();
    bool failed = true;

    config_done(&config);
    for (unsigned n = 1; failed; n++) {
        struct settings *settings = NULL;
        complaints[0] = '\0';
        set_up();
        set("egress.deny=10.0.0.0/8");
        fault_arm(n);
        int rc = settings_new(&settings, &config, note, NULL);
        failed = fault_disarm();
        ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
        ck_assert_int_eq(complaints[0] != '\0', failed);
        settings_unref(settings);
        ck_assert_uint_le(fault_live(), live);
    }
}
END_TEST

Suite *suite_settings(void);

Suite *suite_settings(void)
{
    Suite *suite = suite_create("daemon/settings");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, requests_keep_what_they_were_read_with);
    tcase_add_test(tcase, all_that_is_wrong_is_told);
    tcase_add_test(tcase, without_memory_nothing_is_left);
    suite_add_tcase(suite, tcase);
    return suite;
}
