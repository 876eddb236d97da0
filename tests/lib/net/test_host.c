#include "lib/net/host.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/net/url_problem.h"

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_253                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                         \
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text, *canonical;
    int family;
} hosts[] = {
    {"example.com", "example.com", AF_UNSPEC},
    {"EXAMPLE.Com", "example.com", AF_UNSPEC},
    {"example.com.", "example.com", AF_UNSPEC},
    {"a_b.example", "a_b.example", AF_UNSPEC},
    {"-a-", "-a-", AF_UNSPEC},
    {"xn--fa-hia.de", "xn--fa-hia.de", AF_UNSPEC},
    {"1.2.3.4a", "1.2.3.4a", AF_UNSPEC},
    {"1e2", "1e2", AF_UNSPEC},
    {"0xg", "0xg", AF_UNSPEC},
    {"1.example", "1.example", AF_UNSPEC},
    {LABEL_63 ".de", LABEL_63 ".de", AF_UNSPEC},
    {NAME_253, NAME_253, AF_UNSPEC},
    {NAME_253 ".", NAME_253, AF_UNSPEC},
    {"127.0.0.1", "127.0.0.1", AF_INET},
    {"127.0.0.1.", "127.0.0.1", AF_INET},
    {"127.1", "127.0.0.1", AF_INET},
    {"127.1.", "127.0.0.1", AF_INET},
    {"127.0.1", "127.0.0.1", AF_INET},
    {"2130706433", "127.0.0.1", AF_INET},
    {"017700000001", "127.0.0.1", AF_INET},
    {"0x7f000001", "127.0.0.1", AF_INET},
    {"0X7F.1", "127.0.0.1", AF_INET},
    {"0x7f.0.0.1", "127.0.0.1", AF_INET},
    {"0177.0.0.1", "127.0.0.1", AF_INET},
    {"0", "0.0.0.0", AF_INET},
    {"0.1.2.3", "0.1.2.3", AF_INET},
    {"4294967295", "255.255.255.255", AF_INET},
    {"[::1]", "::1", AF_INET6},
    {"[::FFFF:127.0.0.1]", "::ffff:127.0.0.1", AF_INET6},
    {"[2001:DB8:0:0::1]", "2001:db8::1", AF_INET6},
};

START_TEST(every_spelling_of_a_host_has_one_canonical_form)
{
    struct co_host host;

    ck_assert_int_eq(co_host_parse(hosts[_i].text, &host), 0);
    ck_assert_str_eq(host.text, hosts[_i].canonical);
    ck_assert_int_eq(host.address.family, hosts[_i].family);
    ck_assert_uint_eq(host.address.port, 0);
}
END_TEST

static const struct {
    const char *text;
    int problem;
} bad_hosts[] = {
    {"", CO_URL_NO_HOST},
    {".", CO_URL_NO_HOST},
    {"..", CO_URL_EMPTY_LABEL},
    {".example", CO_URL_EMPTY_LABEL},
    {"a..b", CO_URL_EMPTY_LABEL},
    {"example..", CO_URL_EMPTY_LABEL},
    {"127.0.0.1..", CO_URL_EMPTY_LABEL},
    {"a" LABEL_63, CO_URL_HOST_TOO_LONG},
    {"a" NAME_253, CO_URL_HOST_TOO_LONG},
    {"ab." NAME_253, CO_URL_HOST_TOO_LONG},
    {"a b", CO_URL_BAD_HOST},
    {"a%41", CO_URL_BAD_HOST},
    {"a/b", CO_URL_BAD_HOST},
    {"a:80", CO_URL_BAD_HOST},
    {"a@b", CO_URL_BAD_HOST},
    {"a\\b", CO_URL_BAD_HOST},
    {"a~b", CO_URL_BAD_HOST},
    {"a|b", CO_URL_BAD_HOST},
    {"*.example", CO_URL_BAD_HOST},
    {"a\nb", CO_URL_BAD_HOST},
    {"\u00fc.de", CO_URL_BAD_HOST},
    {"256.0.0.1", CO_URL_BAD_IPV4},
    {"1.2.3.4.5", CO_URL_BAD_IPV4},
    {"127.0.0.08", CO_URL_BAD_IPV4},
    {"127.0.0.0x", CO_URL_BAD_IPV4},
    {"4294967296", CO_URL_BAD_IPV4},
    {"0xfffffffff", CO_URL_BAD_IPV4},
    {"example.1", CO_URL_BAD_IPV4},
    {"example.0x1", CO_URL_BAD_IPV4},
    {"1.2.3.99999999999999999999999", CO_URL_BAD_IPV4},
    {"[", CO_URL_BAD_IPV6},
    {"[]", CO_URL_BAD_IPV6},
    {"[::1", CO_URL_BAD_IPV6},
    {"[::1].", CO_URL_BAD_IPV6},
    {"[::1]x", CO_URL_BAD_IPV6},
    {"[127.0.0.1]", CO_URL_BAD_IPV6},
    {"[fe80::1%1]", CO_URL_BAD_IPV6},
    {"::1", CO_URL_BAD_HOST},
};

