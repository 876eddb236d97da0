#include "daemon/engine/egress_table.h"

#include <stdlib.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Globally reachable exceptions inside a range (a few anycast addresses in 192.0.0.0/24 and
 * 2001::/23) are left out: nobody serves HTTP there.
 *
 * IPv6 is only what IANA hands out, 2000::/3, so everything that embeds or stands for something
 * else is out by default: ::/96, ::ffff:0:0:0/96, 64:ff9b:1::/48, 100::/64, 5f00::/16, fec0::/10.
 * Of the names before it some are there only to say more than "not global". */
const struct egress_range egress_ranges[] = {
    {"0.0.0.0/8", "ipv4-this-network", EGRESS_ELSEWHERE},
    {"10.0.0.0/8", "ipv4-private", EGRESS_SITE},
    {"100.64.0.0/10", "ipv4-shared", EGRESS_SITE},
    {"127.0.0.0/8", "ipv4-loopback", EGRESS_LOOPBACK},
    /* A public address, but Azure serves every machine its own instance there. */
    {"168.63.129.16/32", "ipv4-cloud-platform", EGRESS_ELSEWHERE},
    {"169.254.0.0/16", "ipv4-link-local", EGRESS_SITE},
    {"172.16.0.0/12", "ipv4-private", EGRESS_SITE},
    {"192.0.0.0/24", "ipv4-protocol", EGRESS_ELSEWHERE},
    {"192.0.2.0/24", "ipv4-documentation", EGRESS_ELSEWHERE},
    {"192.88.99.0/24", "ipv4-6to4-relay", EGRESS_ELSEWHERE},
    {"192.168.0.0/16", "ipv4-private", EGRESS_SITE},
    {"198.18.0.0/15", "ipv4-benchmarking", EGRESS_ELSEWHERE},
    {"198.51.100.0/24", "ipv4-documentation", EGRESS_ELSEWHERE},
    {"203.0.113.0/24", "ipv4-documentation", EGRESS_ELSEWHERE},
    {"224.0.0.0/4", "ipv4-multicast", EGRESS_ELSEWHERE},
    {"255.255.255.255/32", "ipv4-broadcast", EGRESS_ELSEWHERE},
    {"240.0.0.0/4", "ipv4-reserved", EGRESS_ELSEWHERE},
    {"0.0.0.0/0", NULL, EGRESS_ELSEWHERE},

    {"2001::/32", "ipv6-teredo", EGRESS_ELSEWHERE},
    {"2001::/23", "ipv6-protocol", EGRESS_ELSEWHERE},
    {"2001:db8::/32", "ipv6-documentation", EGRESS_ELSEWHERE},
    {"2002::/16", "ipv6-6to4", EGRESS_ELSEWHERE},
    {"3fff::/20", "ipv6-documentation", EGRESS_ELSEWHERE},
    {"2000::/3", NULL, EGRESS_ELSEWHERE},
    {"::/128", "ipv6-unspecified", EGRESS_ELSEWHERE},
    {"::1/128", "ipv6-loopback", EGRESS_LOOPBACK},
    {"fc00::/7", "ipv6-unique-local", EGRESS_SITE},
    {"fe80::/10", "ipv6-link-local", EGRESS_SITE},
    {"ff00::/8", "ipv6-multicast", EGRESS_ELSEWHERE},
    {"::/0", "ipv6-not-global", EGRESS_ELSEWHERE},
};
const size_t egress_n_ranges = N_ELEMENTS(egress_ranges);

const struct egress_domain egress_domains[] = {
    {"localhost", "name-localhost", EGRESS_LOOPBACK}, {"local", "name-local", EGRESS_SITE},
    {"internal", "name-internal", EGRESS_SITE},       {"home.arpa", "name-home-arpa", EGRESS_SITE},
    {"onion", "name-onion", EGRESS_ELSEWHERE},        {"i2p", "name-i2p", EGRESS_ELSEWHERE},
};
const size_t egress_n_domains = N_ELEMENTS(egress_domains);

static const uint16_t bad_ports[] = {
    0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,    25,
    37,   42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,   109,
    110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,   389,
    427,  465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,   556,
    563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659,  4045,
    4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
};

static int compare_ports(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

bool egress_port_is_bad(uint16_t port)
{
    return bsearch(&port, bad_ports, N_ELEMENTS(bad_ports), sizeof(port), compare_ports) != NULL;
}
