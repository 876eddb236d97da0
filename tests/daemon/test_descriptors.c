#include "daemon/descriptors.h"

#include <check.h>

static struct config config;

static void fit(uint64_t limit)
{
    ck_assert_int_eq(config_init(&config), 0);
    log_set_level(LOG_LEVEL_ERROR);
    descriptors_fit(&config, limit);
    log_set_level(LOG_LEVEL_INFO);
}

START_TEST(what_fits_is_left_as_it_is)
{
    fit(100000);
    ck_assert_uint_eq(config.api.max_connections, 1024);
    ck_assert_uint_eq(config.fetch.concurrency, 256);
    ck_assert_uint_eq(config.fetch.max_idle_connections, 256);
    config_done(&config);
}
END_TEST

static const uint64_t limits[] = {0, 1, 48, 49, 64, 100, 256, 1000, 1023, 1024, 1500, 1839};

START_TEST(what_does_not_fit_is_lowered_and_never_to_nothing)
{
    fit(limits[_i]);
    uint64_t n = config.api.max_connections + 2 * config.fetch.concurrency +
                 config.fetch.max_idle_connections;
    if (limits[_i] >= 64)
        ck_assert_uint_le(n, limits[_i] - 32);
    ck_assert_uint_ge(config.api.max_connections, 1);
    ck_assert_uint_ge(config.fetch.concurrency, 1);
    ck_assert_uint_ge(config.fetch.max_idle_connections, 1);
    config_done(&config);
}
END_TEST

Suite *suite_descriptors(void);

Suite *suite_descriptors(void)
{
    Suite *suite = suite_create("daemon/descriptors");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, what_fits_is_left_as_it_is);
    tcase_add_loop_test(tcase, what_does_not_fit_is_lowered_and_never_to_nothing, 0,
                        sizeof(limits) / sizeof(limits[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
