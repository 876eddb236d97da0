#include "daemon/engine/admission.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NO_ITEM = UINT32_MAX, FIRST_BUCKETS = 64 };

struct admission_host {
    struct admission_host *next_in_bucket;
    uint64_t hash;
    struct co_list line; /* lanes that wait for room here */
    unsigned n_running;
    unsigned n_called;                    /* places kept for lanes called out of the line */
    unsigned n_lanes;                     /* of all batches; 0: nobody needs it */
    const struct admission_batch *adding; /* the batch that is being added, and */
    size_t lane;                          /* its lane here */
    char origin[];
};

/* A lane, or an item of it, in the heap until its time comes. */
struct admission_delay {
    struct co_heap_node node;
    struct admission_lane *lane;
    uint32_t item; /* NO_ITEM: the lane itself */
};

struct admission_lane {
    struct co_list link; /* in its batch's ring, or in its host's line, or in neither */
    struct co_list call; /* in its batch's `called`: a place at the host is kept for it */
    struct admission_batch *batch;
    struct admission_host *host;
    struct admission_delay delay;
    uint32_t first, last; /* items that wait, in order */
    unsigned n_running;
    unsigned max_running;
    co_time not_before; /* of the next start: the rate */
};

/* So that nobody can choose origins that all fall into one bucket. A kernel that has just booted
 * may have no randomness yet, and where we lie in memory will do. */
static uint64_t random_seed(void)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (uintptr_t)random_seed;
    return seed;
}

int admission_init(struct admission *admission, unsigned max_running, unsigned max_running_per_host)
{
    *admission = (struct admission){
        .max_running = max_running,
        .max_running_per_host = max_running_per_host,
        .n_buckets = FIRST_BUCKETS,
    };
    co_list_init(&admission->batches);
    admission->hash_seed = random_seed();
    admission->hosts = calloc(FIRST_BUCKETS, sizeof(struct admission_host *));
    return admission->hosts != NULL ? 0 : -ENOMEM;
}

void admission_done(struct admission *admission)
{
    assert(admission->n_running == 0 && admission->n_hosts == 0);
    free(admission->hosts);
}

/* --- Hosts ------------------------------------------------------------------------------------ */

