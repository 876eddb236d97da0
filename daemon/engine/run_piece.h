/* Some items of a batch, next to each other: what is in memory, and leaves it, together.
 *
 * A gather is one piece. A stored job is brought piece by piece, and only a window of it is there
 * at a time; what holds within a piece (limits, rates, order, policies) holds across pieces, too.
 */
#pragma once

#include <stdint.h>

#include "lib/co/list.h"

#include "daemon/engine/history.h"
#include "daemon/model/job_spec.h"

/* Items of a piece at most, in a batch that is fed. */
enum { RUN_PIECE_ITEMS = 256 };

struct run_piece {
    const struct job_spec *spec; /* borrowed until the piece has ended */
    uint32_t offset;             /* of its first item in spec */
    uint32_t n_items;
    uint32_t first; /* index of its first item in the batch */
    const uint64_t
        *left_out; /* bit i: its item i is not run; NULL: all are. Read when it is added */

    /* private */
    struct admission_batch *batch;
    struct co_list link;             /* in its batch's pieces */
    uint32_t n_left;                 /* items that have not ended */
    uint32_t slots[RUN_PIECE_ITEMS]; /* of its items, in a batch that is fed */
    struct history history;
};

/* The index of an item in the batch. */
static inline uint32_t run_piece_index(const struct run_piece *piece, uint32_t item)
{
    return piece->first + item;
}

static inline const struct request *run_piece_request(const struct run_piece *piece, uint32_t item)
{
    return job_spec_request(piece->spec, piece->offset + item);
}
