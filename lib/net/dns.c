#include "lib/net/dns.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/co/io.h"
#include "lib/co/scope.h"
#include "lib/co/task.h"
#include "lib/net/dns_cache.h"

#define DEFAULT_TIMEOUT (5 * CO_SECOND)
#define MIN_TTL         (5 * CO_SECOND)
#define MAX_TTL         (300 * CO_SECOND)
#define NEGATIVE_TTL    (5 * CO_SECOND)
#define SAFETY_TICK     (1 * CO_SECOND)
#define RETRY_TICK      (50 * CO_MILLISECOND)

enum { DEFAULT_MAX_ENTRIES = 4096, EVENTS_PER_POLL = 64 };
enum { MAX_MISSED = 8 }; /* a server has two */

struct co_dns {
    ares_channel channel;
    bool is_library_open;
    int epoll_fd;                          /* c-ares' sockets */
    struct epoll_event missed[MAX_MISSED]; /* those of them that the kernel had no room for */
    unsigned n_missed;
    struct co_task *driver;
    co_time timeout;
    struct co_dns_cache cache;
    struct co_dns_stats stats;
};

/* What a query needs to know when it is answered. */
struct query {
    struct co_dns *dns;
    struct co_dns_entry *entry;
    unsigned n_asked; /* of asked_families[] */
};

/* --- Answers ------------------------------------------------------------------------------- */

static const struct co_dns_answer loopback = {
    .n_addresses = 2,
    .addresses = {{.family = AF_INET6, .bytes = {[15] = 1}},
                  {.family = AF_INET, .bytes = {127, 0, 0, 1}}},
};

/* source     RFC 6761 section 6.3 */
static bool is_localhost(const char *name)
{
    static const char label[] = "localhost";
    size_t length = strlen(name);

    if (length > 0 && name[length - 1] == '.')
        length--;
    if (length < strlen(label) ||
        strncasecmp(name + length - strlen(label), label, strlen(label)) != 0)
        return false;
    return length == strlen(label) || name[length - strlen(label) - 1] == '.';
}

static const struct ares_addrinfo_node *next_of(const struct ares_addrinfo_node *node, int family)
{
    while (node != NULL && node->ai_family != family)
        node = node->ai_next;
    return node;
}

/* The families by turns, IPv6 first: a client that tries them in this order comes to the second
 * soon, and a limit takes from both. Where a family has no route, connecting fails at once.
 *
 * source     RFC 8305 section 4 */
static void copy_addresses(struct co_dns_answer *answer, const struct ares_addrinfo_node *nodes)
{
    static const int families[] = {AF_INET6, AF_INET};
    const struct ares_addrinfo_node *next[] = {next_of(nodes, AF_INET6), next_of(nodes, AF_INET)};

    answer->n_addresses = 0;
    for (unsigned turn = 0; next[0] != NULL || next[1] != NULL; turn ^= 1) {
        const struct ares_addrinfo_node *node = next[turn];
        if (node == NULL)
            continue;
        if (answer->n_addresses == CO_DNS_MAX_ADDRESSES)
            return;
        if (co_address_from_sockaddr(node->ai_addr, node->ai_addrlen,
                                     &answer->addresses[answer->n_addresses]) == 0)
            answer->n_addresses++;
        next[turn] = next_of(node->ai_next, families[turn]);
    }
}

static co_time ttl_of(const struct ares_addrinfo *info)
{
    co_time ttl = MAX_TTL;

    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next)
        if (node->ai_ttl * CO_SECOND < ttl)
            ttl = node->ai_ttl * CO_SECOND;
    for (const struct ares_addrinfo_cname *name = info->cnames; name != NULL; name = name->next)
        if (name->ttl * CO_SECOND < ttl)
            ttl = name->ttl * CO_SECOND;
    return ttl > MIN_TTL ? ttl : MIN_TTL;
}

static int rc_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
        return -ENOENT;
    case ARES_ETIMEOUT:
        return -ETIMEDOUT;
    case ARES_ENOMEM:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

static enum co_dns_outcome outcome_of(int rc)
{
    switch (rc) {
    case 0:
        return CO_DNS_ANSWERED;
    case -ENOENT:
        return CO_DNS_NOT_FOUND;
    case -ETIMEDOUT:
        return CO_DNS_TIMED_OUT;
    default:
        return CO_DNS_FAILED;
    }
}

static void settle(struct co_dns_entry *entry, int rc, co_time ttl)
{
    entry->rc = rc;
    entry->expires_at = co_now() + ttl;
    entry->is_asked = false;
    co_event_set(&entry->answered);
}

/* Of two answers without an address c-ares tells the later one. So when it says that there is no
 * data, one family has none, but the other one may be what nobody could be asked for; then each is
 * asked for by itself. */
static const int asked_families[] = {AF_UNSPEC, AF_INET, AF_INET6};