/* source  Fowler, Noll, Vo: FNV-1a */
static uint64_t hash_text(uint64_t seed, const char *text)
{
    uint64_t hash = seed ^ 14695981039346656037u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static struct admission_host **host_slot(struct admission *admission, uint64_t hash,
                                         const char *origin)
{
    struct admission_host **slot = &admission->hosts[hash & (admission->n_buckets - 1)];

    while (*slot != NULL && ((*slot)->hash != hash || strcmp((*slot)->origin, origin) != 0))
        slot = &(*slot)->next_in_bucket;
    return slot;
}

/* Without memory for a larger table the old one still works, only slower. */
static void grow_table(struct admission *admission)
{
    size_t n_buckets = admission->n_buckets * 2;
    struct admission_host **hosts = calloc(n_buckets, sizeof(struct admission_host *));

    if (hosts == NULL)
        return;
    for (size_t i = 0; i < admission->n_buckets; i++) {
        while (admission->hosts[i] != NULL) {
            struct admission_host *host = admission->hosts[i];
            struct admission_host **bucket = &hosts[host->hash & (n_buckets - 1)];
            admission->hosts[i] = host->next_in_bucket;
            host->next_in_bucket = *bucket;
            *bucket = host;
        }
    }
    free(admission->hosts);
    admission->hosts = hosts;
    admission->n_buckets = n_buckets;
}

/* NULL: no memory. */
static struct admission_host *host_get(struct admission *admission, uint64_t hash,
                                       const char *origin)
{
    struct admission_host **slot = host_slot(admission, hash, origin);
    size_t size = strlen(origin) + 1;

    if (*slot != NULL)
        return *slot;
    struct admission_host *host = malloc(sizeof(*host) + size);
    if (host == NULL)
        return NULL;
    *host = (struct admission_host){.hash = hash};
    memcpy(host->origin, origin, size);
    co_list_init(&host->line);
    *slot = host;
    if (++admission->n_hosts > admission->n_buckets)
        grow_table(admission);
    return host;
}

static void host_unref(struct admission *admission, struct admission_host *host)
{
    if (--host->n_lanes > 0)
        return;
    *host_slot(admission, host->hash, host->origin) = host->next_in_bucket;
    admission->n_hosts--;
    free(host);
}

/* Lets go of the hosts of a batch that cannot be added after all. */
static void drop_hosts(struct admission *admission, const struct admission_batch *batch,
                       struct admission_host **hosts, size_t n_hosts)
{
    for (size_t i = 0; i < n_hosts; i++) {
        assert(hosts[i] != NULL);
        if (hosts[i]->adding != batch)
            hosts[i] = NULL;
        else
            hosts[i]->adding = NULL; /* once for each host */
    }
    for (size_t i = 0; i < n_hosts; i++)
        if (hosts[i] != NULL)
            host_unref(admission, hosts[i]);
    free(hosts);
}

/* --- Places at a host ------------------------------------------------------------------------- */

/* Whether there is a place that is not kept for anybody. While there is none, lanes wait in the
 * host's line; so a line that is not empty means that all places are taken or kept. */
static bool has_room(const struct admission *admission, const struct admission_host *host)
{
    return host->n_running + host->n_called < admission->max_running_per_host;
}

static bool is_called(const struct admission_lane *lane)
{
    return co_list_is_linked(&lane->call);
}

static void end_call(struct admission_lane *lane)
{
    if (is_called(lane))
        lane->host->n_called--;
    co_list_remove(&lane->call);
}

/* Brings a lane out of the line to its batch. */
static void call(struct admission *admission, struct admission_lane *lane)
{
    struct admission_batch *batch = lane->batch;

    co_list_remove(&lane->link);
    co_list_append(&batch->lanes, &lane->link);
    if (batch->n_running >= batch->max_running)
        return;
    co_list_append(&batch->called, &lane->call);
    lane->host->n_called++;
    if (!co_list_is_linked(&batch->link))
        co_list_append(&admission->batches, &batch->link);
}

/* Keeps the free places for the first in the line whose batches can use them. */
static void call_line(struct admission *admission, struct admission_host *host)
{
    while (!co_list_is_empty(&host->line) && has_room(admission, host))
        call(admission, co_container_of(host->line.next, struct admission_lane, link));
}

/* What is kept for a batch that cannot go now is for others. */
static void pass_calls_on(struct admission *admission, struct admission_batch *batch)
{
    while (!co_list_is_empty(&batch->called)) {
        struct admission_lane *lane =
            co_container_of(batch->called.next, struct admission_lane, call);
        end_call(lane);
        call_line(admission, lane->host);
    }
}

/* --- Where a lane and a batch belong ---------------------------------------------------------- */

/* A batch is in the ring while it has a lane that could go and has not reached its limit. */
static void settle_batch(struct admission *admission, struct admission_batch *batch)
{
    co_list_remove(&batch->link);
    if (batch->n_running >= batch->max_running)
        pass_calls_on(admission, batch);
    else if (!co_list_is_empty(&batch->lanes))
        co_list_append(&admission->batches, &batch->link);
}

static bool is_placed(const struct admission_lane *lane)
{
    return co_list_is_linked(&lane->link) || co_heap_contains(&lane->delay.node);
}

/* A lane that is at its own limit is nowhere: the release of one of its items brings it back. */
static void place_lane(struct admission *admission, struct admission_lane *lane)
{
    co_list_remove(&lane->link);
    co_heap_remove(&admission->times, &lane->delay.node);
    if (lane->first == NO_ITEM || lane->batch->is_stopped || lane->n_running >= lane->max_running)
        return;
    if (lane->not_before > admission->now)
        co_heap_insert(&admission->times, &lane->delay.node, lane->not_before);
    else if (has_room(admission, lane->host))
        co_list_append(&lane->batch->lanes, &lane->link);
    else
        co_list_append(&lane->host->line, &lane->link);
}

/* Puts a lane where it belongs now, and its batch, unless that keeps its turn. */
static void settle_lane(struct admission *admission, struct admission_lane *lane)
{
    struct admission_batch *batch = lane->batch;

    place_lane(admission, lane);
    if (co_list_is_linked(&batch->link) == co_list_is_empty(&batch->lanes))
        settle_batch(admission, batch);
}

static void append_item(struct admission_lane *lane, uint32_t item)
{
    uint32_t *next = lane->batch->next;

    next[item] = NO_ITEM;
    if (lane->first == NO_ITEM)
        lane->first = item;
    else
        next[lane->last] = item;
    lane->last = item;
}

static uint32_t take_item(struct admission_lane *lane)
{
    uint32_t item = lane->first;

    lane->first = lane->batch->next[item];
    lane->batch->next[item] = (uint32_t)(lane - lane->batch->all_lanes);
    return item;
}

/* --- Adding a batch --------------------------------------------------------------------------- */

/* A request that cannot be fetched has no origin, and a lane all the same. */
static const char *origin_of(const struct request *request)
{
    return request->url.origin != NULL ? request->url.origin : "";
}

/* Finds each request's host, and numbers the lanes: a host knows its lane of the batch that is
 * being added. NULL: no memory, and no host is held. */
static struct admission_host **find_hosts(struct admission *admission,
                                          struct admission_batch *batch)
{
    const struct job_spec *spec = batch->spec;
    struct admission_host **hosts = calloc(spec->n_requests, sizeof(*hosts));
    struct admission_host *host = NULL;

    for (size_t i = 0; hosts != NULL && i < spec->n_requests; i++) {
        const char *origin = origin_of(&spec->requests[i]);
        if (host == NULL || strcmp(host->origin, origin) != 0)
            host = host_get(admission, hash_text(admission->hash_seed, origin), origin);
        if (host == NULL) {
            drop_hosts(admission, batch, hosts, i);
            return NULL;
        }
        hosts[i] = host;
        if (host->adding != batch) {
            host->adding = batch;
            host->lane = batch->n_lanes++;
            host->n_lanes++;
        }
    }
    return hosts;
}

static void init_lane(struct admission_lane *lane, struct admission_batch *batch,
                      struct admission_host *host)
{
    const struct job_limits *limits = &batch->spec->limits;

    if (lane->batch != NULL)
        return;
    *lane = (struct admission_lane){
        .batch = batch,
        .host = host,
        .first = NO_ITEM,
        .max_running = limits->per_host_concurrency != 0 ? limits->per_host_concurrency : UINT_MAX,
        .delay = {.lane = lane, .item = NO_ITEM},
    };
    co_list_init(&lane->link);
    co_list_init(&lane->call);
}

static co_time later(co_time now, int64_t us)
{
    return us < (CO_NEVER - now) / CO_MICROSECOND ? now + us * CO_MICROSECOND : CO_NEVER;
}

static void delay_item(struct admission *admission, struct admission_batch *batch,
                       struct admission_lane *lane, uint32_t item, co_time now)
{
    struct admission_delay *delay = &batch->delayed[batch->n_delayed++];

    *delay = (struct admission_delay){.lane = lane, .item = item};
    co_heap_insert(&admission->times, &delay->node,
                   later(now, job_spec_delay_us(batch->spec, item)));
}

static void queue_items(struct admission *admission, struct admission_batch *batch,
                        struct admission_host *const *hosts, co_time now)
{
    const struct job_spec *spec = batch->spec;

    for (uint32_t i = 0; i < spec->n_items; i++) {
        struct admission_host *host = hosts[spec->items[i].request];
        struct admission_lane *lane = &batch->all_lanes[host->lane];
        init_lane(lane, batch, host);
        if (job_spec_delay_us(spec, i) > 0)
            delay_item(admission, batch, lane, i, now);
        else
            append_item(lane, i);
    }
    for (size_t i = 0; i < batch->n_lanes; i++) {
        struct admission_lane *lane = &batch->all_lanes[i];
        assert(lane->host != NULL); /* each got one item at least */
        lane->host->adding = NULL;
        settle_lane(admission, lane);
    }
}

static size_t count_delayed(const struct job_spec *spec)
{
    size_t n = 0;

    for (size_t i = 0; i < spec->n_items; i++)
        n += job_spec_delay_us(spec, i) > 0;
    return n;
}

static void free_arrays(struct admission_batch *batch)
{
    free(batch->all_lanes);
    free(batch->delayed);
    free(batch->next);
}

int admission_add(struct admission *admission, struct admission_batch *batch,
                  const struct job_spec *spec, co_time now)
{
    unsigned limit = spec->limits.concurrency;

    *batch = (struct admission_batch){.spec = spec, .max_running = limit != 0 ? limit : UINT_MAX};
    co_list_init(&batch->link);
    co_list_init(&batch->lanes);
    co_list_init(&batch->called);
    struct admission_host **hosts = find_hosts(admission, batch);
    if (hosts == NULL)
        return -ENOMEM;

    batch->all_lanes = calloc(batch->n_lanes, sizeof(*batch->all_lanes));
    batch->delayed = calloc(count_delayed(spec) + 1, sizeof(*batch->delayed));
    batch->next = calloc(spec->n_items, sizeof(*batch->next));
    if (batch->all_lanes == NULL || batch->delayed == NULL || batch->next == NULL) {
        drop_hosts(admission, batch, hosts, spec->n_requests);
        free_arrays(batch);
        return -ENOMEM;
    }
    queue_items(admission, batch, hosts, now);
    free(hosts);
    return 0;
}

/* --- Going, and coming back ------------------------------------------------------------------- */

static void wake_delayed(struct admission *admission)
{
    while (admission->times.root != NULL && admission->times.root->key <= admission->now) {
        struct admission_delay *delay =
            co_container_of(admission->times.root, struct admission_delay, node);
        co_heap_remove(&admission->times, &delay->node);
        if (delay->item != NO_ITEM)
            append_item(delay->lane, delay->item);
        if (!is_placed(delay->lane)) /* else it keeps its turn */
            settle_lane(admission, delay->lane);
    }
}

/* The first lane that may go. A lane whose host was filled up by others since it came into its ring
 * is settled anew. */
static struct admission_lane *find_ready_lane(struct admission *admission)
{
    while (!co_list_is_empty(&admission->batches)) {
        struct admission_batch *batch =
            co_container_of(admission->batches.next, struct admission_batch, link);
        struct admission_lane *lane =
            co_container_of(batch->lanes.next, struct admission_lane, link);
        if (is_called(lane) || has_room(admission, lane->host))
            return lane;
        settle_lane(admission, lane);
    }
    return NULL;
}

static void count(struct admission *admission, struct admission_lane *lane, int change)
{
    admission->n_running += (unsigned)change;
    lane->n_running += (unsigned)change;
    lane->host->n_running += (unsigned)change;
    lane->batch->n_running += (unsigned)change;
}

struct admission_batch *admission_next(struct admission *admission, co_time now, size_t *ret_index)
{
    admission->now = now;
    wake_delayed(admission);
    if (admission->n_running >= admission->max_running)
        return NULL;
    struct admission_lane *lane = find_ready_lane(admission);
    if (lane == NULL)
        return NULL;

    struct admission_batch *batch = lane->batch;
    int64_t interval_us = batch->spec->limits.per_host_interval_us;
    *ret_index = take_item(lane);
    end_call(lane);
    count(admission, lane, 1);
    if (interval_us > 0)
        lane->not_before = later(now, interval_us);
    settle_lane(admission, lane);
    settle_batch(admission, batch);
    return batch;
}

void admission_release(struct admission *admission, struct admission_batch *batch, size_t index)
{
    struct admission_lane *lane = &batch->all_lanes[batch->next[index]];

    count(admission, lane, -1);
    call_line(admission, lane->host);
    if (!is_placed(lane))
        settle_lane(admission, lane);
    if (!co_list_is_linked(&batch->link))
        settle_batch(admission, batch);
}

co_time admission_next_time(const struct admission *admission)
{
    return admission->times.root != NULL ? admission->times.root->key : CO_NEVER;
}

/* --- Ending a batch --------------------------------------------------------------------------- */

/* Delayed items go to the end of their lanes, where admission_take_waiting() finds them. */
void admission_stop(struct admission *admission, struct admission_batch *batch)
{
    if (batch->is_stopped)
        return;
    batch->is_stopped = true;
    for (size_t i = 0; i < batch->n_delayed; i++) {
        struct admission_delay *delay = &batch->delayed[i];
        if (!co_heap_contains(&delay->node))
            continue;
        co_heap_remove(&admission->times, &delay->node);
        append_item(delay->lane, delay->item);
    }
    for (size_t i = 0; i < batch->n_lanes; i++)
        place_lane(admission, &batch->all_lanes[i]);
    settle_batch(admission, batch);
    pass_calls_on(admission, batch);
}

bool admission_take_waiting(struct admission_batch *batch, size_t *ret_index)
{
    assert(batch->is_stopped);
    while (batch->n_emptied < batch->n_lanes) {
        struct admission_lane *lane = &batch->all_lanes[batch->n_emptied];
        if (lane->first != NO_ITEM) {
            *ret_index = take_item(lane);
            return true;
        }
        batch->n_emptied++;
    }
    return false;
}

void admission_remove(struct admission *admission, struct admission_batch *batch)
{
    assert(batch->is_stopped && batch->n_running == 0);
    for (size_t i = 0; i < batch->n_lanes; i++)
        host_unref(admission, batch->all_lanes[i].host);
    free_arrays(batch);
}
