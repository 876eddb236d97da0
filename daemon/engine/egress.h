/* Where gatherd may connect to.
 *
 * A policy is built, and replaced as a whole by a reload. It is asked about the URL, which is cheap
 * and early; about the addresses a name resolved to; and about the address that is really connected
 * to, at socket creation and again before every request. The address decides: what is said about
 * names only saves looking them up.
 *
 * An address is judged so, the first that applies deciding:
 *   1. own listen addresses are blocked, whatever the operator allows
 *   2. of the operator's ranges that contain it, the most specific one: the longest prefix, then
 *      the one with a port, then deny. So allow can open a part of what deny closes and deny can
 *      close a part of what allow opens
 *   3. the built-in ranges: special-purpose ones are blocked, and so is IPv6 outside 2000::/3
 * An address that is allowed may be connected to at any port but a bad one (0, 25, 6667, ...),
 * unless the range that allowed it names the port: "10.0.0.0/8:25".
 *
 * An IPv6 address that embeds an IPv4 one (v4-mapped, or under a prefix of a NAT64) is judged as
 * that IPv4 address; a deny range may name its IPv6 form as well, and NAT64 can be blocked whole:
 * "ipv6-nat64".
 *
 * Every check returns NULL if allowed, or else the name of the rule that blocks, such as
 * "ipv4-loopback", "name-localhost", "own-listener", "port-bad" or "egress.deny 10.1.0.0/16", which
 * lives as long as the policy. No check allocates.
 */
#pragma once

#include <stddef.h>

#include "lib/net/address.h"
#include "lib/net/url.h"

#include "daemon/base/err.h"

struct egress;

/* Build a policy from ranges as co_cidr_parse() reads them.
 *
 * returns    0
 *            -EINVAL: one is no range, or allows IPv4 by its IPv6 form; err says which
 *            -ENOMEM
 */
int egress_new(struct egress **ret_egress, const char *const *allow, size_t n_allow,
               const char *const *deny, size_t n_deny, struct err *err);

void egress_free(struct egress *egress);

/* Has a policy go by what another one says, from the next check on; the other one is freed.
 *
 * returns    0; -ENOMEM: both are as they were
 */
int egress_replace(struct egress *egress, struct egress *other);

/* Say how to take the addresses of a NAT64: those under 64:ff9b::/96 and the prefixes of the
 * operator's own network. As the IPv4 addresses they stand for, or none of them. Only before the
 * first check.
 *
 * returns    0
 *            -EINVAL: one is no such prefix; err says which
 *            -ENOMEM
 */
int egress_set_nat64(struct egress *egress, bool denies, const char *const *prefixes,
                     size_t n_prefixes, struct err *err);

/* Block what reaches a listening socket of our own, so that nobody can speak through gatherd to its
 * own API. 0.0.0.0 and :: stand for every address this machine has now. Only before the first
 * check.
 *
 * returns    0, or -errno of what failed
 */
int egress_block_listener(struct egress *egress, const struct co_address *address);

/* Check what a URL itself tells: a literal address, a local-only name, a bad port. What could turn
 * out to be allowed passes: "name-localhost" does not apply if a range of the operator opens some
 * loopback address, nor "port-bad" if one names the port. */
const char *egress_check_url(const struct egress *egress, const struct co_url *url);

/* Check one address; its port is the one to connect to. */
const char *egress_check_address(const struct egress *egress, const struct co_address *address);

/* Check all that a name resolved to, as a whole: one blocked address blocks the name, since an
 * answer that mixes public and internal addresses is an attack or a mistake.
 *
 * The one exception: of an answer with loopback addresses only, those that are blocked are taken
 * out as long as one is left, because localhost is both 127.0.0.1 and ::1 and an operator may have
 * opened one of them. *n_addresses is then lower.
 */
const char *egress_check_addresses(const struct egress *egress, struct co_address *addresses,
                                   size_t *n_addresses);

/* For people: why a rule blocks, and what opens it if something does. A constant. */
const char *egress_explain(const char *rule);
