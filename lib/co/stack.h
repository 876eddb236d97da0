/* Stacks, taken from a pool and put back.
 *
 * A stack is a slot of address space of which only the touched pages cost memory: one page for a
 * task that sits and waits. Below each slot lies a guard, so that an overflow faults instead of
 * writing into a neighbour; where the kernel can (Linux 6.13, MADV_GUARD_INSTALL) a guard costs no
 * mapping of its own, so a hundred thousand stacks need a few hundred mappings.
 *
 * The last stack put back is the first taken: its pages are warm, and a task may put back the very
 * stack it stands on, provided it leaves it before anybody takes one. Memory goes back to the
 * system when there is time for it, by co_stack_pool_trim(): what was used deeply, and all of more
 * idle stacks than are worth keeping.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/co/list.h"

enum { CO_STACK_SIZE_DEFAULT = 256 * 1024 };

struct co_stack {
    char *low;           /* lowest usable byte; the guard ends here */
    size_t size;         /* usable bytes */
    struct co_list link; /* in the pool */
};

struct co_stack_pool {
    size_t slot_size; /* with the guard */
    size_t guard_size;
    size_t page_size;
    struct co_list slabs;
    struct co_list used; /* put back since the last trim */
    struct co_list idle; /* the others; the first n_warm of them hold pages */
    size_t n_warm;
    size_t n_idle; /* used or not */
    size_t n_taken;
};

/* stack_size is rounded up to pages; 0 means the default. */
void co_stack_pool_init(struct co_stack_pool *pool, size_t stack_size);

/* Every stack must have been put back. */
void co_stack_pool_done(struct co_stack_pool *pool);

/* returns  0, or -ENOMEM: no address space, or too many mappings */
int co_stack_take(struct co_stack_pool *pool, struct co_stack **ret_stack);
void co_stack_put(struct co_stack_pool *pool, struct co_stack *stack);

/* Gives memory of idle stacks back, for a few of them. returns whether there are more. */
bool co_stack_pool_trim(struct co_stack_pool *pool);
