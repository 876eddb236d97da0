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
    co_list_init(&admission->windows);
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

static void init_batch(struct admission *admission, struct admission_batch *batch,
                       const struct job_spec *spec, co_time accepted)
{
    *batch = (struct admission_batch){
        .spec = spec,
        .first_late = NO_ITEM,
        .accepted = accepted,
        .pass = admission_first_pass(admission, spec),
    };
    co_list_init(&batch->late);
    co_list_init(&batch->lanes);
    co_list_init(&batch->called);
    co_list_init(&batch->coming);
    co_list_init(&batch->pieces);
}

/* returns 0, -ENOMEM */
static int make_arrays(struct admission_batch *batch, uint32_t n_slots, uint32_t n_lanes)
{
    batch->n_slots = n_slots;
    batch->all_lanes = calloc(n_lanes, sizeof(*batch->all_lanes));
    batch->items = calloc(n_slots, sizeof(*batch->items));
    if (batch->all_lanes == NULL || batch->items == NULL)
        return -ENOMEM;
    return agenda_init(&batch->agenda, (size_t)n_slots + n_lanes);
}

static void free_arrays(struct admission_batch *batch)
{
    free(batch->all_lanes);
    free(batch->items);
    agenda_done(&batch->agenda);
    admission_window_free(batch->window);
}

/* Times of what comes count from now, not from when somebody last looked. */
static void note_now(struct admission *admission, co_time now)
{
    if (now > admission->now)
        admission->now = now;
}

static void queue_item(struct admission *admission, struct run_piece *piece, uint32_t item)
{
    struct admission_batch *batch = piece->batch;
    uint32_t slot = admission_slot_of(piece, item);
    struct admission_lane *lane =
        admission_lane_get(admission, batch, run_piece_request(piece, item));
    co_time due =
        admission_later(batch->accepted, job_spec_delay_us(piece->spec, piece->offset + item));

    batch->items[slot].lane = admission_lane_number(lane) & LANE_MASK;
    if (batch->window != NULL)
        admission_window_enter(lane);
    if (due <= admission->now) {
        admission_wait(admission, batch, slot, due);
        return;
    }
    batch->items[slot].state = ITEM_DELAYED;
    admission_note_time(admission, batch, slot, due);
}

/* Batches that come at the same time take turns at this, too. */
bool admission_queue(struct admission *admission)
{
    if (co_list_is_empty(&admission->coming))
        return false;
    struct admission_batch *batch =
        co_container_of(co_list_take_first(&admission->coming), struct admission_batch, coming);
    for (int n = 0; n < ADMISSION_SLICE && batch->n_queued < batch->n_slots; n++)
        queue_item(admission, batch->whole, batch->n_queued++);
    if (batch->n_queued < batch->n_slots)
        co_list_append(&admission->coming, &batch->coming);
    return !co_list_is_empty(&admission->coming);
}

static void join(struct run_piece *piece, struct admission_batch *batch, uint32_t n_left)
{
    piece->batch = batch;
    piece->n_left = n_left;
    co_list_append(&batch->pieces, &piece->link);
}

int admission_add(struct admission *admission, struct admission_batch *batch,
                  struct run_piece *piece, co_time now)
{
    unsigned limit = piece->spec->limits.concurrency;

    init_batch(admission, batch, piece->spec, now);
    if (make_arrays(batch, piece->n_items, piece->spec->n_origins) < 0) {
        free_arrays(batch);
        return -ENOMEM;
    }
    batch->whole = piece;
    batch->n_used_slots = batch->n_slots;
    batch->n_lanes = piece->spec->n_origins;
    batch->max_running = limit != 0 ? limit : UINT_MAX;
    join(piece, batch, piece->n_items);
    count_waiting(admission, batch, (ptrdiff_t)piece->n_items);
    note_now(admission, now);
    co_list_insert(admission->coming.next, &batch->coming);
    (void)admission_queue(admission);
    return 0;
}

/* --- Coming bit by bit ------------------------------------------------------------------------ */

int admission_open(struct admission *admission, struct admission_batch *batch,
                   const struct job_spec *spec, const struct admission_room *room, co_time accepted)
{
    init_batch(admission, batch, spec, accepted);
    int rc = admission_window_new(admission, batch, room);
    if (rc == 0)
        rc = make_arrays(batch, batch->window->n_slots, admission_window_lanes(batch->window));
    if (rc < 0)
        free_arrays(batch);
    return rc;
}

void admission_start(struct admission *admission, struct admission_batch *batch)
{
    batch->window->has_started = true;
    admission_window_settle(admission, batch->window);
}

void admission_pause(struct admission *admission, bool is_paused)
{
    admission->is_paused = is_paused;
    for (struct co_list *link = admission->windows.next; link != &admission->windows;
         link = link->next)
        admission_window_settle(admission, co_container_of(link, struct admission_window, link));
}

static bool is_left_out(const struct run_piece *piece, uint32_t item)
{
    return piece->left_out != NULL && (piece->left_out[item / 64] >> item % 64 & 1) != 0;
}

static uint32_t count_items(const struct run_piece *piece)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < piece->n_items; i++)
        n += !is_left_out(piece, i);
    return n;
}

static void feed_item(struct admission *admission, struct run_piece *piece, uint32_t item)
{
    admission_window_take_slot(piece->batch->window, piece, item);
    queue_item(admission, piece, item);
}

