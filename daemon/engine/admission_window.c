#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/admission_private.h"

/* What a lane of a window has besides. */
struct window_lane {
    uint32_t next;    /* + 1: in its bucket, or in the list of free ones; 0: none */
    uint32_t n_items; /* in the window, whatever they do */
    uint32_t n_waiting;
};

static struct window_lane *besides(const struct admission_lane *lane)
{
    return &lane->batch->window->lanes[admission_lane_number(lane)];
}

/* --- Its life --------------------------------------------------------------------------------- */

static unsigned bits_for(uint32_t n)
{
    unsigned bits = 0;

    while (UINT32_C(1) << bits < n)
        bits++;
    return bits;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What a host can use soon: one item while it has a rate. */
static uint32_t lane_share(const struct admission *admission, const struct job_limits *limits)
{
    unsigned max = admission->max_running_per_host;

    if (limits->per_host_interval_us > 0)
        return 1;
    if (limits->per_host_concurrency != 0)
        max = smaller(max, limits->per_host_concurrency);
    return 2 * smaller(max, UINT32_MAX / 2);
}

static int make_arrays(struct admission_window *window)
{
    uint32_t n_lanes = admission_window_lanes(window);

    assert(window->n_slots > 0 && n_lanes > 0);
    window->bucket_bits = bits_for(n_lanes);
    window->slots = calloc(window->n_slots, sizeof(*window->slots));
    window->buckets = calloc(UINT32_C(1) << window->bucket_bits, sizeof(*window->buckets));
    window->lanes = calloc(n_lanes, sizeof(*window->lanes));
    return window->slots != NULL && window->buckets != NULL && window->lanes != NULL ? 0 : -ENOMEM;
}

int admission_window_new(struct admission *admission, struct admission_batch *batch,
                         const struct admission_room *room)
{
    const struct job_limits *limits = &batch->spec->limits;
    uint32_t n_items = room->n_items > 0 ? room->n_items : 1;
    uint32_t n_places = smaller(room->n_places, MAX_SLOTS / RUN_PIECE_ITEMS);
    struct admission_window *window = malloc(sizeof(*window));

    if (window == NULL)
        return -ENOMEM;
    *window = (struct admission_window){
        .batch = batch,
        .max_pieces = n_places,
        .n_slots = smaller(n_items, n_places * RUN_PIECE_ITEMS),
        .max_idle = limits->per_host_interval_us > 0 ? smaller(n_items, MAX_IDLE_LANES) : 0,
        .lane_share = lane_share(admission, limits),
        .limit = limits->concurrency != 0 ? limits->concurrency : UINT_MAX,
    };
    window->n_free_slots = window->n_slots;
    co_list_init(&window->idle);
    co_list_append(&admission->windows, &window->link);
    batch->window = window;
    return make_arrays(window);
}

void admission_window_free(struct admission_window *window)
{
    if (window == NULL)
        return;
    co_list_remove(&window->link);
    free(window->slots);
    free(window->buckets);
    free(window->lanes);
    free(window);
}

void admission_window_settle(struct admission *admission, struct admission_window *window)
{
    bool may_go = window->has_started && !admission->is_paused;

    admission_limit_batch(admission, window->batch, may_go ? window->limit : 0);
}

/* --- Slots ------------------------------------------------------------------------------------ */

void admission_window_take_slot(struct admission_window *window, struct run_piece *piece,
                                uint32_t item)
{
    uint32_t slot;

    if (window->free_slot == 0) {
        slot = window->batch->n_used_slots++;
    } else {
        slot = window->free_slot - 1;
        window->free_slot = window->slots[slot].item;
    }
    window->n_free_slots--;
    window->slots[slot] = (struct window_slot){piece, item};
    piece->slots[item] = slot;
}

void admission_window_free_slot(struct admission_window *window, uint32_t slot)
{
    window->slots[slot] = (struct window_slot){.item = window->free_slot};
    window->free_slot = slot + 1;
    window->n_free_slots++;
}

/* --- Lanes by host ---------------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct admission_window *window, const struct admission_host *host)
{
    return &window->buckets[host->hash & ((UINT64_C(1) << window->bucket_bits) - 1)];
}

/* Where the number of a host's lane is, + 1; or 0. */
static uint32_t *find(const struct admission_window *window, const struct admission_host *host)
{
    uint32_t *number = bucket_of(window, host);

    while (*number != 0 && window->batch->all_lanes[*number - 1].host != host)
        number = &window->lanes[*number - 1].next;
    return number;
}

/* There is one: a lane has an item, or is one of max_idle. */
static uint32_t take_number(struct admission_window *window)
{
    uint32_t number = window->free_lane;

    if (number == 0)
        return window->batch->n_lanes++;
    window->free_lane = window->lanes[number - 1].next;
    return number - 1;
}

static struct admission_lane *make_lane(struct admission_window *window,
                                        struct admission_host *host)
{
    uint32_t number = take_number(window), *bucket = bucket_of(window, host);
    struct admission_lane *lane = &window->batch->all_lanes[number];

    window->lanes[number] = (struct window_lane){.next = *bucket};
    *bucket = number + 1;
    admission_lane_init(lane, window->batch, host);
    return lane;
}

static bool is_of(const struct admission_lane *lane, const char *origin)
{
    return lane != NULL && origin != NULL && strcmp(lane->host->origin, origin) == 0;
}

struct admission_lane *admission_window_lane(struct admission *admission,
                                             struct admission_window *window, const char *origin)
{
    if (is_of(window->latest, origin))
        return window->latest;
    struct admission_host *host = admission_host_get(admission, origin);
    uint32_t number = *find(window, host);
    if (number == 0)
        return window->latest = make_lane(window, host);
    admission_host_unref(admission, host); /* the lane has it */
    return window->latest = &window->batch->all_lanes[number - 1];
}

/* --- Lanes that come and go ------------------------------------------------------------------- */

static void forget(struct admission *admission, struct admission_window *window,
                   struct admission_lane *lane)
{
    uint32_t *number = find(window, lane->host), forgotten = *number;

    *number = besides(lane)->next;
    besides(lane)->next = window->free_lane;
    window->free_lane = forgotten;
    if (window->latest == lane)
        window->latest = NULL;
    admission_forget_time(admission, lane->batch, admission_lane_time(lane));
    admission_host_unref(admission, co_take(lane->host));
}

static void end_idling(struct admission_window *window, struct admission_lane *lane)
{
    co_list_remove(&lane->link);
    window->n_idle--;
}

/* Its rate is remembered, unless that of too many is: then that of the first. */
static void begin_idling(struct admission *admission, struct admission_window *window,
                         struct admission_lane *lane)
{
    admission_note_time(admission, lane->batch, admission_lane_time(lane), lane->not_before);
    co_list_append(&window->idle, &lane->link);
    if (window->n_idle++ >= window->max_idle)
        admission_window_forget_idle(
            admission, co_container_of(window->idle.next, struct admission_lane, link));
}

bool admission_window_forget_idle(struct admission *admission, struct admission_lane *lane)
{
    struct admission_window *window = lane->batch->window;

    if (besides(lane)->n_items > 0)
        return false;
    end_idling(window, lane);
    forget(admission, window, lane);
    return true;
}

void admission_window_enter(struct admission_lane *lane)
{
    if (besides(lane)->n_items++ == 0 && co_list_is_linked(&lane->link))
        end_idling(lane->batch->window, lane);
}

void admission_window_leave(struct admission *admission, struct admission_lane *lane)
{
    struct admission_batch *batch = lane->batch;

    if (--besides(lane)->n_items > 0 || batch->is_stopped)
        return;
    if (lane->not_before > admission->now)
        begin_idling(admission, batch->window, lane);
    else
        forget(admission, batch->window, lane);
}

void admission_window_count_waiting(struct admission_lane *lane, int change)
{
    struct admission_window *window = lane->batch->window;
    uint32_t *n_waiting = &besides(lane)->n_waiting;

    if (change > 0)
        window->n_ready += (*n_waiting)++ < window->lane_share;
    else
        window->n_ready -= --*n_waiting < window->lane_share;
}
