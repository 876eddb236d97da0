#include "daemon/engine/recorded.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/result_codec.h"

enum { MAX_ENCODED = 16 * 1024 * 1024, USUAL_SHAPE = 4096 };

/* --- Without memory --------------------------------------------------------------------------- */

/* What is kept instead of a result that there is no room for. All of these have the same shape, so
 * that it can be made while there is memory: it depends on which times there are. */
static void make_substitute(const struct result *result, struct result *ret_substitute)
{
    result_init(ret_substitute);
    result_fail(ret_substitute, OUTCOME_TRANSPORT_ERROR, "resource_exhausted", NULL,
                "it was fetched, but there was no memory to keep the result");
    ret_substitute->error.retryable = true;
    if (result != NULL)
        ret_substitute->started_at = ret_substitute->finished_at = result->finished_at;
}

static int encode_no_memory(struct result_encoder *encoder)
{
    struct result substitute;

    make_substitute(NULL, &substitute);
    int rc = result_encode(&substitute, 0, 0, &encoder->no_memory, &encoder->row);
    return rc < 0 ? rc : buffer_reserve(&encoder->row, USUAL_SHAPE);
}

int result_encoder_init(struct result_encoder *encoder)
{
    *encoder = (struct result_encoder){.key = co_siphash_random_key()};
    buffer_init(&encoder->shape, MAX_ENCODED);
    buffer_init(&encoder->row, MAX_ENCODED);
    buffer_init(&encoder->no_memory, MAX_ENCODED);
    int rc = buffer_reserve(&encoder->shape, USUAL_SHAPE);
    if (rc == 0)
        rc = encode_no_memory(encoder);
    if (rc < 0)
        result_encoder_done(encoder);
    return rc;
}

void result_encoder_done(struct result_encoder *encoder)
{
    buffer_done(&encoder->shape);
    buffer_done(&encoder->row);
    buffer_done(&encoder->no_memory);
}

static int encode(struct result_encoder *encoder, const struct job_record *record, uint64_t seq,
                  const struct result *result)
{
    encoder->shape.len = encoder->row.len = 0;
    return result_encode(result, seq, record->created_at, &encoder->shape, &encoder->row);
}

/* Cannot fail: the encoder's buffers have been large enough once. */
static void keep_substitute(struct recorded *recorded, struct result_encoder *encoder,
                            const struct job_record *record, uint64_t seq,
                            const struct result *result)
{
    struct result substitute;

    make_substitute(result, &substitute);
    int rc = encode(encoder, record, seq, &substitute);
    assert(rc == 0 && encoder->row.len <= RECORDED_ROW_SIZE);
    memcpy(recorded->row, encoder->row.data, encoder->row.len);
    recorded->entry = tally_entry(&substitute);
    recorded->result.outcome = (uint8_t)substitute.outcome;
    recorded->result.row = recorded->row;
    recorded->result.row_length = (uint32_t)encoder->row.len;
    recorded->result.shape = encoder->no_memory.data;
    recorded->result.shape_length = (uint32_t)encoder->no_memory.len;
}

/* --- Shapes ----------------------------------------------------------------------------------- */

/* The item that has brought the encoder's shape; `index` itself, if none is known that did. */
static uint32_t find_shape(const struct result_encoder *encoder, const struct shape_cache *shapes,
                           uint64_t hash, uint32_t index)
{
    size_t i = hash % SHAPE_CACHE_SIZE;
    bool is_known =
        shapes->entries[i].hash == hash && shapes->entries[i].length == encoder->shape.len;

    return is_known ? shapes->entries[i].index : index;
}

static void remember_shape(const struct result_encoder *encoder, struct shape_cache *shapes,
                           uint64_t hash, uint32_t index)
{
    size_t i = hash % SHAPE_CACHE_SIZE;

    shapes->entries[i].hash = hash;
    shapes->entries[i].length = (uint32_t)encoder->shape.len;
    shapes->entries[i].index = index;
}

/* --- A result --------------------------------------------------------------------------------- */

static const char *append(char **at, const void *bytes, size_t n)
{
    const char *start = memcpy(*at, bytes, n);

    *at += n;
    return start;
}

/* Copies what is encoded. returns 0, -ENOMEM */
static int keep(struct recorded *recorded, const struct result_encoder *encoder, bool with_shape,
                const struct result *result)
{
    struct store_result *kept = &recorded->result;
    bool has_body = result->response.body != NULL;
    size_t n_shape = with_shape ? encoder->shape.len : 0;
    size_t n_body = has_body ? result->response.body_length : 0;
    size_t n_row = encoder->row.len <= RECORDED_ROW_SIZE ? 0 : encoder->row.len;
    char *at = recorded->row;

    kept->row = append(&at, encoder->row.data, n_row == 0 ? encoder->row.len : 0);
    if (n_shape + n_row + n_body > 0 || has_body) {
        recorded->bytes = at = malloc(n_shape + n_row + n_body + 1);
        if (at == NULL)
            return -ENOMEM;
    }
    if (n_row > 0)
        kept->row = append(&at, encoder->row.data, n_row);
    if (with_shape)
        kept->shape = append(&at, encoder->shape.data, n_shape);
    if (has_body)
        kept->body = append(&at, result->response.body, n_body);
    kept->row_length = (uint32_t)encoder->row.len;
    kept->shape_length = (uint32_t)n_shape;
    kept->body_length = n_body;
    return 0;
}

/* returns 0, -ENOMEM, -EMSGSIZE */
static int keep_result(struct recorded *recorded, struct result_encoder *encoder,
                       struct shape_cache *shapes, const struct job_record *record, uint64_t seq,
                       const struct result *result)
{
    uint32_t index = recorded->result.index;
    int rc = encode(encoder, record, seq, result);

    if (rc < 0)
        return rc;
    uint64_t hash = co_siphash(&encoder->key, encoder->shape.data, encoder->shape.len);
    uint32_t shape_of = find_shape(encoder, shapes, hash, index);
    rc = keep(recorded, encoder, shape_of == index, result);
    if (rc < 0)
        return rc;
    recorded->result.shape_of = shape_of;
    if (shape_of == index)
        remember_shape(encoder, shapes, hash, index);
    return 0;
}

void recorded_init(struct recorded *recorded, struct result_encoder *encoder,
                   struct shape_cache *shapes, const struct job_record *record, uint32_t index,
                   uint64_t seq, const struct result *result)
{
    recorded->result = (struct store_result){
        .job = record->number,
        .index = index,
        .shape_of = index,
        .outcome = (uint8_t)result->outcome,
    };
    recorded->entry = tally_entry(result);
    if (keep_result(recorded, encoder, shapes, record, seq, result) < 0)
        keep_substitute(recorded, encoder, record, seq, result);
}

void recorded_done(struct recorded *recorded)
{
    free(co_take(recorded->bytes));
}
