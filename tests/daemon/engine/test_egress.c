#include "daemon/engine/egress.h"

#include <check.h>
#include <errno.h>
#include <ifaddrs.h>
#include <locale.h>
#include <string.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_RANGES        4

static size_t length_of(const char *const list[MAX_RANGES])
{
    size_t n = 0;

    while (n < MAX_RANGES && list[n])
        n++;
    return n;
}

static struct egress *policy(const char *const allow[MAX_RANGES],
                             const char *const deny[MAX_RANGES])
{
    struct egress *egress;
    struct err err = {""};
    int rc = egress_new(&egress, allow, length_of(allow), deny, length_of(deny), &err);

    ck_assert_msg(rc == 0, "%s", err.message);
    return egress;
}

static struct co_address address_of(const char *text, uint16_t port)
{
    struct co_address address;

    ck_assert_msg(co_address_parse(text, &address) == 0, "%s", text);
    address.port = port;
    return address;
}

static void expect_address(const struct egress *egress, const char *text, uint16_t port,
                           const char *blocked_as)
{
    struct co_address address = address_of(text, port);

    ck_assert_pstr_eq(egress_check_address(egress, &address), blocked_as);
}

static void expect_url(const struct egress *egress, const char *text, const char *blocked_as)
{
    struct co_url url;

    ck_assert_msg(co_url_parse(text, strlen(text), &url) == 0, "%s", text);
    ck_assert_pstr_eq(egress_check_url(egress, &url), blocked_as);
    co_url_done(&url);
}

static const struct {
    const char *url, *blocked_as; /* blocked_as NULL: allowed */
} by_default[] = {
    {"http://example.com/", NULL},
    {"https://example.com:8443/", NULL},
    {"http://93.184.216.34/", NULL},
    {"http://[2606:2800:220:1::1]/", NULL},

    {"http://127.0.0.1/", "ipv4-loopback"},
    {"http://127.1/", "ipv4-loopback"},
    {"http://127.1./", "ipv4-loopback"},
    {"http://2130706433/", "ipv4-loopback"},
    {"http://0x7f.0.0.1/", "ipv4-loopback"},
    {"http://0177.0.0.1/", "ipv4-loopback"},
    {"http://%31%32%37.0.0.1/", "ipv4-loopback"},
    {"http://\u2460\u2461\u2466.0.0.1/", "ipv4-loopback"},
    {"http://127\u30021/", "ipv4-loopback"},
    {"http://0/", "ipv4-this-network"},
    {"http://0.1.2.3/", "ipv4-this-network"},
    {"http://10.0.0.1/", "ipv4-private"},
    {"http://172.16.0.1/", "ipv4-private"},
    {"http://192.168.1.1/", "ipv4-private"},
    {"http://100.64.0.1/", "ipv4-shared"},
    {"http://255.255.255.255/", "ipv4-broadcast"},
    {"http://240.0.0.1/", "ipv4-reserved"},
    {"http://224.0.0.1/", "ipv4-multicast"},
    {"http://169.254.169.254/", "ipv4-link-local"},
    {"http://0xa9fea9fe/", "ipv4-link-local"},
    {"http://0251.0376.0251.0376/", "ipv4-link-local"},
    {"http://2852039166/", "ipv4-link-local"},
    {"http://168.63.129.16/", "ipv4-cloud-platform"},

    {"http://[::1]/", "ipv6-loopback"},
    {"http://[::]/", "ipv6-unspecified"},
    {"http://[::ffff:127.0.0.1]/", "ipv4-loopback"},
    {"http://[::ffff:a9fe:a9fe]/", "ipv4-link-local"},
    {"http://[::ffff:8.8.8.8]/", NULL},
    {"http://[64:ff9b::10.0.0.1]/", "ipv4-private"},
    {"http://[64:ff9b::8.8.8.8]/", NULL},
    {"http://[::127.0.0.1]/", "ipv6-not-global"},
    {"http://[::ffff:0:127.0.0.1]/", "ipv6-not-global"},
    {"http://[64:ff9b:1::1]/", "ipv6-not-global"},
    {"http://[2002:7f00:1::]/", "ipv6-6to4"},
    {"http://[2001:0:7f00:1::]/", "ipv6-teredo"},
    {"http://[2001:2::1]/", "ipv6-protocol"},
    {"http://[2001:db8::1]/", "ipv6-documentation"},
    {"http://[3fff::1]/", "ipv6-documentation"},
    {"http://[fd00:ec2::254]/", "ipv6-unique-local"},
    {"http://[fe80::1]/", "ipv6-link-local"},
    {"http://[fec0::1]/", "ipv6-not-global"},
    {"http://[ff02::1]/", "ipv6-multicast"},
    {"http://[5f00::1]/", "ipv6-not-global"},

    {"http://localhost/", "name-localhost"},
    {"http://LOCALHOST./", "name-localhost"},
    {"http://foo.localhost/", "name-localhost"},
    {"http://loc\u00adalhost/", "name-localhost"},
    {"http://notlocalhost/", NULL},
    {"http://localhost.example/", NULL},
    {"http://printer.local/", "name-local"},
    {"http://metadata.google.internal/", "name-internal"},
    {"http://router.home.arpa/", "name-home-arpa"},
    {"http://home.arpa/", "name-home-arpa"},
    {"http://arpa/", NULL},
    {"http://x.onion/", "name-onion"},
    {"http://x.i2p/", "name-i2p"},

    {"http://example.com:25/", "port-bad"},
    {"http://example.com:6667/", "port-bad"},
    {"http://93.184.216.34:22/", "port-bad"},
    {"http://[2606:2800:220:1::1]:22/", "port-bad"},
};

