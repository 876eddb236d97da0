/* Chunks on their way into the store. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/store/sqlite_upload.h"

enum { ROW_BYTES = 32 }; /* about: what a row needs besides its text */

void sqlite_slice_free(struct sqlite_slice *slice)
{
    if (slice == NULL)
        return;
    buffer_done(&slice->lines);
    buffer_done(&slice->chunks);
    free(slice);
}

struct sqlite_slice *sqlite_slice_new(struct store_upload *upload)
{
    struct sqlite_slice *slice = calloc(1, sizeof(*slice));

    if (slice == NULL)
        return NULL;
    slice->upload = upload;
    buffer_init(&slice->lines, PTRDIFF_MAX);
    buffer_init(&slice->chunks, PTRDIFF_MAX);
    return slice;
}

int sqlite_slice_add(struct sqlite_slice *slice, const struct job_chunk *chunk)
{
    int rc = buffer_reserve(&slice->chunks, sizeof(*chunk));

    if (rc == 0)
        rc = buffer_append(&slice->lines, chunk->lines, chunk->length);
    if (rc == 0)
        rc = buffer_append(&slice->chunks, chunk, sizeof(*chunk));
    return rc;
}

size_t sqlite_slice_n_chunks(const struct sqlite_slice *slice)
{
    return slice->chunks.len / sizeof(struct job_chunk);
}

size_t sqlite_slice_n_bytes(const struct sqlite_slice *slice)
{
    return slice->lines.len + sqlite_slice_n_chunks(slice) * ROW_BYTES;
}

static int write_chunk(struct sqlite_connection *connection, int64_t upload,
                       const struct job_chunk *chunk)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_ADD);

    sqlite_bind(statement, upload, chunk->first, chunk->n_items, chunk->skip, chunk->is_unsafe,
                sqlite_chunk_checksum(chunk));
    sqlite_bind_bytes(statement, 7, chunk->lines, chunk->length);
    return sqlite_run(statement);
}

int sqlite_slice_write(struct sqlite_connection *connection, const struct sqlite_slice *slice)
{
    const struct job_chunk *chunks = (const struct job_chunk *)slice->chunks.data;
    const char *lines = slice->lines.data;
    int rc = 0;

    for (size_t i = 0; i < sqlite_slice_n_chunks(slice) && rc == 0; i++) {
        struct job_chunk chunk = chunks[i];
        chunk.lines = lines;
        rc = write_chunk(connection, slice->upload->key, &chunk);
        lines += chunk.length;
    }
    return rc;
}
