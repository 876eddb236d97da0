#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/sqlite_keeping.h"
#include "daemon/store/wal.h"

/* What a database consists of: the file, and these after its name. */
static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

/* SQLite would let others read it; its log gets the mode that it has. */
int store_files_make(const struct store *store, struct err *err)
{
    int fd = open(store->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, -errno, "%s cannot be opened: %s", store->file, strerror(errno));
    close(fd);
    return 0;
}

int store_say_damaged(const struct store *store, const char *what, struct err *err)
{
    return err_set(err, -EBADMSG,
                   "%s is damaged (%s), and left as it is. Restore a backup; or save what can be "
                   "saved: sqlite3 " SQLITE_FILE
                   " .recover | sqlite3 saved.db (with the sqlite3 of "
                   "sqlite.org, as Debian's lacks .recover), move " SQLITE_FILE "* away, and "
                   "saved.db to its place; or begin anew: store.if_damaged=start_empty keeps the "
                   "damaged files",
                   store->file, what);
}

/* --- Checking --------------------------------------------------------------------------------- */

static int64_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_size : 0;
}

static int check_log(const struct store *store, const char *log, struct err *err)
{
    struct wal_damage damage;
    char what[100];
    int rc = wal_check(log, SQLITE_PAGE_BYTES, &damage);

    if (rc <= 0)
        return rc;
    snprintf(what, sizeof(what),
             "its log cannot be read from frame %" PRIu64 " on, where %" PRIu64 " commits follow",
             damage.at_frame, damage.n_commits);
    return store_say_damaged(store, what, err);
}

/* SQLite would drop the log of an empty file. */
int store_files_check(const struct store *store, struct err *err)
{
    char *log;

    if (asprintf(&log, "%s-wal", store->file) < 0)
        return -ENOMEM;
    int rc = size_of(store->file) == 0 && size_of(log) > 0
                 ? store_say_damaged(store, "it is empty, but its log is not", err)
                 : check_log(store, log, err);
    free(log);
    return rc;
}

/* --- Putting aside ---------------------------------------------------------------------------- */

static int rename_to(const char *from, const char *to, struct err *err)
{
    if (rename(from, to) == 0)
        log_event(EVENT_STORE_PUT_ASIDE, LOG_FIELDS({"path", to}), "the damaged %s is kept as %s",
                  from, to);
    else if (errno != ENOENT)
        return err_set(err, -errno, "%s cannot be renamed: %s", from, strerror(errno));
    return 0;
}

static int put_aside(const char *file, const char *suffix, const char *time, struct err *err)
{
    char *from = NULL, *to = NULL;
    int rc = -ENOMEM;

    if (asprintf(&from, "%s%s", file, suffix) >= 0 &&
        asprintf(&to, "%s.corrupt-%s%s", file, time, suffix) >= 0)
        rc = rename_to(from, to, err);
    free(from);
    free(to);
    return rc;
}

/* The database goes first: without it its log is damaged, but it without its log may look sound.
 * And they keep their names relative to each other, so that sqlite3 still finds the log. */
int store_files_put_aside(const struct store *store, struct err *err)
{
    char text[32];
    time_t now = time(NULL);
    struct tm utc;
    int rc = 0;

    strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    for (size_t i = 0; rc == 0 && i < sizeof(suffixes) / sizeof(*suffixes); i++)
        rc = put_aside(store->file, suffixes[i], text, err);
    if (rc == 0 && fsync(store->directory.fd) < 0)
        rc = -errno;
    return rc;
}
