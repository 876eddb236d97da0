#include "daemon/engine/nat64.h"

const char nat64_well_known[] = "64:ff9b::/96";

enum { RESERVED_BYTE = 8 }; /* bits 64 to 71 are zero, and not part of it */

bool nat64_is_prefix(const struct co_cidr *range)
{
    unsigned length = range->prefix_length;

    return range->network.family == AF_INET6 && range->network.port == 0 && length % 8 == 0 &&
           ((length >= 32 && length <= 64) || length == 96);
}

struct co_address nat64_decode(const struct co_cidr *prefix, const struct co_address *address)
{
    struct co_address ipv4 = {.family = AF_INET, .port = address->port};
    size_t from = prefix->prefix_length / 8;

    for (size_t i = 0; i < 4; i++) {
        if (from == RESERVED_BYTE)
            from++;
        ipv4.bytes[i] = address->bytes[from++];
    }
    return ipv4;
}
