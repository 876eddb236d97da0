#include "daemon/engine/egress.h"

#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/base/arena.h"
#include "daemon/base/setting.h"
#include "daemon/engine/egress_table.h"
#include "daemon/engine/nat64.h"

enum { NAME_SIZE = sizeof("egress.deny ") + SETTING_WORD_LEN_MAX };

struct rule {
    struct co_cidr range;
    const char *blocked_as; /* NULL: allows */
    enum egress_reach reach;
};

struct listener {
    struct listener *next;
    struct co_cidr range;
};

/* Of a rule of the operator: it stays good when the rule is gone, for results that tell of it. */
struct name {
    struct name *next;
    char text[];
};

struct egress {
    struct name *names;
    struct arena arena;  /* everything below */
    struct rule *rules;  /* the first that matches decides */
    size_t n_configured; /* rules of the operator, before the built-in ones */
    size_t n_rules;
    struct listener *listeners;
    struct co_cidr *nat64; /* prefixes, the well-known one first */
    size_t n_nat64;
    bool denies_nat64;
    unsigned opened; /* every enum egress_reach that an allowed range touches */
};

static const struct rule *first_match(const struct rule *rules, size_t n_rules,
                                      const struct co_address *address)
{
    for (size_t i = 0; i < n_rules; i++)
        if (co_cidr_contains(&rules[i].range, address))
            return &rules[i];
    return NULL;
}

static const struct co_cidr *nat64_prefix_of(const struct egress *egress,
                                             const struct co_address *address)
{
    for (size_t i = 0; i < egress->n_nat64; i++)
        if (co_cidr_contains(&egress->nat64[i], address))
            return &egress->nat64[i];
    return NULL;
}

/* Where packets to an address end up. */
static struct co_address canonical(const struct egress *egress, const struct co_address *address)
{
    const struct co_cidr *prefix = nat64_prefix_of(egress, address);
    struct co_address ipv4;

    if (prefix != NULL)
        return nat64_decode(prefix, address);
    return co_address_embedded_ipv4(address, &ipv4) ? ipv4 : *address;
}

static int parse_range(const char *option, const char *text, struct co_cidr *ret_range,
                       struct err *err)
{
    if (co_cidr_parse(text, ret_range) < 0)
        return err_set(err, -EINVAL,
                       "%s: \"%s\" is not a range such as 10.0.0.0/8, fd00::/8, 127.0.0.1:8080 or "
                       "[::1]:8080 (bits after the prefix must be 0)",
                       option, text);
    return 0;
}

static int add_allow(struct egress *egress, const char *text, struct err *err)
{
    struct rule *rule = &egress->rules[egress->n_rules];
    struct co_address ipv4;
    int rc = parse_range("egress.allow", text, &rule->range, err);

    if (rc < 0)
        return rc;
    /* Such addresses are judged as IPv4, so the rule would never apply. */
    if (rule->range.prefix_length >= 96 && co_address_embedded_ipv4(&rule->range.network, &ipv4))
        return err_set(err, -EINVAL, "egress.allow: \"%s\" stands for IPv4: allow its IPv4 range",
                       text);
    egress->n_rules++;
    return 0;
}

/* returns the same text, kept once; NULL: out of memory */
static const char *keep_name(struct egress *egress, const char *text)
{
    struct name *name = egress->names;
    size_t size = strlen(text) + 1;

    while (name != NULL && strcmp(name->text, text) != 0)
        name = name->next;
    if (name != NULL)
        return name->text;
    name = malloc(sizeof(*name) + size);
    if (name == NULL)
        return NULL;
    name->next = egress->names;
    memcpy(name->text, text, size);
    egress->names = name;
    return name->text;
}

static int add_deny(struct egress *egress, const char *text, struct err *err)
{
    struct rule *rule = &egress->rules[egress->n_rules];
    char name[NAME_SIZE];
    int rc = parse_range("egress.deny", text, &rule->range, err);

    if (rc < 0)
        return rc;
    snprintf(name, sizeof(name), "egress.deny %s", text);
    rule->blocked_as = keep_name(egress, name);
    egress->n_rules++;
    return rule->blocked_as != NULL ? 0 : -ENOMEM;
}

static int compare_configured(const void *left, const void *right)
{
    const struct rule *a = left, *b = right;
    int by_prefix = b->range.prefix_length - a->range.prefix_length;
    int by_port = (b->range.network.port != 0) - (a->range.network.port != 0);
    int by_verdict = (b->blocked_as != NULL) - (a->blocked_as != NULL);

    return by_prefix ?: by_port ?: by_verdict;
}

static void add_builtin(struct egress *egress)
{
    for (size_t i = 0; i < egress_n_ranges; i++) {
        struct rule *rule = &egress->rules[egress->n_rules++];
        int rc = co_cidr_parse(egress_ranges[i].range, &rule->range);
        assert(rc == 0);
        rule->blocked_as = egress_ranges[i].blocked_as;
        rule->reach = egress_ranges[i].reach;
    }
}

