#include "daemon/model/chunk_maker.h"

#include <errno.h>
#include <stdint.h>

#include "daemon/model/request_line.h"

enum {
    LINES_KEPT = 256 * 1024, /* room for the lines of a chunk that is kept for the next one */
};

void chunk_maker_init(struct chunk_maker *maker, uint64_t max_bytes, chunk_put_fn *put, void *arg)
{
    *maker = (struct chunk_maker){.put = put, .arg = arg, .max_bytes = max_bytes};
    buffer_init(&maker->lines, PTRDIFF_MAX);
}

void chunk_maker_done(struct chunk_maker *maker)
{
    buffer_done(&maker->lines);
}

static void begin_next(struct chunk_maker *maker)
{
    maker->chunk.first += maker->chunk.n_items;
    maker->chunk.n_items = 0;
    maker->lines.len = 0;
    if (maker->lines.cap > LINES_KEPT)
        buffer_done(&maker->lines);
}

int chunk_maker_end(struct chunk_maker *maker)
{
    struct job_chunk *chunk = &maker->chunk;

    if (chunk->n_items == 0)
        return 0;
    chunk->lines = maker->lines.data;
    chunk->length = maker->lines.len;
    maker->failure = maker->put(maker->arg, chunk);
    begin_next(maker);
    return maker->failure;
}

static int append(struct chunk_maker *maker, const struct request_text *text)
{
    int rc = maker->chunk.n_items > 0 ? buffer_append_byte(&maker->lines, '\n') : 0;

    if (rc < 0)
        return rc;
    return text->is_json ? request_line_append(&maker->lines, text->text, text->length)
                         : buffer_append(&maker->lines, text->text, text->length);
}

static uint32_t max_items(bool is_unsafe)
{
    return is_unsafe ? UNSAFE_CHUNK_ITEMS : CHUNK_ITEMS;
}

/* Adds as many of a request's items, `skip` of which are in chunks before, as there is room for. */
static int add_some(struct chunk_maker *maker, const struct request_text *text, uint32_t skip,
                    uint32_t n_items, uint32_t *ret_n)
{
    struct job_chunk *chunk = &maker->chunk;
    uint32_t room = max_items(chunk->is_unsafe) - chunk->n_items;
    int rc = append(maker, text);

    if (chunk->n_items == 0)
        chunk->skip = skip;
    *ret_n = n_items < room ? n_items : room;
    chunk->n_items += *ret_n;
    return rc ?: *ret_n < room ? 0 : chunk_maker_end(maker);
}

int chunk_maker_add(struct chunk_maker *maker, const struct request_text *text, uint32_t n_items,
                    bool is_unsafe)
{
    bool fits =
        maker->chunk.is_unsafe == is_unsafe && maker->lines.len + text->length < CHUNK_BYTES;

    maker->n_bytes += (n_items / max_items(is_unsafe) + UINT64_C(1)) * text->length;
    if (maker->n_bytes > maker->max_bytes)
        return -EMSGSIZE;
    int rc = fits ? 0 : chunk_maker_end(maker);
    maker->chunk.is_unsafe = is_unsafe;
    for (uint32_t done = 0, n = 0; rc == 0 && done < n_items; done += n)
        rc = add_some(maker, text, done, n_items - done, &n);
    return rc;
}
