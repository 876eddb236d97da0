#include "daemon/store/sqlite_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Results ---------------------------------------------------------------------------------- */

/* A full disk or quota, which SQLite knows as such only when it says ENOSPC to a plain write. What
 * failed to be synced is never forgiven: nobody knows what of it is on disk. */
static bool is_out_of_space(sqlite3 *database, int sqlite_rc)
{
    int error = sqlite3_system_errno(database);

    if (error != ENOSPC && error != EDQUOT)
        return false;
    return sqlite_rc == SQLITE_IOERR_WRITE || sqlite_rc == SQLITE_IOERR_SHMSIZE ||
           sqlite_rc == SQLITE_IOERR_SHMOPEN || sqlite_rc == SQLITE_IOERR_SHMMAP;
}

int sqlite_errno(sqlite3 *database, int sqlite_rc)
{
    static const struct {
        int primary;
        int rc;
    } table[] = {
        {SQLITE_OK, 0},
        {SQLITE_ROW, 0},
        {SQLITE_DONE, 0},
        {SQLITE_NOMEM, -ENOMEM},
        {SQLITE_FULL, -ENOSPC},
        {SQLITE_CORRUPT, -EBADMSG},
        {SQLITE_NOTADB, -EBADMSG},
        {SQLITE_TOOBIG, -EMSGSIZE},
        {SQLITE_BUSY, -EBUSY},
        {SQLITE_CONSTRAINT, -EINVAL},
    };

    if (sqlite_rc == SQLITE_IOERR_NOMEM)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if ((sqlite_rc & 0xff) == table[i].primary)
            return table[i].rc;
    return is_out_of_space(database, sqlite_rc) ? -ENOSPC : -EIO;
}

/* --- Statements ------------------------------------------------------------------------------- */

int sqlite_execute(struct sqlite_connection *connection, const char *sql)
{
    int rc = sqlite3_exec(connection->database, sql, NULL, NULL, NULL);

    return sqlite_errno(connection->database, rc);
}

/* Binding fails only for lack of memory, of which integers and static bytes need none, and for an
 * index out of range, which a test would not miss. */
void sqlite_bind_integers(sqlite3_stmt *statement, const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sqlite3_bind_int64(statement, (int)i + 1, values[i]);
}

void sqlite_bind_bytes(sqlite3_stmt *statement, int i, const void *bytes, size_t n)
{
    if (n > 0)
        sqlite3_bind_blob64(statement, i, bytes, n, SQLITE_STATIC);
    else
        sqlite3_bind_zeroblob(statement, i, 0);
}

void sqlite_bind_string(sqlite3_stmt *statement, int i, const char *text)
{
    sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
}

void sqlite_bind_tenant(sqlite3_stmt *statement, int i, const char *tenant)
{
    sqlite_bind_string(statement, i, tenant != NULL ? tenant : "");
}

void sqlite_bind_instant(sqlite3_stmt *statement, int i, int64_t instant)
{
    if (instant == JOB_NEVER)
        sqlite3_bind_null(statement, i);
    else
        sqlite3_bind_int64(statement, i, instant);
}

int64_t sqlite_column_instant(sqlite3_stmt *statement, int i)
{
    bool is_null = sqlite3_column_type(statement, i) == SQLITE_NULL;

    return is_null ? JOB_NEVER : sqlite3_column_int64(statement, i);
}

int sqlite_column_copy(sqlite3_stmt *statement, int i, char **ret_text)
{
    if (sqlite3_column_type(statement, i) == SQLITE_NULL)
        return 0;
    const char *text = (const char *)sqlite3_column_text(statement, i);
    *ret_text = text != NULL ? strdup(text) : NULL;
    return *ret_text != NULL ? 0 : -ENOMEM;
}

int sqlite_next(sqlite3_stmt *statement)
{
    int sqlite_rc = sqlite3_step(statement);

    if (sqlite_rc == SQLITE_ROW)
        return 1;
    int rc = sqlite_errno(sqlite3_db_handle(statement), sqlite_rc);
    sqlite3_reset(statement);
    return rc;
}

