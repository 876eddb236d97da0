/* How many still use something that is only read: who replaces it lets go of it, and it is freed
 * when the last of those who hold it is done.
 *
 * Any thread may hold it.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

struct refcount {
    atomic_size_t n;
    void (*free)(struct refcount *refcount); /* of what it is part of */
};

static inline void refcount_init(struct refcount *refcount, void (*free)(struct refcount *refcount))
{
    atomic_init(&refcount->n, 1);
    refcount->free = free;
}

/* NULL is fine, here and below. returns the same */
static inline struct refcount *refcount_ref(struct refcount *refcount)
{
    if (refcount != NULL)
        atomic_fetch_add_explicit(&refcount->n, 1, memory_order_relaxed);
    return refcount;
}

static inline void refcount_unref(struct refcount *refcount)
{
    if (refcount != NULL && atomic_fetch_sub_explicit(&refcount->n, 1, memory_order_acq_rel) == 1)
        refcount->free(refcount);
}
