#include <errno.h>
#include <stdlib.h>

#include "daemon/store/sqlite_callback.h"
#include "daemon/store/sqlite_keeping.h"

/* returns 0, -ENOMEM */
static int note_forgotten(struct sqlite_forgotten *forgotten, int64_t number)
{
    if (forgotten->n == forgotten->max) {
        size_t max = forgotten->max * 2 + 16;
        int64_t *larger = reallocarray(forgotten->numbers, max, sizeof(*larger));
        if (larger == NULL)
            return -ENOMEM;
        forgotten->numbers = larger;
        forgotten->max = max;
    }
    forgotten->numbers[forgotten->n++] = number;
    return 0;
}

/* What is little, and would be found, is deleted at once; the rest becomes trash. */
int sqlite_forget(struct sqlite_connection *writer, int64_t number)
{
    static const enum sqlite_statement_id statements[] = {
        STATEMENT_FORGET_REST, STATEMENT_FORGET_JOB,    STATEMENT_FORGET_LABELS,
        STATEMENT_FORGET_TURN, STATEMENT_FORGET_CHUNKS,
    };

    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
        sqlite3_stmt *statement = sqlite_statement(writer, statements[i]);
        sqlite_bind(statement, number);
        int rc = sqlite_run(statement);
        if (rc == 0 && i == 0 && sqlite3_changes(writer->database) == 0)
            rc = -ENOENT;
        if (rc < 0)
            return rc;
    }
    int rc = sqlite_callback_leave(writer, number);
    if (rc < 0)
        return rc;
    writer->pending.n_jobs--;
    return note_forgotten(&writer->forgotten, number);
}

int sqlite_delete(struct sqlite_connection *writer, int64_t number)
{
    int rc = sqlite_forget(writer, number);

    return rc < 0 ? rc : sqlite_callback_drop(writer, number);
}

int sqlite_get(sqlite3_stmt *statement, int64_t *ret_value)
{
    int rc = sqlite_next(statement);

    if (rc == 1) {
        *ret_value = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return rc;
}

/* Forgets the job that a statement finds. returns 1; 0: it finds none; -errno */
static int forget_found(struct sqlite_connection *writer, sqlite3_stmt *statement)
{
    int64_t number = 0;
    int rc = sqlite_get(statement, &number);

    if (rc <= 0)
        return rc;
    rc = sqlite_forget(writer, number);
    return rc < 0 ? rc : 1;
}

int sqlite_forget_expired(struct sqlite_connection *writer, int64_t now)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_OLDEST_EXPIRED);

    sqlite_bind(statement, now);
    return forget_found(writer, statement);
}

int sqlite_forget_ended(struct sqlite_connection *writer)
{
    return forget_found(writer, sqlite_statement(writer, STATEMENT_OLDEST_ENDED));
}

/* --- How many there are ----------------------------------------------------------------------- */

static int count_unended(struct sqlite_connection *writer)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_JOBS_UNENDED);
    int rc;

    while ((rc = sqlite_next(statement)) == 1) {
        writer->counts.n_unended_at_open++;
        rc = sqlite_add_pending(statement, &writer->counts.n_pending_at_open);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc;
}

int sqlite_count_jobs(struct sqlite_connection *writer)
{
    int rc = sqlite_get(sqlite_statement(writer, STATEMENT_N_JOBS), &writer->counts.n_jobs);

    return rc < 0 ? rc : count_unended(writer);
}

uint64_t sqlite_n_jobs(const struct sqlite_connection *writer)
{
    return (uint64_t)(writer->counts.n_jobs + writer->pending.n_jobs);
}

int sqlite_make_room(struct sqlite_connection *writer)
{
    if (sqlite_n_jobs(writer) < writer->store->options.max_jobs)
        return 0;
    int rc = sqlite_forget_ended(writer);
    return rc < 0 ? rc : rc == 0;
}

/* --- Telling ---------------------------------------------------------------------------------- */

void store_on_forget(struct store *store, void (*forgotten)(void *arg, int64_t number), void *arg)
{
    store->forgotten = forgotten;
    store->forgotten_arg = arg;
}

void store_tell_forgotten(struct store *store)
{
    struct sqlite_forgotten *forgotten = &store->writer.connection.forgotten;

    for (size_t i = 0; i < forgotten->n_committed && store->forgotten != NULL; i++)
        store->forgotten(store->forgotten_arg, forgotten->numbers[i]);
    forgotten->n = forgotten->n_committed = 0;
}

/* --- On demand -------------------------------------------------------------------------------- */

struct forget_op {
    struct store_op op;
    int64_t number;
};

static int apply_forget(struct sqlite_connection *writer, struct store_op *op)
{
    return sqlite_delete(writer, co_container_of(op, struct forget_op, op)->number);
}

int store_forget(struct store *store, int64_t number)
{
    struct forget_op forget_op = {
        .op = {.apply = apply_forget, .priority = STORE_KEEPING, .n_rows = 1}, .number = number};

    return store_write(store, &forget_op.op);
}
