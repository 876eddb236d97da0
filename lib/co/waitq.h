/* A line of parked tasks: first come, first served. What events, semaphores and queues are made of.
 */
#pragma once

#include <stdbool.h>

#include "list.h"

struct co_waitq {
    struct co_list tasks;
};

static inline void co_waitq_init(struct co_waitq *queue)
{
    co_list_init(&queue->tasks);
}

static inline bool co_waitq_is_empty(const struct co_waitq *queue)
{
    return co_list_is_empty(&queue->tasks);
}
