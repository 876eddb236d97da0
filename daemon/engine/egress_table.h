/* What egress blocks as long as the operator says nothing else. Tables only; egress.c decides.
 *
 * source     the IANA IPv4 and IPv6 Special-Purpose Address Registries and RFC 4291 for ranges,
 *            RFC 6761, 6762, 7686, 8375 for names, "bad port" of the WHATWG Fetch standard
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an operator opens on purpose by allowing a range, apart from the range itself. */
enum egress_reach {
    EGRESS_ELSEWHERE,
    EGRESS_LOOPBACK = 1 << 0,
    EGRESS_SITE = 1 << 1, /* private and link-local networks */
};

/* The first range that contains an address decides, and every address is in one. */
struct egress_range {
    const char *range;      /* as co_cidr_parse() reads it */
    const char *blocked_as; /* the rule's name; NULL: allowed */
    enum egress_reach reach;
};

extern const struct egress_range egress_ranges[];
extern const size_t egress_n_ranges;

/* A domain, itself and all below it, whose names lead nowhere but to one reach; such a name is
 * blocked before it is looked up unless something of that reach is allowed. */
struct egress_domain {
    const char *domain;
    const char *blocked_as;
    enum egress_reach reach; /* EGRESS_ELSEWHERE: not in the DNS at all */
};

extern const struct egress_domain egress_domains[];
extern const size_t egress_n_domains;

/* Whether a service that is not HTTP is likely to listen there and could be made to act on a
 * request. 0 is bad. */
bool egress_port_is_bad(uint16_t port);
