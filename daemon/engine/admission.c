#include "daemon/engine/admission.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "daemon/engine/admission_private.h"

int admission_init(struct admission *admission, unsigned max_running, unsigned max_running_per_host)
{
    *admission = (struct admission){
        .max_running = max_running,
        .max_running_per_host = max_running_per_host,
    };
    co_list_init(&admission->coming);
    co_list_init(&admission->late);
    return admission_hosts_init(admission);
}

void admission_done(struct admission *admission)
{
    assert(admission->n_running == 0 && admission->n_hosts == 0);
    admission_hosts_done(admission);
}

static void count_waiting(struct admission *admission, struct admission_batch *batch,
                          ptrdiff_t change)
{
    batch->n_waiting += (size_t)change;
    admission->n_waiting += (size_t)change;
}

/* --- Coming ----------------------------------------------------------------------------------- */

static int make_arrays(struct admission_batch *batch)
{
    const struct job_spec *spec = batch->spec;

    batch->all_lanes = calloc(spec->n_origins, sizeof(*batch->all_lanes));
    batch->items = calloc(spec->n_items, sizeof(*batch->items));
    if (batch->all_lanes == NULL || batch->items == NULL)
        return -ENOMEM;
    return agenda_init(&batch->agenda, spec->n_items + spec->n_origins);
}

static void free_arrays(struct admission_batch *batch)
{
    free(batch->all_lanes);
    free(batch->items);
    agenda_done(&batch->agenda);
}

static void queue_item(struct admission *admission, struct admission_batch *batch, uint32_t index)
{
    int64_t delay_us = job_spec_delay_us(batch->spec, index);

    if (delay_us <= 0) {
        admission_wait(admission, batch, index, batch->added);
        return;
    }
    batch->items[index].state = ITEM_DELAYED;
    admission_note_time(admission, batch, index, admission_later(batch->added, delay_us));
}

/* Batches that come at the same time take turns at this, too. */
bool admission_queue(struct admission *admission)
{
    if (co_list_is_empty(&admission->coming))
        return false;
    struct admission_batch *batch =
        co_container_of(co_list_take_first(&admission->coming), struct admission_batch, coming);
    size_t n_items = batch->spec->n_items;
    for (int n = 0; n < ADMISSION_SLICE && batch->n_queued < n_items; n++)
        queue_item(admission, batch, (uint32_t)batch->n_queued++);
    if (batch->n_queued < n_items)
        co_list_append(&admission->coming, &batch->coming);
    return !co_list_is_empty(&admission->coming);
}

int admission_add(struct admission *admission, struct admission_batch *batch,
                  const struct job_spec *spec, co_time now)
{
    unsigned limit = spec->limits.concurrency;

    *batch = (struct admission_batch){
        .spec = spec,
        .first_late = NO_ITEM,
        .added = now,
        .pass = admission_first_pass(admission, spec),
        .max_running = limit != 0 ? limit : UINT_MAX,
    };
    co_list_init(&batch->late);
    co_list_init(&batch->lanes);
    co_list_init(&batch->called);
    co_list_init(&batch->coming);
    if (make_arrays(batch) < 0) {
        free_arrays(batch);
        return -ENOMEM;
    }
    count_waiting(admission, batch, (ptrdiff_t)spec->n_items);
    co_list_insert(admission->coming.next, &batch->coming);
    (void)admission_queue(admission);
    return 0;
}

/* --- Going, and coming back ------------------------------------------------------------------- */

struct admission_batch *admission_next(struct admission *admission, co_time now, size_t *ret_index)
{
    admission->now = now;
    admission_wake(admission);
    if (admission->n_running >= admission->max_running)
        return NULL;
    struct admission_lane *lane = admission_turn(admission);
    if (lane == NULL)
        return NULL;

    struct admission_batch *batch = lane->batch;
    uint32_t index = lane->first;
    batch->items[index].state = ITEM_GONE;
    count_waiting(admission, batch, -1);
    admission_forget_time(admission, batch, index);
    admission_take_place(admission, lane, index);
    *ret_index = index;
    return batch;
}

struct admission_batch *admission_expired(struct admission *admission, co_time now,
                                          size_t *ret_index)
{
    admission->now = now;
    if (co_list_is_empty(&admission->late))
        admission_wake(admission);
    if (co_list_is_empty(&admission->late))
        return NULL;
    struct admission_batch *batch =
        co_container_of(admission->late.next, struct admission_batch, late);
    struct admission_item *item = &batch->items[batch->first_late];
    *ret_index = batch->first_late;
    item->state = ITEM_GONE;
    count_waiting(admission, batch, -1);
    batch->first_late = item->next;
    if (batch->first_late == NO_ITEM)
        co_list_remove(&batch->late);
    return batch;
}

void admission_release(struct admission *admission, struct admission_batch *batch, size_t index)
{
    admission_give_place_back(admission, admission_lane_of(batch, index));
}

void admission_retry(struct admission *admission, struct admission_batch *batch, size_t index,
                     co_time at)
{
    batch->items[index].state = ITEM_RETRYING;
    if (!batch->is_stopped)
        count_waiting(admission, batch, 1);
    else if (index < batch->n_taken)
        batch->n_taken = index;
    admission_note_time(admission, batch, (uint32_t)index, at);
    admission_release(admission, batch, index);
}

co_time admission_next_time(const struct admission *admission)
{
    if (!co_list_is_empty(&admission->coming) || !co_list_is_empty(&admission->late))
        return admission->now;
    return admission->times.root != NULL ? admission->times.root->key : CO_NEVER;
}

/* --- Ending a batch --------------------------------------------------------------------------- */

/* Its lanes stay in the lines of their hosts until they are called or removed. */
void admission_stop(struct admission *admission, struct admission_batch *batch)
{
    if (batch->is_stopped)
        return;
    batch->is_stopped = true;
    count_waiting(admission, batch, -(ptrdiff_t)batch->n_waiting);
    co_list_remove(&batch->coming);
    co_list_remove(&batch->late);
    co_heap_remove(&admission->times, &batch->time);
    admission_give_turns_up(admission, batch);
}

bool admission_take_waiting(struct admission_batch *batch, size_t *ret_index)
{
    assert(batch->is_stopped);
    while (batch->n_taken < batch->spec->n_items) {
        struct admission_item *item = &batch->items[batch->n_taken];
        if (item->state != ITEM_GONE) {
            item->state = ITEM_GONE;
            *ret_index = batch->n_taken++;
            return true;
        }
        batch->n_taken++;
    }
    return false;
}

bool admission_remove(struct admission *admission, struct admission_batch *batch)
{
    size_t n_lanes = batch->spec->n_origins;

    assert(batch->is_stopped && batch->n_running == 0);
    for (int n = 0; n < ADMISSION_SLICE && batch->n_removed < n_lanes; n++) {
        struct admission_lane *lane = &batch->all_lanes[batch->n_removed++];
        if (lane->host == NULL)
            continue;
        co_list_remove(&lane->link);
        admission_host_unref(admission, lane->host);
    }
    if (batch->n_removed < n_lanes)
        return true;
    free_arrays(batch);
    return false;
}