static void note_opened(struct egress *egress)
{
    for (size_t i = 0; i < egress->n_configured; i++)
        for (size_t j = egress->n_configured; j < egress->n_rules; j++)
            if (!egress->rules[i].blocked_as &&
                co_cidr_overlaps(&egress->rules[i].range, &egress->rules[j].range))
                egress->opened |= egress->rules[j].reach;
}

static int fill(struct egress *egress, const char *const *allow, size_t n_allow,
                const char *const *deny, size_t n_deny, struct err *err)
{
    int rc = 0;

    egress->rules =
        arena_calloc(&egress->arena, n_allow + n_deny + egress_n_ranges, sizeof(struct rule));
    if (!egress->rules)
        return -ENOMEM;
    for (size_t i = 0; rc == 0 && i < n_allow; i++)
        rc = add_allow(egress, allow[i], err);
    for (size_t i = 0; rc == 0 && i < n_deny; i++)
        rc = add_deny(egress, deny[i], err);
    if (rc < 0)
        return rc;
    egress->n_configured = egress->n_rules;
    qsort(egress->rules, egress->n_configured, sizeof(struct rule), compare_configured);
    add_builtin(egress);
    note_opened(egress);
    return 0;
}

static int add_nat64(struct egress *egress, const char *text, struct err *err)
{
    struct co_cidr *prefix = &egress->nat64[egress->n_nat64];

    if (co_cidr_parse(text, prefix) < 0 || !nat64_is_prefix(prefix))
        return err_set(err, -EINVAL,
                       "egress.nat64_prefixes: \"%s\" is not an IPv6 prefix of 32, 40, 48, 56, 64 "
                       "or 96 bits",
                       text);
    egress->n_nat64++;
    return 0;
}

int egress_set_nat64(struct egress *egress, bool denies, const char *const *prefixes,
                     size_t n_prefixes, struct err *err)
{
    int rc;

    egress->denies_nat64 = denies;
    egress->n_nat64 = 0;
    egress->nat64 = arena_calloc(&egress->arena, n_prefixes + 1, sizeof(struct co_cidr));
    if (!egress->nat64)
        return -ENOMEM;
    rc = add_nat64(egress, nat64_well_known, err);
    for (size_t i = 0; rc == 0 && i < n_prefixes; i++)
        rc = add_nat64(egress, prefixes[i], err);
    return rc;
}

int egress_new(struct egress **ret_egress, const char *const *allow, size_t n_allow,
               const char *const *deny, size_t n_deny, struct err *err)
{
    struct egress *egress = calloc(1, sizeof(*egress));

    if (!egress)
        return -ENOMEM;
    arena_init(&egress->arena, PTRDIFF_MAX);
    int rc = fill(egress, allow, n_allow, deny, n_deny, err);
    if (rc < 0)
        egress_free(egress);
    else
        *ret_egress = egress;
    return rc;
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    arena_done(&egress->arena);
    for (struct name *name = egress->names, *next; name != NULL; name = next) {
        next = name->next;
        free(name);
    }
    free(egress);
}

int egress_replace(struct egress *egress, struct egress *other)
{
    for (size_t i = 0; i < other->n_configured; i++) {
        struct rule *rule = &other->rules[i];
        const char *name = rule->blocked_as != NULL ? keep_name(egress, rule->blocked_as) : NULL;
        if (rule->blocked_as != NULL && name == NULL)
            return -ENOMEM;
        rule->blocked_as = name;
    }
    struct egress before = *egress;
    *egress = *other;
    *other = before;
    other->names = co_take(egress->names);
    egress->names = before.names;
    egress_free(other);
    return 0;
}

static int block_range(struct egress *egress, struct co_cidr range, uint16_t port)
{
    struct listener *listener = arena_alloc(&egress->arena, sizeof(*listener));

    if (!listener)
        return -ENOMEM;
    range.network.port = port;
    *listener = (struct listener){.next = egress->listeners, .range = range};
    egress->listeners = listener;
    return 0;
}

static int block_text(struct egress *egress, const char *text, uint16_t port)
{
    struct co_cidr range;
    int rc = co_cidr_parse(text, &range);

    assert(rc == 0);
    return block_range(egress, range, port);
}

static int block_host(struct egress *egress, const struct co_address *address, uint16_t port)
{
    struct co_address plain = canonical(egress, address);

    return block_range(egress, co_cidr_host(&plain), port);
}

static int block_interfaces(struct egress *egress, uint16_t port)
{
    struct ifaddrs *all;
    int rc = 0;

    if (getifaddrs(&all) < 0)
        return -errno;
    for (struct ifaddrs *one = all; rc == 0 && one; one = one->ifa_next) {
        struct co_address address;
        if (one->ifa_addr &&
            co_address_from_sockaddr(one->ifa_addr, sizeof(struct sockaddr_in6), &address) == 0)
            rc = block_host(egress, &address, port);
    }
    freeifaddrs(all);
    return rc;
}

