/* Turns: which job is next, and which chunk of it. */
#include <errno.h>

#include "daemon/store/sqlite_claim.h"

/* A job's chunks are STRIDE / weight apart from each other. */
enum { STRIDE = 1 << 20 };

/* A damaged one must not be the only one to have turns. */
static int64_t sound_weight(int64_t weight)
{
    return weight < 1 || weight > JOB_MAX_WEIGHT ? 1 : weight;
}

int sqlite_turn_next(struct sqlite_connection *connection, struct sqlite_turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_AFTER);

    sqlite_bind(statement, turn->pass, turn->job);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    *turn = (struct sqlite_turn){
        .pass = sqlite3_column_int64(statement, 0),
        .job = sqlite3_column_int64(statement, 1),
        .next = (uint32_t)sqlite3_column_int64(statement, 2),
        .upload = sqlite3_column_int64(statement, 3),
        .weight = sound_weight(sqlite3_column_int64(statement, 4)),
        .n_items = (uint32_t)sqlite3_column_int64(statement, 5),
    };
    sqlite3_reset(statement);
    return 1;
}

int sqlite_turn_take_returned(struct sqlite_connection *connection, int64_t job,
                              struct sqlite_queued *ret_queued)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_RETURNED);

    for (;;) {
        sqlite_bind(statement, CHUNK_RETURNED, job);
        int rc = sqlite_next(statement);
        if (rc == 1)
            rc = sqlite_queue_read(statement, ret_queued);
        if (rc < 1)
            return rc;
        rc = sqlite_queue_count_try(connection, ret_queued);
        if (rc == 0)
            rc = sqlite_queue_claim(connection, ret_queued, CHUNK_CLAIMED);
        else if (rc == 1)
            continue;
        return rc < 0 ? rc : 1;
    }
}

/* How many items the chunk has that is next. If it is not there, those before the one that is, as
 * far as a chunk can have them. returns that; -errno */
static int count_next(struct sqlite_connection *connection, const struct sqlite_turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_AT);
    int64_t n = (int64_t)turn->n_items - turn->next;

    sqlite_bind(statement, turn->upload, turn->next);
    int rc = sqlite_next(statement);
    if (rc == 1) {
        int64_t first = sqlite3_column_int64(statement, 0);
        n = first > turn->next ? first - turn->next : sqlite3_column_int64(statement, 1);
        sqlite3_reset(statement);
    }
    return rc < 0 ? rc : n < 1 ? 1 : n > CHUNK_ITEMS ? CHUNK_ITEMS : (int)n;
}

int sqlite_turn_take_next(struct sqlite_connection *connection, struct sqlite_turn *turn,
                          struct sqlite_queued *ret_queued)
{
    if (turn->next >= turn->n_items)
        return 0;
    int n_items = count_next(connection, turn);
    if (n_items < 0)
        return n_items;
    *ret_queued = (struct sqlite_queued){
        .job = turn->job,
        .first = turn->next,
        .n_items = (uint32_t)n_items,
        .data = turn->next,
        .tries = 1,
    };
    turn->next += (uint32_t)n_items;
    int rc = sqlite_queue_add(connection, ret_queued, CHUNK_CLAIMED);
    return rc < 0 ? rc : 1;
}

int sqlite_turn_drop(struct sqlite_connection *connection, const struct sqlite_turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_DROP);

    sqlite_bind(statement, turn->job);
    return sqlite_run(statement);
}

int sqlite_turn_put(struct sqlite_connection *connection, const struct sqlite_turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_PUT);

    sqlite_bind(statement, turn->job, turn->pass + STRIDE / turn->weight, turn->next);
    return sqlite_run(statement);
}
