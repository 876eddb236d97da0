/* Results in order of completion as the bytes of a stream, shared by all who are sent the same.
 *
 * A stream is a chain of blocks: each begins behind the last result of the one before. However many
 * clients follow a job, each block is read from the store and rendered once while they are close to
 * each other; a client that is far behind makes its own. A block that has been made never changes.
 *
 * Some blocks are kept for who comes next, the others as long as they are used, and so is one with
 * a large result: memory is bounded by the number of clients, and is much less when they keep up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/sync.h"

#include "daemon/api/result_page.h"

enum result_frame {
    FRAME_LINES,  /* NDJSON: a result per line */
    FRAME_EVENTS, /* server-sent events, called "result", with the cursor behind it as id */
};

enum { RESULT_BLOCK_BYTES = 64 * 1024, RESULT_BLOCKS_KEPT = 64 };

/* What tells blocks from each other. */
struct result_block_key {
    int64_t job;
    enum result_frame frame;
    bool by_outcome;
    enum outcome outcome;
    struct result_cursor from;
    struct result_fields fields;
};

struct result_block {
    struct result_block_key key;
    struct buffer bytes; /* some RESULT_BLOCK_BYTES at most, or one result that is larger */
    struct result_cursor next;
    uint64_t version; /* of the job, that was known before results were read */
    bool is_last;     /* by then there were no more */
    bool is_made;
    int rc; /* why it could not be made */
    struct co_event made;
    unsigned n_references;
    uint64_t last_used;
};

/* All zeros: none. */
struct result_blocks {
    struct result_block *kept[RESULT_BLOCKS_KEPT];
    uint64_t n_uses;
};

/* What blocks are made from. */
struct result_block_source {
    struct store *store;
    const struct parse_settings *parse;
};

/* A block that has results, or shows that there are none in this version of the job.
 *
 * record     of the job, as new as can be
 * ret_block  owed one result_block_unref()
 * returns    0; -ENOENT: the job has been forgotten; -ENOMEM; -ECANCELED; as the store
 * suspends   unless it is there
 */
CO_BLOCKS int result_blocks_get(struct result_blocks *blocks,
                                const struct result_block_source *source,
                                const struct job_record *record, const struct result_block_key *key,
                                struct result_block **ret_block);

/* NULL is fine. */
void result_block_unref(struct result_block *block);

/* Lets go of what is kept. */
void result_blocks_done(struct result_blocks *blocks);
