#include "daemon/api/http_accept.h"

#include <check.h>
#include <string.h>

#include "daemon/api/http_exchange_private.h"
#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct http_exchange exchange;

static void set_up(void)
{
    http_exchange_init(&exchange);
}

static void tear_down(void)
{
    http_exchange_done(&exchange);
}

/* A request with up to two such headers. */
static void ask(const char *name, const char *first, const char *second)
{
    const char *values[] = {first, second};
    struct http_field fields[2];
    struct http_head head = {.method = "GET", .target = "/", .version = "HTTP/1.1"};

    for (size_t i = 0; i < 2 && values[i] != NULL; i++, head.n_fields++)
        fields[i] = (struct http_field){
            .name = name,
            .name_length = strlen(name),
            .value = values[i],
            .value_length = strlen(values[i]),
        };
    head.fields = fields;
    ck_assert_int_eq(http_exchange_set_head(&exchange, &head), 0);
}

static const char *const types[] = {"application/json", "application/x-ndjson", "text/csv"};

static const struct {
    const char *first, *second;
    int chosen;
} choices[] = {
    {NULL, NULL, 0},
    {"*/*", NULL, 0},
    {"text/csv", NULL, 2},
    {"Text/CSV", NULL, 2},
    {"text/*", NULL, 2},
    {"image/png", NULL, -1},
    {"image/png, text/csv", NULL, 2},
    {"image/png", "text/csv", 2},
    {"text/csv;q=0.9, application/json", NULL, 0},
    {"text/csv;q=0.9, application/json;q=0.8", NULL, 2},
    {"text/csv ; q=0.900 ,application/json;q=0.899", NULL, 2},
    {"*/*;q=0.1, application/x-ndjson;q=0.2", NULL, 1},
    {"application/json;q=0, */*", NULL, 1},
    {"application/*;q=0, */*", NULL, 2},
    {"*/*;q=0", NULL, -1},
    {"text/csv;q=0", NULL, -1},
    {"text/csv;charset=utf-8;q=0.5, application/json;q=0.4", NULL, 2},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", NULL, 0},
    {"", NULL, -1},
    {",,;;,", NULL, -1},
    {"text", NULL, -1},
    {"*", NULL, -1},
    {"text/csv;q=1.1", NULL, -1},
    {"text/csv;q=2", NULL, -1},
    {"text/csv;q=", NULL, -1},
    {"text/csv;q=1.", NULL, 2},
    {"text/csv;q=0.", NULL, -1},
    {"text/csv;q=1.001", NULL, -1},
    {"text/csv;q=0.1234", NULL, -1},
    {"text/csv;q=-1", NULL, -1},
};

START_TEST(best_liked_type_is_chosen)
{
    ask("Accept", choices[_i].first, choices[_i].second);
    ck_assert_int_eq(http_accept_choose(&exchange, types, N_ELEMENTS(types)), choices[_i].chosen);
}
END_TEST

static const struct {
    const char *value;
    bool gzip;
} encodings[] = {
    {NULL, false},
    {"", false},
    {"gzip", true},
    {"GZIP", true},
    {"deflate, gzip, br", true},
    {"gzip;q=0", false},
    {"gzip;q=0.001", true},
    {"*", true},
    {"gzip;q=0, *", false},
    {"identity, gzip;q=0.5", false},
    {"identity;q=0.5, gzip", true},
    {"br, deflate", false},
    {"xgzip", false},
};

START_TEST(gzip_is_for_who_can_read_it)
{
    ask("Accept-Encoding", encodings[_i].value, NULL);
    ck_assert_int_eq(http_accept_gzip(&exchange), encodings[_i].gzip);
}
END_TEST

Suite *suite_http_accept(void);

Suite *suite_http_accept(void)
{
    Suite *suite = suite_create("http_accept");
    TCase *tcase = tcase_create("http_accept");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, best_liked_type_is_chosen, 0, N_ELEMENTS(choices));
    tcase_add_loop_test(tcase, gzip_is_for_who_can_read_it, 0, N_ELEMENTS(encodings));
    suite_add_tcase(suite, tcase);
    return suite;
}
