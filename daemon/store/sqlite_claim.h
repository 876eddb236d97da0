/* What the files of claiming share: the queue (sqlite_queue.c) and the turns (sqlite_turn.c) from
 * which sqlite_claim.c takes chunks.
 */
#pragma once

#include "daemon/store/sqlite_private.h"

/* --- The queue -------------------------------------------------------------------------------- */

/* A row of `chunk`. */
struct sqlite_queued {
    int64_t job;
    uint32_t first;
    uint32_t n_items;
    uint32_t data;
    unsigned tries;
    unsigned n_results;
    enum chunk_started started;
};

/* Reads a row of a statement that has these columns, and resets it. returns 1 */
int sqlite_queue_read(sqlite3_stmt *statement, struct sqlite_queued *ret_queued);

/* returns 0, -errno */
int sqlite_queue_add(struct sqlite_connection *connection, const struct sqlite_queued *queued,
                     enum chunk_state state);
int sqlite_queue_claim(struct sqlite_connection *connection, const struct sqlite_queued *queued,
                       enum chunk_state state);

/* Sets the bits of the chunk's items that have a result. returns how many; -errno */
int sqlite_queue_mark_results(struct sqlite_connection *connection, int64_t job,
                              const struct job_chunk *chunk, uint64_t *has_result);

/* Counts this try; results since the last one begin a new count. returns 0; 1: it was one too many,
 * and the chunk is in pieces now; -errno */
int sqlite_queue_count_try(struct sqlite_connection *connection, struct sqlite_queued *queued);

/* --- Turns ------------------------------------------------------------------------------------ */

/* A row of `turn`, and what is needed of its job. */
struct sqlite_turn {
    int64_t pass;
    int64_t job;
    uint32_t next;
    int64_t upload;
    int64_t weight;
    uint32_t n_items;
};

/* The next turn after this one in order. returns 1; 0: there is none; -errno */
int sqlite_turn_next(struct sqlite_connection *connection, struct sqlite_turn *turn);

/* After a chunk of the job: it goes back in line, or has nothing left to claim. returns 0, -errno
 */
int sqlite_turn_put(struct sqlite_connection *connection, const struct sqlite_turn *turn);
int sqlite_turn_drop(struct sqlite_connection *connection, const struct sqlite_turn *turn);

/* The first chunk of the job that was given back and may be claimed whole; the next that was never
 * claimed. It is claimed then. returns 1; 0: there is none; -errno */
int sqlite_turn_take_returned(struct sqlite_connection *connection, int64_t job,
                              struct sqlite_queued *ret_queued);
int sqlite_turn_take_next(struct sqlite_connection *connection, struct sqlite_turn *turn,
                          struct sqlite_queued *ret_queued);
