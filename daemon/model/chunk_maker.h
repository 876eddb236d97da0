/* Puts requests together to chunks, in order. */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/model/job_text.h"

/* Takes a chunk, which is valid during the call. A negative result ends the work. */
typedef int chunk_put_fn(void *arg, const struct job_chunk *chunk);

struct chunk_maker {
    chunk_put_fn *put;
    void *arg;
    uint64_t max_bytes;
    struct job_chunk chunk; /* being made */
    struct buffer lines;    /* of it */
    uint64_t n_bytes;       /* of all chunks, at most */
    int failure;            /* what put() returned when it failed */
};

/* max_bytes: text of all chunks */
void chunk_maker_init(struct chunk_maker *maker, uint64_t max_bytes, chunk_put_fn *put, void *arg);
void chunk_maker_done(struct chunk_maker *maker);

struct request_text {
    const char *text;
    size_t length;
    bool is_json; /* else: a URL */
};

/* Adds the items of a request; chunks that are full are put.
 *
 * returns    0, -ENOMEM, -EMSGSIZE: all the chunks are too large; what put() returned
 */
int chunk_maker_add(struct chunk_maker *maker, const struct request_text *text, uint32_t n_items,
                    bool is_unsafe);

/* Puts the last chunk. */
int chunk_maker_end(struct chunk_maker *maker);
