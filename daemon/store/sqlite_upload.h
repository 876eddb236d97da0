/* What the files of taking jobs in share: slices of chunks (sqlite_slice.c), and the upload that
 * sqlite_upload.c receives and sqlite_accept.c makes a job of.
 */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/store/sqlite_private.h"

/* Some chunks: their bytes, and where each of them begins. */
struct sqlite_slice {
    struct store_op op;
    struct store_upload *upload;
    struct buffer lines;
    struct buffer chunks; /* of struct job_chunk, without the pointers */
    int64_t n_used;       /* bytes of the database that it has taken */
};

struct store_upload {
    struct store *store;
    struct store_op abandon;
    int64_t key;                /* of its chunks */
    struct sqlite_slice *slice; /* that is being filled; NULL: none */
    size_t n_unwritten;         /* bytes of the slices on their way */
    size_t n_slices;            /* on their way */
    int64_t n_used;             /* bytes of the database that the others have taken */
    int64_t n_stored;           /* likewise, with those whose commit is to come; the writer's */
    int rc;                     /* of the first that failed */
    bool is_received;           /* a slice was sent, so there is something to abandon */
    bool is_accepted;
    bool is_free; /* the owner has gone, and it waits for its slices */
    struct co_event moved;
};

/* NULL: no memory */
struct sqlite_slice *sqlite_slice_new(struct store_upload *upload);
void sqlite_slice_free(struct sqlite_slice *slice); /* NULL is fine */

/* returns 0, -ENOMEM */
int sqlite_slice_add(struct sqlite_slice *slice, const struct job_chunk *chunk);

size_t sqlite_slice_n_chunks(const struct sqlite_slice *slice);
size_t sqlite_slice_n_bytes(const struct sqlite_slice *slice);

/* Writes its chunks, in a transaction of the caller. returns 0, -errno */
int sqlite_slice_write(struct sqlite_connection *connection, const struct sqlite_slice *slice);

/* Waits until no more than so many bytes are on their way. returns 0; -errno: also of what was */
CO_BLOCKS int store_upload_wait(struct store_upload *upload, size_t max_unwritten);
