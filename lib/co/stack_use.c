#include "lib/co/stack_use.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"
#include "lib/co/tree.h"

static struct co_stack_use *add_entry(struct co_stack_uses *uses, const char *site)
{
    struct co_stack_use *entry = &uses->sites[uses->n_sites];

    if (uses->n_sites == CO_STACK_USE_SITES)
        site = "other sites";
    else
        uses->n_sites++;
    entry->site = site;
    return entry;
}

/* A site is a literal, so its address tells it from others. Programs have some dozens of them. */
static struct co_stack_use *entry_of(struct co_stack_uses *uses, const char *site)
{
    for (unsigned i = 0; i < uses->n_sites; i++)
        if (uses->sites[i].site == site)
            return &uses->sites[i];
    return add_entry(uses, site);
}

static struct co_stack_use *note_depth(struct co_stack_uses *uses, const struct co_stack *stack,
                                       size_t depth)
{
    struct co_stack_use *entry = entry_of(uses, stack->site);

    if (depth > entry->max_used) {
        entry->max_used = depth;
        entry->name = stack->name;
    }
    return entry;
}

static void note_left_stack(void *arg, struct co_stack *stack)
{
    struct co_stack_uses *uses = arg;
    size_t depth = co_stack_depth(uses->pool, stack);

    co_stack_clear(uses->pool, stack, depth);
    if (stack->site != NULL)
        note_depth(uses, stack, depth)->n_ended++;
    stack->site = NULL;
}

static void note_live_stacks(struct co_stack_uses *uses, const struct co_loop *loop)
{
    struct co_tree_place place = co_tree_first(loop);

    for (; place.task != NULL; co_tree_next(&place)) {
        const struct co_stack *stack = place.task->stack;
        if (stack != NULL)
            (void)note_depth(uses, stack, co_stack_depth(uses->pool, stack));
    }
}

int co_stack_use_visit(int (*visit)(void *arg, const struct co_stack_use *use), void *arg)
{
    const struct co_loop *loop = co_loop_current();
    struct co_stack_uses *uses = loop->stack_uses;
    int rc = 0;

    if (uses == NULL)
        return 0;
    co_stack_pool_tell(uses->pool);
    note_live_stacks(uses, loop);
    for (unsigned i = 0; i <= uses->n_sites && rc == 0; i++)
        if (uses->sites[i].site != NULL)
            rc = visit(arg, &uses->sites[i]);
    return rc;
}

int co_stack_uses_new(struct co_stack_uses **ret_uses, struct co_stack_pool *pool)
{
    struct co_stack_uses *uses = calloc(1, sizeof(*uses));

    if (uses == NULL)
        return -ENOMEM;
    uses->pool = pool;
    pool->was_used = note_left_stack;
    pool->was_used_arg = uses;
    *ret_uses = uses;
    return 0;
}

void co_stack_uses_free(struct co_stack_uses *uses)
{
    free(uses);
}
