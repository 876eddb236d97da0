/* IPv6 addresses that a NAT64 turns into IPv4 ones: under the well-known prefix 64:ff9b::/96, and
 * under those of the operator's own network.
 *
 * source     RFC 6052
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/net/address.h"

/* Whether a range can be such a prefix: IPv6, of 32, 40, 48, 56, 64 or 96 bits, for any port. */
bool nat64_is_prefix(const struct co_cidr *range);

extern const char nat64_well_known[];

/* The IPv4 address in an IPv6 address that is under a prefix, with the same port. */
struct co_address nat64_decode(const struct co_cidr *prefix, const struct co_address *address);