START_TEST(default_policy_allows_the_public_internet_only)
{
    struct egress *egress = policy((const char *[MAX_RANGES]){0}, (const char *[MAX_RANGES]){0});

    expect_url(egress, by_default[_i].url, by_default[_i].blocked_as);
    egress_free(egress);
}
END_TEST

static const struct {
    const char *allow[MAX_RANGES], *deny[MAX_RANGES];
    const char *url, *blocked_as;
} configured[] = {
    {{"127.0.0.0/8"}, {0}, "http://127.0.0.1:8080/", NULL},
    {{"127.0.0.0/8"}, {0}, "http://[::ffff:127.0.0.1]:8080/", NULL},
    {{"127.0.0.0/8"}, {0}, "http://[::1]:8080/", "ipv6-loopback"},
    {{"127.0.0.0/8"}, {0}, "http://10.0.0.1/", "ipv4-private"},
    {{"127.0.0.0/8"}, {0}, "http://127.0.0.1:25/", "port-bad"},
    {{"127.0.0.1:8080"}, {0}, "http://127.0.0.1:8080/", NULL},
    {{"127.0.0.1:8080"}, {0}, "http://127.0.0.1:8081/", "ipv4-loopback"},
    {{"127.0.0.1:25"}, {0}, "http://127.0.0.1:25/", NULL},
    {{"[::1]:8080"}, {0}, "http://[::1]:8080/", NULL},
    {{"::/0"}, {0}, "http://[fd00::1]/", NULL},
    {{"::/0"}, {0}, "http://[::ffff:127.0.0.1]/", "ipv4-loopback"},
    {{"::/0"}, {0}, "http://[64:ff9b::7f00:1]/", "ipv4-loopback"},
    {{"10.0.0.0/8"}, {0}, "http://[64:ff9b::10.0.0.1]/", NULL},
    {{"93.184.216.34:25"}, {0}, "http://93.184.216.34:25/", NULL},
    {{"93.184.216.34:25"}, {0}, "http://93.184.216.34/", NULL},

    {{0}, {"93.184.0.0/16"}, "http://93.184.216.34/", "egress.deny 93.184.0.0/16"},
    {{0}, {"93.184.0.0/16:80"}, "http://93.184.216.34/", "egress.deny 93.184.0.0/16:80"},
    {{0}, {"93.184.0.0/16:80"}, "https://93.184.216.34/", NULL},
    {{0}, {"64:ff9b::/96"}, "http://[64:ff9b::8.8.8.8]/", "egress.deny 64:ff9b::/96"},
    {{0}, {"::/0"}, "http://[64:ff9b::8.8.8.8]/", "egress.deny ::/0"},
    {{0}, {"8.8.8.8"}, "http://[64:ff9b::8.8.8.8]/", "egress.deny 8.8.8.8"},

    {{"10.0.0.0/8"}, {"10.1.0.0/16"}, "http://10.1.2.3/", "egress.deny 10.1.0.0/16"},
    {{"10.0.0.0/8"}, {"10.1.0.0/16"}, "http://10.2.0.0/", NULL},
    {{"10.1.0.0/16"}, {"10.0.0.0/8"}, "http://10.1.2.3/", NULL},
    {{"10.1.0.0/16"}, {"10.0.0.0/8"}, "http://10.2.0.0/", "egress.deny 10.0.0.0/8"},
    {{"93.184.216.34"}, {"0.0.0.0/0", "::/0"}, "http://93.184.216.34/", NULL},
    {{"93.184.216.34"}, {"0.0.0.0/0", "::/0"}, "http://8.8.8.8/", "egress.deny 0.0.0.0/0"},
    {{"10.0.0.0/8"}, {"10.0.0.0/8"}, "http://10.0.0.1/", "egress.deny 10.0.0.0/8"},
    {{"10.0.0.0/8:80"}, {"10.0.0.0/8"}, "http://10.0.0.1/", NULL},
    {{"10.0.0.0/8"}, {"10.0.0.0/8:80"}, "http://10.0.0.1/", "egress.deny 10.0.0.0/8:80"},

    {{"127.0.0.0/8"}, {0}, "http://localhost:8080/", NULL},
    {{"127.0.0.1:8080"}, {0}, "http://localhost:8080/", NULL},
    {{"::1"}, {0}, "http://localhost/", NULL},
    {{"0.0.0.0/0"}, {0}, "http://localhost/", NULL},
    {{"10.0.0.0/8"}, {0}, "http://localhost/", "name-localhost"},
    {{"127.0.0.0/8"}, {0}, "http://x.internal/", "name-internal"},
    {{"10.0.0.0/8"}, {0}, "http://x.internal/", NULL},
    {{"fd00::/8"}, {0}, "http://x.local/", NULL},
    {{"0.0.0.0/0", "::/0"}, {0}, "http://x.onion/", "name-onion"},
    {{"127.0.0.0/8:25"}, {0}, "http://localhost:25/", NULL},
    {{"127.0.0.0/8:25"}, {0}, "http://localhost:22/", "port-bad"},
};

