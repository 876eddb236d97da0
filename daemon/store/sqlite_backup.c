/* A copy of a store while somebody works with it: one snapshot of it, without what is free in it.
 *
 * SQLite reads the snapshot with a connection of ours, which commits and checkpoints nothing. Until
 * it is through, the log of the store cannot be started over, and grows.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/sqlite_keeping.h"

enum { BUSY_MS = 10000 }; /* somebody may be starting or stopping */

/* --- Reading ---------------------------------------------------------------------------------- */

static int fail(sqlite3 *database, int sqlite_rc, const char *file, struct err *err)
{
    return err_set(err, sqlite_errno(database, sqlite_rc), "%s cannot be copied: %s", file,
                   database != NULL ? sqlite3_errmsg(database) : sqlite3_errstr(sqlite_rc));
}

static int copy(sqlite3 *database, const char *from, const char *to, struct err *err)
{
    sqlite3_stmt *statement;
    int rc = sqlite_identify(database, INT64_MAX, err);

    if (rc != 0)
        return rc < 0 ? err_set(err, rc, "%s is damaged", from)
                      : err_set(err, -ENOENT, "%s is empty", from);
    rc = sqlite3_prepare_v2(database, "VACUUM INTO ?1", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        (void)sqlite3_step(statement);
    rc = sqlite3_finalize(statement);
    return rc == SQLITE_OK ? 0 : fail(database, rc, from, err);
}

static int open_and_copy(const char *from, const char *to, struct err *err)
{
    sqlite3 *database = NULL;
    int rc = sqlite3_open_v2(from, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(database, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    rc = rc == SQLITE_OK ? copy(database, from, to, err) : fail(database, rc, from, err);
    sqlite3_close(database);
    return rc;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* SQLite takes an empty file as well as none; this one is nobody else's. */
static int make_file(const char *file, struct err *err)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, -errno, "%s cannot be made: %s", file, strerror(errno));
    close(fd);
    return 0;
}

static int sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    int error = errno;

    if (fd >= 0)
        close(fd);
    return is_synced ? 0 : err_set(err, -error, "%s cannot be synced: %s", path, strerror(error));
}

/* VACUUM leaves that to the caller. */
static int sync_file(const char *file, struct err *err)
{
    const char *slash = strrchr(file, '/');
    char directory[PATH_MAX];
    int rc = sync_path(file, O_RDWR, err);

    snprintf(directory, sizeof(directory), "%.*s/", slash != NULL ? (int)(slash - file) : 1,
             slash != NULL ? file : ".");
    return rc < 0 ? rc : sync_path(directory, O_RDONLY | O_DIRECTORY, err);
}

int store_backup(const char *path, const char *file, struct err *err)
{
    char from[PATH_MAX];

    if (snprintf(from, sizeof(from), "%s/" SQLITE_FILE, path) >= (int)sizeof(from))
        return err_set(err, -ENAMETOOLONG, "the path of the store is too long");
    if (access(from, R_OK) < 0)
        return err_set(err, -errno, "there is no store to copy in %s: %s", path, strerror(errno));
    int rc = make_file(file, err);
    if (rc < 0)
        return rc;
    rc = open_and_copy(from, file, err);
    if (rc == 0)
        rc = sync_file(file, err);
    if (rc < 0)
        (void)unlink(file);
    return rc;
}
