/* The built-in ranges against an oracle that shares nothing with them: first and last addresses,
 * copied from the registries one by one, compared as text. */

#include "daemon/engine/egress_table.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "daemon/engine/egress.h"

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *first, *last;
} ipv4_blocked[] = {
    {"0.0.0.0", "0.255.255.255"},       {"10.0.0.0", "10.255.255.255"},
    {"100.64.0.0", "100.127.255.255"},  {"127.0.0.0", "127.255.255.255"},
    {"168.63.129.16", "168.63.129.16"}, {"169.254.0.0", "169.254.255.255"},
    {"172.16.0.0", "172.31.255.255"},   {"192.0.0.0", "192.0.0.255"},
    {"192.0.2.0", "192.0.2.255"},       {"192.88.99.0", "192.88.99.255"},
    {"192.168.0.0", "192.168.255.255"}, {"198.18.0.0", "198.19.255.255"},
    {"198.51.100.0", "198.51.100.255"}, {"203.0.113.0", "203.0.113.255"},
    {"224.0.0.0", "255.255.255.255"},
};

/* Every entry of the registry that is not globally reachable, and what 2000::/3 leaves out. */
static const struct {
    const char *first, *last;
} ipv6_blocked[] = {
    {"::1", "::1"},
    {"::", "::"},
    {"::", "::ffff:ffff"},
    {"::ffff:0:0:0", "::ffff:0:ffff:ffff"},
    {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
    {"100::", "100::ffff:ffff:ffff:ffff"},
    {"100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"},
    {"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"},
    {"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

/* Hexadecimal digits without separators, so that strcmp() orders them as addresses. */
struct digits {
    char text[33];
};

static struct digits digits_of(const uint8_t *bytes, size_t n_bytes)
{
    static const char hex[] = "0123456789abcdef";
    struct digits digits = {""};

    for (size_t i = 0; i < n_bytes; i++) {
        digits.text[2 * i] = hex[bytes[i] >> 4];
        digits.text[2 * i + 1] = hex[bytes[i] & 15];
    }
    return digits;
}

static struct digits digits_of_text(int family, const char *text)
{
    uint8_t bytes[16];

    ck_assert_int_eq(inet_pton(family, text, bytes), 1);
    return digits_of(bytes, family == AF_INET ? 4 : 16);
}

static struct {
    struct digits first, last;
} ipv4_digits[N_ELEMENTS(ipv4_blocked)], ipv6_digits[N_ELEMENTS(ipv6_blocked)];

static struct egress *egress;

static void set_up(void)
{
    for (size_t i = 0; i < N_ELEMENTS(ipv4_blocked); i++) {
        ipv4_digits[i].first = digits_of_text(AF_INET, ipv4_blocked[i].first);
        ipv4_digits[i].last = digits_of_text(AF_INET, ipv4_blocked[i].last);
    }
    for (size_t i = 0; i < N_ELEMENTS(ipv6_blocked); i++) {
        ipv6_digits[i].first = digits_of_text(AF_INET6, ipv6_blocked[i].first);
        ipv6_digits[i].last = digits_of_text(AF_INET6, ipv6_blocked[i].last);
    }
    ck_assert_int_eq(egress_new(&egress, NULL, 0, NULL, 0, NULL), 0);
}

static void tear_down(void)
{
    egress_free(egress);
}

static bool oracle_blocks_ipv4(const char *digits)
{
    for (size_t i = 0; i < N_ELEMENTS(ipv4_digits); i++)
        if (strcmp(digits, ipv4_digits[i].first.text) >= 0 &&
            strcmp(digits, ipv4_digits[i].last.text) <= 0)
            return true;
    return false;
}

static bool oracle_blocks(const struct co_address *address)
{
    struct digits all = digits_of(address->bytes, address->family == AF_INET ? 4 : 16);
    const char *digits = all.text;

    if (address->family == AF_INET)
        return oracle_blocks_ipv4(digits);
    if (strncmp(digits, "00000000000000000000ffff", 24) == 0 ||
        strncmp(digits, "0064ff9b0000000000000000", 24) == 0)
        return oracle_blocks_ipv4(digits + 24);
    for (size_t i = 0; i < N_ELEMENTS(ipv6_digits); i++)
        if (strcmp(digits, ipv6_digits[i].first.text) >= 0 &&
            strcmp(digits, ipv6_digits[i].last.text) <= 0)
            return true;
    return false;
}

static void expect_agreement(const struct co_address *address)
{
    char text[CO_ADDRESS_TEXT_SIZE];
    const char *blocked_as = egress_check_address(egress, address);

    if ((blocked_as != NULL) != oracle_blocks(address))
        ck_abort_msg("%s: %s", co_address_format(address, text),
                     blocked_as ? blocked_as : "allowed");
}

/* The address, or one of its neighbours: where a range that is wrong by one would show. */
static void step(struct random *random, struct co_address *address)
{
    size_t last = address->family == AF_INET ? 3 : 15;
    int by = (int)random_below(random, 3) - 1;

    for (size_t i = last + 1; by != 0 && i-- > 0;) {
        address->bytes[i] = (uint8_t)(address->bytes[i] + by);
        bool carry = address->bytes[i] == (by > 0 ? 0x00 : 0xff);
        by = carry ? by : 0;
    }
}

static struct co_address random_edge(struct random *random)
{
    struct co_address address;
    uint32_t i = random_below(random, N_ELEMENTS(ipv4_blocked) + N_ELEMENTS(ipv6_blocked));
    bool last = random_below(random, 2);
    const char *text;

    if (i < N_ELEMENTS(ipv4_blocked)) {
        text = last ? ipv4_blocked[i].last : ipv4_blocked[i].first;
    } else {
        i -= (uint32_t)N_ELEMENTS(ipv4_blocked);
        text = last ? ipv6_blocked[i].last : ipv6_blocked[i].first;
    }
    if (co_address_parse(text, &address) < 0)
        ck_abort_msg("%s", text);
    step(random, &address);
    return address;
}

static struct co_address random_bits(struct random *random)
{
    struct co_address address = {.family = random_below(random, 2) ? AF_INET : AF_INET6};
    uint64_t bits[2] = {random_next(random), random_next(random)};

    memcpy(address.bytes, bits, address.family == AF_INET ? 4 : 16);
    if (address.family == AF_INET6 && random_below(random, 2)) /* half of them in 2000::/3 */
        address.bytes[0] = 0x20 | (address.bytes[0] & 0x1f);
    return address;
}

/* An IPv4 address in the last bytes behind a prefix that embeds or resembles one that does. */
static void embed(struct random *random, struct co_address *address)
{
    static const char *const prefixes[] = {
        "::ffff:0:0",     "64:ff9b::", "::",     "::ffff:0:0:0", "64:ff9b:1::",
        "64:ff9b::1:0:0", "2002::",    "2001::", "::fffe:0:0",
    };
    uint8_t ipv4[4];

    memcpy(ipv4, address->bytes, 4);
    if (co_address_parse(prefixes[random_below(random, N_ELEMENTS(prefixes))], address) < 0)
        ck_abort();
    memcpy(address->bytes + 12, ipv4, 4);
}

START_TEST(built_in_ranges_are_those_of_the_registries)
{
    struct random random = {6};

    for (int i = 0; i < 1000000; i++) {
        struct co_address address =
            random_below(&random, 2) ? random_edge(&random) : random_bits(&random);
        if (address.family == AF_INET && random_below(&random, 2))
            embed(&random, &address);
        address.port = 80;
        expect_agreement(&address);
    }
}
END_TEST

START_TEST(every_edge_of_every_range_is_where_the_registries_have_it)
{
    static const struct {
        const char *allowed;
    } neighbours[] = {
        {"1.0.0.0"},         {"9.255.255.255"},   {"11.0.0.0"},         {"100.63.255.255"},
        {"100.128.0.0"},     {"126.255.255.255"}, {"128.0.0.0"},        {"168.63.129.15"},
        {"168.63.129.17"},   {"169.253.255.255"}, {"169.255.0.0"},      {"172.15.255.255"},
        {"172.32.0.0"},      {"191.255.255.255"}, {"192.0.1.0"},        {"192.0.3.0"},
        {"192.88.98.255"},   {"192.88.100.0"},    {"192.167.255.255"},  {"192.169.0.0"},
        {"198.17.255.255"},  {"198.20.0.0"},      {"198.51.99.255"},    {"198.51.101.0"},
        {"203.0.112.255"},   {"203.0.114.0"},     {"223.255.255.255"},  {"192.31.196.1"},
        {"192.52.193.1"},    {"192.175.48.1"},    {"2000::"},           {"2001:200::"},
        {"2001:db7:ffff::"}, {"2001:db9::"},      {"2003::"},           {"3ffe:ffff::"},
        {"3fff:1000::"},     {"2620:4f:8000::1"}, {"64:ff9b::8.8.8.8"}, {"::ffff:8.8.8.8"},
    };

    for (size_t i = 0; i < N_ELEMENTS(neighbours); i++) {
        struct co_address address;
        ck_assert_int_eq(co_address_parse(neighbours[i].allowed, &address), 0);
        address.port = 443;
        ck_assert_msg(egress_check_address(egress, &address) == NULL, "%s", neighbours[i].allowed);
    }
}
END_TEST

START_TEST(no_address_is_in_no_range)
{
    const struct egress_range *last_ipv4 = NULL, *last_ipv6 = NULL;

    for (size_t i = 0; i < egress_n_ranges; i++) {
        struct co_cidr range;
        ck_assert_msg(co_cidr_parse(egress_ranges[i].range, &range) == 0, "%s",
                      egress_ranges[i].range);
        if (range.network.family == AF_INET)
            last_ipv4 = &egress_ranges[i];
        else
            last_ipv6 = &egress_ranges[i];
    }
    ck_assert_str_eq(last_ipv4->range, "0.0.0.0/0");
    ck_assert_str_eq(last_ipv6->range, "::/0");
}
END_TEST

START_TEST(bad_ports_are_those_of_other_services)
{
    static const uint16_t good[] = {2,    24,   26,   80,   81,    443,  1024,
                                    5000, 7480, 8080, 8443, 10081, 65535};
    static const uint16_t bad[] = {0, 1, 21, 22, 25, 53, 110, 143, 2049, 4190, 6000, 6667, 10080};
    size_t n_bad = 0;

    for (size_t i = 0; i < N_ELEMENTS(good); i++)
        ck_assert_msg(!egress_port_is_bad(good[i]), "%u", good[i]);
    for (size_t i = 0; i < N_ELEMENTS(bad); i++)
        ck_assert_msg(egress_port_is_bad(bad[i]), "%u", bad[i]);
    /* Were the table not in order, the search would miss some. */
    for (uint32_t port = 0; port <= UINT16_MAX; port++)
        n_bad += egress_port_is_bad((uint16_t)port);
    ck_assert_uint_eq(n_bad, 83);
}
END_TEST

Suite *suite_egress_table(void);

Suite *suite_egress_table(void)
{
    Suite *suite = suite_create("egress_table");
    TCase *tcase = tcase_create("egress_table");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, built_in_ranges_are_those_of_the_registries);
    tcase_add_test(tcase, every_edge_of_every_range_is_where_the_registries_have_it);
    tcase_add_test(tcase, no_address_is_in_no_range);
    tcase_add_test(tcase, bad_ports_are_those_of_other_services);
    suite_add_tcase(suite, tcase);
    return suite;
}
