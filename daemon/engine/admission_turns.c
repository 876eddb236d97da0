#include "daemon/engine/admission_private.h"

/* What a batch of weight 1 moves on by with each turn. 2^63 of them take longer than any machine
 * runs, and 1/100 of it is exact enough. */
enum { STRIDE = 1 << 16 };

/* --- Places at a host ------------------------------------------------------------------------- */

/* Whether there is a place that is not kept for anybody. While there is none, lanes wait in the
 * host's line; so a line that is not empty means that all places are taken or kept. */
static bool has_room(const struct admission *admission, const struct admission_host *host)
{
    return host->n_running + host->n_called < admission->max_running_per_host;
}

static bool is_called(const struct admission_lane *lane)
{
    return co_list_is_linked(&lane->call);
}

static void end_call(struct admission_lane *lane)
{
    if (is_called(lane))
        lane->host->n_called--;
    co_list_remove(&lane->call);
}

static int64_t stride(const struct job_spec *spec)
{
    return STRIDE / (spec->weight != 0 ? spec->weight : 1);
}

int64_t admission_first_pass(const struct admission *admission, const struct job_spec *spec)
{
    return admission->pass + stride(spec);
}

/* A batch that comes back has not saved up the turns it missed. */
static void line_up(struct admission *admission, struct admission_batch *batch)
{
    if (co_heap_contains(&batch->turn))
        return;
    if (batch->pass < admission->pass)
        batch->pass = admission->pass;
    co_heap_insert(&admission->turns, &batch->turn, batch->pass);
}

/* Brings a lane out of the line to its batch. */
static void call(struct admission *admission, struct admission_lane *lane)
{
    struct admission_batch *batch = lane->batch;

    co_list_remove(&lane->link);
    if (batch->is_stopped)
        return;
    co_list_append(&batch->lanes, &lane->link);
    if (batch->n_running >= batch->max_running)
        return;
    co_list_append(&batch->called, &lane->call);
    lane->host->n_called++;
    line_up(admission, batch);
}

/* Keeps the free places for the first in the line whose batches can use them. */
static void call_line(struct admission *admission, struct admission_host *host)
{
    while (!co_list_is_empty(&host->line) && has_room(admission, host))
        call(admission, co_container_of(host->line.next, struct admission_lane, link));
}

/* What is kept for a batch that cannot go now is for others. */
static void pass_calls_on(struct admission *admission, struct admission_batch *batch)
{
    while (!co_list_is_empty(&batch->called)) {
        struct admission_lane *lane =
            co_container_of(batch->called.next, struct admission_lane, call);
        end_call(lane);
        call_line(admission, lane->host);
    }
}

/* --- Where a lane and a batch belong ---------------------------------------------------------- */

/* A batch has turns while it has a lane that could go and has not reached its limit. */
static void settle_batch(struct admission *admission, struct admission_batch *batch)
{
    bool is_full = batch->n_running >= batch->max_running;

    if (is_full || batch->is_stopped || co_list_is_empty(&batch->lanes))
        co_heap_remove(&admission->turns, &batch->turn);
    else
        line_up(admission, batch);
    if (is_full)
        pass_calls_on(admission, batch);
}

static bool is_placed(const struct admission_lane *lane)
{
    return co_list_is_linked(&lane->link) ||
           agenda_contains(&lane->batch->agenda, admission_lane_time(lane));
}

static bool is_done(const struct admission_lane *lane)
{
    return lane->first == NO_ITEM || lane->batch->is_stopped;
}

/* A lane that is at its own limit is nowhere: the release of one of its items brings it back. */
static void place_lane(struct admission *admission, struct admission_lane *lane)
{
    co_list_remove(&lane->link);
    admission_forget_time(admission, lane->batch, admission_lane_time(lane));
    if (is_done(lane) || lane->n_running >= lane->max_running)
        return;
    if (lane->not_before > admission->now)
        admission_note_time(admission, lane->batch, admission_lane_time(lane), lane->not_before);
    else if (has_room(admission, lane->host))
        co_list_append(&lane->batch->lanes, &lane->link);
    else
        co_list_append(&lane->host->line, &lane->link);
}

void admission_lane_settle(struct admission *admission, struct admission_lane *lane)
{
    bool was_called = is_called(lane);

    end_call(lane);
    place_lane(admission, lane);
    settle_batch(admission, lane->batch);
    if (was_called)
        call_line(admission, lane->host);
}

void admission_lane_check(struct admission *admission, struct admission_lane *lane)
{
    if (!is_placed(lane) || is_done(lane))
        admission_lane_settle(admission, lane);
}

/* A lane whose host was filled up by others since it came into its ring is settled anew. */
struct admission_lane *admission_turn(struct admission *admission)
{
    while (admission->turns.root != NULL) {
        struct admission_batch *batch =
            co_container_of(admission->turns.root, struct admission_batch, turn);
        struct admission_lane *lane =
            co_container_of(batch->lanes.next, struct admission_lane, link);
        if (is_called(lane) || has_room(admission, lane->host))
            return lane;
        admission_lane_settle(admission, lane);
    }
    return NULL;
}

/* --- Taking a place, and giving it back ------------------------------------------------------- */

static void count(struct admission *admission, struct admission_lane *lane, int change)
{
    admission->n_running += (unsigned)change;
    lane->n_running += (unsigned)change;
    lane->host->n_running += (unsigned)change;
    lane->batch->n_running += (unsigned)change;
}

void admission_take_place(struct admission *admission, struct admission_lane *lane, uint32_t slot)
{
    struct admission_batch *batch = lane->batch;
    int64_t interval_us = batch->spec->limits.per_host_interval_us;

    admission_lane_drop(lane, slot);
    end_call(lane);
    count(admission, lane, 1);
    if (interval_us > 0)
        lane->not_before = admission_later(admission->now, interval_us);
    admission->pass = batch->pass;
    batch->pass += stride(batch->spec);
    co_heap_remove(&admission->turns, &batch->turn);
    admission_lane_settle(admission, lane);
}

void admission_give_place_back(struct admission *admission, struct admission_lane *lane)
{
    count(admission, lane, -1);
    call_line(admission, lane->host);
    admission_lane_check(admission, lane);
    settle_batch(admission, lane->batch);
}

void admission_limit_batch(struct admission *admission, struct admission_batch *batch,
                           unsigned max_running)
{
    batch->max_running = max_running;
    settle_batch(admission, batch);
}

void admission_give_turns_up(struct admission *admission, struct admission_batch *batch)
{
    settle_batch(admission, batch);
    pass_calls_on(admission, batch);
}
