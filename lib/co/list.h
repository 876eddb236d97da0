/* An intrusive doubly linked list. A node that is on no list points to itself, so removing it
 * twice is harmless, and `co_list_is_linked` is one comparison. */
#pragma once

#include <stdbool.h>

struct co_list {
    struct co_list *next;
    struct co_list *previous;
};

#define CO_LIST_INIT(list)                                                                         \
    {                                                                                              \
        &(list), &(list)                                                                           \
    }

static inline void co_list_init(struct co_list *list)
{
    list->next = list->previous = list;
}

static inline bool co_list_is_empty(const struct co_list *list)
{
    return list->next == list;
}

static inline bool co_list_is_linked(const struct co_list *node)
{
    return node->next != node;
}

/* Puts node before `position`: at the end, when that is the list's head. */
static inline void co_list_insert(struct co_list *position, struct co_list *node)
{
    struct co_list *previous = position->previous;

    previous->next = node;
    node->previous = previous;
    position->previous = node;
    node->next = position;
}

static inline void co_list_append(struct co_list *list, struct co_list *node)
{
    co_list_insert(list, node);
}

static inline void co_list_remove(struct co_list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    co_list_init(node);
}

/* Takes the first node off a list that is not empty. */
static inline struct co_list *co_list_take_first(struct co_list *list)
{
    struct co_list *first = list->next;

    co_list_remove(first);
    return first;
}

/* Moves all nodes of `from` to the end of `to`. */
static inline void co_list_move_all(struct co_list *to, struct co_list *from)
{
    if (co_list_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    co_list_init(from);
}
