#include "tests/support/fake_dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/support/runtime.h"

enum { HEADER_SIZE = 12, MAX_PACKET = 512, SERVFAIL = 2, NXDOMAIN = 3 };

struct packet {
    uint8_t bytes[MAX_PACKET];
    size_t length;
};

struct fake_query {
    struct fake_query *next;
    struct packet packet;
    struct sockaddr_in peer;
};

static void put(struct packet *packet, const void *bytes, size_t n)
{
    ck_assert_uint_le(packet->length + n, sizeof(packet->bytes));
    memcpy(packet->bytes + packet->length, bytes, n);
    packet->length += n;
}

static void put_u16(struct packet *packet, unsigned value)
{
    put(packet, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

/* returns where the question ends */
static size_t read_question(const struct packet *query, char name[256], unsigned *ret_type)
{
    size_t at = HEADER_SIZE, length = 0;

    while (query->bytes[at] != 0) {
        memcpy(name + length, &query->bytes[at + 1], query->bytes[at]);
        length += query->bytes[at];
        name[length++] = '.';
        at += query->bytes[at] + 1u;
    }
    name[length - 1] = '\0';
    *ret_type = query->bytes[at + 2];
    return at + 5;
}

static const struct fake_name *find(const struct fake_dns *dns, const char *name)
{
    static const struct fake_name nobody = {.rcode = NXDOMAIN};

    for (const struct fake_name *known = dns->names; known->name != NULL; known++)
        if (strcasecmp(known->name, name) == 0)
            return known;
    return &nobody;
}

static unsigned put_records(struct packet *answer, const struct fake_name *name, unsigned type)
{
    unsigned n = 0;

    for (const char *const *text = name->addresses; *text != NULL; text++) {
        bool is_ipv6 = strchr(*text, ':') != NULL;
        unsigned size = is_ipv6 ? 16 : 4;
        uint8_t bytes[16];
        if (is_ipv6 != (type == FAKE_DNS_AAAA))
            continue;
        inet_pton(is_ipv6 ? AF_INET6 : AF_INET, *text, bytes);
        put_u16(answer, 0xc000 | HEADER_SIZE); /* the name is that of the question */
        put_u16(answer, type);
        put_u16(answer, 1);
        put_u16(answer, name->ttl >> 16);
        put_u16(answer, name->ttl & 0xffff);
        put_u16(answer, size);
        put(answer, bytes, size);
        n++;
    }
    return n;
}

static void answer(struct fake_dns *dns, const struct fake_query *query,
                   const struct fake_name *name, unsigned type, size_t question_end)
{
    struct packet packet = {0};
    unsigned rcode = name->failing_type == type ? SERVFAIL : name->rcode;

    put(&packet, query->packet.bytes, question_end);
    unsigned n = rcode == 0 ? put_records(&packet, name, type) : 0;
    memcpy(&packet.bytes[2], (uint8_t[]){0x85, (uint8_t)(0x80 | rcode)}, 2);
    memcpy(&packet.bytes[6], (uint8_t[]){0, (uint8_t)n, 0, 0, 0, 0}, 6);
    sendto(dns->fd, packet.bytes, packet.length, 0, (const struct sockaddr *)&query->peer,
           sizeof(query->peer));
}

static void keep(struct fake_dns *dns, const struct fake_query *query)
{
    struct fake_query *kept = malloc(sizeof(*kept));

    *kept = *query;
    kept->next = dns->unanswered;
    dns->unanswered = kept;
}

static void take_query(struct fake_dns *dns, const struct fake_query *query)
{
    char text[256];
    unsigned type;
    size_t question_end = read_question(&query->packet, text, &type);
    const struct fake_name *name = find(dns, text);

    if (name->is_silent || name->silent_type == type)
        keep(dns, query);
    else
        answer(dns, query, name, type, question_end);
}

static int serve(void *arg, void **result)
{
    struct fake_dns *dns = arg;
    int rc = 0;

    (void)result;
    while (rc == 0) {
        struct fake_query query = {0};
        socklen_t peer_length = sizeof(query.peer);
        ssize_t n = recvfrom(dns->fd, query.packet.bytes, sizeof(query.packet.bytes), 0,
                             (struct sockaddr *)&query.peer, &peer_length);
        if (n <= HEADER_SIZE) {
            rc = co_wait_fd(dns->fd, CO_READABLE);
            continue;
        }
        dns->n_queries++;
        take_query(dns, &query);
    }
    return 0;
}

void fake_dns_speak(struct fake_dns *dns)
{
    struct fake_query *query = co_take(dns->unanswered), *next;

    for (; query != NULL; query = next) {
        next = query->next;
        take_query(dns, query);
        free(query);
    }
}

void fake_dns_start(struct fake_dns *dns)
{
    static const struct fake_name none[1];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    if (dns->names == NULL)
        dns->names = none;
    dns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_ok(bind(dns->fd, (struct sockaddr *)&address, length));
    assert_ok(getsockname(dns->fd, (struct sockaddr *)&address, &length));
    sprintf(dns->servers, "127.0.0.1:%u", ntohs(address.sin_port));
    assert_ok(co_create_task("fake dns", serve, dns, &dns->task));
}

void fake_dns_stop(struct fake_dns *dns)
{
    co_cancel(dns->task, "the test is over");
    assert_ok(co_task_await(dns->task, NULL));
    co_task_unref(dns->task);
    co_close(dns->fd);
    for (struct fake_query *query = dns->unanswered, *next; query != NULL; query = next) {
        next = query->next;
        free(query);
    }
}
