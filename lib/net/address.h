/* IP addresses and ranges of them, as plain values.
 *
 * An address is copied, compared and kept without owning anything. It has no IPv6 zone, so a
 * link-local address cannot be told apart by interface; gatherd never connects to one by zone.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct co_address {
    uint8_t bytes[16];  /* network order; IPv4 uses the first four, the rest is zero */
    uint16_t port;      /* host order; 0: none, or any port in a co_cidr */
    sa_family_t family; /* AF_INET, AF_INET6, or AF_UNSPEC for "no address" */
};

struct co_cidr {
    struct co_address network; /* the bits after the prefix are zero */
    uint8_t mask[16];          /* the bits of the prefix are one */
    uint8_t prefix_length;     /* up to 32 for IPv4, 128 for IPv6 */
};

/* Room for any address as text, its NUL included. */
#define CO_ADDRESS_TEXT_SIZE INET6_ADDRSTRLEN

/* returns    0, or -EAFNOSUPPORT for anything but a whole IPv4 or IPv6 address */
int co_address_from_sockaddr(const struct sockaddr *sockaddr, socklen_t length,
                             struct co_address *ret_address);

/* Returns the length to hand to connect() or bind(). */
socklen_t co_address_to_sockaddr(const struct co_address *address,
                                 struct sockaddr_storage *ret_sockaddr);

/* Read a literal: "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; the port becomes 0.
 *
 * Strict: four decimal numbers without leading zeros, no zone, no space around.
 *
 * returns    0, or -EINVAL
 */
int co_address_parse(const char *text, struct co_address *ret_address);

/* Write the address without port and brackets, in the one form of RFC 5952; returns text. */
char *co_address_format(const struct co_address *address, char text[static CO_ADDRESS_TEXT_SIZE]);

/* Whether family, bytes and port are the same. */
bool co_address_equal(const struct co_address *a, const struct co_address *b);

/* The IPv4 address that packets to this IPv6 address end up at, with the same port: ::ffff:a.b.c.d
 * (the kernel speaks IPv4) and 64:ff9b::a.b.c.d (a NAT64 does).
 *
 * returns    false, and nothing in *ret_ipv4, for every other address
 * source     RFC 4291 section 2.5.5.2, RFC 6052 section 2.1
 */
bool co_address_embedded_ipv4(const struct co_address *address, struct co_address *ret_ipv4);

/* Read "10.0.0.0/8", "fd00::/8", or one address without prefix; each may end in ":port", for which
 * an IPv6 address without prefix needs brackets: "127.0.0.0/8:8080", "127.0.0.1:8080", "[::1]:80".
 *
 * returns    0, or -EINVAL; also when a bit after the prefix is set, which is more often a typing
 *            error than meant
 */
int co_cidr_parse(const char *text, struct co_cidr *ret_cidr);

/* The range of just this address and, unless that is 0, its port. */
struct co_cidr co_cidr_host(const struct co_address *address);

/* Same family, same prefix, and the port of the range unless that is 0. */
bool co_cidr_contains(const struct co_cidr *cidr, const struct co_address *address);

/* Whether some address is in both, ports aside. */
bool co_cidr_overlaps(const struct co_cidr *a, const struct co_cidr *b);
