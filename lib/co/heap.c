#include "lib/co/heap.h"

#include <assert.h>

static bool comes_before(const struct co_heap_node *a, const struct co_heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

/* Joins two roots; either may be NULL. */
static struct co_heap_node *meld(struct co_heap_node *a, struct co_heap_node *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (comes_before(b, a)) {
        struct co_heap_node *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    b->previous = a;
    if (a->child != NULL)
        a->child->previous = b;
    a->child = b;
    return a;
}

/* Melds siblings in pairs from the left, then the pairs from the right: this order is what makes
 * the amortised cost logarithmic. The pairs wait on a stack linked through `previous`. */
static struct co_heap_node *meld_siblings(struct co_heap_node *first)
{
    struct co_heap_node *pairs = NULL;
    while (first != NULL) {
        struct co_heap_node *a = first, *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = a->previous = NULL;
        if (b != NULL)
            b->next = b->previous = NULL;
        a = meld(a, b);
        a->previous = pairs;
        pairs = a;
    }

    struct co_heap_node *root = NULL;
    while (pairs != NULL) {
        struct co_heap_node *pair = pairs;
        pairs = pair->previous;
        pair->previous = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void cut(struct co_heap_node *node)
{
    if (node->previous->child == node)
        node->previous->child = node->next;
    else
        node->previous->next = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
}

void co_heap_insert(struct co_heap *heap, struct co_heap_node *node, co_time key)
{
    assert(!co_heap_contains(node));
    *node = (struct co_heap_node){.key = key, .order = ++heap->n_inserted};
    heap->root = meld(heap->root, node);
    heap->n_nodes++;
}

void co_heap_remove(struct co_heap *heap, struct co_heap_node *node)
{
    if (!co_heap_contains(node))
        return;
    if (node == heap->root) {
        heap->root = meld_siblings(node->child);
    } else {
        cut(node);
        heap->root = meld(heap->root, meld_siblings(node->child));
    }
    node->order = 0;
    heap->n_nodes--;
}
