/* What the files of admission share. Each of them is one idea:
 *
 *     admission_hosts.c   the table of hosts
 *     admission_lanes.c   items in their lanes, by themselves
 *     admission_window.c  slots and lanes of batches that are fed: they come and go
 *     admission_turns.c   whose turn it is: places at hosts, lanes and batches that could go
 *     admission_times.c   what is due, or over, by time alone
 *     admission.c         the life of a batch, on top of these
 */
#pragma once

#include "daemon/engine/admission.h"

enum { NO_ITEM = UINT32_MAX };

/* There are never as many lanes, for each is of an item, nor slots in a window. */
enum { LANE_BITS = 29, LANE_MASK = (1 << LANE_BITS) - 1, MAX_SLOTS = 1 << 24 };

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
    uint32_t previous, next;         /* slots: in its lane, or among the batch's late ones */
    uint32_t lane : LANE_BITS;       /* once it is queued */
    uint32_t state : 32 - LANE_BITS; /* enum item_state */
};

/* All zeros while it has no host. */
struct admission_lane {
    struct co_list link; /* in its batch's ring, or its host's line, or with the idle, or nowhere */
    struct co_list call; /* in its batch's `called`: a place at the host is kept for it */
    struct admission_batch *batch;
    struct admission_host *host;
    uint32_t first, last; /* slots of items that wait, in order */
    unsigned n_running;
    unsigned max_running;
    co_time not_before; /* of the next start: the rate */
};

static inline co_time admission_later(co_time since, int64_t us)
{
    co_time at;

    if (__builtin_mul_overflow(us, CO_MICROSECOND, &at) || __builtin_add_overflow(since, at, &at))
        return CO_NEVER;
    return at;
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

void admission_lane_init(struct admission_lane *lane, struct admission_batch *batch,
                         struct admission_host *host);

/* The lane of an item that comes now; the first one makes it. */
struct admission_lane *admission_lane_get(struct admission *admission,
                                          struct admission_batch *batch,
                                          const struct request *request);

/* The lane of an item that has been queued. */
static inline struct admission_lane *admission_lane_of(const struct admission_batch *batch,
                                                       uint32_t slot)
{
    return &batch->all_lanes[batch->items[slot].lane];
}

static inline uint32_t admission_lane_number(const struct admission_lane *lane)
{
    return (uint32_t)(lane - lane->batch->all_lanes);
}

/* What the lane is called in its batch's agenda. */
static inline uint32_t admission_lane_time(const struct admission_lane *lane)
{
    return lane->batch->n_slots + admission_lane_number(lane);
}

void admission_lane_append(struct admission_lane *lane, uint32_t slot);
void admission_lane_prepend(struct admission_lane *lane, uint32_t slot);
void admission_lane_drop(struct admission_lane *lane, uint32_t slot);

/* --- admission_window.c ----------------------------------------------------------------------- */

/* How many lanes without items may remember the rates of their hosts. */
enum { MAX_IDLE_LANES = 1 << 16 };

/* Whose slot it is. */
struct window_slot {
    struct run_piece *piece;
    uint32_t item; /* of a slot that is free: the next free one, + 1 */
};

/* Slots for the items that are there, and the lanes of their hosts. */
struct admission_window {
    struct co_list link; /* in admission.windows */
    struct admission_batch *batch;
    unsigned n_pieces, max_pieces;
    uint32_t n_slots;
    struct window_slot *slots;
    uint32_t n_free_slots;
    uint32_t free_slot; /* the first of a list, + 1; 0: none but those never used */
    unsigned bucket_bits;
    uint32_t *buckets;             /* lanes by host, + 1; 0: none */
    struct window_lane *lanes;     /* by number: what lanes have besides */
    uint32_t free_lane;            /* likewise */
    struct admission_lane *latest; /* the one that was asked for; NULL: it has gone */
    struct co_list idle;           /* lanes without items */
    uint32_t n_idle, max_idle;
    uint32_t lane_share; /* as many items of a lane that wait count as ready */
    size_t n_ready;
    unsigned limit; /* the batch's max_running, once it has started and while there is no pause */
    bool has_started;
};

/* Makes the window of a batch. returns 0, -ENOMEM; owed one admission_window_free() in any case */
int admission_window_new(struct admission *admission, struct admission_batch *batch,
                         const struct admission_room *room);
void admission_window_free(struct admission_window *window); /* NULL is fine */

/* Lanes at most. */
static inline uint32_t admission_window_lanes(const struct admission_window *window)
{
    return window->n_slots + window->max_idle + 1;
}

/* Gives an item a slot, of which there is one, and makes it free again. */
void admission_window_take_slot(struct admission_window *window, struct run_piece *piece,
                                uint32_t item);
void admission_window_free_slot(struct admission_window *window, uint32_t slot);

/* In a batch that is not fed the slot of an item is its number. */
static inline uint32_t admission_slot_of(const struct run_piece *piece, uint32_t item)
{
    return piece->batch->window != NULL ? piece->slots[item] : item;
}

static inline struct window_slot admission_item_of(const struct admission_batch *batch,
                                                   uint32_t slot)
{
    if (batch->window == NULL)
        return (struct window_slot){batch->whole, slot};
    return batch->window->slots[slot];
}

static inline const struct request *admission_request(const struct admission_batch *batch,
                                                      uint32_t slot)
{
    struct window_slot of = admission_item_of(batch, slot);

    return run_piece_request(of.piece, of.item);
}

/* Lets go what may, or nothing while it has not started or is paused. */
void admission_window_settle(struct admission *admission, struct admission_window *window);

/* The lane of a host. */
struct admission_lane *admission_window_lane(struct admission *admission,
                                             struct admission_window *window, const char *origin);

/* An item has come into the window, or has left it for good: a lane that has none, and need not
 * remember its host's rate, is forgotten. */
void admission_window_enter(struct admission_lane *lane);
void admission_window_leave(struct admission *admission, struct admission_lane *lane);

/* Counts an item that begins to wait, or ends. */
void admission_window_count_waiting(struct admission_lane *lane, int change);

/* Forgets a lane that is idle. false: it is not */
bool admission_window_forget_idle(struct admission *admission, struct admission_lane *lane);

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
void admission_take_place(struct admission *admission, struct admission_lane *lane, uint32_t slot);
void admission_give_place_back(struct admission *admission, struct admission_lane *lane);

/* Changes how many items of a batch may run. */
void admission_limit_batch(struct admission *admission, struct admission_batch *batch,
                           unsigned max_running);

/* Gives up what is kept for a batch that has been stopped, and its turn. */
void admission_give_turns_up(struct admission *admission, struct admission_batch *batch);

/* --- admission_times.c ------------------------------------------------------------------------ */

/* Puts a time into the agenda of a batch. */
void admission_note_time(struct admission *admission, struct admission_batch *batch,
                         uint32_t number, co_time at);
void admission_forget_time(struct admission *admission, struct admission_batch *batch,
                           uint32_t number);

/* An item begins to wait in its lane, since `due`. */
void admission_wait(struct admission *admission, struct admission_batch *batch, uint32_t slot,
                    co_time due);

/* Does some of what was due at admission->now or before. */
void admission_wake(struct admission *admission);
