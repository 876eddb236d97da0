/* Whose database it is, and of which version: both are in the header of the file, as SQLite's
 * application_id and user_version.
 *
 * A new one gets its application_id before the journal mode becomes WAL, so from its first page on
 * the file itself says that it is ours.
 */
#include "daemon/store/sqlite_keeping.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { HEADER_BYTES = 100, APPLICATION_ID_AT = 68 }; /* of SQLite's file format */

static int read_integer(sqlite3 *database, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);

    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement);
}

/* Of a file that SQLite does not recognize. */
static bool has_our_id(const char *file)
{
    unsigned char header[HEADER_BYTES] = {0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? pread(fd, header, sizeof(header), 0) : -1;
    const unsigned char *id = header + APPLICATION_ID_AT;

    if (fd >= 0)
        close(fd);
    return n == HEADER_BYTES &&
           (id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3]) == SQLITE_APPLICATION_ID;
}

static int say_foreign(const char *file, struct err *err)
{
    return err_set(err, -EILSEQ,
                   "%s is not a database of gatherd; it is left alone. Move it away, or set "
                   "store.path to another directory",
                   file);
}

/* What is damaged is for the caller to say. */
static int fail(sqlite3 *database, int rc, const char *what, struct err *err)
{
    const char *message = sqlite3_errmsg(database);

    rc = sqlite_errno(database, rc);
    if (rc == -EBADMSG)
        return rc;
    return err_set(err, rc, "%s cannot be %s: %s", sqlite3_db_filename(database, "main"), what,
                   message);
}

static int fail_to_read(sqlite3 *database, int rc, struct err *err)
{
    const char *file = sqlite3_db_filename(database, "main");

    if ((rc & 0xff) == SQLITE_NOTADB && !has_our_id(file))
        return say_foreign(file, err);
    return fail(database, rc, "read", err);
}

int sqlite_identify(sqlite3 *database, int64_t max_version, struct err *err)
{
    int64_t id = 0, version = 0, n_objects = 0;
    int rc = read_integer(database, "PRAGMA application_id", &id);

    if (rc == SQLITE_OK)
        rc = read_integer(database, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = read_integer(database, "SELECT count(*) FROM sqlite_schema", &n_objects);
    if (rc != SQLITE_OK)
        return fail_to_read(database, rc, err);
    if (id == 0 && version == 0 && n_objects == 0)
        return SQLITE_IS_NEW;
    if (id != SQLITE_APPLICATION_ID)
        return say_foreign(sqlite3_db_filename(database, "main"), err);
    if (version > max_version)
        return err_set(err, -EPROTONOSUPPORT,
                       "%s was written by a newer gatherd (version %" PRIi64 " of the database, "
                       "this one reads up to %" PRIi64 "): start that one, or restore a backup",
                       sqlite3_db_filename(database, "main"), version, max_version);
    return 0;
}

int sqlite_make_ours(sqlite3 *database, struct err *err)
{
    char sql[128];

    sqlite3_snprintf(sizeof(sql), sql,
                     "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL;"
                     "PRAGMA application_id=%d",
                     SQLITE_PAGE_BYTES, SQLITE_APPLICATION_ID);
    int rc = sqlite3_exec(database, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(database, rc, "made", err);
}

/* In one transaction with the version that it leads to: nothing in between is ever on disk. */
static int take_step(sqlite3 *database, const char *step, size_t version)
{
    char bump[64];

    sqlite3_snprintf(sizeof(bump), bump, "PRAGMA user_version=%d; COMMIT", (int)version);
    int rc = sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(database, step, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(database, bump, NULL, NULL, NULL);
    return rc;
}

static int take_steps(sqlite3 *database, const char *const *steps, size_t n_steps)
{
    int64_t version = 0;
    int rc = read_integer(database, "PRAGMA user_version", &version);

    for (size_t i = (size_t)version; rc == SQLITE_OK && i < n_steps; i++)
        rc = take_step(database, steps[i], i + 1);
    return rc;
}

int sqlite_migrate(sqlite3 *database, const char *const *steps, size_t n_steps, struct err *err)
{
    int rc = take_steps(database, steps, n_steps);

    if (rc == SQLITE_OK)
        return 0;
    rc = fail(database, rc, "brought to the version of this gatherd", err);
    if (!sqlite3_get_autocommit(database))
        (void)sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
