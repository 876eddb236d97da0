#include "lib/net/address.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct co_address address_of(const char *text)
{
    struct co_address address;

    ck_assert_msg(co_address_parse(text, &address) == 0, "%s", text);
    return address;
}

static struct co_cidr cidr_of(const char *text)
{
    struct co_cidr cidr;

    ck_assert_msg(co_cidr_parse(text, &cidr) == 0, "%s", text);
    return cidr;
}

static const struct {
    const char *text, *formatted; /* formatted NULL: refused */
} literals[] = {
    {"1.2.3.4", "1.2.3.4"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"::", "::"},
    {"::1", "::1"},
    {"[::1]", "::1"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    {"::ffff:c000:201", "::ffff:192.0.2.1"},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"", NULL},
    {"[]", NULL},
    {"[", NULL},
    {"1.2.3", NULL},
    {"1.2.3.4.5", NULL},
    {"01.2.3.4", NULL},
    {"0x1.2.3.4", NULL},
    {"1.2.3.256", NULL},
    {"1.2.3.4 ", NULL},
    {" 1.2.3.4", NULL},
    {"1.2.3.4:80", NULL},
    {"[1.2.3.4]", NULL},
    {"[::1", NULL},
    {"::1]", NULL},
    {"[[::1]]", NULL},
    {"fe80::1%eth0", NULL},
    {"1::2::3", NULL},
    {":::", NULL},
    {"12345::", NULL},
    {"localhost", NULL},
    {"0000:0000:0000:0000:0000:ffff:255.255.255.2555555", NULL},
};

START_TEST(a_literal_is_read_strictly_and_written_in_one_form)
{
    struct co_address address;
    char text[CO_ADDRESS_TEXT_SIZE];
    int rc = co_address_parse(literals[_i].text, &address);

    if (!literals[_i].formatted) {
        ck_assert_int_eq(rc, -EINVAL);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(co_address_format(&address, text), literals[_i].formatted);
    ck_assert_uint_eq(address.port, 0);
}
END_TEST

START_TEST(any_address_survives_text_and_sockaddr)
{
    struct random random = {1};

    for (int i = 0; i < 10000; i++) {
        struct co_address address = {.family = i % 2 ? AF_INET : AF_INET6}, again;
        uint64_t bits[2] = {random_next(&random), random_next(&random)};
        char text[CO_ADDRESS_TEXT_SIZE];
        struct sockaddr_storage sockaddr;

        memcpy(address.bytes, bits, address.family == AF_INET ? 4 : 16);
        if (co_address_parse(co_address_format(&address, text), &again) < 0 ||
            !co_address_equal(&address, &again))
            ck_abort_msg("%s", text);

        address.port = (uint16_t)random_next(&random);
        socklen_t length = co_address_to_sockaddr(&address, &sockaddr);
        if (co_address_from_sockaddr((struct sockaddr *)&sockaddr, length, &again) < 0 ||
            !co_address_equal(&address, &again))
            ck_abort_msg("%s", text);
    }
}
END_TEST

START_TEST(every_byte_of_an_address_is_written_in_full)
{
    for (int i = 0; i < 256; i++) {
        const struct co_address address = {.family = AF_INET,
                                           .bytes = {(uint8_t)i, 0, (uint8_t)(255 - i), 1}};
        char text[CO_ADDRESS_TEXT_SIZE], expected[CO_ADDRESS_TEXT_SIZE];

        snprintf(expected, sizeof(expected), "%d.0.%d.1", i, 255 - i);
        ck_assert_str_eq(co_address_format(&address, text), expected);
    }
}
END_TEST

START_TEST(port_is_in_network_order_in_a_sockaddr)
{
    struct co_address address = address_of("192.0.2.1");
    struct sockaddr_storage sockaddr;

    address.port = 0x1234;
    ck_assert_uint_eq(co_address_to_sockaddr(&address, &sockaddr), sizeof(struct sockaddr_in));
    ck_assert_uint_eq(((struct sockaddr_in *)&sockaddr)->sin_port, htons(0x1234));
    ck_assert_uint_eq(((struct sockaddr_in *)&sockaddr)->sin_addr.s_addr, htonl(0xc0000201));
}
END_TEST

START_TEST(sockaddr_of_another_family_or_too_short_is_refused)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct co_address address;

    ck_assert_int_eq(co_address_from_sockaddr((struct sockaddr *)&un, sizeof(un), &address),
                     -EAFNOSUPPORT);
    ck_assert_int_eq(co_address_from_sockaddr((struct sockaddr *)&in, sizeof(in) - 1, &address),
                     -EAFNOSUPPORT);
    ck_assert_int_eq(co_address_from_sockaddr((struct sockaddr *)&in6, sizeof(in6) - 1, &address),
                     -EAFNOSUPPORT);
}
END_TEST

