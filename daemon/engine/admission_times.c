#include <assert.h>

#include "daemon/engine/admission_private.h"

/* --- The first time of each batch ------------------------------------------------------------- */

static void settle_times(struct admission *admission, struct admission_batch *batch)
{
    co_time first = agenda_time(&batch->agenda);

    if (co_heap_contains(&batch->time) && batch->time.key == first)
        return;
    co_heap_remove(&admission->times, &batch->time);
    if (first != CO_NEVER && !batch->is_stopped)
        co_heap_insert(&admission->times, &batch->time, first);
}

void admission_note_time(struct admission *admission, struct admission_batch *batch,
                         uint32_t number, co_time at)
{
    agenda_set(&batch->agenda, number, at);
    settle_times(admission, batch);
}

void admission_forget_time(struct admission *admission, struct admission_batch *batch,
                           uint32_t number)
{
    if (!agenda_contains(&batch->agenda, number))
        return;
    agenda_remove(&batch->agenda, number);
    settle_times(admission, batch);
}

/* --- When a time has come --------------------------------------------------------------------- */

void admission_wait(struct admission *admission, struct admission_batch *batch, uint32_t slot,
                    co_time due)
{
    struct admission_lane *lane = admission_lane_of(batch, slot);
    struct admission_item *item = &batch->items[slot];
    int64_t timeout_us = admission_request(batch, slot)->options->queue_timeout_us;

    if (item->state == ITEM_RETRYING)
        admission_lane_prepend(lane, slot);
    else
        admission_lane_append(lane, slot);
    item->state = ITEM_WAITING;
    if (timeout_us > 0)
        admission_note_time(admission, batch, slot, admission_later(due, timeout_us));
    admission_lane_check(admission, lane);
}

static void expire(struct admission *admission, struct admission_batch *batch, uint32_t slot)
{
    struct admission_lane *lane = admission_lane_of(batch, slot);
    struct admission_item *item = &batch->items[slot];

    admission_lane_drop(lane, slot);
    item->state = ITEM_LATE;
    item->next = NO_ITEM;
    if (batch->first_late == NO_ITEM)
        batch->first_late = slot;
    else
        batch->items[batch->last_late].next = slot;
    batch->last_late = slot;
    if (!co_list_is_linked(&batch->late))
        co_list_append(&admission->late, &batch->late);
    admission_lane_check(admission, lane);
}

/* A rate is over. */
static void act_on_lane(struct admission *admission, struct admission_lane *lane)
{
    if (lane->batch->window == NULL || !admission_window_forget_idle(admission, lane))
        admission_lane_settle(admission, lane);
}

static void act(struct admission *admission, struct admission_batch *batch, uint32_t number,
                co_time due)
{
    if (number >= batch->n_slots)
        act_on_lane(admission, &batch->all_lanes[number - batch->n_slots]);
    else if (batch->items[number].state == ITEM_WAITING)
        expire(admission, batch, number);
    else
        admission_wait(admission, batch, number, due);
}

void admission_wake(struct admission *admission)
{
    for (int n = 0; n < ADMISSION_SLICE; n++) {
        const struct co_heap_node *first = admission->times.root;
        if (first == NULL || first->key > admission->now)
            return;
        struct admission_batch *batch = co_container_of(first, struct admission_batch, time);
        co_time due = agenda_time(&batch->agenda);
        assert(due == first->key);
        uint32_t number = agenda_take(&batch->agenda);
        settle_times(admission, batch);
        act(admission, batch, number, due);
    }
}
