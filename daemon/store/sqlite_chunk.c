/* Where claimed chunks go: they end, or come back. */
#include <endian.h>
#include <errno.h>

#include "daemon/base/crc32c.h"
#include "daemon/store/sqlite_private.h"

uint32_t sqlite_chunk_checksum(const struct job_chunk *chunk)
{
    const uint32_t place[] = {htole32(chunk->first), htole32(chunk->n_items), htole32(chunk->skip),
                              htole32(chunk->is_unsafe)};

    return crc32c(place, sizeof(place)) ^ crc32c(chunk->lines, chunk->length);
}

/* In version 1 it was of the lines only. */
static bool is_whole(const struct job_chunk *chunk, uint32_t checksum)
{
    return checksum == sqlite_chunk_checksum(chunk) ||
           checksum == crc32c(chunk->lines, chunk->length);
}

int sqlite_chunk(sqlite3_stmt *statement, struct job_chunk *ret_chunk)
{
    const void *lines = sqlite3_column_blob(statement, 5);
    size_t length = (size_t)sqlite3_column_bytes(statement, 5);

    *ret_chunk = (struct job_chunk){
        .first = (uint32_t)sqlite3_column_int64(statement, 0),
        .n_items = (uint32_t)sqlite3_column_int64(statement, 1),
        .skip = (uint32_t)sqlite3_column_int64(statement, 2),
        .is_unsafe = sqlite3_column_int(statement, 3) != 0,
        .lines = lines,
        .length = length,
    };
    if (lines == NULL && length > 0)
        return -ENOMEM;
    if (ret_chunk->n_items == 0 || ret_chunk->n_items > CHUNK_ITEMS)
        return STORE_DAMAGED_CONTENT;
    return is_whole(ret_chunk, (uint32_t)sqlite3_column_int64(statement, 4))
               ? 0
               : STORE_DAMAGED_CONTENT;
}

/* --- Starting --------------------------------------------------------------------------------- */

struct start_op {
    struct store_op op;
    int64_t job;
    uint32_t first;
};

static int apply_start(struct sqlite_connection *connection, struct store_op *op)
{
    const struct start_op *start = co_container_of(op, struct start_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_START);

    sqlite_bind(statement, start->job, start->first, STARTED);
    int rc = sqlite_run(statement);
    if (rc < 0)
        return rc;
    return sqlite3_changes(connection->database) == 1 ? 0 : -ENOENT;
}

int store_start(struct store *store, int64_t job, uint32_t first)
{
    struct start_op start = {
        .op = {.apply = apply_start, .priority = STORE_CLAIMS, .n_rows = 1},
        .job = job,
        .first = first,
    };

    return store_write(store, &start.op);
}

/* --- Coming back ------------------------------------------------------------------------------ */

static int give_turn(struct sqlite_connection *connection, int64_t job)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_ADD);

    sqlite_bind(statement, job, true);
    return sqlite_run(statement);
}

/* returns 1: the next job with a chunk that has come back; 0: no more; -errno */
static int next_returned_job(struct sqlite_connection *connection, int64_t *job)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_JOB_AFTER);

    sqlite_bind(statement, CHUNK_RETURNED, *job);
    int rc = sqlite_next(statement);
    if (rc == 1) {
        *job = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return rc;
}

/* from, to: what becomes of chunk.started. */
static int give_back(struct sqlite_connection *connection, int n_tries, enum chunk_started from,
                     enum chunk_started to)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNKS_GIVE_BACK);
    int64_t job = 0;

    sqlite_bind(statement, CHUNK_CLAIMED, CHUNK_RETURNED, CHUNK_SINGLE_CLAIMED, CHUNK_SINGLE,
                n_tries, from, to);
    int rc = sqlite_run(statement);
    while (rc == 0 && (rc = next_returned_job(connection, &job)) == 1)
        rc = give_turn(connection, job);
    return rc;
}

static int apply_release(struct sqlite_connection *connection, struct store_op *op)
{
    (void)op;
    return give_back(connection, 1, STARTED, NOT_STARTED);
}

int store_release(struct store *store)
{
    struct store_op op = {.apply = apply_release, .priority = STORE_CLAIMS, .n_rows = 1};

    return store_write(store, &op);
}

int sqlite_recover(struct sqlite_connection *writer)
{
    static const enum sqlite_statement_id statements[] = {
        STATEMENT_CHUNKS_DROP_BEYOND, STATEMENT_CHUNKS_CUT, STATEMENT_UPLOADS_ABANDON};
    int rc = 0;

    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements) && rc == 0; i++)
        rc = sqlite_run(sqlite_statement(writer, statements[i]));
    return rc < 0 ? rc : give_back(writer, 0, STARTED, STARTED_BEFORE);
}
