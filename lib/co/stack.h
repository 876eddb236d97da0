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
    /* Of the task that took it last; NULL: it was taken for something else. */
    const char *name;
    const char *site;
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
    size_t n_reserved;
    size_t n_taken;
    bool can_advise; /* the kernel listens to madvise() */
    /* NULL, or told of every stack that was put back before somebody else takes it; maybe twice. */
    void (*was_used)(void *arg, struct co_stack *stack);
    void *was_used_arg;
};

/* stack_size is rounded up to pages; 0 means the default. */
void co_stack_pool_init(struct co_stack_pool *pool, size_t stack_size);

/* Every stack must have been put back. */
void co_stack_pool_done(struct co_stack_pool *pool);

/* Sees to it that a stack can be had later, by co_stack_take_reserved(); or is not wanted any more.
 *
 * returns  0, or -ENOMEM: no address space, or too many mappings */
int co_stack_reserve(struct co_stack_pool *pool);
void co_stack_unreserve(struct co_stack_pool *pool);
struct co_stack *co_stack_take_reserved(struct co_stack_pool *pool);

/* Both at once. */
int co_stack_take(struct co_stack_pool *pool, struct co_stack **ret_stack);
void co_stack_put(struct co_stack_pool *pool, struct co_stack *stack);

/* Gives memory of idle stacks back, for a few of them. returns whether there are more. */
bool co_stack_pool_trim(struct co_stack_pool *pool);

/* Tells was_used() of all that were put back since the last trim. */
void co_stack_pool_tell(struct co_stack_pool *pool);

/* The stack that the address lies on, or in the guard below it; NULL: none of these. Safe in a
 * signal handler. */
const struct co_stack *co_stack_pool_find(const struct co_stack_pool *pool, const void *address);

/* How many bytes of the stack have been written to, down from its top, since it was mapped or
 * cleared. One that is to be cleared must be in nobody's use. */
size_t co_stack_depth(const struct co_stack_pool *pool, const struct co_stack *stack);
void co_stack_clear(const struct co_stack_pool *pool, struct co_stack *stack, size_t depth);