int admission_feed(struct admission *admission, struct admission_batch *batch,
                   struct run_piece *piece, co_time now)
{
    uint32_t n_items = count_items(piece);

    assert(piece->n_items <= RUN_PIECE_ITEMS);
    if (n_items == 0)
        return 1;
    if (!admission_has_room(batch) || n_items > batch->window->n_free_slots)
        return -EAGAIN;
    join(piece, batch, n_items);
    batch->window->n_pieces++;
    count_waiting(admission, batch, (ptrdiff_t)n_items);
    note_now(admission, now);
    for (uint32_t i = 0; i < piece->n_items; i++)
        if (!is_left_out(piece, i))
            feed_item(admission, piece, i);
    return 0;
}

bool admission_has_room(const struct admission_batch *batch)
{
    return batch->window->n_pieces < batch->window->max_pieces;
}

size_t admission_n_ready(const struct admission_batch *batch)
{
    return batch->window->n_ready;
}

/* --- Going, and coming back ------------------------------------------------------------------- */

/* An item has been handed out that will not come back. */
static void leave(struct admission *admission, struct admission_batch *batch, uint32_t slot)
{
    if (batch->window == NULL)
        return;
    admission_window_leave(admission, admission_lane_of(batch, slot));
    admission_window_free_slot(batch->window, slot);
}

static struct run_piece *hand_out(struct admission_batch *batch, uint32_t slot, uint32_t *ret_item)
{
    struct window_slot of = admission_item_of(batch, slot);

    batch->items[slot].state = ITEM_GONE;
    *ret_item = of.item;
    return of.piece;
}

struct run_piece *admission_next(struct admission *admission, co_time now, uint32_t *ret_item)
{
    admission->now = now;
    admission_wake(admission);
    if (admission->n_running >= admission->max_running)
        return NULL;
    struct admission_lane *lane = admission_turn(admission);
    if (lane == NULL)
        return NULL;

    struct admission_batch *batch = lane->batch;
    uint32_t slot = lane->first;
    count_waiting(admission, batch, -1);
    admission_forget_time(admission, batch, slot);
    admission_take_place(admission, lane, slot);
    return hand_out(batch, slot, ret_item);
}

struct run_piece *admission_expired(struct admission *admission, co_time now, uint32_t *ret_item)
{
    admission->now = now;
    if (co_list_is_empty(&admission->late))
        admission_wake(admission);
    if (co_list_is_empty(&admission->late))
        return NULL;
    struct admission_batch *batch =
        co_container_of(admission->late.next, struct admission_batch, late);
    uint32_t slot = batch->first_late;
    count_waiting(admission, batch, -1);
    batch->first_late = batch->items[slot].next;
    if (batch->first_late == NO_ITEM)
        co_list_remove(&batch->late);
    struct run_piece *piece = hand_out(batch, slot, ret_item);
    leave(admission, batch, slot);
    return piece;
}

void admission_release(struct admission *admission, struct run_piece *piece, uint32_t item)
{
    uint32_t slot = admission_slot_of(piece, item);

    admission_give_place_back(admission, admission_lane_of(piece->batch, slot));
    leave(admission, piece->batch, slot);
}

void admission_retry(struct admission *admission, struct run_piece *piece, uint32_t item,
                     co_time at)
{
    struct admission_batch *batch = piece->batch;
    uint32_t slot = admission_slot_of(piece, item);

    batch->items[slot].state = ITEM_RETRYING;
    if (!batch->is_stopped)
        count_waiting(admission, batch, 1);
    else if (slot < batch->n_taken)
        batch->n_taken = slot;
    admission_note_time(admission, batch, slot, at);
    admission_give_place_back(admission, admission_lane_of(batch, slot));
}

static void take_out(struct run_piece *piece)
{
    co_list_remove(&piece->link);
    if (piece->batch->window != NULL)
        piece->batch->window->n_pieces--;
}

bool admission_end_item(struct run_piece *piece)
{
    bool is_last = --piece->n_left == 0;

    if (is_last)
        take_out(piece);
    return is_last;
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

struct run_piece *admission_take_waiting(struct admission_batch *batch, uint32_t *ret_item)
{
    assert(batch->is_stopped);
    while (batch->n_taken < batch->n_used_slots) {
        uint32_t slot = batch->n_taken++;
        if (batch->items[slot].state != ITEM_GONE)
            return hand_out(batch, slot, ret_item);
    }
    return NULL;
}

struct run_piece *admission_take_piece(struct admission_batch *batch)
{
    assert(batch->is_stopped && batch->n_running == 0);
    if (co_list_is_empty(&batch->pieces))
        return NULL;
    struct run_piece *piece = co_container_of(batch->pieces.next, struct run_piece, link);
    take_out(piece);
    return piece;
}

bool admission_remove(struct admission *admission, struct admission_batch *batch)
{
    assert(batch->is_stopped && batch->n_running == 0);
    for (int n = 0; n < ADMISSION_SLICE && batch->n_removed < batch->n_lanes; n++) {
        struct admission_lane *lane = &batch->all_lanes[batch->n_removed++];
        if (lane->host == NULL)
            continue;
        co_list_remove(&lane->link);
        admission_host_unref(admission, lane->host);
    }
    if (batch->n_removed < batch->n_lanes)
        return true;
    free_arrays(batch);
    return false;
}
