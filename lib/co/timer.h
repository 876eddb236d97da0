/* Something that happens at a time. Armed in the loop's heap, by its node. */
#pragma once

#include "heap.h"

struct co_timer {
    struct co_heap_node node;
    void (*fire)(struct co_timer *timer); /* runs on the loop's own stack; must not block */
};

static inline void co_timer_init(struct co_timer *timer, void (*fire)(struct co_timer *))
{
    timer->node.order = 0;
    timer->fire = fire;
}
