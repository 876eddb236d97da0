#include "daemon/api/http_site.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct string_list none;
static const struct string_list hosts = {
    (const char *const[]){"gather.example", "proxy.example:8443", "[fd00::1]"}, 3};
static const struct string_list origins = {(const char *const[]){"https://board.example"}, 1};

#define LISTS .hosts = &hosts, .origins = &origins

static const struct http_site tcp = {.address = "192.0.2.1", .port = 7480, LISTS};
static const struct http_site tcp6 = {.address = "[2001:db8::1]", .port = 7480, LISTS};
static const struct http_site port_80 = {.address = "192.0.2.1", .port = 80, LISTS};
static const struct http_site unix_socket = {LISTS};
static const struct http_site bare = {
    .address = "192.0.2.1", .port = 7480, .hosts = &none, .origins = &none};

static const struct {
    const struct http_site *site;
    const char *host;
    bool is_ours;
} named[] = {
    {&tcp, "192.0.2.1:7480", true},
    {&tcp, "127.0.0.1:7480", true},
    {&tcp, "[::1]:7480", true},
    {&tcp, "localhost:7480", true},
    {&tcp, "LocalHost:7480", true},
    {&tcp6, "[2001:db8::1]:7480", true},
    {&tcp6, "[2001:DB8::1]:7480", true},
    {&tcp, "gather.example", true},
    {&tcp, "GATHER.example:443", true},
    {&tcp, "proxy.example:8443", true},
    {&tcp, "[fd00::1]", true},
    {&tcp, "[fd00::1]:99", true},
    {&port_80, "192.0.2.1", true},
    {&port_80, "192.0.2.1:80", true},
    {&port_80, "localhost", true},
    {&unix_socket, "localhost", true},
    {&unix_socket, "localhost:1", true},
    {&unix_socket, "localhost:", true},
    {&unix_socket, "127.0.0.1", true},
    {&unix_socket, "gather.example", true},

    {&tcp, "", false},
    {&tcp, ":7480", false},
    {&tcp, "192.0.2.1", false},
    {&tcp, "192.0.2.1:", false},
    {&tcp, "192.0.2.1:7481", false},
    {&tcp, "192.0.2.1:07480 ", false},
    {&tcp, "192.0.2.1:748000000000000000000", false},
    {&tcp, "192.0.2.1:73016", false}, /* 7480 + 65536 */
    {&tcp, "192.0.2.1:-7480", false},
    {&tcp, "192.0.2.1:7480:7480", false},
    {&tcp, "192.0.2.2:7480", false},
    {&tcp, "localhost", false},
    {&tcp, "localhost.:7480", false},
    {&tcp, "localhost.evil.example:7480", false},
    {&tcp, "evil.example", false},
    {&tcp, "evil.example:7480", false},
    {&tcp, "user@localhost:7480", false},
    {&tcp, "proxy.example", false},
    {&tcp, "proxy.example:7480", false},
    {&tcp, "gather.example:https", false},
    {&tcp, "gather.example:80:80", false},
    {&tcp, "[fd00::1]99", false},
    {&tcp, "sub.gather.example", false},
    {&tcp, "gather.example.evil.example", false},
    {&tcp, "[::1", false},
    {&tcp, "[", false},
    {&tcp, "[::1]x:7480", false},
    {&tcp, "::1:7480", false},
    {&tcp6, "2001:db8::1:7480", false},
    {&unix_socket, "evil.example", false},
    {&unix_socket, "", false},
    {&unix_socket, "localhost:x", false},
    {&unix_socket, "[::1]x", false},
    {&bare, "gather.example", false},
};

START_TEST(only_our_own_names_are_ours)
{
    ck_assert_int_eq(http_site_has_host(named[_i].site, named[_i].host, strlen(named[_i].host)),
                     named[_i].is_ours);
}
END_TEST

START_TEST(what_follows_the_authority_is_not_looked_at)
{
    ck_assert(http_site_has_host(&tcp, "localhost:7480/path", strlen("localhost:7480")));
    ck_assert(!http_site_has_host(&tcp, "localhost:7480", strlen("localhost")));
    ck_assert(!http_site_has_host(&tcp, "[::1]:7480", strlen("[::1")));
}
END_TEST

static const struct {
    const char *origin, *host;
    bool is_trusted;
} pages[] = {
    {"http://localhost:7480", "localhost:7480", true},
    {"HTTP://LOCALHOST:7480", "localhost:7480", true},
    {"https://board.example", "localhost:7480", true},
    {"https://board.example", NULL, true},
    {"https://localhost:7480", "localhost:7480", false},
    {"http://localhost", "localhost:7480", false},
    {"http://localhost:7480/", "localhost:7480", false},
    {"http://127.0.0.1:7480", "localhost:7480", false},
    {"http://board.example", "localhost:7480", false},
    {"https://board.example:443", "localhost:7480", false},
    {"null", "localhost:7480", false},
    {"", "localhost:7480", false},
    {"http://", NULL, false},
};

START_TEST(only_our_own_and_listed_pages_are_trusted)
{
    ck_assert_int_eq(http_site_trusts_origin(&tcp, pages[_i].origin, pages[_i].host),
                     pages[_i].is_trusted);
}
END_TEST

Suite *suite_http_site(void);

Suite *suite_http_site(void)
{
    Suite *suite = suite_create("http_site");
    TCase *tcase = tcase_create("http_site");

    tcase_add_loop_test(tcase, only_our_own_names_are_ours, 0, N_ELEMENTS(named));
    tcase_add_test(tcase, what_follows_the_authority_is_not_looked_at);
    tcase_add_loop_test(tcase, only_our_own_and_listed_pages_are_trusted, 0, N_ELEMENTS(pages));
    suite_add_tcase(suite, tcase);
    return suite;
}