START_TEST(the_most_specific_range_of_the_operator_decides)
{
    struct egress *egress = policy(configured[_i].allow, configured[_i].deny);

    expect_url(egress, configured[_i].url, configured[_i].blocked_as);
    egress_free(egress);
}
END_TEST

static const struct {
    const char *allow[MAX_RANGES], *deny[MAX_RANGES], *complaint;
} refused[] = {
    {{"10.0.0/8"}, {0}, "egress.allow: \"10.0.0/8\" is not a range"},
    {{"127.0.0.1", "localhost"}, {0}, "egress.allow: \"localhost\" is not a range"},
    {{0}, {"10.0.0.1/8"}, "egress.deny: \"10.0.0.1/8\" is not a range"},
    {{0}, {""}, "egress.deny: \"\" is not a range"},
    {{"::ffff:127.0.0.0/104"}, {0}, "egress.allow: \"::ffff:127.0.0.0/104\" stands for IPv4"},
    {{"64:ff9b::/96"}, {0}, "egress.allow: \"64:ff9b::/96\" stands for IPv4"},
};

START_TEST(a_range_that_cannot_be_used_is_refused_by_name)
{
    struct egress *egress = NULL;
    struct err err = {""};
    size_t n_allow = length_of(refused[_i].allow), n_deny = length_of(refused[_i].deny);

    ck_assert_int_eq(
        egress_new(&egress, refused[_i].allow, n_allow, refused[_i].deny, n_deny, &err), -EINVAL);
    ck_assert_ptr_null(egress);
    ck_assert_msg(strncmp(err.message, refused[_i].complaint, strlen(refused[_i].complaint)) == 0,
                  "%s", err.message);
}
END_TEST

START_TEST(an_address_of_no_known_family_is_blocked)
{
    struct egress *egress =
        policy((const char *[MAX_RANGES]){"0.0.0.0/0", "::/0"}, (const char *[MAX_RANGES]){0});
    struct co_address none = {.port = 80};

    ck_assert_str_eq(egress_check_address(egress, &none), "address-family");
    egress_free(egress);
}
END_TEST

/* Own listeners. */

static struct egress *open_policy_listening_at(const char *text, uint16_t port)
{
    struct egress *egress =
        policy((const char *[MAX_RANGES]){"0.0.0.0/0", "::/0", "127.0.0.1:7480"},
               (const char *[MAX_RANGES]){0});
    struct co_address address = address_of(text, port);

    ck_assert_int_eq(egress_block_listener(egress, &address), 0);
    return egress;
}

