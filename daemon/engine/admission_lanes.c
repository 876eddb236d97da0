#include <limits.h>

#include "daemon/engine/admission_private.h"

static void init_lane(struct admission *admission, struct admission_lane *lane,
                      struct admission_batch *batch, const struct request *request)
{
    unsigned limit = batch->spec->limits.per_host_concurrency;

    *lane = (struct admission_lane){
        .batch = batch,
        .host = admission_host_get(admission, request->url.origin),
        .first = NO_ITEM,
        .last = NO_ITEM,
        .max_running = limit != 0 ? limit : UINT_MAX,
    };
    co_list_init(&lane->link);
    co_list_init(&lane->call);
}

struct admission_lane *admission_lane_get(struct admission *admission,
                                          struct admission_batch *batch, size_t index)
{
    struct admission_lane *lane = admission_lane_of(batch, index);

    if (lane->host == NULL)
        init_lane(admission, lane, batch, job_spec_request(batch->spec, index));
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

void admission_lane_append(struct admission_lane *lane, uint32_t index)
{
    join(lane, lane->last, index);
    join(lane, index, NO_ITEM);
}

void admission_lane_prepend(struct admission_lane *lane, uint32_t index)
{
    join(lane, index, lane->first);
    join(lane, NO_ITEM, index);
}

void admission_lane_drop(struct admission_lane *lane, uint32_t index)
{
    const struct admission_item *item = &lane->batch->items[index];

    join(lane, item->previous, item->next);
}
