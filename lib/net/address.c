#include "lib/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

int co_address_from_sockaddr(const struct sockaddr *sockaddr, socklen_t length,
                             struct co_address *ret_address)
{
    struct co_address address = {.family = sockaddr->sa_family};

    if (address.family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sockaddr;
        memcpy(address.bytes, &in->sin_addr, sizeof(in->sin_addr));
        address.port = ntohs(in->sin_port);
    } else if (address.family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sockaddr;
        memcpy(address.bytes, &in6->sin6_addr, sizeof(in6->sin6_addr));
        address.port = ntohs(in6->sin6_port);
    } else {
        return -EAFNOSUPPORT;
    }
    *ret_address = address;
    return 0;
}

static socklen_t to_sockaddr_in(const struct co_address *address, struct sockaddr_in *ret_in)
{
    *ret_in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(address->port)};
    memcpy(&ret_in->sin_addr, address->bytes, sizeof(ret_in->sin_addr));
    return sizeof(*ret_in);
}

static socklen_t to_sockaddr_in6(const struct co_address *address, struct sockaddr_in6 *ret_in6)
{
    *ret_in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    memcpy(&ret_in6->sin6_addr, address->bytes, sizeof(ret_in6->sin6_addr));
    return sizeof(*ret_in6);
}

socklen_t co_address_to_sockaddr(const struct co_address *address,
                                 struct sockaddr_storage *ret_sockaddr)
{
    return address->family == AF_INET
               ? to_sockaddr_in(address, (struct sockaddr_in *)ret_sockaddr)
               : to_sockaddr_in6(address, (struct sockaddr_in6 *)ret_sockaddr);
}

static bool parse_with(sa_family_t family, const char *text, struct co_address *ret_address)
{
    struct co_address address = {.family = family};

    if (inet_pton(family, text, address.bytes) != 1)
        return false;
    *ret_address = address;
    return true;
}

/* The first length bytes of text, as co_address_parse() reads them. */
static int parse_literal(const char *text, size_t length, struct co_address *ret_address)
{
    char bare[CO_ADDRESS_TEXT_SIZE];
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';

    if (bracketed) {
        text++;
        length -= 2;
    }
    if (length >= sizeof(bare))
        return -EINVAL;
    memcpy(bare, text, length);
    bare[length] = '\0';

    if (!bracketed && parse_with(AF_INET, bare, ret_address))
        return 0;
    return parse_with(AF_INET6, bare, ret_address) ? 0 : -EINVAL;
}

int co_address_parse(const char *text, struct co_address *ret_address)
{
    return parse_literal(text, strlen(text), ret_address);
}

static char *put_number(char *end, unsigned number)
{
    if (number >= 100)
        *end++ = (char)('0' + number / 100);
    if (number >= 10)
        *end++ = (char)('0' + number / 10 % 10);
    *end++ = (char)('0' + number % 10);
    return end;
}

/* inet_ntop() does this by sprintf(), and nothing else in a result costs as much. */
static void format_ipv4(const uint8_t bytes[static 4], char *text)
{
    for (int i = 0; i < 4; i++) {
        text = put_number(text, bytes[i]);
        *text++ = i < 3 ? '.' : '\0';
    }
}

char *co_address_format(const struct co_address *address, char text[static CO_ADDRESS_TEXT_SIZE])
{
    if (address->family == AF_INET)
        format_ipv4(address->bytes, text);
    else if (!inet_ntop(address->family, address->bytes, text, CO_ADDRESS_TEXT_SIZE))
        text[0] = '\0';
    return text;
}

bool co_address_equal(const struct co_address *a, const struct co_address *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool co_address_embedded_ipv4(const struct co_address *address, struct co_address *ret_ipv4)
{
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff};
    static const uint8_t nat64[16] = {0x00, 0x64, 0xff, 0x9b};
    const size_t at = 12;

    if (address->family != AF_INET6)
        return false;
    if (memcmp(address->bytes, mapped, at) != 0 && memcmp(address->bytes, nat64, at) != 0)
        return false;
    *ret_ipv4 = (struct co_address){.family = AF_INET, .port = address->port};
    memcpy(ret_ipv4->bytes, address->bytes + at, 4);
    return true;
}

