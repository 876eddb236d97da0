#include "daemon/model/result_codec.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/crc32c.h"
#include "daemon/model/expect_codec.h"
#include "daemon/model/header_codec.h"
#include "daemon/model/result_codec_private.h"

/* --- Headers: in both ------------------------------------------------------------------------- */

static struct header_context context_of(const struct result *result)
{
    return (struct header_context){
        .encoded_bytes = result->response.encoded_bytes,
        .finished_at = result->finished_at,
    };
}

static void pack_headers(struct packer *shape, struct packer *row, const struct result *result)
{
    const struct header_context context = context_of(result);

    pack_uint(shape, result->response.n_headers);
    for (size_t i = 0; i < result->response.n_headers; i++) {
        const struct co_http_header *header = &result->response.headers[i];
        enum header_form form = header_pack(row, &context, header->name, header->value);
        pack_text(shape, header->name);
        pack_uint(shape, form);
        if (form == HEADER_SAME)
            pack_text(shape, header->value);
    }
}

/* returns 0, -ENOMEM */
static int unpack_header(struct result_decoder *decoder, const struct header_context *context,
                         struct co_http_header *ret_header)
{
    struct unpacker *shape = &decoder->shape;
    enum header_form form;

    ret_header->name = unpack_text(shape);
    form = (enum header_form)unpack_below(shape, HEADER_N_FORMS);
    ret_header->value = form == HEADER_SAME
                            ? unpack_text(shape)
                            : header_unpack(&decoder->row, context, form, decoder->arena);
    if (ret_header->value == NULL && form != HEADER_SAME && !decoder->row.is_bad)
        return -ENOMEM;
    shape->is_bad |= ret_header->name == NULL || ret_header->value == NULL;
    return 0;
}

static int unpack_headers(struct result_decoder *decoder)
{
    const struct header_context context = context_of(decoder->result);
    size_t n_headers = unpack_count(&decoder->shape);
    struct co_http_header *headers = arena_calloc(decoder->arena, n_headers, sizeof(*headers));
    int rc = headers != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < n_headers && !decoder->shape.is_bad; i++)
        rc = unpack_header(decoder, &context, &headers[i]);
    decoder->result->response.headers = headers;
    decoder->result->response.n_headers = n_headers;
    return rc;
}

/* --- The checksum, last in the row ------------------------------------------------------------ */

uint32_t result_checksum(const char *shape, size_t shape_length, const char *row, size_t row_length)
{
    return htole32(crc32c(shape, shape_length) ^ crc32c(row, row_length));
}

/* Takes it off the row. returns whether both are as they were written */
static bool is_whole(const struct encoded_result *encoded, struct unpacker *row)
{
    uint32_t sum;

    if (encoded->row_length < sizeof(sum))
        return false;
    row->end -= sizeof(sum);
    memcpy(&sum, row->end, sizeof(sum));
    return sum == result_checksum(encoded->shape, encoded->shape_length, encoded->row,
                                  encoded->row_length - sizeof(sum));
}

/* --- All of it -------------------------------------------------------------------------------- */

int result_encode(const struct result *result, uint64_t seq, int64_t job_created_at,
                  struct buffer *shape, struct buffer *row)
{
    struct packer shape_packer = {.out = shape};
    struct packer row_packer = {.out = row};
    size_t shape_start = shape->len, row_start = row->len;

    pack_uint(&shape_packer, RESULT_FORM);
    result_shape_pack(&shape_packer, result);
    pack_uint(&row_packer, RESULT_FORM);
    pack_uint(&row_packer, seq);
    result_row_pack(&row_packer, result, job_created_at);
    expect_verdict_pack(&shape_packer, &row_packer, &result->verdict);
    pack_headers(&shape_packer, &row_packer, result);
    if (shape_packer.rc < 0 || row_packer.rc < 0)
        return shape_packer.rc < 0 ? shape_packer.rc : row_packer.rc;
    uint32_t sum = result_checksum(shape->data + shape_start, shape->len - shape_start,
                                   row->data + row_start, row->len - row_start);
    return buffer_append(row, &sum, sizeof(sum));
}

static int unpack_all(struct result_decoder *decoder, uint64_t *ret_seq)
{
    struct unpacker *shape = &decoder->shape, *row = &decoder->row;

    shape->is_bad |= unpack_uint(shape) != RESULT_FORM;
    row->is_bad |= unpack_uint(row) != RESULT_FORM;
    *ret_seq = unpack_uint(row);
    int rc = result_shape_unpack(decoder);
    if (rc == 0)
        rc = result_row_unpack(decoder);
    if (rc == 0)
        rc = expect_verdict_unpack(shape, row, decoder->arena, &decoder->result->verdict);
    return rc == 0 ? unpack_headers(decoder) : rc;
}

static bool is_read(const struct unpacker *unpacker)
{
    return !unpacker->is_bad && unpacker->at == unpacker->end;
}

int result_decode(const struct encoded_result *encoded, int64_t job_created_at, struct arena *arena,
                  struct result *ret_result, uint64_t *ret_seq)
{
    struct result result;
    uint64_t seq;
    struct result_decoder decoder = {
        .shape = {.at = encoded->shape, .end = encoded->shape + encoded->shape_length},
        .row = {.at = encoded->row, .end = encoded->row + encoded->row_length},
        .arena = arena,
        .created_at = job_created_at,
        .result = &result,
    };
    int rc;

    if (!is_whole(encoded, &decoder.row))
        return -EBADMSG;
    result_init(&result);
    rc = unpack_all(&decoder, &seq);
    if (rc < 0)
        return rc;
    if (!is_read(&decoder.shape) || !is_read(&decoder.row))
        return -EBADMSG;
    result.response.body = (char *)encoded->body;
    result.response.body_length = encoded->body_length;
    *ret_result = result;
    *ret_seq = seq;
    return 0;
}
