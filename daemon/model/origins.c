#include "daemon/model/origins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/hash.h"

enum { FIRST_SLOTS = 16 };

/* Open addressing, never more than half full. */
struct slot {
    uint32_t hash;
    uint32_t request; /* + 1, the first one of that origin; 0: the slot is free */
};

struct table {
    struct slot *slots;
    size_t n_slots; /* a power of two */
};

static const char *origin_of(const struct request *request)
{
    return request->url.origin != NULL ? request->url.origin : "";
}

static bool is_same(const struct request *a, const struct request *b)
{
    return strcmp(origin_of(a), origin_of(b)) == 0;
}

static struct slot *find(const struct table *table, const struct request *requests,
                         const struct request *request, uint32_t hash)
{
    for (size_t i = hash;; i++) {
        struct slot *slot = &table->slots[i & (table->n_slots - 1)];
        if (slot->request == 0 ||
            (slot->hash == hash && is_same(&requests[slot->request - 1], request)))
            return slot;
    }
}

static int grow(struct table *table)
{
    struct table larger = {.n_slots = table->n_slots > 0 ? table->n_slots * 2 : FIRST_SLOTS};

    larger.slots = calloc(larger.n_slots, sizeof(struct slot));
    if (larger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < table->n_slots; i++) {
        size_t at = table->slots[i].hash;
        if (table->slots[i].request == 0)
            continue;
        while (larger.slots[at & (larger.n_slots - 1)].request != 0)
            at++;
        larger.slots[at & (larger.n_slots - 1)] = table->slots[i];
    }
    free(table->slots);
    *table = larger;
    return 0;
}

static void number(const struct table *table, struct job_spec *spec, size_t i)
{
    struct request *request = &spec->requests[i];
    uint32_t hash = (uint32_t)hash_text(origin_of(request));
    struct slot *slot = find(table, spec->requests, request, hash);

    if (slot->request == 0) {
        *slot = (struct slot){.hash = hash, .request = (uint32_t)i + 1};
        request->origin = spec->n_origins++;
    } else {
        request->origin = spec->requests[slot->request - 1].origin;
    }
}

int origins_number(struct job_spec *spec)
{
    struct table table = {0};
    int rc = 0;

    spec->n_origins = 0;
    for (size_t i = 0; rc == 0 && i < spec->n_requests; i++) {
        struct request *request = &spec->requests[i];
        if (i > 0 && is_same(request, request - 1)) {
            request->origin = request[-1].origin;
            continue;
        }
        if (spec->n_origins * 2 >= table.n_slots)
            rc = grow(&table);
        if (rc == 0)
            number(&table, spec, i);
    }
    free(table.slots);
    return rc;
}