START_TEST(formatting_no_address_gives_an_empty_text)
{
    struct co_address none = {.family = AF_UNSPEC};
    char text[CO_ADDRESS_TEXT_SIZE];

    ck_assert_str_eq(co_address_format(&none, text), "");
}
END_TEST

static const struct {
    const char *address, *embedded; /* embedded NULL: none */
} embeddings[] = {
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::ffff:0:0", "0.0.0.0"},
    {"64:ff9b::192.0.2.1", "192.0.2.1"},
    {"64:ff9b::", "0.0.0.0"},
    {"64:ff9b:1::1", NULL},
    {"64:ff9b::1:0:0", NULL},
    {"::192.0.2.1", NULL},
    {"::fffe:192.0.2.1", NULL},
    {"::ffff:0:192.0.2.1", NULL},
    {"2002:c000:201::", NULL},
    {"192.0.2.1", NULL},
    {"::1", NULL},
};

START_TEST(only_mapped_and_nat64_addresses_embed_ipv4)
{
    struct co_address address = address_of(embeddings[_i].address), ipv4;
    char text[CO_ADDRESS_TEXT_SIZE];

    address.port = 8080;
    bool found = co_address_embedded_ipv4(&address, &ipv4);
    ck_assert_int_eq(found, embeddings[_i].embedded != NULL);
    if (!found)
        return;
    ck_assert_str_eq(co_address_format(&ipv4, text), embeddings[_i].embedded);
    ck_assert_uint_eq(ipv4.port, 8080);
    ck_assert_int_eq(ipv4.family, AF_INET);
}
END_TEST

static const struct {
    const char *text, *network; /* network NULL: refused */
    unsigned prefix_length, port;
} ranges[] = {
    {"10.0.0.0/8", "10.0.0.0", 8, 0},
    {"0.0.0.0/0", "0.0.0.0", 0, 0},
    {"127.0.0.1", "127.0.0.1", 32, 0},
    {"127.0.0.1:8080", "127.0.0.1", 32, 8080},
    {"127.0.0.0/8:8080", "127.0.0.0", 8, 8080},
    {"::1/128", "::1", 128, 0},
    {"::1", "::1", 128, 0},
    {"::/0", "::", 0, 0},
    {"[::1]:80", "::1", 128, 80},
    {"[::1]", "::1", 128, 0},
    {"[fd00::]/8:65535", "fd00::", 8, 65535},
    {"fd00::/8:443", "fd00::", 8, 443},
    {"", NULL, 0, 0},
    {"/8", NULL, 0, 0},
    {"10.0.0.0/", NULL, 0, 0},
    {"10.0.0.0/33", NULL, 0, 0},
    {"::/129", NULL, 0, 0},
    {"10.0.0.0/-1", NULL, 0, 0},
    {"10.0.0.0/+8", NULL, 0, 0},
    {"10.0.0.0/8 ", NULL, 0, 0},
    {"10.0.0.0/99999999999999999999", NULL, 0, 0},
    {"10.0.0.1/8", NULL, 0, 0},
    {"::1/64", NULL, 0, 0},
    {"10.0.0.0/8:0", NULL, 0, 0},
    {"10.0.0.0/8:65536", NULL, 0, 0},
    {"10.0.0.0/8:", NULL, 0, 0},
    {"10.0.0.0:80/8", NULL, 0, 0},
    {"10.0.0.0:http", NULL, 0, 0},
    {"10/8", NULL, 0, 0},
    {"[::1", NULL, 0, 0},
    {"[::1]80", NULL, 0, 0},
    {"[127.0.0.1]:80", NULL, 0, 0},
    {"localhost", NULL, 0, 0},
    {"localhost:80", NULL, 0, 0},
};

