/* What the files of admission share. Each of them is one idea:
 *
 *     admission_hosts.c  the table of hosts
 *     admission_lanes.c  items in their lanes, by themselves
 *     admission_turns.c  whose turn it is: places at hosts, lanes and batches that could go
 *     admission_times.c  what is due, or over, by time alone
 *     admission.c        the life of a batch, on top of these
 */
#pragma once

#include "daemon/engine/admission.h"

enum { NO_ITEM = UINT32_MAX };

/* How much of what grows with a batch is done at a time: well below a millisecond. */
enum { ADMISSION_SLICE = 1024 };

struct admission_host {
    struct admission_host *next_in_bucket;
    uint64_t hash;
    struct co_list line; /* lanes that wait for room here */
    unsigned n_running;
    unsigned n_called; /* places kept for lanes called out of the line */
    unsigned n_lanes;  /* of all batches; 0: nobody needs it */
    char origin[];
};

enum item_state {
    ITEM_UNSEEN,   /* not yet queued */
    ITEM_DELAYED,  /* due later, for the first time */
    ITEM_RETRYING, /* due later, again */
    ITEM_WAITING,  /* in its lane */
    ITEM_LATE,     /* has waited for too long */
    ITEM_GONE,
};

struct admission_item {
    uint32_t previous, next; /* in its lane, or among the batch's late ones */
    uint8_t state;           /* enum item_state */
};

/* All zeros until its first item comes. */
struct admission_lane {
    struct co_list link; /* in its batch's ring, or in its host's line, or in neither */
    struct co_list call; /* in its batch's `called`: a place at the host is kept for it */
    struct admission_batch *batch;
    struct admission_host *host;
    uint32_t first, last; /* items that wait, in order */
    unsigned n_running;
    unsigned max_running;
    co_time not_before; /* of the next start: the rate */
};

static inline co_time admission_later(co_time now, int64_t us)
{
    return us < (CO_NEVER - now) / CO_MICROSECOND ? now + us * CO_MICROSECOND : CO_NEVER;
}

/* --- admission_hosts.c ------------------------------------------------------------------------ */

/* returns 0, -ENOMEM */
int admission_hosts_init(struct admission *admission);
void admission_hosts_done(struct admission *admission);

/* The host of an origin; NULL: of what cannot be fetched. Owes one admission_host_unref(). When
 * there is no memory for another host it is the one that stands for nowhere, and those it stands
 * for share their places. */
struct admission_host *admission_host_get(struct admission *admission, const char *origin);
void admission_host_unref(struct admission *admission, struct admission_host *host);

/* --- admission_lanes.c ------------------------------------------------------------------------ */

/* The lane of an item; its first item makes it. */
struct admission_lane *admission_lane_get(struct admission *admission,
                                          struct admission_batch *batch, size_t index);

/* The lane of an item that has been queued. */
static inline struct admission_lane *admission_lane_of(const struct admission_batch *batch,
                                                       size_t index)
{
    return &batch->all_lanes[job_spec_request(batch->spec, index)->origin];
}

/* What the lane is called in its batch's agenda. */
static inline uint32_t admission_lane_number(const struct admission_lane *lane)
{
    return (uint32_t)(lane->batch->spec->n_items + (size_t)(lane - lane->batch->all_lanes));
}

void admission_lane_append(struct admission_lane *lane, uint32_t index);
void admission_lane_prepend(struct admission_lane *lane, uint32_t index);
void admission_lane_drop(struct admission_lane *lane, uint32_t index);

/* --- admission_turns.c ------------------------------------------------------------------------ */

/* How far a batch that comes now is: it has to wait for its first turn like the others. */
int64_t admission_first_pass(const struct admission *admission, const struct job_spec *spec);

/* Puts a lane where it belongs now, unless it has a place and keeps it. */
void admission_lane_check(struct admission *admission, struct admission_lane *lane);

/* Puts a lane where it belongs now. */
void admission_lane_settle(struct admission *admission, struct admission_lane *lane);

/* The lane that has the next turn; NULL: none can go. */
struct admission_lane *admission_turn(struct admission *admission);

/* The first item of a lane goes: takes the place, and the turn. */
void admission_take_place(struct admission *admission, struct admission_lane *lane, uint32_t index);
void admission_give_place_back(struct admission *admission, struct admission_lane *lane);

/* Gives up what is kept for a batch that has been stopped, and its turn. */
void admission_give_turns_up(struct admission *admission, struct admission_batch *batch);

/* --- admission_times.c ------------------------------------------------------------------------ */

/* Puts a time into the agenda of a batch. */
void admission_note_time(struct admission *admission, struct admission_batch *batch,
                         uint32_t number, co_time at);
void admission_forget_time(struct admission *admission, struct admission_batch *batch,
                           uint32_t number);

/* An item begins to wait in its lane, since `due`. */
void admission_wait(struct admission *admission, struct admission_batch *batch, uint32_t index,
                    co_time due);

/* Does some of what was due at admission->now or before. */
void admission_wake(struct admission *admission);
