/* Who goes next: the gates in front of the fetching, and the order through them.
 *
 * Each batch has its items in lanes, one for each host. An item goes when there is room in all of:
 * the daemon as a whole, its host, its batch, and its lane (the batch's own limit for the host, and
 * its rate). Batches take turns, and within a batch the lanes do, so neither a large batch nor a
 * slow host holds up anybody else. Items of a lane go in order.
 *
 * A lane that could go is in its batch's ring, a batch that could go is in the ring of batches; a
 * lane whose host is full waits in the host's line, one that is ahead of its rate in the heap. A
 * place that becomes free at a host is kept for the first in its line whose batch can use it. So
 * no place stays empty that somebody could take, and the next item is found, and a place given
 * back, in constant time (amortized) whatever is waiting.
 *
 * Pure: no I/O, no clock; `now` is an argument, in nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/base.h"
#include "lib/co/heap.h"
#include "lib/co/list.h"

#include "daemon/model/job_spec.h"

struct admission_host;
struct admission_lane;
struct admission_delay;

struct admission {
    unsigned max_running; /* of all batches together */
    unsigned max_running_per_host;
    unsigned n_running;
    co_time now;            /* of the last admission_next() */
    struct co_list batches; /* that have a lane that could go, in turn */
    struct co_heap times;   /* struct admission_delay: lanes and items whose time will come */
    struct admission_host **hosts; /* hash table by origin */
    size_t n_hosts;
    size_t n_buckets;   /* a power of two */
    uint64_t hash_seed; /* so that nobody can choose hosts that all fall into one bucket */
};

/* A batch, from admission_add() to admission_remove(). */
struct admission_batch {
    struct co_list link;   /* in admission.batches */
    struct co_list lanes;  /* that could go, in turn */
    struct co_list called; /* of these, those for which a host keeps a place */
    const struct job_spec *spec;
    struct admission_lane *all_lanes;
    size_t n_lanes;
    struct admission_delay *delayed; /* items that wait for their time */
    size_t n_delayed;
    uint32_t *next; /* by item: the next one in its lane; of one that has gone, its lane */
    unsigned n_running;
    unsigned max_running;
    bool is_stopped;
    size_t n_emptied; /* lanes, by admission_take_waiting() */
};

/* returns 0, -ENOMEM */
int admission_init(struct admission *admission, unsigned max_running,
                   unsigned max_running_per_host);

/* All batches must have been removed. */
void admission_done(struct admission *admission);

/* Queues all items of a spec, which stays borrowed until the batch is removed.
 *
 * returns    0; -ENOMEM, and nothing is queued
 */
int admission_add(struct admission *admission, struct admission_batch *batch,
                  const struct job_spec *spec, co_time now);

/* The next item to go, with its place taken: owed one admission_release().
 *
 * returns    its batch; NULL: nothing can go now
 */
struct admission_batch *admission_next(struct admission *admission, co_time now, size_t *ret_index);

/* Gives back the place of an item that has ended. */
void admission_release(struct admission *admission, struct admission_batch *batch, size_t index);

/* When admission_next() may find something though nothing was released; CO_NEVER: then only. */
co_time admission_next_time(const struct admission *admission);

/* Lets nothing more of the batch go. */
void admission_stop(struct admission *admission, struct admission_batch *batch);

/* Takes one item that has not gone out of a stopped batch; it owes nothing. false: none is left. */
bool admission_take_waiting(struct admission_batch *batch, size_t *ret_index);

/* Ends a stopped batch of which nothing is running. */
void admission_remove(struct admission *admission, struct admission_batch *batch);
