/* How deep the stacks of tasks have been, by where the tasks were spawned.
 *
 * A stack is all zero when a task takes it, so what is not zero when the task has left it is what
 * the task used; measuring it ends with clearing it. The stack a task lives on is measured as well,
 * but left alone.
 */
#pragma once

#include "lib/co/inspect.h"
#include "lib/co/stack.h"

enum { CO_STACK_USE_SITES = 256 };

struct co_stack_uses {
    struct co_stack_pool *pool;
    unsigned n_sites;
    struct co_stack_use sites[CO_STACK_USE_SITES + 1]; /* the last one: of all other sites */
};

/* Measures what is taken from the pool from now on. returns 0, -ENOMEM */
int co_stack_uses_new(struct co_stack_uses **ret_uses, struct co_stack_pool *pool);

/* The pool, which must be done with, is told of nothing any more. NULL is fine. */
void co_stack_uses_free(struct co_stack_uses *uses);