START_TEST(a_host_that_is_neither_name_nor_address_is_refused)
{
    struct co_host host;

    ck_assert_int_eq(co_host_parse(bad_hosts[_i].text, &host), bad_hosts[_i].problem);
}
END_TEST

/* A text of the characters that numbers, names and separators are made of. */
static void random_host(struct random *random, char *ret_text)
{
    static const char alphabet[] = "0123456789xXaAfFz.....-_:[]";
    size_t length = 1 + random_below(random, 20);

    for (size_t i = 0; i < length; i++)
        ret_text[i] = alphabet[random_below(random, sizeof(alphabet) - 1)];
    ret_text[length] = '\0';
}

/* inet_aton() takes most, and inet_pton() the rest. */
static bool system_reads_address(const char *text)
{
    struct in_addr in;
    struct in6_addr in6;

    return inet_aton(text, &in) || inet_pton(AF_INET6, text, &in6) == 1;
}

static bool is_canonical(const struct co_host *host)
{
    struct co_host again;
    char text[sizeof(host->text) + 2];
    bool is_ipv6 = host->address.family == AF_INET6;

    if (is_ipv6)
        snprintf(text, sizeof(text), "[%s]", host->text);
    return co_host_parse(is_ipv6 ? text : host->text, &again) == 0 &&
           strcmp(host->text, again.text) == 0 && co_address_equal(&host->address, &again.address);
}

START_TEST(no_name_is_an_address_to_any_parser_of_the_system)
{
    struct random random = {3};
    size_t n_names = 0, n_addresses = 0;

    for (int i = 0; i < 100000; i++) {
        char text[32];
        struct co_host host;

        random_host(&random, text);
        if (co_host_parse(text, &host) != 0)
            continue;
        bool is_address = host.address.family != AF_UNSPEC;
        n_addresses += is_address;
        n_names += !is_address;
        if (system_reads_address(host.text) != is_address || !is_canonical(&host))
            ck_abort_msg("%s became %s", text, host.text);
    }
    ck_assert_uint_gt(n_names, 1000);
    ck_assert_uint_gt(n_addresses, 1000);
}
END_TEST

Suite *suite_host(void);

Suite *suite_host(void)
{
    Suite *suite = suite_create("host");
    TCase *tcase = tcase_create("host");

    tcase_add_loop_test(tcase, every_spelling_of_a_host_has_one_canonical_form, 0,
                        N_ELEMENTS(hosts));
    tcase_add_loop_test(tcase, a_host_that_is_neither_name_nor_address_is_refused, 0,
                        N_ELEMENTS(bad_hosts));
    tcase_add_test(tcase, no_name_is_an_address_to_any_parser_of_the_system);
    suite_add_tcase(suite, tcase);
    return suite;
}
