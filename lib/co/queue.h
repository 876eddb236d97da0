/* A bounded first-in, first-out queue of pointers between tasks.
 *
 * source  asyncio.Queue, with shutdown() as of Python 3.13
 */
#pragma once

#include <stdbool.h>

#include "base.h"
#include "waitq.h"

struct co_queue {
    struct co_waitq getters;
    struct co_waitq putters;
    void **items; /* ring */
    size_t capacity;
    size_t first;
    size_t n_items;
    bool is_shut;
};

CO_API_BEGIN

/* Aborts with a sentence if capacity is 0. returns 0, -ENOMEM */
int co_queue_init(struct co_queue *queue, size_t capacity);

/* Items still inside are forgotten. Aborts with a sentence if somebody waits. */
void co_queue_done(struct co_queue *queue);

/* returns    0, -EPIPE once shut down
 * suspends   while the queue is full
 */
CO_BLOCKS int co_queue_put(struct co_queue *queue, void *item);

/* returns    0, -EPIPE once shut down and empty
 * suspends   while the queue is empty
 */
CO_BLOCKS int co_queue_get(struct co_queue *queue, void **ret_item);

/* The same without waiting, and so never cancelled; also for what runs outside of tasks, such as
 * co_loop_call().
 *
 * returns    -EAGAIN where the others would wait
 * source     asyncio.Queue.put_nowait, get_nowait
 */
int co_queue_try_put(struct co_queue *queue, void *item);
int co_queue_try_get(struct co_queue *queue, void **ret_item);

/* How many items can be had without waiting. */
static inline size_t co_queue_size(const struct co_queue *queue)
{
    return queue->n_items;
}

/* Ends the queue: putters fail at once, getters when they have emptied it. Wakes everybody. */
void co_queue_shutdown(struct co_queue *queue);

CO_API_END
