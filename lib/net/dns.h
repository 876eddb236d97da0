/* Names to addresses, on the loop: c-ares, coalesced and cached.
 *
 * Any number of tasks that ask for the same name share one query. Answers are kept for their TTL,
 * within limits, failures for a few seconds. `localhost` and its subdomains are the loopback
 * addresses and never asked for (RFC 6761); /etc/hosts is honoured. Names are absolute: no domain
 * is appended to them.
 */
#pragma once

#include <stdint.h>

#include "lib/co/base.h"
#include "lib/net/address.h"

struct co_dns;

struct co_dns_options {
    const char *servers;  /* "10.0.0.53,[::1]:5353"; NULL or "": those of the system */
    co_time timeout;      /* how long a call waits, with all tries; 0: 5 s */
    unsigned max_entries; /* cached names; 0: 4096 */
};

enum { CO_DNS_MAX_ADDRESSES = 16 }; /* an answer's further addresses are ignored */

struct co_dns_answer {
    unsigned n_addresses;
    struct co_address addresses[CO_DNS_MAX_ADDRESSES]; /* port 0; in the order to try them */
};

/* Starts its driver task in the caller's loop. returns 0, -ENOMEM, -EINVAL: servers cannot be read
 */
int co_dns_new(struct co_dns **ret_dns, const struct co_dns_options *options);

/* How queries end. */
enum co_dns_outcome {
    CO_DNS_ANSWERED,
    CO_DNS_NOT_FOUND,
    CO_DNS_TIMED_OUT,
    CO_DNS_FAILED,
    CO_DNS_N_OUTCOMES
};

/* "answered", "not_found", "timed_out", "failed" */
const char *co_dns_outcome_name(enum co_dns_outcome outcome);

/* Of a resolver, since it was made. */
struct co_dns_stats {
    uint64_t n_lookups;                    /* names that were wanted; localhost does not count */
    uint64_t n_known;                      /* of these, that were in the cache */
    uint64_t n_queries[CO_DNS_N_OUTCOMES]; /* that have ended; tasks may share one */
    uint64_t n_cached;                     /* names that are in the cache now */
};

void co_dns_get_stats(const struct co_dns *dns, struct co_dns_stats *ret_stats);

/* Nobody may be waiting. NULL is fine. suspends until the driver has ended. */
void co_dns_free(struct co_dns *dns);

/* Looks up name, an ASCII host name that is no address literal, for both families.
 *
 * returns    0, with at least one address; -ENOENT: there is no such name, or it has no address;
 *            -ETIMEDOUT: nobody answered in time; -EIO: a server failed or lied; -ENOMEM;
 *            -ENOBUFS: as many names as fit are being asked for
 * suspends   unless the answer is known
 */
CO_BLOCKS int co_dns_resolve(struct co_dns *dns, const char *name,
                             struct co_dns_answer *ret_answer);