static bool is_unspecified(const struct egress *egress, const struct co_address *address)
{
    static const uint8_t zeros[16];
    struct co_address plain = canonical(egress, address);

    return memcmp(plain.bytes, zeros, sizeof(zeros)) == 0;
}

int egress_block_listener(struct egress *egress, const struct co_address *address)
{
    uint16_t port = address->port;
    /* Connecting to the unspecified address ends at loopback. */
    int rc = block_host(egress, address, port) ?: block_text(egress, "0.0.0.0", port)
                 ?: block_text(egress, "::", port);

    if (rc < 0 || !is_unspecified(egress, address))
        return rc;
    return block_text(egress, "127.0.0.0/8", port) ?: block_text(egress, "::1", port)
               ?: block_interfaces(egress, port);
}

static bool is_own_listener(const struct egress *egress, const struct co_address *address)
{
    for (const struct listener *one = egress->listeners; one; one = one->next)
        if (co_cidr_contains(&one->range, address))
            return true;
    return false;
}

static const char *judge(const struct egress *egress, const struct co_address *address)
{
    if (is_own_listener(egress, address))
        return "own-listener";

    const struct rule *rule = first_match(egress->rules, egress->n_rules, address);
    if (!rule)
        return "address-family";
    if (rule->blocked_as)
        return rule->blocked_as;
    bool names_port = rule->range.network.port != 0;
    return egress_port_is_bad(address->port) && !names_port ? "port-bad" : NULL;
}

const char *egress_check_address(const struct egress *egress, const struct co_address *address)
{
    struct co_address plain = canonical(egress, address);

    if (plain.family == address->family)
        return judge(egress, address);

    const struct rule *rule = first_match(egress->rules, egress->n_configured, address);
    if (rule && rule->blocked_as)
        return rule->blocked_as;
    if (egress->denies_nat64 && nat64_prefix_of(egress, address))
        return "ipv6-nat64";
    return judge(egress, &plain);
}

static bool is_loopback(const struct egress *egress, const struct co_address *address)
{
    struct co_address plain = canonical(egress, address);
    const struct rule *builtin = egress->rules + egress->n_configured;
    const struct rule *rule = first_match(builtin, egress_n_ranges, &plain);

    return rule && rule->reach == EGRESS_LOOPBACK;
}

const char *egress_check_addresses(const struct egress *egress, struct co_address *addresses,
                                   size_t *n_addresses)
{
    const char *blocked_as = NULL;
    bool only_loopback = true;
    size_t n_allowed = 0;

    for (size_t i = 0; i < *n_addresses; i++) {
        const char *why = egress_check_address(egress, &addresses[i]);
        only_loopback = only_loopback && is_loopback(egress, &addresses[i]);
        if (!why)
            addresses[n_allowed++] = addresses[i];
        else if (!blocked_as)
            blocked_as = why;
    }
    if (blocked_as && !(only_loopback && n_allowed > 0))
        return blocked_as;
    *n_addresses = n_allowed;
    return NULL;
}

static bool is_under(const char *host, const char *domain)
{
    size_t host_length = strlen(host), length = strlen(domain);

    if (host_length < length || strcmp(host + host_length - length, domain) != 0)
        return false;
    return host_length == length || host[host_length - length - 1] == '.';
}

static const char *check_name(const struct egress *egress, const char *host)
{
    for (size_t i = 0; i < egress_n_domains; i++)
        if (is_under(host, egress_domains[i].domain) && !(egress->opened & egress_domains[i].reach))
            return egress_domains[i].blocked_as;
    return NULL;
}

static bool port_is_opened(const struct egress *egress, uint16_t port)
{
    for (size_t i = 0; i < egress->n_configured; i++)
        if (!egress->rules[i].blocked_as && egress->rules[i].range.network.port == port)
            return true;
    return false;
}

const char *egress_check_url(const struct egress *egress, const struct co_url *url)
{
    if (url->address.family != AF_UNSPEC)
        return egress_check_address(egress, &url->address);

    const char *blocked_as = check_name(egress, url->host);
    if (blocked_as)
        return blocked_as;
    return egress_port_is_bad(url->port) && !port_is_opened(egress, url->port) ? "port-bad" : NULL;
}

const char *egress_explain(const char *rule)
{
    static const struct {
        const char *prefix, *sentence;
    } kinds[] = {
        {"own-listener", "gatherd itself listens on this address, and nothing opens that"},
        {"port-bad", "no HTTP is expected at this port (a range of egress.allow in the "
                     "configuration that names it opens it: ADDRESS/BITS:PORT)"},
        {"egress.deny ", "this range of egress.deny in the configuration forbids the address"},
        {"name-", "no public host has such a name (egress.allow in the configuration opens the "
                  "ranges it may be in)"},
        {"", "the egress policy forbids this address (egress.allow in the configuration opens "
             "ranges)"},
    };
    size_t i = 0;

    while (strncmp(rule, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
        i++;
    return kinds[i].sentence;
}
