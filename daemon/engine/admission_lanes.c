#include <limits.h>

#include "daemon/engine/admission_private.h"

void admission_lane_init(struct admission_lane *lane, struct admission_batch *batch,
                         struct admission_host *host)
{
    unsigned limit = batch->spec->limits.per_host_concurrency;

    *lane = (struct admission_lane){
        .batch = batch,
        .host = host,
        .first = NO_ITEM,
        .last = NO_ITEM,
        .max_running = limit != 0 ? limit : UINT_MAX,
    };
    co_list_init(&lane->link);
    co_list_init(&lane->call);
}

struct admission_lane *admission_lane_get(struct admission *admission,
                                          struct admission_batch *batch,
                                          const struct request *request)
{
    const char *origin = request->url.origin;

    if (batch->window != NULL)
        return admission_window_lane(admission, batch->window, origin);
    struct admission_lane *lane = &batch->all_lanes[request->origin];
    if (lane->host == NULL)
        admission_lane_init(lane, batch, admission_host_get(admission, origin));
    return lane;
}

/* Links two neighbours; NO_ITEM is the end of the lane. */
static void join(struct admission_lane *lane, uint32_t previous, uint32_t next)
{
    struct admission_item *items = lane->batch->items;

    if (previous == NO_ITEM)
        lane->first = next;
    else
        items[previous].next = next;
    if (next == NO_ITEM)
        lane->last = previous;
    else
        items[next].previous = previous;
}

static void count_waiting(struct admission_lane *lane, int change)
{
    if (lane->batch->window != NULL)
        admission_window_count_waiting(lane, change);
}

void admission_lane_append(struct admission_lane *lane, uint32_t slot)
{
    join(lane, lane->last, slot);
    join(lane, slot, NO_ITEM);
    count_waiting(lane, 1);
}

void admission_lane_prepend(struct admission_lane *lane, uint32_t slot)
{
    join(lane, slot, lane->first);
    join(lane, NO_ITEM, slot);
    count_waiting(lane, 1);
}

void admission_lane_drop(struct admission_lane *lane, uint32_t slot)
{
    const struct admission_item *item = &lane->batch->items[slot];

    join(lane, item->previous, item->next);
    count_waiting(lane, -1);
}
