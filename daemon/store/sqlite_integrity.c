/* Looking whether a database that was not closed properly is what it should be.
 *
 * That takes as long as reading it, so it is done beside all else, on a connection of its own, and
 * given up after a while. If it finds damage, a file next to the database says so until a later
 * check finds none: as long as it is there, every start is preceded by a check of everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/sqlite_keeping.h"

#define NOTE "gatherd.damaged"

#define TIME_TO_CHECK (10 * CO_SECOND)

enum { OPERATIONS = 10000 }; /* of SQLite's machine: between two looks at whether to go on */

struct check {
    struct sqlite_connection connection;
    char finding[160];
};

/* --- The check -------------------------------------------------------------------------------- */

static int is_unwanted(void *arg)
{
    return atomic_load(&((struct store *)arg)->check.is_unwanted);
}

/* Without the line that says in which database it is. */
static void note_finding(struct check *check, const char *text)
{
    const char *line = text != NULL ? strrchr(text, '\n') : NULL;

    sqlite3_snprintf(sizeof(check->finding), check->finding, "%s", line != NULL ? line + 1 : text);
}

/* returns 0: it is sound; -EBADMSG: damaged, as the finding says; -EINTR; -errno */
static int look(struct check *check)
{
    sqlite3 *database = check->connection.database;
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &statement, NULL);

    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        note_finding(check, (const char *)sqlite3_column_text(statement, 0));
    rc = sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        return strcmp(check->finding, "ok") == 0 ? 0 : -EBADMSG;
    note_finding(check, sqlite3_errmsg(database));
    return rc == SQLITE_INTERRUPT ? -EINTR : sqlite_errno(database, rc);
}

static int open_database(struct check *check, const struct store *store, struct err *err)
{
    *check = (struct check){0};
    return sqlite_connection_open(&check->connection, (struct store *)store, SQLITE_READER,
                                  store->file, err);
}

/* --- The note --------------------------------------------------------------------------------- */

static bool has_note(const struct store *store)
{
    return faccessat(store->directory.fd, NOTE, F_OK, 0) == 0;
}

/* Without it the next start looks again, and starts to work meanwhile. */
static void leave_note(const struct store *store, const char *finding)
{
    int fd = openat(store->directory.fd, NOTE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, finding, strlen(finding)) >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    if (!is_written || fsync(store->directory.fd) < 0)
        log_event(EVENT_STORE_NOTE_UNWRITTEN,
                  LOG_FIELDS({"path", store->options.path}, {"error", strerror(errno)}),
                  "%s/" NOTE " cannot be written: %s", store->options.path, strerror(errno));
}

int store_check_before(const struct store *store, struct err *err)
{
    struct check check;

    if (!has_note(store))
        return 0;
    log_event(EVENT_STORE_CHECKED_FIRST, LOG_FIELDS({"path", store->file}),
              "%s was found damaged: it is checked before it is used", store->file);
    int rc = open_database(&check, store, err);
    if (rc == 0)
        rc = look(&check);
    sqlite_connection_close(&check.connection);
    if (rc == 0 && unlinkat(store->directory.fd, NOTE, 0) == 0)
        log_event(EVENT_STORE_SOUND, LOG_FIELDS({"path", store->file}), "%s is sound", store->file);
    return rc == -EBADMSG ? store_say_damaged(store, check.finding, err) : rc;
}

/* --- Beside all else -------------------------------------------------------------------------- */

static int look_on_thread(void *arg, void **ret_result)
{
    (void)ret_result;
    return look(arg);
}

/* However the sleep ends, time is up: we may have been cancelled. */
static int limit_time(void *arg, void **ret_result)
{
    int rc = co_sleep(TIME_TO_CHECK);

    (void)ret_result;
    store_check_interrupt(arg);
    return rc;
}

static int look_for_a_while(struct store *store, struct check *check)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "store check's time", limit_time, store, NULL);
    store->check.database = check->connection.database;
    int found = rc < 0 ? rc : co_to_thread(look_on_thread, check, NULL, NULL);
    co_group_cancel(&group, 0, "the check has ended");
    rc = co_group_exit(&group, 0);
    store->check.database = NULL;
    return rc < 0 ? rc : found;
}

static void conclude(struct store *store, const struct check *check, int rc)
{
    store->check.result = rc == 0          ? STORE_SOUND
                          : rc == -EBADMSG ? STORE_DAMAGED
                                           : STORE_CHECK_CUT_SHORT;
    if (rc == 0)
        log_event(EVENT_STORE_SOUND, LOG_FIELDS({"path", store->file}),
                  "%s was checked: it is sound", store->file);
    else if (rc == -EINTR)
        log_event(EVENT_STORE_CHECK_CUT, LOG_FIELDS({"path", store->file}),
                  "%s was checked in part, which is sound", store->file);
    else if (rc != -EBADMSG)
        log_event(EVENT_STORE_CHECK_FAILED,
                  LOG_FIELDS({"path", store->file}, {"error", strerror(-rc)}),
                  "%s cannot be checked: %s", store->file, strerror(-rc));
    else {
        leave_note(store, check->finding);
        store_fail(store, check->finding);
    }
}

static int check_database(void *arg, void **ret_result)
{
    struct store *store = arg;
    struct check check;

    (void)ret_result;
    int rc = open_database(&check, store, NULL);
    if (rc == 0) {
        sqlite3_progress_handler(check.connection.database, OPERATIONS, is_unwanted, store);
        rc = look_for_a_while(store, &check);
    }
    sqlite_connection_close(&check.connection);
    conclude(store, &check, rc == -ECANCELED ? -EINTR : rc);
    return 0;
}

int store_check_start(struct store *store)
{
    if (!store->directory.was_left_open)
        return 0;
    log_event(EVENT_STORE_CHECK_BEGUN, LOG_FIELDS({"path", store->file}),
              "%s was not closed properly: it is checked while it is used", store->file);
    store->check.result = STORE_CHECKING;
    return co_create_task("store check", check_database, store, &store->check.task);
}

void store_check_interrupt(struct store *store)
{
    atomic_store(&store->check.is_unwanted, true);
    if (store->check.database != NULL)
        sqlite3_interrupt(store->check.database);
}

void store_check_stop(struct store *store)
{
    co_task_stop(co_take(store->check.task), "the store is closed");
}
