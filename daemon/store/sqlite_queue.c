/* The queue: chunks that have been claimed, and those of them that have come back. */
#include <errno.h>

#include "daemon/store/sqlite_claim.h"

/* A row that says what cannot be is kept within bounds, and found not to be of its chunk later. */
static uint32_t bounded(int64_t n_items)
{
    return n_items < 1 ? 1 : n_items > CHUNK_ITEMS ? CHUNK_ITEMS : (uint32_t)n_items;
}

int sqlite_queue_read(sqlite3_stmt *statement, struct sqlite_queued *ret_queued)
{
    *ret_queued = (struct sqlite_queued){
        .job = sqlite3_column_int64(statement, 0),
        .first = (uint32_t)sqlite3_column_int64(statement, 1),
        .n_items = bounded(sqlite3_column_int64(statement, 2)),
        .data = (uint32_t)sqlite3_column_int64(statement, 3),
        .tries = (unsigned)sqlite3_column_int64(statement, 4),
        .n_results = (unsigned)sqlite3_column_int64(statement, 5),
        .started = (enum chunk_started)sqlite3_column_int(statement, 6),
    };
    sqlite3_reset(statement);
    return 1;
}

int sqlite_queue_add(struct sqlite_connection *connection, const struct sqlite_queued *queued,
                     enum chunk_state state)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_ADD);

    sqlite_bind(statement, queued->job, queued->first, queued->n_items, queued->data, state,
                queued->tries, queued->n_results, queued->started);
    return sqlite_run(statement);
}

int sqlite_queue_claim(struct sqlite_connection *connection, const struct sqlite_queued *queued,
                       enum chunk_state state)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_CLAIM);

    sqlite_bind(statement, queued->job, queued->first, state, queued->tries, queued->n_results);
    return sqlite_run(statement);
}

static int drop_queued(struct sqlite_connection *connection, const struct sqlite_queued *queued)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_END);

    sqlite_bind(statement, queued->job, queued->first);
    return sqlite_run(statement);
}

/* --- Tries ------------------------------------------------------------------------------------ */

int sqlite_queue_mark_results(struct sqlite_connection *connection, int64_t job,
                              const struct job_chunk *chunk, uint64_t *has_result)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_RESULTS_BETWEEN);
    int n = 0, rc;

    sqlite_bind(statement, job, chunk->first, (int64_t)chunk->first + chunk->n_items);
    while ((rc = sqlite_next(statement)) == 1) {
        uint32_t i = (uint32_t)sqlite3_column_int64(statement, 0) - chunk->first;
        has_result[i / 64] |= UINT64_C(1) << i % 64;
        n++;
    }
    return rc < 0 ? rc : n;
}

/* One of its items may be what kills who claims it; so from now on they are claimed one at a time.
 * Those that have a result need no more. */
static int split(struct sqlite_connection *connection, const struct sqlite_queued *queued,
                 const uint64_t *has_result)
{
    struct sqlite_queued single = *queued;
    int rc = drop_queued(connection, queued);

    single.n_items = 1;
    single.n_results = 0;
    for (uint32_t i = 0; i < queued->n_items && rc == 0; i++) {
        if ((has_result[i / 64] >> i % 64 & 1) != 0)
            continue;
        single.first = queued->first + i;
        rc = sqlite_queue_add(connection, &single, CHUNK_SINGLE);
    }
    return rc;
}

int sqlite_queue_count_try(struct sqlite_connection *connection, struct sqlite_queued *queued)
{
    const struct job_chunk items = {.first = queued->first, .n_items = queued->n_items};
    uint64_t has_result[CHUNK_ITEMS / 64] = {0};

    int n_results = sqlite_queue_mark_results(connection, queued->job, &items, has_result);
    if (n_results < 0)
        return n_results;
    if ((unsigned)n_results > queued->n_results)
        queued->tries = 0;
    queued->n_results = (unsigned)n_results;
    if (queued->tries >= STORE_TRIES_BEFORE_SPLIT) {
        int rc = split(connection, queued, has_result);
        return rc < 0 ? rc : 1;
    }
    queued->tries++;
    return 0;
}
