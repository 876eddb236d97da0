/* Linear hashing: with each new host one bucket more is split off another one, so the table grows
 * with its hosts and never all at once.
 *
 * source  Litwin: Linear hashing, a new tool for file and table addressing (1980) */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/hash.h"
#include "daemon/engine/admission_private.h"

enum { FIRST_BUCKETS = 64 };

static struct admission_host *host_new(const char *origin, uint64_t hash)
{
    size_t size = strlen(origin) + 1;
    struct admission_host *host = malloc(sizeof(*host) + size);

    if (host == NULL)
        return NULL;
    *host = (struct admission_host){.hash = hash};
    memcpy(host->origin, origin, size);
    co_list_init(&host->line);
    return host;
}

int admission_hosts_init(struct admission *admission)
{
    admission->hosts = calloc(FIRST_BUCKETS, sizeof(struct admission_host *));
    admission->n_buckets = admission->max_buckets = FIRST_BUCKETS;
    admission->nowhere = host_new("", 0);
    if (admission->hosts != NULL && admission->nowhere != NULL)
        return 0;
    admission_hosts_done(admission);
    return -ENOMEM;
}

void admission_hosts_done(struct admission *admission)
{
    free(co_take(admission->hosts));
    free(co_take(admission->nowhere));
}

/* The largest power of two that is not larger than n_buckets. */
static size_t round_size(const struct admission *admission)
{
    size_t max = admission->max_buckets;

    return admission->n_buckets < max ? max / 2 : max;
}

static struct admission_host **bucket_of(const struct admission *admission, uint64_t hash)
{
    size_t size = round_size(admission), bucket = hash & (2 * size - 1);

    return &admission->hosts[bucket < admission->n_buckets ? bucket : bucket - size];
}

static struct admission_host **find(const struct admission *admission, uint64_t hash,
                                    const char *origin)
{
    struct admission_host **slot = bucket_of(admission, hash);

    while (*slot != NULL && ((*slot)->hash != hash || strcmp((*slot)->origin, origin) != 0))
        slot = &(*slot)->next_in_bucket;
    return slot;
}

static bool make_room(struct admission *admission)
{
    size_t max = admission->max_buckets * 2;

    if (admission->n_buckets < admission->max_buckets)
        return true;
    struct admission_host **hosts = realloc(admission->hosts, max * sizeof(*hosts));
    if (hosts == NULL)
        return false;
    admission->hosts = hosts;
    admission->max_buckets = max;
    return true;
}

/* Without memory for more buckets those there are still work, only slower. */
static void split_bucket(struct admission *admission)
{
    if (!make_room(admission))
        return;
    size_t size = round_size(admission), bucket = admission->n_buckets++;
    struct admission_host **slot = &admission->hosts[bucket - size];
    struct admission_host **split = &admission->hosts[bucket];
    *split = NULL;
    while (*slot != NULL) {
        struct admission_host *host = *slot;
        if ((host->hash & (2 * size - 1)) != bucket) {
            slot = &host->next_in_bucket;
            continue;
        }
        *slot = host->next_in_bucket;
        host->next_in_bucket = *split;
        *split = host;
    }
}

static struct admission_host *find_or_make(struct admission *admission, const char *origin)
{
    uint64_t hash = hash_text(origin);
    struct admission_host **slot = find(admission, hash, origin), *host = *slot;

    if (host != NULL)
        return host;
    host = host_new(origin, hash);
    if (host == NULL)
        return admission->nowhere;
    *slot = host;
    if (++admission->n_hosts > admission->n_buckets)
        split_bucket(admission);
    return host;
}

struct admission_host *admission_host_get(struct admission *admission, const char *origin)
{
    struct admission_host *host =
        origin != NULL ? find_or_make(admission, origin) : admission->nowhere;

    host->n_lanes++;
    return host;
}

void admission_host_unref(struct admission *admission, struct admission_host *host)
{
    assert(host->n_lanes > 0);
    if (--host->n_lanes > 0 || host == admission->nowhere)
        return;
    *find(admission, host->hash, host->origin) = host->next_in_bucket;
    admission->n_hosts--;
    free(host);
}