int sqlite_run(sqlite3_stmt *statement)
{
    int rc = sqlite_next(statement);

    if (rc == 1)
        sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

/* --- Connections ------------------------------------------------------------------------------ */

static int failed(struct sqlite_connection *connection, int sqlite_rc, struct err *err)
{
    int rc = sqlite_errno(connection->database, sqlite_rc);

    return err_set(err, rc, "%s: %s", connection->store->file,
                   connection->database != NULL ? sqlite3_errmsg(connection->database)
                                                : sqlite3_errstr(sqlite_rc));
}

/* The operations and the worker see to it that one thread at a time uses a connection, so SQLite
 * needs no lock for it. */
int sqlite_connection_open(struct sqlite_connection *connection, struct store *store,
                           enum sqlite_role role, const char *file, struct err *err)
{
    int flags =
        role == SQLITE_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;

    *connection = (struct sqlite_connection){.store = store, .role = role};
    int rc = sqlite3_open_v2(file, &connection->database,
                             flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(connection->database, 0);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(connection->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return rc == SQLITE_OK ? 0 : failed(connection, rc, err);
}

static int note_wal_frames(void *arg, sqlite3 *database, const char *name, int n_frames)
{
    struct sqlite_connection *connection = arg;

    (void)database, (void)name;
    connection->n_wal_frames = n_frames;
    return SQLITE_OK;
}

/* mmap_size: with a map an I/O error would be a SIGBUS. secure_delete: zeros over what is deleted
 * are not needed, and cost a third of the speed. */
#define PRAGMAS_OF_BOTH                                                                            \
    "PRAGMA trusted_schema=OFF;"                                                                   \
    "PRAGMA mmap_size=0;"                                                                          \
    "PRAGMA temp_store=MEMORY;"

static const char writer_pragmas[] = PRAGMAS_OF_BOTH "PRAGMA page_size=4096;"
                                                     "PRAGMA auto_vacuum=INCREMENTAL;"
                                                     "PRAGMA journal_mode=WAL;"
                                                     "PRAGMA wal_autocheckpoint=0;"
                                                     "PRAGMA journal_size_limit=67108864;"
                                                     "PRAGMA secure_delete=OFF;"
                                                     "PRAGMA cache_size=-32768;";

static const char reader_pragmas[] = PRAGMAS_OF_BOTH "PRAGMA query_only=ON;"
                                                     "PRAGMA cache_size=-8192;";

int sqlite_connection_set_up(struct sqlite_connection *connection, const char *synchronous,
                             struct err *err)
{
    bool writes = connection->role == SQLITE_WRITER;
    char pragma[64];

    int rc = sqlite3_exec(connection->database, writes ? writer_pragmas : reader_pragmas, NULL,
                          NULL, NULL);
    if (rc == SQLITE_OK && writes) {
        sqlite3_snprintf(sizeof(pragma), pragma, "PRAGMA synchronous=%s", synchronous);
        rc = sqlite3_exec(connection->database, pragma, NULL, NULL, NULL);
        sqlite3_wal_hook(connection->database, note_wal_frames, connection);
    }
    return rc == SQLITE_OK ? 0 : failed(connection, rc, err);
}

static const struct {
    int roles;
    const char *sql;
} statements[N_STATEMENTS] = {
#define STATEMENT(id, roles, sql) {roles, sql},
#include "daemon/store/sqlite_statements.def"
#undef STATEMENT
};

int sqlite_connection_prepare(struct sqlite_connection *connection, struct err *err)
{
    for (size_t i = 0; i < N_STATEMENTS; i++) {
        if ((statements[i].roles & (int)connection->role) == 0)
            continue;
        int rc = sqlite3_prepare_v3(connection->database, statements[i].sql, -1,
                                    SQLITE_PREPARE_PERSISTENT, &connection->statements[i], NULL);
        if (rc != SQLITE_OK)
            return failed(connection, rc, err);
    }
    return 0;
}

void sqlite_connection_close(struct sqlite_connection *connection)
{
    for (size_t i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(connection->statements[i]);
    sqlite3_close(connection->database);
    free(connection->forgotten.numbers);
    *connection = (struct sqlite_connection){0};
}
