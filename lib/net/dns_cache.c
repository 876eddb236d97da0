#include "lib/net/dns_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int co_dns_cache_init(struct co_dns_cache *cache, size_t max_entries)
{
    size_t n_buckets = 1;

    while (n_buckets < max_entries)
        n_buckets *= 2;
    *cache = (struct co_dns_cache){.n_buckets = n_buckets, .max_entries = max_entries};
    co_list_init(&cache->unheld);
    cache->buckets = calloc(n_buckets, sizeof(struct co_dns_entry *));
    return cache->buckets != NULL ? 0 : -ENOMEM;
}

void co_dns_cache_done(struct co_dns_cache *cache)
{
    for (size_t i = 0; cache->buckets != NULL && i < cache->n_buckets; i++) {
        struct co_dns_entry *next;
        for (struct co_dns_entry *entry = cache->buckets[i]; entry != NULL; entry = next) {
            next = entry->next_in_bucket;
            free(entry);
        }
    }
    free(cache->buckets);
}

/* FNV-1a. Names made to collide cost a walk over at most max_entries. */
static struct co_dns_entry **bucket_of(struct co_dns_cache *cache, const char *name)
{
    uint32_t hash = 2166136261;

    for (; *name != '\0'; name++)
        hash = (hash ^ ((unsigned char)*name | 0x20)) * 16777619;
    return &cache->buckets[hash & (cache->n_buckets - 1)];
}

static struct co_dns_entry *find(struct co_dns_cache *cache, const char *name)
{
    struct co_dns_entry *entry = *bucket_of(cache, name);

    while (entry != NULL && strcasecmp(entry->name, name) != 0)
        entry = entry->next_in_bucket;
    return entry;
}

static void forget(struct co_dns_cache *cache, struct co_dns_entry *entry)
{
    struct co_dns_entry **link = bucket_of(cache, entry->name);

    while (*link != entry)
        link = &(*link)->next_in_bucket;
    *link = entry->next_in_bucket;
    cache->n_entries--;
    free(entry);
}

static int make_room(struct co_dns_cache *cache)
{
    if (cache->n_entries < cache->max_entries)
        return 0;
    if (co_list_is_empty(&cache->unheld))
        return -ENOBUFS;
    forget(cache, co_container_of(co_list_take_first(&cache->unheld), struct co_dns_entry, unheld));
    return 0;
}

static int add(struct co_dns_cache *cache, const char *name, struct co_dns_entry **ret_entry)
{
    size_t name_size = strlen(name) + 1;
    struct co_dns_entry **bucket = bucket_of(cache, name);
    int rc = make_room(cache);

    if (rc < 0)
        return rc;
    struct co_dns_entry *entry = calloc(1, sizeof(*entry) + name_size);
    if (entry == NULL)
        return -ENOMEM;
    memcpy(entry->name, name, name_size);
    co_list_init(&entry->unheld);
    co_event_init(&entry->answered);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    cache->n_entries++;
    *ret_entry = entry;
    return 0;
}

int co_dns_cache_take(struct co_dns_cache *cache, const char *name, struct co_dns_entry **ret_entry)
{
    struct co_dns_entry *entry = find(cache, name);

    if (entry == NULL) {
        int rc = add(cache, name, &entry);
        if (rc < 0)
            return rc;
    }
    co_dns_cache_hold(entry);
    *ret_entry = entry;
    return 0;
}

void co_dns_cache_hold(struct co_dns_entry *entry)
{
    entry->n_holders++;
    co_list_remove(&entry->unheld);
}

void co_dns_cache_release(struct co_dns_cache *cache, struct co_dns_entry *entry)
{
    if (--entry->n_holders == 0)
        co_list_append(&cache->unheld, &entry->unheld);
}
