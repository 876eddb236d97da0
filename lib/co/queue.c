/* Items are handed over directly: a putter gives to the getter that waits, a getter takes from the
 * putter that waits. So nobody who is woken has to look again, and a waiter that is cancelled at
 * the same moment either has its item or left no trace. Getters wait only while the queue is empty,
 * putters only while it is full: never both. */
#include "lib/co/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

static const struct co_wait_kind waits_for_room = {.word = "room in a queue"};
static const struct co_wait_kind waits_for_item = {.word = "an item of a queue"};

int co_queue_init(struct co_queue *queue, size_t capacity)
{
    if (capacity == 0)
        co_die("a queue that holds nothing: its capacity is 0");
    *queue = (struct co_queue){.capacity = capacity};
    co_waitq_init(&queue->getters);
    co_waitq_init(&queue->putters);
    queue->items = reallocarray(NULL, capacity, sizeof(*queue->items));
    return queue->items != NULL ? 0 : -ENOMEM;
}

static void assert_nobody_waits(const struct co_waitq *line)
{
    const struct co_task *first = co_waitq_first(line);

    if (first != NULL)
        co_die("co_queue_done() of a queue that task %s (%s) waits for", first->name, first->site);
}

void co_queue_done(struct co_queue *queue)
{
    assert_nobody_waits(&queue->getters);
    assert_nobody_waits(&queue->putters);
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

static inline int put_now(struct co_queue *queue, void *item)
{
    struct co_task *getter = co_waitq_first(&queue->getters);

    if (queue->is_shut)
        return -EPIPE;
    if (getter != NULL) {
        getter->handed = item;
        co_unpark(getter, 0);
        return 0;
    }
    if (queue->n_items == queue->capacity)
        return -EAGAIN;
    append(queue, item);
    return 0;
}

static inline int get_now(struct co_queue *queue, void **ret_item)
{
    struct co_task *putter = co_waitq_first(&queue->putters);

    if (queue->n_items == 0)
        return queue->is_shut ? -EPIPE : -EAGAIN;
    *ret_item = take_first(queue);
    if (putter != NULL) {
        append(queue, putter->handed);
        co_unpark(putter, 0);
    }
    return 0;
}

int co_queue_try_put(struct co_queue *queue, void *item)
{
    return put_now(queue, item);
}

int co_queue_try_get(struct co_queue *queue, void **ret_item)
{
    return get_now(queue, ret_item);
}

int co_queue_put(struct co_queue *queue, void *item)
{
    int rc = co_check_cancelled();

    if (rc == 0)
        rc = put_now(queue, item);
    if (rc != -EAGAIN)
        return rc;
    co_running()->handed = item;
    return co_park(&queue->putters, &waits_for_room, queue);
}

int co_queue_get(struct co_queue *queue, void **ret_item)
{
    int rc = co_check_cancelled();

    if (rc == 0)
        rc = get_now(queue, ret_item);
    if (rc != -EAGAIN)
        return rc;
    rc = co_park(&queue->getters, &waits_for_item, queue);
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
