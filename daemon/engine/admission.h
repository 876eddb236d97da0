/* Who goes next: the gates in front of the fetching, and the order through them.
 *
 * Each batch has its items in lanes, one for each host. An item goes when there is room in all of:
 * the daemon as a whole, its host, its batch, and its lane (the batch's own limit for the host, and
 * its rate). Batches take turns, as often as their weights say, and within a batch the lanes do, so
 * neither a large batch nor a slow host holds up anybody else. Items of a lane go in order.
 *
 * The items of a batch come in pieces (run_piece.h): one that is there from the start, or one after
 * the other, when the batch is fed; then those that are there are its window. An item that is there
 * has a slot, a number by which lanes and times know it. A batch that is fed has lanes only for the
 * hosts in its window, and for others while it has to remember their rates.
 *
 * A lane that could go is in its batch's ring, a batch that could go is in the heap of turns; a
 * lane whose host is full waits in the host's line. A place that becomes free at a host is kept for
 * the first in its line whose batch can use it. So no place stays empty that somebody could take,
 * and the next item is found, and a place given back, in a time that hardly depends on what is
 * waiting: it grows with the logarithm of the number of batches, and of items that have a time.
 *
 * Turns are given in stride order: each turn moves a batch on by a stride that is the smaller the
 * higher its weight, and the one that is least far has the next turn. A batch that comes, or comes
 * back, starts where the others are, so it does not get the turns it missed.
 *
 * What grows with a batch is done in slices, so that nobody is kept waiting by a large one: putting
 * its items into lanes (admission_queue), noticing what is due, and taking it apart
 * (admission_remove).
 *
 * Pure: no I/O, no clock; `now` is an argument, in nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/base.h"
#include "lib/co/heap.h"
#include "lib/co/list.h"

#include "daemon/engine/agenda.h"
#include "daemon/engine/run_piece.h"
#include "daemon/model/job_spec.h"

struct admission_host;
struct admission_lane;
struct admission_item;
struct admission_window;

struct admission {
    unsigned max_running; /* of all batches together */
    unsigned max_running_per_host;
    unsigned n_running;
    size_t n_waiting;       /* items of all batches, also those that back off */
    co_time now;            /* of the last call that said so */
    struct co_heap turns;   /* batches that have a lane that could go, by how far they are */
    int64_t pass;           /* how far the batch was that had the last turn */
    struct co_heap times;   /* batches, by the first time of their agendas */
    struct co_list coming;  /* batches of which not all items are queued yet */
    struct co_list late;    /* batches that have expired items */
    struct co_list windows; /* of batches that are fed */
    bool is_paused;
    struct admission_host **hosts; /* hash table by origin */
    size_t n_hosts;
    size_t n_buckets;               /* in use; they come one by one */
    size_t max_buckets;             /* a power of two */
    struct admission_host *nowhere; /* the host of what has none */
};

/* A batch, from admission_add() or admission_open() until admission_remove() is through with it. */
struct admission_batch {
    struct co_heap_node turn;         /* in admission.turns */
    struct co_heap_node time;         /* in admission.times */
    struct co_list coming;            /* in admission.coming */
    struct co_list late;              /* in admission.late */
    struct co_list lanes;             /* that could go, in turn */
    struct co_list called;            /* of these, those for which a host keeps a place */
    const struct job_spec *spec;      /* for what it says of all items */
    struct co_list pieces;            /* that are there */
    struct run_piece *whole;          /* of a batch that is not fed; an item's slot is its index */
    uint32_t n_slots;                 /* at most, */
    uint32_t n_used_slots;            /* and how many of them have been used */
    uint32_t n_lanes;                 /* that have been used */
    struct admission_lane *all_lanes; /* by number of origin, if it is not fed */
    struct admission_item *items;     /* by slot */
    struct agenda agenda; /* of slots: when an item is due or expires; n_slots + i: of lane i */
    struct admission_window *window; /* NULL: it is not fed */
    uint32_t first_late, last_late;  /* expired items, in order */
    uint32_t n_queued;               /* slots; the others come after them */
    co_time accepted;
    int64_t pass;
    size_t n_waiting;
    unsigned n_running;
    unsigned max_running; /* 0: nothing goes for the time being */
    bool is_stopped;
    uint32_t n_taken;   /* slots, by admission_take_waiting() */
    uint32_t n_removed; /* lanes, by admission_remove() */
};