static bool may_hide_a_failure(const struct query *query, int status)
{
    return status == ARES_ENODATA &&
           query->n_asked < sizeof(asked_families) / sizeof(asked_families[0]);
}

static void on_answer(void *arg, int status, int n_timeouts, struct ares_addrinfo *info);

static void ask_next(struct query *query)
{
    const struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT, /* it would connect to each of them, however many */
        .ai_family = asked_families[query->n_asked++],
        .ai_socktype = SOCK_STREAM,
    };

    ares_getaddrinfo(query->dns->channel, query->entry->name, NULL, &hints, on_answer, query);
}

static void on_answer(void *arg, int status, int n_timeouts, struct ares_addrinfo *info)
{
    struct query *query = arg;
    struct co_dns_entry *entry = query->entry;

    (void)n_timeouts;
    if (may_hide_a_failure(query, status)) {
        ask_next(query);
        return;
    }
    int rc = rc_of(status);
    co_time ttl = rc == -ENOMEM ? 0 : NEGATIVE_TTL;
    if (info != NULL) { /* as it is if rc is 0 */
        copy_addresses(&entry->answer, info->nodes);
        if (entry->answer.n_addresses > 0)
            ttl = ttl_of(info);
        else
            rc = -ENOENT;
        ares_freeaddrinfo(info);
    }
    query->dns->stats.n_queries[outcome_of(rc)]++;
    settle(entry, rc, ttl);
    co_dns_cache_release(&query->dns->cache, entry);
    free(query);
}

/* --- The driver ---------------------------------------------------------------------------- */

static void forget_missed(struct co_dns *dns, ares_socket_t fd)
{
    for (unsigned i = 0; i < dns->n_missed; i++)
        if (dns->missed[i].data.fd == fd)
            dns->missed[i--] = dns->missed[--dns->n_missed];
}

static void note_missed(struct co_dns *dns, const struct epoll_event *event)
{
    if (dns->n_missed < MAX_MISSED)
        dns->missed[dns->n_missed++] = *event;
}

static void watch(struct co_dns *dns, struct epoll_event *event)
{
    int fd = event->data.fd;

    if (epoll_ctl(dns->epoll_fd, EPOLL_CTL_MOD, fd, event) < 0 &&
        epoll_ctl(dns->epoll_fd, EPOLL_CTL_ADD, fd, event) < 0)
        note_missed(dns, event);
}

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct co_dns *dns = arg;
    struct epoll_event event = {
        .events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0),
        .data.fd = fd,
    };

    forget_missed(dns, fd);
    if (event.events == 0)
        (void)epoll_ctl(dns->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    else
        watch(dns, &event);
}

/* A socket lives as long as its server, and nothing else would tell of it. */
static void watch_missed(struct co_dns *dns)
{
    unsigned n = dns->n_missed;
    struct epoll_event missed[MAX_MISSED];

    memcpy(missed, dns->missed, sizeof(missed));
    dns->n_missed = 0;
    for (unsigned i = 0; i < n; i++)
        watch(dns, &missed[i]);
}

