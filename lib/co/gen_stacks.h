/* The stacks of a thread's generators.
 *
 * Generators need no loop, and come and go: what they put back is kept for the next. All of it goes
 * back to the system when it is not likely to be used again: when a burst of generators is over,
 * the thread's loop is freed, or the thread ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/stack.h"

/* This thread's; all zero until a stack is taken. */
extern _Thread_local struct co_stack_pool co_gen_stacks;

/* Tells this thread from all others, those that have ended included; 0 until it is asked for. */
extern _Thread_local uint64_t co_gen_thread;
uint64_t co_gen_thread_number(void);

/* returns 0, -ENOMEM */
int co_gen_stacks_take(struct co_stack **ret_stack);

/* A generator is gone: if that was the last, and there had been many, gives everything back. */
void co_gen_stacks_settle(void);

/* Gives memory of idle stacks back, for a few of them. returns whether there are more. */
bool co_gen_stacks_trim(void);

/* Gives everything back, unless a stack is in use. */
void co_gen_stacks_release(void);

/* The stack that has the address, in itself or in the guard below it; NULL: none of these. */
const struct co_stack *co_gen_stacks_find(const void *address);