/* Read a decimal number; returns what follows it, or NULL. */
static const char *parse_number(const char *text, unsigned max, unsigned *ret_number)
{
    unsigned number = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9' && number <= max; at++)
        number = 10 * number + (unsigned)(*at - '0');
    if (at == text || number > max)
        return NULL;
    *ret_number = number;
    return at;
}

/* How much of a range's text is its address: a colon ends it if it is the only one, because then it
 * is no IPv6 address and the colon starts the port. */
static size_t address_length(const char *text)
{
    if (text[0] == '[')
        return strcspn(text, "]") + (strchr(text, ']') != NULL);

    bool is_ipv6 = strchr(text, ':') != strrchr(text, ':');
    return strcspn(text, is_ipv6 ? "/" : "/:");
}

/* Read what follows the address of a range: ["/" prefix] [":" port]. */
static int parse_suffix(const char *text, unsigned max_prefix, unsigned *prefix, unsigned *port)
{
    if (*text == '/')
        text = parse_number(text + 1, max_prefix, prefix);
    if (text && *text == ':') {
        text = parse_number(text + 1, UINT16_MAX, port);
        if (*port == 0)
            return -EINVAL;
    }
    return text && *text == '\0' ? 0 : -EINVAL;
}

static void set_mask(struct co_cidr *cidr)
{
    for (size_t bit = 0; bit < cidr->prefix_length; bit++)
        cidr->mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* Whether the two agree in the bits of the mask. */
static bool same_prefix(const uint8_t a[16], const uint8_t b[16], const uint8_t mask[16])
{
    uint64_t from_a[2], from_b[2], wanted[2];

    memcpy(from_a, a, sizeof(from_a));
    memcpy(from_b, b, sizeof(from_b));
    memcpy(wanted, mask, sizeof(wanted));
    return (((from_a[0] ^ from_b[0]) & wanted[0]) | ((from_a[1] ^ from_b[1]) & wanted[1])) == 0;
}

static bool any_bit_after_prefix(const struct co_cidr *cidr)
{
    for (size_t i = 0; i < sizeof(cidr->mask); i++)
        if (cidr->network.bytes[i] & ~cidr->mask[i])
            return true;
    return false;
}

int co_cidr_parse(const char *text, struct co_cidr *ret_cidr)
{
    struct co_address network;
    size_t length = address_length(text);

    if (parse_literal(text, length, &network) < 0)
        return -EINVAL;

    unsigned max_prefix = network.family == AF_INET ? 32 : 128;
    unsigned prefix = max_prefix, port = 0;

    if (parse_suffix(text + length, max_prefix, &prefix, &port) < 0)
        return -EINVAL;
    network.port = (uint16_t)port;

    struct co_cidr cidr = {.network = network, .prefix_length = (uint8_t)prefix};
    set_mask(&cidr);
    if (any_bit_after_prefix(&cidr))
        return -EINVAL;
    *ret_cidr = cidr;
    return 0;
}

struct co_cidr co_cidr_host(const struct co_address *address)
{
    struct co_cidr cidr = {
        .network = *address,
        .prefix_length = address->family == AF_INET ? 32 : 128,
    };

    set_mask(&cidr);
    return cidr;
}

bool co_cidr_contains(const struct co_cidr *cidr, const struct co_address *address)
{
    const struct co_address *network = &cidr->network;

    return network->family == address->family &&
           (network->port == 0 || network->port == address->port) &&
           same_prefix(network->bytes, address->bytes, cidr->mask);
}

bool co_cidr_overlaps(const struct co_cidr *a, const struct co_cidr *b)
{
    const struct co_cidr *wider = a->prefix_length < b->prefix_length ? a : b;

    return a->network.family == b->network.family &&
           same_prefix(a->network.bytes, b->network.bytes, wider->mask);
}
