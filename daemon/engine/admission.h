/* Who goes next: the gates in front of the fetching, and the order through them.
 *
 * Each batch has its items in lanes, one for each host. An item goes when there is room in all of:
 * the daemon as a whole, its host, its batch, and its lane (the batch's own limit for the host, and
 * its rate). Batches take turns, as often as their weights say, and within a batch the lanes do, so
 * neither a large batch nor a slow host holds up anybody else. Items of a lane go in order.
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
#include "daemon/model/job_spec.h"

struct admission_host;
struct admission_lane;
struct admission_item;

struct admission {
    unsigned max_running; /* of all batches together */
    unsigned max_running_per_host;
    unsigned n_running;
    size_t n_waiting;              /* items of all batches, also those that back off */
    co_time now;                   /* of the last admission_next() or admission_expired() */
    struct co_heap turns;          /* batches that have a lane that could go, by how far they are */
    int64_t pass;                  /* how far the batch was that had the last turn */
    struct co_heap times;          /* batches, by the first time of their agendas */
    struct co_list coming;         /* batches of which not all items are queued yet */
    struct co_list late;           /* batches that have expired items */
    struct admission_host **hosts; /* hash table by origin */
    size_t n_hosts;
    size_t n_buckets;               /* in use; they come one by one */
    size_t max_buckets;             /* a power of two */
    struct admission_host *nowhere; /* the host of what has none */
};

/* A batch, from admission_add() until admission_remove() is through with it. */
struct admission_batch {
    struct co_heap_node turn; /* in admission.turns */
    struct co_heap_node time; /* in admission.times */
    struct co_list coming;    /* in admission.coming */
    struct co_list late;      /* in admission.late */
    struct co_list lanes;     /* that could go, in turn */
    struct co_list called;    /* of these, those for which a host keeps a place */
    const struct job_spec *spec;
    struct admission_lane *all_lanes; /* by number of origin */
    struct admission_item *items;
    struct agenda
        agenda; /* of items: when they are due or expire; n_items + i: of lane i, its rate */
    uint32_t first_late, last_late; /* expired items, in order */
    size_t n_queued;                /* items; the others come after them */
    co_time added;
    int64_t pass;
    size_t n_waiting;
    unsigned n_running;
    unsigned max_running;
    bool is_stopped;
    size_t n_taken;   /* items, by admission_take_waiting() */
    size_t n_removed; /* lanes, by admission_remove() */
};

/* returns 0, -ENOMEM */
int admission_init(struct admission *admission, unsigned max_running,
                   unsigned max_running_per_host);

/* All batches must have been removed. Fine for one that is all zeros. */
void admission_done(struct admission *admission);

/* Queues the items of a spec: the first of them at once, the others as admission_queue() is called.
 * The spec stays borrowed until the batch is removed.
 *
 * returns    0; -ENOMEM, and nothing is queued
 */
int admission_add(struct admission *admission, struct admission_batch *batch,
                  const struct job_spec *spec, co_time now);

/* Queues some more of the items that have been added. true: there are still more. */
bool admission_queue(struct admission *admission);

/* The next item to go, with its place taken: owed one admission_release() or admission_retry().
 *
 * returns    its batch; NULL: nothing can go now
 */
struct admission_batch *admission_next(struct admission *admission, co_time now, size_t *ret_index);

/* Gives back the place of an item that will go again: it is due at `at`, and then waits in its lane
 * like any other, the first there. Cannot fail: an item has what it needs to wait. */
void admission_retry(struct admission *admission, struct admission_batch *batch, size_t index,
                     co_time at);

/* Takes an item out of its lane that has waited longer for its turn than its queue_timeout allows,
 * counted from when it was due; it owes nothing.
 *
 * returns    its batch; NULL: there is none now
 */
struct admission_batch *admission_expired(struct admission *admission, co_time now,
                                          size_t *ret_index);

/* Gives back the place of an item that has ended. */
void admission_release(struct admission *admission, struct admission_batch *batch, size_t index);

/* When admission_queue(), admission_next() or admission_expired() may have something to do though
 * nothing was released; it may be past. CO_NEVER: then only. */
co_time admission_next_time(const struct admission *admission);

/* Lets nothing more of the batch go. */
void admission_stop(struct admission *admission, struct admission_batch *batch);

/* Takes one item out of a stopped batch that waits, for its first turn or another, in order; it
 * owes nothing. false: none is left. */
bool admission_take_waiting(struct admission_batch *batch, size_t *ret_index);

/* Takes apart a stopped batch of which nothing is running, some of it with each call.
 *
 * returns    true: call it again
 */
bool admission_remove(struct admission *admission, struct admission_batch *batch);
