/* Callbacks, as their jobs come and go, and as they are sent. */
#include "daemon/store/sqlite_callback.h"

#include <string.h>

#include "daemon/store/sqlite_keeping.h"

int sqlite_callback_add(struct sqlite_connection *writer, const struct job_record *record,
                        const struct job_callback *callback)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACK_ADD);

    sqlite_bind(statement, record->number, CALLBACK_WAITING);
    sqlite_bind_string(statement, 3, record->id);
    sqlite_bind_tenant(statement, 4, record->tenant);
    sqlite_bind_string(statement, 5, callback->url);
    sqlite_bind_string(statement, 6, callback->host);
    sqlite_bind_string(statement, 7, callback->secret_ref);
    return sqlite_run(statement);
}

int sqlite_callback_begin(struct sqlite_connection *writer, const struct store_job_change *change)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACK_BEGIN);

    sqlite_bind(statement, change->record->number, CALLBACK_WAITING, CALLBACK_PENDING,
                change->record->ended_at);
    sqlite_bind_bytes(statement, 5, change->callback, change->callback_length);
    int rc = sqlite_run(statement);
    if (rc == 0)
        writer->pending.n_callbacks += sqlite3_changes(writer->database);
    return rc;
}

int sqlite_callback_give_up(struct sqlite_connection *writer, int64_t job)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACK_GIVE_UP);

    sqlite_bind(statement, job, CALLBACK_WAITING, CALLBACK_FAILED);
    return sqlite_run(statement);
}

/* --- The end of a job's life ------------------------------------------------------------------ */

static int delete_callback(struct sqlite_connection *writer, int64_t job, bool also_pending)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACK_DELETE);
    int rc;

    sqlite_bind(statement, job, also_pending);
    while ((rc = sqlite_next(statement)) == 1)
        writer->pending.n_callbacks -= sqlite3_column_int(statement, 0);
    return rc;
}

int sqlite_callback_leave(struct sqlite_connection *writer, int64_t job)
{
    int64_t n = writer->counts.n_callbacks + writer->pending.n_callbacks;

    return delete_callback(writer, job, n > STORE_CALLBACKS_KEPT);
}

int sqlite_callback_drop(struct sqlite_connection *writer, int64_t job)
{
    return delete_callback(writer, job, true);
}

int sqlite_callback_sweep(struct sqlite_connection *writer, int64_t now)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACKS_SWEEP);

    sqlite_bind(statement, now);
    return sqlite_run(statement);
}

int sqlite_callback_count(struct sqlite_connection *writer)
{
    int rc =
        sqlite_get(sqlite_statement(writer, STATEMENT_N_CALLBACKS), &writer->counts.n_callbacks);

    return rc < 0 ? rc : 0;
}

/* --- Attempts --------------------------------------------------------------------------------- */

struct note_op {
    struct store_op op;
    const struct store_callback_note *note;
};

static int apply_note(struct sqlite_connection *writer, struct store_op *op)
{
    const struct store_callback_note *note = co_container_of(op, struct note_op, op)->note;
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACK_NOTE);
    bool is_settled = callback_is_settled(note->state);

    sqlite_bind(statement, note->job, note->state);
    sqlite_bind_instant(statement, 3, is_settled ? JOB_NEVER : note->due_at);
    sqlite_bind_instant(statement, 4, is_settled ? note->forget_at : JOB_NEVER);
    sqlite_bind_string(statement, 5, note->text);
    sqlite_bind_instant(statement, 6, note->now);
    int rc = sqlite_run(statement);
    if (rc == 0 && sqlite3_changes(writer->database) == 0)
        return -ENOENT;
    if (rc == 0)
        writer->pending.n_callbacks -= is_settled;
    return rc;
}

int store_callback_note(struct store *store, const struct store_callback_note *note)
{
    struct note_op note_op = {
        .op = {.apply = apply_note,
               .priority = STORE_KEEPING,
               .n_rows = 1,
               .n_bytes = strlen(note->text)},
        .note = note,
    };

    return store_write(store, &note_op.op);
}

/* --- The clock -------------------------------------------------------------------------------- */

/* Clocks are set by so much all the time. */
#define TOLERANCE_US INT64_C(1000000)

struct hurry_op {
    struct store_op op;
    int64_t now;
};

static int apply_hurry(struct sqlite_connection *writer, struct store_op *op)
{
    int64_t now = co_container_of(op, struct hurry_op, op)->now;
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_CALLBACKS_HURRY);

    sqlite_bind(statement, now, now + TOLERANCE_US);
    return sqlite_run(statement);
}

int store_callbacks_clock_set_back(struct store *store, int64_t now)
{
    struct hurry_op hurry = {
        .op = {.apply = apply_hurry, .priority = STORE_KEEPING, .n_rows = 1},
        .now = now,
    };

    return store_write(store, &hurry.op);
}