START_TEST(an_own_listener_is_blocked_whatever_is_allowed)
{
    struct egress *egress = open_policy_listening_at("127.0.0.1", 7480);

    expect_address(egress, "127.0.0.1", 7480, "own-listener");
    expect_address(egress, "::ffff:127.0.0.1", 7480, "own-listener");
    expect_address(egress, "0.0.0.0", 7480, "own-listener");
    expect_address(egress, "::", 7480, "own-listener");
    expect_address(egress, "127.0.0.1", 7481, NULL);
    expect_address(egress, "127.0.0.2", 7480, NULL);
    expect_address(egress, "::1", 7480, NULL);
    egress_free(egress);
}
END_TEST

START_TEST(a_listener_in_mapped_form_is_blocked_in_both_forms)
{
    struct egress *egress = open_policy_listening_at("::ffff:192.0.2.1", 7480);

    expect_address(egress, "192.0.2.1", 7480, "own-listener");
    expect_address(egress, "::ffff:192.0.2.1", 7480, "own-listener");
    expect_address(egress, "64:ff9b::192.0.2.1", 7480, "own-listener");
    egress_free(egress);
}
END_TEST

static const char *const wildcards[] = {"0.0.0.0", "::", "::ffff:0.0.0.0"};

START_TEST(a_wildcard_listener_is_blocked_at_every_address_of_the_machine)
{
    struct egress *egress = open_policy_listening_at(wildcards[_i], 7480);
    struct ifaddrs *interfaces;

    expect_address(egress, "127.0.0.1", 7480, "own-listener");
    expect_address(egress, "127.255.0.1", 7480, "own-listener");
    expect_address(egress, "::1", 7480, "own-listener");
    expect_address(egress, "8.8.8.8", 7480, NULL);
    ck_assert_int_eq(getifaddrs(&interfaces), 0);
    for (struct ifaddrs *one = interfaces; one; one = one->ifa_next) {
        struct co_address address;
        if (!one->ifa_addr ||
            co_address_from_sockaddr(one->ifa_addr, sizeof(struct sockaddr_in6), &address) < 0)
            continue;
        address.port = 7480;
        ck_assert_str_eq(egress_check_address(egress, &address), "own-listener");
    }
    freeifaddrs(interfaces);
    egress_free(egress);
}
END_TEST

/* What a name resolved to. */

static const struct {
    const char *allow[MAX_RANGES], *deny[MAX_RANGES];
    const char *answer[MAX_RANGES], *kept[MAX_RANGES]; /* kept: if not blocked */
    const char *blocked_as;
} answers[] = {
    {{0}, {0}, {"8.8.8.8", "2001:4860::1"}, {"8.8.8.8", "2001:4860::1"}, NULL},
    {{0}, {0}, {0}, {0}, NULL},
    {{0}, {0}, {"8.8.8.8", "10.0.0.1"}, {0}, "ipv4-private"},
    {{0}, {0}, {"10.0.0.1", "8.8.8.8"}, {0}, "ipv4-private"},
    {{0}, {0}, {"8.8.8.8", "::ffff:10.0.0.1"}, {0}, "ipv4-private"},
    {{0}, {0}, {"8.8.8.8", "::1", "10.0.0.1"}, {0}, "ipv6-loopback"},
    {{0}, {0}, {"127.0.0.1", "::1"}, {0}, "ipv4-loopback"},
    {{"127.0.0.0/8"}, {0}, {"127.0.0.1", "::1"}, {"127.0.0.1"}, NULL},
    {{"127.0.0.0/8"}, {0}, {"::1", "127.0.0.1"}, {"127.0.0.1"}, NULL},
    {{"::1"}, {0}, {"127.0.0.1", "::1"}, {"::1"}, NULL},
    {{"127.0.0.0/8"}, {0}, {"::1"}, {0}, "ipv6-loopback"},
    {{"127.0.0.0/8"}, {0}, {"127.0.0.1", "::1", "8.8.8.8"}, {0}, "ipv6-loopback"},
    {{"127.0.0.0/8"}, {0}, {"127.0.0.1", "10.0.0.1"}, {0}, "ipv4-private"},
    {{"127.0.0.0/8"}, {"127.0.0.2"}, {"127.0.0.1", "127.0.0.2"}, {"127.0.0.1"}, NULL},
    {{"10.0.0.0/8"}, {0}, {"10.0.0.1", "8.8.8.8"}, {"10.0.0.1", "8.8.8.8"}, NULL},
};

