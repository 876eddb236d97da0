/* A bounded first-in, first-out queue of pointers between tasks.
 *
 * source  asyncio.Queue, with shutdown() as of Python 3.13
 */
#pragma once

#include <stdbool.h>

#include "lib/co/base.h"
#include "lib/co/waitq.h"

struct co_queue {
    struct co_waitq getters;
    struct co_waitq putters;
    void **items; /* ring */
    size_t capacity;
    size_t first;
    size_t n_items;
    bool is_shut;
};

/* returns 0, -ENOMEM; capacity >= 1 */
int co_queue_init(struct co_queue *queue, size_t capacity);

/* Nobody may be waiting. Items still inside are forgotten. */
void co_queue_done(struct co_queue *queue);

/* returns    0, -EPIPE once shut down
 * suspends   while the queue is full
 */
CO_BLOCKS int co_queue_put(struct co_queue *queue, void *item);

/* returns    0, -EPIPE once shut down and empty
 * suspends   while the queue is empty
 */
CO_BLOCKS int co_queue_get(struct co_queue *queue, void **ret_item);

/* Ends the queue: putters fail at once, getters when they have emptied it. Wakes everybody. */
void co_queue_shutdown(struct co_queue *queue);