/* returns whether there may be more */
static bool serve_sockets(struct co_dns *dns)
{
    struct epoll_event events[EVENTS_PER_POLL];
    int n = epoll_wait(dns->epoll_fd, events, EVENTS_PER_POLL, 0);

    for (int i = 0; i < n; i++) {
        ares_socket_t fd = events[i].data.fd;
        ares_process_fd(dns->channel, events[i].events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
                        events[i].events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    }
    return n > 0;
}

static co_time time_to_wait(struct co_dns *dns)
{
    struct timeval next;

    if (dns->n_missed > 0)
        return RETRY_TICK;
    if (ares_timeout(dns->channel, NULL, &next) == NULL)
        return CO_NEVER;
    return next.tv_sec * CO_SECOND + next.tv_usec * CO_MICROSECOND;
}

static int wait_for_work(struct co_dns *dns)
{
    struct co_scope scope;

    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
    watch_missed(dns);
    co_scope_enter(&scope, time_to_wait(dns));
    int rc = co_wait_fd(dns->epoll_fd, CO_READABLE);
    rc = co_scope_exit(&scope, rc);
    if (rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED)
        return rc;
    return co_sleep(SAFETY_TICK); /* there is no memory to wait with */
}

/* The wait is edge-triggered, so it comes only after a look that found nothing. */
static int drive(void *arg, void **result)
{
    struct co_dns *dns = arg;
    int rc = 0;

    (void)result;
    while (rc != -ECANCELED)
        rc = serve_sockets(dns) ? co_sleep(0) : wait_for_work(dns);
    return 0;
}

/* --- Life ---------------------------------------------------------------------------------- */

/* Each of the tries takes twice as long as the one before: 1 + 2 + 4 parts of the whole. Names are
 * absolute, so no domain of the system is appended, and no alias of the environment used. */
static int open_channel(struct co_dns *dns, const char *servers)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOALIASES,
        .timeout = (int)(dns->timeout / CO_MILLISECOND / 7),
        .tries = 3,
        .ndomains = 0,
        .lookups = (char[]){"fb"}, /* /etc/hosts, then the servers */
        .sock_state_cb = on_socket,
        .sock_state_cb_data = dns,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS |
               ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

#ifdef ARES_OPT_QUERY_CACHE
    /* None (qcache_max_ttl is 0): answers are remembered here, for as long as they may be. */
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return -ENOMEM;
    dns->is_library_open = true;
    if (ares_init_options(&dns->channel, &options, mask) != ARES_SUCCESS)
        return -ENOMEM;
    if (servers == NULL || servers[0] == '\0')
        return 0;
    int status = ares_set_servers_ports_csv(dns->channel, servers);
    return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

static int open_resolver(struct co_dns *dns, const struct co_dns_options *options)
{
    dns->timeout = options->timeout != 0 ? options->timeout : DEFAULT_TIMEOUT;
    dns->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (dns->epoll_fd < 0)
        return -errno;
    int rc = co_dns_cache_init(&dns->cache, options->max_entries != 0 ? options->max_entries
                                                                      : DEFAULT_MAX_ENTRIES);
    if (rc == 0)
        rc = open_channel(dns, options->servers);
    return rc == 0 ? co_create_task("dns", drive, dns, &dns->driver) : rc;
}

int co_dns_new(struct co_dns **ret_dns, const struct co_dns_options *options)
{
    struct co_dns *dns = calloc(1, sizeof(*dns));

    if (dns == NULL)
        return -ENOMEM;
    int rc = open_resolver(dns, options);
    if (rc == 0)
        *ret_dns = dns;
    else
        co_dns_free(dns);
    return rc;
}

void co_dns_free(struct co_dns *dns)
{
    if (dns == NULL)
        return;
    co_task_stop(co_take(dns->driver), "the resolver is closed");
    if (dns->channel != NULL)
        ares_destroy(dns->channel); /* answers what is still asked */
    if (dns->is_library_open)
        ares_library_cleanup();
    co_dns_cache_done(&dns->cache);
    if (dns->epoll_fd >= 0)
        co_close(dns->epoll_fd);
    free(dns);
}

/* --- Looking up ---------------------------------------------------------------------------- */

static int ask(struct co_dns *dns, struct co_dns_entry *entry)
{
    struct query *query = malloc(sizeof(*query));

    if (query == NULL)
        return -ENOMEM;
    *query = (struct query){.dns = dns, .entry = entry};
    co_dns_cache_hold(entry);
    entry->is_asked = true;
    co_event_clear(&entry->answered);
    ask_next(query);
    co_wake_fd(dns->epoll_fd, CO_READABLE); /* there is a new timeout */
    return 0;
}

static int wait_for_answer(struct co_dns *dns, struct co_dns_entry *entry)
{
    struct co_scope scope;

    co_scope_enter(&scope, dns->timeout);
    int rc = co_event_wait(&entry->answered);
    rc = co_scope_exit(&scope, rc);
    return entry->is_asked ? rc : 0; /* the answer came at the last moment, maybe */
}

static int look_up(struct co_dns *dns, struct co_dns_entry *entry)
{
    int rc = 0;

    dns->stats.n_lookups++;
    if (!entry->is_asked && co_now() >= entry->expires_at)
        rc = ask(dns, entry);
    else if (!entry->is_asked)
        dns->stats.n_known++;
    if (rc == 0 && entry->is_asked)
        rc = wait_for_answer(dns, entry);
    return rc == 0 ? entry->rc : rc;
}

int co_dns_resolve(struct co_dns *dns, const char *name, struct co_dns_answer *ret_answer)
{
    struct co_dns_entry *entry;
    int rc = co_checkpoint();

    if (rc < 0)
        return rc;
    if (is_localhost(name)) {
        *ret_answer = loopback;
        return 0;
    }
    rc = co_dns_cache_take(&dns->cache, name, &entry);
    if (rc < 0)
        return rc;
    rc = look_up(dns, entry);
    if (rc == 0)
        *ret_answer = entry->answer;
    co_dns_cache_release(&dns->cache, entry);
    return rc;
}

/* --- Counting ------------------------------------------------------------------------------ */

const char *co_dns_outcome_name(enum co_dns_outcome outcome)
{
    static const char *const names[] = {
        [CO_DNS_ANSWERED] = "answered",
        [CO_DNS_NOT_FOUND] = "not_found",
        [CO_DNS_TIMED_OUT] = "timed_out",
        [CO_DNS_FAILED] = "failed",
    };

    return names[outcome];
}

void co_dns_get_stats(const struct co_dns *dns, struct co_dns_stats *ret_stats)
{
    *ret_stats = dns->stats;
    ret_stats->n_cached = dns->cache.n_entries;
}
