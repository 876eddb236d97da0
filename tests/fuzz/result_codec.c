/* A result as the store keeps it: two bytes with the length of the shape (the lower one first), the
 * shape, the row. The row's checksum is made right, so that what it guards is reached. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/render.h"
#include "daemon/model/result_codec.h"
#include "daemon/model/result_codec_private.h"

#include "tests/fuzz/fuzz.h"

#define CREATED_AT (INT64_C(1769860800) * 1000000) /* 2026-01-31T12:00:00Z */

static const struct expect expect = {.has_status = true};
static const struct fetch_options options = {.method = "GET", .expect = &expect};
static struct request request = {.options = &options, .n_repeats = 1};
static struct item item;
static const struct job_spec spec = {
    .requests = &request, .n_requests = 1, .items = &item, .n_items = 1};

static void show(const struct result *result, uint64_t seq, struct buffer *out)
{
    const struct result_place place = {.spec = &spec, .seq = seq};
    struct json_writer writer;

    buffer_init(out, 16 << 20);
    jw_init(&writer, out);
    render_result(&writer, &place, result, true);
    fuzz_expect(jw_finish(&writer) == 0, "a result can be shown", "");
}

/* What was read is written, and read again: it is still shown the same. */
static void check_kept(const struct result *result, uint64_t seq, struct arena *arena)
{
    struct buffer shape, row, before, after;
    struct result decoded;
    uint64_t decoded_seq = 0;

    buffer_init(&shape, 1 << 20);
    buffer_init(&row, 1 << 20);
    fuzz_expect(result_encode(result, seq, CREATED_AT, &shape, &row) == 0, "it is written", "");
    const struct encoded_result encoded = {
        .shape = shape.data, .shape_length = shape.len, .row = row.data, .row_length = row.len};
    fuzz_expect(result_decode(&encoded, CREATED_AT, arena, &decoded, &decoded_seq) == 0,
                "what was written is read", "");
    show(result, seq, &before);
    show(&decoded, decoded_seq, &after);
    fuzz_expect(before.len == after.len && memcmp(before.data, after.data, before.len) == 0,
                "it is shown as it was", "");
    buffer_done(&before);
    buffer_done(&after);
    buffer_done(&shape);
    buffer_done(&row);
}

/* returns the row with its checksum, owed one free() */
static char *seal(const struct encoded_result *encoded)
{
    uint32_t sum =
        result_checksum(encoded->shape, encoded->shape_length, encoded->row, encoded->row_length);
    char *row = malloc(encoded->row_length + sizeof(sum));

    if (row == NULL)
        abort();
    memcpy(row, encoded->row, encoded->row_length);
    memcpy(row + encoded->row_length, &sum, sizeof(sum));
    return row;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    size_t shape_length = fuzz_byte(&input);
    struct arena arena;
    struct result result;
    uint64_t seq;

    shape_length |= (size_t)fuzz_byte(&input) << 8;
    if (shape_length > input.n_bytes)
        shape_length = input.n_bytes;
    struct encoded_result encoded = {
        .shape = (const char *)input.bytes,
        .shape_length = shape_length,
        .row = (const char *)input.bytes + shape_length,
        .row_length = input.n_bytes - shape_length,
    };
    char *row = seal(&encoded);
    encoded.row = row;
    encoded.row_length += sizeof(uint32_t);
    arena_init(&arena, 64 << 20);
    int rc = result_decode(&encoded, CREATED_AT, &arena, &result, &seq);
    fuzz_expect(rc == 0 || rc == -EBADMSG || rc == -ENOMEM, "it is one, or it is none", "");
    if (rc == 0)
        check_kept(&result, seq, &arena);
    arena_done(&arena);
    free(row);
    return 0;
}