START_TEST(one_blocked_address_blocks_the_name)
{
    struct egress *egress = policy(answers[_i].allow, answers[_i].deny);
    struct co_address addresses[MAX_RANGES];
    size_t n = length_of(answers[_i].answer);

    for (size_t i = 0; i < n; i++)
        addresses[i] = address_of(answers[_i].answer[i], 80);
    ck_assert_pstr_eq(egress_check_addresses(egress, addresses, &n), answers[_i].blocked_as);
    for (size_t i = 0; !answers[_i].blocked_as && i < n; i++) {
        char text[CO_ADDRESS_TEXT_SIZE];
        ck_assert_str_eq(co_address_format(&addresses[i], text), answers[_i].kept[i]);
    }
    ck_assert(answers[_i].blocked_as || !answers[_i].kept[n]);
    egress_free(egress);
}
END_TEST

/* The examples of RFC 6052 section 2.4, with an address that is blocked and one that is not. */
static const struct {
    const char *prefix, *blocked, *allowed, *outside;
} nat64[] = {
    {"2620:100::/32", "2620:100:7f00:1::", "2620:100:808:808::", "2620:101:7f00:1::"},
    {"2620:100:100::/40", "2620:100:17f:0:1::", "2620:100:108:808:8::", "2620:100:200::"},
    {"2620:100:122::/48", "2620:100:122:7f00:0:100::", "2620:100:122:808:8:800::", "2620::1"},
    {"2620:100:122:300::/56", "2620:100:122:37f:0:1::", "2620:100:122:308:8:808::", "2620::1"},
    {"2620:100:122:344::/64", "2620:100:122:344:7f:0:100:0", "2620:100:122:344:8:808:800:0",
     "2620:100:122:345:7f:0:100:0"},
    {"2620:100:122:344::/96", "2620:100:122:344::127.0.0.1", "2620:100:122:344::8.8.8.8",
     "2620:100:122:344:1::127.0.0.1"},
};

START_TEST(addresses_of_an_own_nat64_are_judged_as_what_they_stand_for)
{
    struct egress *egress = policy((const char *[MAX_RANGES]){0}, (const char *[MAX_RANGES]){0});
    struct co_address blocked = address_of(nat64[_i].blocked, 80);
    struct co_address allowed = address_of(nat64[_i].allowed, 80);
    struct co_address outside = address_of(nat64[_i].outside, 80);

    ck_assert_ptr_null(egress_check_address(egress, &blocked));
    ck_assert_int_eq(egress_set_nat64(egress, false, &nat64[_i].prefix, 1, NULL), 0);
    ck_assert_str_eq(egress_check_address(egress, &blocked), "ipv4-loopback");
    ck_assert_ptr_null(egress_check_address(egress, &allowed));
    ck_assert_ptr_null(egress_check_address(egress, &outside));
    egress_free(egress);
}
END_TEST

START_TEST(nat64_can_be_blocked_whole)
{
    struct egress *egress = policy((const char *[MAX_RANGES]){0}, (const char *[MAX_RANGES]){0});
    struct co_address own = address_of(nat64[_i].allowed, 80);
    struct co_address well_known = address_of("64:ff9b::8.8.8.8", 80);
    struct co_address mapped = address_of("::ffff:8.8.8.8", 80);
    struct co_address outside = address_of(nat64[_i].outside, 80);

    ck_assert_int_eq(egress_set_nat64(egress, true, &nat64[_i].prefix, 1, NULL), 0);
    ck_assert_str_eq(egress_check_address(egress, &own), "ipv6-nat64");
    ck_assert_str_eq(egress_check_address(egress, &well_known), "ipv6-nat64");
    ck_assert_ptr_null(egress_check_address(egress, &mapped));
    ck_assert_ptr_null(egress_check_address(egress, &outside));
    egress_free(egress);
}
END_TEST

static const char *const bad_nat64[] = {
    "10.0.0.0/8", "2001:db8::/33", "2001:db8::/72", "2001:db8::1", "[2001:db8::1]:80", "2000::/24",
    "x"};

START_TEST(prefix_that_no_nat64_has_is_refused)
{
    struct egress *egress = policy((const char *[MAX_RANGES]){0}, (const char *[MAX_RANGES]){0});
    struct err err = {""};

    ck_assert_int_eq(egress_set_nat64(egress, false, &bad_nat64[_i], 1, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, bad_nat64[_i]));
    egress_free(egress);
}
END_TEST

