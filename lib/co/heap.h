/* An intrusive pairing heap: the timers of a loop.
 *
 * Nodes live where they are used (a scope in somebody's frame), so arming a timer cannot fail.
 * Inserting is one comparison, and removing a node that never came near the top, the fate of
 * nearly every timeout, touches its neighbours only. Equal keys leave in order of insertion.
 *
 * source  Fredman, Sedgewick, Sleator, Tarjan: The pairing heap (1986)
 */
#pragma once

#include <stdbool.h>

#include "base.h"

struct co_heap_node {
    struct co_heap_node *child;    /* first child */
    struct co_heap_node *next;     /* next sibling */
    struct co_heap_node *previous; /* previous sibling, or the parent of a first child */
    co_time key;
    uint64_t order; /* ties: smaller first; 0 while the node is in no heap */
};

struct co_heap {
    struct co_heap_node *root; /* the smallest */
    uint64_t n_inserted;       /* ever: numbers the nodes */
    size_t n_nodes;
};

static inline bool co_heap_contains(const struct co_heap_node *node)
{
    return node->order != 0;
}

/* The node must be in no heap; key is compared as is. */
void co_heap_insert(struct co_heap *heap, struct co_heap_node *node, co_time key);

/* Does nothing to a node that is in no heap. */
void co_heap_remove(struct co_heap *heap, struct co_heap_node *node);
