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
#include <string.h>
#include <unistd.h>

/* SQLite's file format, 1.3: integers of 32 bits, the first byte is the highest. */
enum { HEADER_BYTES = 100, SCHEMA_COOKIE_AT = 40, USER_VERSION_AT = 60, APPLICATION_ID_AT = 68 };

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

/* What the file says without SQLite, which would finish what others have begun in it. All zeros: it
 * is shorter than that, or cannot be read. */
static void read_header(const char *file, unsigned char header[HEADER_BYTES])
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, header, HEADER_BYTES, 0) != HEADER_BYTES)
        memset(header, 0, HEADER_BYTES);
    if (fd >= 0)
        close(fd);
}

static uint32_t header_integer(const unsigned char header[HEADER_BYTES], size_t at)
{
    const unsigned char *bytes = header + at;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool has_our_id(const unsigned char header[HEADER_BYTES])
{
    return header_integer(header, APPLICATION_ID_AT) == SQLITE_APPLICATION_ID;
}

/* As one of ours is before it gets its id. */
static bool is_unused(const unsigned char header[HEADER_BYTES])
{
    return header_integer(header, APPLICATION_ID_AT) == 0 &&
           header_integer(header, USER_VERSION_AT) == 0 &&
           header_integer(header, SCHEMA_COOKIE_AT) == 0;
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
    unsigned char header[HEADER_BYTES];

    read_header(file, header);
    if ((rc & 0xff) == SQLITE_NOTADB && !has_our_id(header))
        return say_foreign(file, err);
    return fail(database, rc, "read", err);
}

int sqlite_refuse_foreign(const char *file, struct err *err)
{
    static const char magic[] = "SQLite format 3"; /* with its NUL */
    unsigned char header[HEADER_BYTES];

    read_header(file, header);
    bool is_foreign =
        memcmp(header, magic, sizeof(magic)) == 0 && !has_our_id(header) && !is_unused(header);
    return is_foreign ? say_foreign(file, err) : 0;
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