START_TEST(failed_allocation_is_reported_and_leaves_nothing_behind)
{
    static const char *const allow[] = {"127.0.0.0/8"}, *const deny[] = {"10.0.0.0/8", "::/0"};
    struct co_address any = address_of("0.0.0.0", 7480);
    struct egress *egress = NULL;

    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = egress_new(&egress, allow, N_ELEMENTS(allow), deny, N_ELEMENTS(deny), NULL);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = egress_block_listener(egress, &any);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
    egress_free(egress);
    egress_free(NULL);
}
END_TEST

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static const char *const all_loopback[MAX_RANGES] = {"127.0.0.0/8"};
static const char *const one_host[MAX_RANGES] = {"127.0.0.1/32"};
static const char *const nothing[MAX_RANGES];

START_TEST(policy_that_replaces_another_counts_from_then_on)
{
    struct egress *egress = policy(all_loopback, nothing);
    struct co_address listener = address_of("127.0.0.1", 7480);

    expect_address(egress, "127.0.0.1", 80, NULL);
    struct egress *other = policy(all_loopback, one_host);
    ck_assert_int_eq(egress_block_listener(other, &listener), 0);
    ck_assert_int_eq(egress_replace(egress, other), 0);
    expect_address(egress, "127.0.0.1", 80, "egress.deny 127.0.0.1/32");
    expect_address(egress, "127.0.0.1", 7480, "own-listener");
    expect_address(egress, "127.0.0.2", 80, NULL);
    ck_assert_int_eq(egress_replace(egress, policy(nothing, nothing)), 0);
    expect_address(egress, "127.0.0.2", 80, "ipv4-loopback");
    egress_free(egress);
}
END_TEST

START_TEST(names_of_rules_outlive_them)
{
    struct egress *egress = policy(all_loopback, one_host);
    struct co_address address = address_of("127.0.0.1", 80);
    const char *name = egress_check_address(egress, &address);

    ck_assert_int_eq(egress_replace(egress, policy(nothing, nothing)), 0);
    ck_assert_str_eq(name, "egress.deny 127.0.0.1/32");
    ck_assert_int_eq(egress_replace(egress, policy(all_loopback, one_host)), 0);
    ck_assert_ptr_eq(egress_check_address(egress, &address), name);
    egress_free(egress);
}
END_TEST

START_TEST(policy_that_cannot_be_replaced_stays)
{
    struct egress *egress = policy(all_loopback, nothing);
    struct egress *other = policy(all_loopback, one_host);

    fault_arm(1);
    ck_assert_int_eq(egress_replace(egress, other), -ENOMEM);
    ck_assert(fault_disarm());
    expect_address(egress, "127.0.0.1", 80, NULL);
    egress_free(egress);
    egress_free(other);
}
END_TEST

Suite *suite_egress(void);

Suite *suite_egress(void)
{
    Suite *suite = suite_create("egress");
    TCase *tcase = tcase_create("egress");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, default_policy_allows_the_public_internet_only, 0,
                        N_ELEMENTS(by_default));
    tcase_add_loop_test(tcase, the_most_specific_range_of_the_operator_decides, 0,
                        N_ELEMENTS(configured));
    tcase_add_loop_test(tcase, a_range_that_cannot_be_used_is_refused_by_name, 0,
                        N_ELEMENTS(refused));
    tcase_add_test(tcase, an_address_of_no_known_family_is_blocked);
    tcase_add_test(tcase, an_own_listener_is_blocked_whatever_is_allowed);
    tcase_add_test(tcase, a_listener_in_mapped_form_is_blocked_in_both_forms);
    tcase_add_loop_test(tcase, a_wildcard_listener_is_blocked_at_every_address_of_the_machine, 0,
                        N_ELEMENTS(wildcards));
    tcase_add_loop_test(tcase, one_blocked_address_blocks_the_name, 0, N_ELEMENTS(answers));
    tcase_add_loop_test(tcase, addresses_of_an_own_nat64_are_judged_as_what_they_stand_for, 0,
                        N_ELEMENTS(nat64));
    tcase_add_loop_test(tcase, nat64_can_be_blocked_whole, 0, N_ELEMENTS(nat64));
    tcase_add_loop_test(tcase, prefix_that_no_nat64_has_is_refused, 0, N_ELEMENTS(bad_nat64));
    tcase_add_test(tcase, failed_allocation_is_reported_and_leaves_nothing_behind);
    tcase_add_test(tcase, policy_that_replaces_another_counts_from_then_on);
    tcase_add_test(tcase, names_of_rules_outlive_them);
    tcase_add_test(tcase, policy_that_cannot_be_replaced_stays);
    suite_add_tcase(suite, tcase);
    return suite;
}
