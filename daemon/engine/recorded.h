/* A result as bytes, on its way to the store.
 *
 * There is a place for each item before it is fetched, so that keeping its result cannot fail: rows
 * are short and have their room in it, and a result for which there is no memory is kept as one
 * that says so.
 *
 * Results of a job that look alike have the same shape (model/result_codec.h), which is stored with
 * the first of them. A small cache says which that was: shapes are known by their length and a hash
 * that nobody outside can steer. It forgets; then a shape is stored once more.
 */
#pragma once

#include "lib/net/siphash.h"

#include "daemon/base/buffer.h"
#include "daemon/model/tally.h"
#include "daemon/store/store.h"

enum { SHAPE_CACHE_SIZE = 32, RECORDED_ROW_SIZE = 64 };

/* The shapes a job has had lately. All zeros: none. */
struct shape_cache {
    struct {
        uint64_t hash;
        uint32_t length; /* 0: nothing is here */
        uint32_t index;  /* of the item that brought it */
    } entries[SHAPE_CACHE_SIZE];
};

struct recorded {
    struct recorded *next;      /* of the same job, in order of completion */
    struct active_chunk *chunk; /* whose item it is of */
    struct store_result result; /* its texts are in row and bytes */
    struct tally_entry entry;
    char *bytes; /* what has no room in row; NULL: nothing */
    char row[RECORDED_ROW_SIZE];
};

/* What results are encoded with. */
struct result_encoder {
    struct co_siphash_key key;
    struct buffer shape, row; /* of the result being encoded */
    struct buffer no_memory;  /* the shape of results for which there was none */
};

/* returns 0, -ENOMEM */
int result_encoder_init(struct result_encoder *encoder);
void result_encoder_done(struct result_encoder *encoder);

/* Encodes a result of item `index` into its place.
 *
 * seq        its number in order of completion of the job
 */
void recorded_init(struct recorded *recorded, struct result_encoder *encoder,
                   struct shape_cache *shapes, const struct job_record *record, uint32_t index,
                   uint64_t seq, const struct result *result);
void recorded_done(struct recorded *recorded);

/* Bytes that wait. */
static inline size_t recorded_size(const struct recorded *recorded)
{
    return sizeof(*recorded) + recorded->result.shape_length + recorded->result.body_length;
}
