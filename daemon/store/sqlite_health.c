#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/log.h"
#include "daemon/store/sqlite_keeping.h"

enum store_health store_health(const struct store *store)
{
    return store->health;
}

const char *store_health_name(enum store_health health)
{
    static const char *const names[] = {
        [STORE_OK] = "ok",
        [STORE_FULL] = "full",
        [STORE_FAILED] = "failed",
    };

    return names[health];
}

struct co_event *store_health_changed(struct store *store)
{
    return &store->health_changed;
}

/* What has failed stays so. */
void store_set_health(struct store *store, enum store_health health)
{
    if (store->health == health || store->health == STORE_FAILED)
        return;
    store->health = health;
    co_event_set(&store->health_changed);
}

void store_fail(struct store *store, const char *why)
{
    if (store->health == STORE_FAILED)
        return;
    log_event(EVENT_STORE_FAILED, LOG_FIELDS({"path", store->file}, {"error", why}),
              "%s has failed: %s. Nothing more is written to it; the next start will see what is "
              "on disk",
              store->file, why);
    store_set_health(store, STORE_FAILED);
}

static void become_full(struct store *store)
{
    if (store->health != STORE_OK)
        return;
    log_event(EVENT_STORE_FULL, LOG_FIELDS({"path", store->options.path}),
              "the disk of %s is full: no new jobs are taken, and results wait, until there is "
              "space again",
              store->options.path);
    store_set_health(store, STORE_FULL);
    co_event_set(&store->space.is_full);
}

void sqlite_note_failure(struct sqlite_connection *connection)
{
    int error = sqlite3_system_errno(connection->database);

    sqlite3_snprintf(sizeof(connection->failure), connection->failure, "%s (SQLite %d%s%s)",
                     sqlite3_errmsg(connection->database),
                     sqlite3_extended_errcode(connection->database), error != 0 ? ", " : "",
                     error != 0 ? strerror(error) : "");
}

/* Of the worker that has just ended a group: the other one would have failed the store before. */
static const char *failure_of(const struct store *store)
{
    const char *of_writer = store->writer.connection.failure;

    return of_writer[0] != '\0' ? of_writer : store->reader.connection.failure;
}

/* A commit that failed is not tried again: what could not be synced may be marked as if it was. */
void store_group_ended(struct store *store, int rc)
{
    if (rc == -ENOSPC)
        become_full(store);
    else if (rc == -EIO || rc == -EBADMSG)
        store_fail(store, failure_of(store));
}

static uint64_t size_of(const char *file, const char *suffix)
{
    char path[PATH_MAX];
    struct stat status;

    sqlite3_snprintf(sizeof(path), path, "%s%s", file, suffix);
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

void store_get_stats(const struct store *store, struct store_stats *ret_stats)
{
    *ret_stats = store->stats;
    ret_stats->max_jobs = store->options.max_jobs;
    ret_stats->file_bytes = size_of(store->file, "") + size_of(store->file, "-wal");
    ret_stats->integrity = store->check.result;
}
