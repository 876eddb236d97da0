/* A name server for unit tests: a task that answers what its table says, true or not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct co_task;
struct fake_query;

struct fake_name {
    const char *name;          /* NULL ends a table */
    const char *addresses[32]; /* as text, of either family */
    unsigned ttl;
    unsigned rcode;        /* RFC 1035: 2 server failure, 3 no such name */
    bool is_silent;        /* until fake_dns_speak() */
    unsigned silent_type;  /* likewise, when asked for records of this type */
    unsigned failing_type; /* a server failure, likewise */
};

enum { FAKE_DNS_A = 1, FAKE_DNS_AAAA = 28 };

struct fake_dns {
    const struct fake_name *names; /* other names do not exist; may be exchanged at any time */
    char servers[32];              /* as co_dns_options.servers */
    unsigned n_queries;            /* for A and AAAA each */
    int fd;
    struct co_task *task;
    struct fake_query *unanswered;
};

void fake_dns_start(struct fake_dns *dns);
void fake_dns_stop(struct fake_dns *dns);

/* Answers what was asked of silent names, as the table says by now. */
void fake_dns_speak(struct fake_dns *dns);