START_TEST(a_range_is_an_address_with_or_without_prefix_and_port)
{
    struct co_cidr cidr;
    char text[CO_ADDRESS_TEXT_SIZE];
    int rc = co_cidr_parse(ranges[_i].text, &cidr);

    if (!ranges[_i].network) {
        ck_assert_int_eq(rc, -EINVAL);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(co_address_format(&cidr.network, text), ranges[_i].network);
    ck_assert_uint_eq(cidr.prefix_length, ranges[_i].prefix_length);
    ck_assert_uint_eq(cidr.network.port, ranges[_i].port);
}
END_TEST

static const struct {
    const char *range, *address;
    uint16_t port;
    bool inside;
} memberships[] = {
    {"10.0.0.0/8", "10.255.255.255", 80, true},
    {"10.0.0.0/8", "11.0.0.0", 80, false},
    {"100.64.0.0/10", "100.127.255.255", 80, true},
    {"100.64.0.0/10", "100.128.0.0", 80, false},
    {"0.0.0.0/0", "255.255.255.255", 80, true},
    {"0.0.0.0/0", "::", 80, false},
    {"::/0", "0.0.0.0", 80, false},
    {"127.0.0.1", "127.0.0.1", 80, true},
    {"127.0.0.1", "127.0.0.2", 80, false},
    {"127.0.0.1:8080", "127.0.0.1", 8080, true},
    {"127.0.0.1:8080", "127.0.0.1", 80, false},
    {"2000::/3", "3fff:ffff::", 80, true},
    {"2000::/3", "4000::", 80, false},
    {"2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", 80, true},
    {"2001:db8::/65", "2001:db8::8000:0:0:0", 80, false},
    {"2001:db8::/64", "2001:db8:0:1::", 80, false},
    {"::1", "::1", 80, true},
    {"::1", "::", 80, false},
};

START_TEST(a_range_contains_what_shares_its_prefix_and_port)
{
    struct co_cidr cidr = cidr_of(memberships[_i].range);
    struct co_address address = address_of(memberships[_i].address);

    address.port = memberships[_i].port;
    ck_assert_int_eq(co_cidr_contains(&cidr, &address), memberships[_i].inside);
}
END_TEST

static bool bit(const struct co_address *address, unsigned n)
{
    return address->bytes[n / 8] >> (7 - n % 8) & 1;
}

static bool same_bits(const struct co_address *a, const struct co_address *b, unsigned n_bits)
{
    for (unsigned n = 0; n < n_bits; n++)
        if (bit(a, n) != bit(b, n))
            return false;
    return true;
}

/* Any prefix, and an address in which one bit is another than in the network. */
START_TEST(membership_agrees_with_a_comparison_bit_by_bit)
{
    struct random random = {2};

    for (int i = 0; i < 20000; i++) {
        struct co_address address = {.family = AF_INET6};
        struct co_cidr range;
        char text[CO_ADDRESS_TEXT_SIZE + 4];
        unsigned prefix = random_below(&random, 129), flipped = random_below(&random, 128);

        for (unsigned n = 0; n < prefix; n++)
            address.bytes[n / 8] |= (uint8_t)(random_below(&random, 2) << (7 - n % 8));
        co_address_format(&address, text);
        sprintf(text + strlen(text), "/%u", prefix);
        if (co_cidr_parse(text, &range) < 0)
            ck_abort_msg("%s", text);
        address.bytes[flipped / 8] ^= (uint8_t)(0x80 >> flipped % 8);
        if (co_cidr_contains(&range, &address) != same_bits(&address, &range.network, prefix))
            ck_abort_msg("%s with bit %u flipped", text, flipped);
    }
}
END_TEST

static const struct {
    const char *a, *b;
    bool overlap;
} overlaps[] = {
    {"10.0.0.0/8", "10.1.0.0/16", true},    {"10.1.0.0/16", "10.0.0.0/8", true},
    {"10.0.0.0/9", "10.128.0.0/9", false},  {"0.0.0.0/0", "127.0.0.0/8", true},
    {"0.0.0.0/0", "::/0", false},           {"::1", "::/0", true},
    {"127.0.0.1:80", "127.0.0.1:81", true},
};

START_TEST(ranges_overlap_if_one_contains_the_other)
{
    struct co_cidr a = cidr_of(overlaps[_i].a), b = cidr_of(overlaps[_i].b);

    ck_assert_int_eq(co_cidr_overlaps(&a, &b), overlaps[_i].overlap);
}
END_TEST

Suite *suite_address(void);

Suite *suite_address(void)
{
    Suite *suite = suite_create("address");
    TCase *address = tcase_create("address");
    TCase *cidr = tcase_create("cidr");

    tcase_add_loop_test(address, a_literal_is_read_strictly_and_written_in_one_form, 0,
                        N_ELEMENTS(literals));
    tcase_add_test(address, any_address_survives_text_and_sockaddr);
    tcase_add_test(address, every_byte_of_an_address_is_written_in_full);
    tcase_add_test(address, port_is_in_network_order_in_a_sockaddr);
    tcase_add_test(address, sockaddr_of_another_family_or_too_short_is_refused);
    tcase_add_test(address, formatting_no_address_gives_an_empty_text);
    tcase_add_loop_test(address, only_mapped_and_nat64_addresses_embed_ipv4, 0,
                        N_ELEMENTS(embeddings));
    suite_add_tcase(suite, address);

    tcase_add_loop_test(cidr, a_range_is_an_address_with_or_without_prefix_and_port, 0,
                        N_ELEMENTS(ranges));
    tcase_add_loop_test(cidr, a_range_contains_what_shares_its_prefix_and_port, 0,
                        N_ELEMENTS(memberships));
    tcase_add_test(cidr, membership_agrees_with_a_comparison_bit_by_bit);
    tcase_add_loop_test(cidr, ranges_overlap_if_one_contains_the_other, 0, N_ELEMENTS(overlaps));
    suite_add_tcase(suite, cidr);
    return suite;
}