/* How a batch is fed. */
struct admission_room {
    unsigned n_places; /* pieces that are there at the same time, at most */
    uint32_t n_items;  /* that will come in all */
};

/* returns 0, -ENOMEM */
int admission_init(struct admission *admission, unsigned max_running,
                   unsigned max_running_per_host);

/* All batches must have been removed. Fine for one that is all zeros. */
void admission_done(struct admission *admission);

/* Queues a batch that is one piece: the first items at once, the others as admission_queue() is
 * called. Piece and spec stay borrowed until the batch is removed.
 *
 * returns    0; -ENOMEM, and nothing is queued
 */
int admission_add(struct admission *admission, struct admission_batch *batch,
                  struct run_piece *piece, co_time now);

/* Queues some more of the items that have been added. true: there are still more. */
bool admission_queue(struct admission *admission);

/* Makes a batch that will be fed. Nothing of it goes before admission_start().
 *
 * spec       for what it says of all items: its own items do not matter. Borrowed
 * accepted   when the batch was: that is what delays and queue timeouts count from
 * returns    0, -ENOMEM
 */
int admission_open(struct admission *admission, struct admission_batch *batch,
                   const struct job_spec *spec, const struct admission_room *room,
                   co_time accepted);
void admission_start(struct admission *admission, struct admission_batch *batch);

/* Queues the items of a piece, in the order of calls. Borrowed until its last item has ended.
 *
 * returns    0; 1: all its items are left out, and there is nothing to queue; -EAGAIN: there is no
 *            room for it
 */
int admission_feed(struct admission *admission, struct admission_batch *batch,
                   struct run_piece *piece, co_time now);

bool admission_has_room(const struct admission_batch *batch);

/* Items of a batch that is fed which wait in their lanes, of each lane only as many as can go soon:
 * when they are few it is time to bring more. */
size_t admission_n_ready(const struct admission_batch *batch);

/* The next item to go, with its place taken: owed one admission_release() or admission_retry().
 *
 * returns    its piece; NULL: nothing can go now
 */
struct run_piece *admission_next(struct admission *admission, co_time now, uint32_t *ret_item);

/* Gives back the place of an item that will go again: it is due at `at`, and then waits in its lane
 * like any other, the first there. Cannot fail: an item has what it needs to wait. */
void admission_retry(struct admission *admission, struct run_piece *piece, uint32_t item,
                     co_time at);

/* Takes an item out of its lane that has waited longer for its turn than its queue_timeout allows,
 * counted from when it was due. It owes nothing but its end.
 *
 * returns    its piece; NULL: there is none now
 */
struct run_piece *admission_expired(struct admission *admission, co_time now, uint32_t *ret_item);

/* Gives back the place of an item that will not go again. */
void admission_release(struct admission *admission, struct run_piece *piece, uint32_t item);

/* An item has ended that was released, or expired, or taken out of a stopped batch, and nobody
 * needs the piece for it any more. true: it was the last of its piece, which has left its place */
bool admission_end_item(struct run_piece *piece);

/* When admission_queue(), admission_next() or admission_expired() may have something to do though
 * nothing was released; it may be past. CO_NEVER: then only. */
co_time admission_next_time(const struct admission *admission);

/* While paused, nothing of batches that are fed goes. The others do not notice. */
void admission_pause(struct admission *admission, bool is_paused);

/* Lets nothing more of the batch go. */
void admission_stop(struct admission *admission, struct admission_batch *batch);

/* Takes one item out of a stopped batch that waits, for its first turn or another, in order of
 * slots. It owes nothing but its end. NULL: none is left. */
struct run_piece *admission_take_waiting(struct admission_batch *batch, uint32_t *ret_item);

/* Takes a piece out of a stopped batch of which nothing is running, whatever is left of it. NULL:
 * there is none. */
struct run_piece *admission_take_piece(struct admission_batch *batch);

/* Takes apart a stopped batch of which nothing is running, some of it with each call.
 *
 * returns    true: call it again
 */
bool admission_remove(struct admission *admission, struct admission_batch *batch);
