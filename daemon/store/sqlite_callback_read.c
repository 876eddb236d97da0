/* A callback that is looked for. */
#include "daemon/store/sqlite_callback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- One -------------------------------------------------------------------------------------- */

struct read_op {
    struct store_op op;
    int64_t job;
    const char *tenant;
    const char *id; /* NULL: by job */
    struct store_callback *callback;
};

/* In the order of CALLBACK_COLUMNS. */
enum {
    COL_ID,
    COL_STATE,
    COL_URL,
    COL_SECRET_REF,
    COL_PAYLOAD,
    COL_N_ATTEMPTS,
    COL_ATTEMPTS,
    COL_DUE_AT
};

/* NULL stays NULL. */
static int copy_column(sqlite3_stmt *statement, int i, struct arena *arena, const char **ret_text,
                       size_t *ret_length)
{
    if (sqlite3_column_type(statement, i) == SQLITE_NULL)
        return 0;
    const void *bytes = sqlite3_column_blob(statement, i);
    size_t length = (size_t)sqlite3_column_bytes(statement, i);

    if (bytes == NULL && length > 0)
        return -ENOMEM;
    *ret_text = arena_copy(arena, length > 0 ? bytes : "", length);
    *ret_length = length;
    return *ret_text != NULL ? 0 : -ENOMEM;
}

static int copy_texts(sqlite3_stmt *statement, struct store_callback *callback)
{
    struct arena *arena = &callback->arena;
    const char *id = "";
    size_t length;
    int rc = copy_column(statement, COL_ID, arena, &id, &length);

    if (rc == 0)
        rc = copy_column(statement, COL_URL, arena, &callback->url, &length);
    if (rc == 0)
        rc = copy_column(statement, COL_SECRET_REF, arena, &callback->secret_ref, &length);
    if (rc == 0)
        rc = copy_column(statement, COL_PAYLOAD, arena, &callback->payload,
                         &callback->payload_length);
    if (rc == 0)
        rc = copy_column(statement, COL_ATTEMPTS, arena, &callback->attempts, &length);
    if (rc == 0)
        snprintf(callback->id, sizeof(callback->id), "%s", id);
    return rc;
}

/* A state that there is not is told by the instant. */
static enum callback_state read_state(sqlite3_stmt *statement, int64_t due_at)
{
    int64_t state = sqlite3_column_int64(statement, COL_STATE);

    if (state >= 0 && state < N_CALLBACK_STATES)
        return (enum callback_state)state;
    return due_at != JOB_NEVER ? CALLBACK_PENDING : CALLBACK_FAILED;
}

static int read_row(sqlite3_stmt *statement, struct store_callback *callback)
{
    callback->due_at = sqlite_column_instant(statement, COL_DUE_AT);
    callback->state = read_state(statement, callback->due_at);
    callback->n_attempts = (unsigned)sqlite3_column_int64(statement, COL_N_ATTEMPTS);
    return copy_texts(statement, callback);
}

static sqlite3_stmt *find_statement(struct sqlite_connection *reader, const struct read_op *read)
{
    sqlite3_stmt *statement;

    if (read->id != NULL) {
        statement = sqlite_statement(reader, STATEMENT_CALLBACK_BY_ID);
        sqlite_bind_string(statement, 1, read->id);
        sqlite_bind_tenant(statement, 2, read->tenant);
    } else {
        statement = sqlite_statement(reader, STATEMENT_CALLBACK_BY_JOB);
        sqlite_bind(statement, read->job);
    }
    return statement;
}

static int apply_read(struct sqlite_connection *reader, struct store_op *op)
{
    const struct read_op *read = co_container_of(op, struct read_op, op);
    sqlite3_stmt *statement = find_statement(reader, read);

    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc < 0 ? rc : -ENOENT;
    rc = read_row(statement, read->callback);
    sqlite3_reset(statement);
    return rc;
}

static CO_BLOCKS int run_read(struct store *store, struct read_op *read)
{
    read->op = (struct store_op){.apply = apply_read};
    *read->callback = (struct store_callback){.due_at = JOB_NEVER};
    arena_init(&read->callback->arena, PTRDIFF_MAX);
    return store_read_with(store, &read->op);
}

int store_callback_read(struct store *store, int64_t job, struct store_callback *ret_callback)
{
    struct read_op read = {.job = job, .callback = ret_callback};

    return run_read(store, &read);
}

int store_callback_find(struct store *store, const char *tenant, const char *id,
                        struct store_callback *ret_callback)
{
    struct read_op read = {.tenant = tenant, .id = id, .callback = ret_callback};

    return run_read(store, &read);
}

void store_callback_done(struct store_callback *callback)
{
    arena_done(&callback->arena);
}
