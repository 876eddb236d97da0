/* Items are handed over directly: a putter gives to the getter that waits, a getter takes from the
 * putter that waits. So nobody who is woken has to look again, and a waiter that is cancelled at
 * the same moment either has its item or left no trace. Getters wait only while the queue is empty,
 * putters only while it is full: never both. */
#include "lib/co/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

int co_queue_init(struct co_queue *queue, size_t capacity)
{
    assert(capacity > 0);
    *queue = (struct co_queue){.capacity = capacity};
    co_waitq_init(&queue->getters);
    co_waitq_init(&queue->putters);
    queue->items = reallocarray(NULL, capacity, sizeof(*queue->items));
    return queue->items != NULL ? 0 : -ENOMEM;
}

void co_queue_done(struct co_queue *queue)
{
    assert(co_waitq_is_empty(&queue->getters) && co_waitq_is_empty(&queue->putters));
    free(co_take(queue->items));
}

static void append(struct co_queue *queue, void *item)
{
    size_t end = queue->first + queue->n_items++;

    queue->items[end < queue->capacity ? end : end - queue->capacity] = item;
}

static void *take_first(struct co_queue *queue)
{
    void *item = queue->items[queue->first];

    if (++queue->first == queue->capacity)
        queue->first = 0;
    queue->n_items--;
    return item;
}

int co_queue_put(struct co_queue *queue, void *item)
{
    int rc = co_check_cancelled();

    if (rc < 0)
        return rc;
    if (queue->is_shut)
        return -EPIPE;
    struct co_task *getter = co_waitq_first(&queue->getters);
    if (getter != NULL) {
        getter->handed = item;
        co_unpark(getter, 0);
        return 0;
    }
    if (queue->n_items < queue->capacity) {
        append(queue, item);
        return 0;
    }
    co_running()->handed = item;
    return co_park(&queue->putters, "queue");
}

int co_queue_get(struct co_queue *queue, void **ret_item)
{
    int rc = co_check_cancelled();

    if (rc < 0)
        return rc;
    if (queue->n_items > 0) {
        struct co_task *putter = co_waitq_first(&queue->putters);
        *ret_item = take_first(queue);
        if (putter != NULL) {
            append(queue, putter->handed);
            co_unpark(putter, 0);
        }
        return 0;
    }
    if (queue->is_shut)
        return -EPIPE;
    rc = co_park(&queue->getters, "queue");
    if (rc == 0)
        *ret_item = co_running()->handed;
    return rc;
}

void co_queue_shutdown(struct co_queue *queue)
{
    queue->is_shut = true;
    co_unpark_all(&queue->putters, -EPIPE);
    co_unpark_all(&queue->getters, -EPIPE);
}
