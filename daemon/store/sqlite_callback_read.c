/* Callbacks that are looked for: one, or those whose time has come. */
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

/* --- Those that are due ----------------------------------------------------------------------- */

/* So many are looked at in the order of their time. If there are more that may all be of one host,
 * which has its share, the hosts are gone through instead. */
enum { LOOK_AT = 64 };

struct due_op {
    struct store_op op;
    const struct store_callback_query *query;
    struct store_callback_due *sending;
    size_t n_before, n;
    int64_t next;
};

static bool may_go(const struct due_op *due, int64_t job, const char *host)
{
    size_t n_same = 0;

    for (size_t i = 0; i < due->n; i++) {
        if (due->sending[i].job == job)
            return false;
        n_same += strcmp(due->sending[i].host, host) == 0;
    }
    return n_same < due->query->max_per_host;
}

/* Takes the row of a statement if it can go. returns false: its time has not come */
static bool take_row(struct due_op *due, sqlite3_stmt *statement, struct store_callback_due *row)
{
    const char *host = (const char *)sqlite3_column_text(statement, 1);
    int64_t due_at = sqlite3_column_int64(statement, 2);

    row->job = sqlite3_column_int64(statement, 0);
    snprintf(row->host, sizeof(row->host), "%s", host != NULL ? host : "");
    if (due_at > due->query->now) {
        if (due->next == JOB_NEVER || due_at < due->next)
            due->next = due_at;
        return false;
    }
    if (may_go(due, row->job, row->host))
        due->sending[due->n++] = *row;
    return true;
}

static bool is_full(const struct due_op *due)
{
    return due->n >= due->query->max;
}

/* returns 1: there may be more; 0; -errno */
static int take_earliest(struct sqlite_connection *reader, struct due_op *due)
{
    sqlite3_stmt *statement = sqlite_statement(reader, STATEMENT_CALLBACKS_BY_TIME);
    struct store_callback_due row;
    int rc = 1;

    for (int i = 0; i < LOOK_AT && !is_full(due); i++) {
        rc = sqlite_next(statement);
        if (rc < 1)
            return rc;
        if (!take_row(due, statement, &row)) {
            rc = 0;
            break;
        }
    }
    sqlite3_reset(statement);
    return rc;
}

/* The first one of the host that comes after the row's. returns 1; 0: none does; -errno */
static int take_of_next_host(struct sqlite_connection *reader, struct due_op *due,
                             struct store_callback_due *row)
{
    sqlite3_stmt *statement = sqlite_statement(reader, STATEMENT_CALLBACK_OF_NEXT_HOST);
    const struct store_callback_due before = *row;

    sqlite_bind_string(statement, 1, before.host);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    (void)take_row(due, statement, row);
    sqlite3_reset(statement);
    return strcmp(row->host, before.host) > 0;
}

static int take_of_each_host(struct sqlite_connection *reader, struct due_op *due)
{
    struct store_callback_due row = {.host = ""};
    int rc = 1;

    while (rc == 1 && !is_full(due))
        rc = take_of_next_host(reader, due, &row);
    return rc < 0 ? rc : 0;
}

static int apply_due(struct sqlite_connection *reader, struct store_op *op)
{
    struct due_op *due = co_container_of(op, struct due_op, op);

    due->n = due->n_before;
    due->next = JOB_NEVER;
    int rc = take_earliest(reader, due);
    return rc == 1 ? take_of_each_host(reader, due) : rc;
}

int store_callbacks_due(struct store *store, const struct store_callback_query *query,
                        struct store_callback_due *sending, size_t n_sending, int64_t *ret_next)
{
    struct due_op due = {
        .op = {.apply = apply_due},
        .query = query,
        .sending = sending,
        .n_before = n_sending,
    };
    int rc = store_read_with(store, &due.op);

    if (rc < 0)
        return rc;
    *ret_next = due.next;
    return (int)due.n;
}
