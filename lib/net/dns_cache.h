/* What is known of names: a table of bounded size that forgets the least recently used first.
 *
 * It knows nothing of time or servers. An entry that is held stays, whoever else is looked up; all
 * others may go with the next co_dns_cache_take().
 */
#pragma once

#include "lib/co/list.h"
#include "lib/co/sync.h"
#include "lib/net/dns.h"

struct co_dns_entry {
    struct co_list unheld; /* in co_dns_cache.unheld, by last use */
    struct co_dns_entry *next_in_bucket;
    unsigned n_holders;

    bool is_asked;            /* a query is under way, and holds the entry */
    struct co_event answered; /* it has ended */
    co_time expires_at;       /* of what follows; 0: nothing is known yet */
    int rc;                   /* as co_dns_resolve() returns */
    struct co_dns_answer answer;
    char name[];
};

struct co_dns_cache {
    struct co_dns_entry **buckets;
    size_t n_buckets; /* a power of two */
    size_t n_entries, max_entries;
    struct co_list unheld;
};

/* returns 0, -ENOMEM; max_entries >= 1 */
int co_dns_cache_init(struct co_dns_cache *cache, size_t max_entries);
void co_dns_cache_done(struct co_dns_cache *cache);

/* The entry of a name, old or new; upper and lower case are the same.
 *
 * returns    0: the caller owes one co_dns_cache_release(); -ENOMEM; -ENOBUFS: every entry is held
 */
int co_dns_cache_take(struct co_dns_cache *cache, const char *name,
                      struct co_dns_entry **ret_entry);

void co_dns_cache_hold(struct co_dns_entry *entry);
void co_dns_cache_release(struct co_dns_cache *cache, struct co_dns_entry *entry);
