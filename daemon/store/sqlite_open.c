#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sqlite_callback.h"
#include "daemon/store/sqlite_keeping.h"

/* --- Connections ------------------------------------------------------------------------------ */

/* Until it is known whose the file is, nothing is written to it. */
static int open_writer(struct store *store, const char *synchronous, struct err *err)
{
    struct sqlite_connection *writer = &store->writer.connection;
    int rc = sqlite_refuse_foreign(store->file, err);

    if (rc == 0)
        rc = sqlite_connection_open(writer, store, SQLITE_WRITER, store->file, err);
    if (rc == 0)
        rc = sqlite_identify(writer->database, SQLITE_N_VERSIONS, err);
    if (rc == SQLITE_IS_NEW)
        rc = sqlite_make_ours(writer->database, err);
    if (rc == 0)
        rc = sqlite_connection_set_up(writer, synchronous, err);
    if (rc == 0)
        rc = sqlite_migrate(writer->database, sqlite_versions, SQLITE_N_VERSIONS, err);
    return rc < 0 ? rc : sqlite_connection_prepare(writer, err);
}

static int open_reader(struct store *store, struct err *err)
{
    struct sqlite_connection *reader = &store->reader.connection;
    int rc = sqlite_connection_open(reader, store, SQLITE_READER, store->file, err);

    if (rc == 0)
        rc = sqlite_connection_set_up(reader, NULL, err);
    return rc < 0 ? rc : sqlite_connection_prepare(reader, err);
}

/* The log is emptied, too: what a crash has left behind its end must not be mistaken for a part of
 * what is written over it, see wal.h. */
static int recover(struct sqlite_connection *writer)
{
    int rc = sqlite_execute(writer, "BEGIN IMMEDIATE");

    if (rc == 0)
        rc = sqlite_recover(writer);
    if (rc == 0)
        rc = sqlite_execute(writer, "COMMIT");
    if (rc == 0)
        rc = sqlite_execute(writer, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (rc == 0)
        rc = sqlite_resume_counters(writer);
    if (rc == 0)
        rc = sqlite_count_jobs(writer);
    if (rc == 0)
        rc = sqlite_callback_count(writer);
    return rc < 0 ? rc : sqlite_measure(writer);
}

static int say_not_recovered(struct store *store, int rc, struct err *err)
{
    return err_set(err, rc, "%s cannot be made ready: %s", store->file,
                   sqlite3_errmsg(store->writer.connection.database));
}

static int open_connections(struct store *store, const char *synchronous, struct err *err)
{
    int rc = open_writer(store, synchronous, err);

    if (rc == 0) {
        rc = recover(&store->writer.connection);
        store->is_recovered = rc == 0;
        if (rc < 0 && rc != -EBADMSG)
            (void)say_not_recovered(store, rc, err);
    }
    if (rc == 0)
        rc = open_reader(store, err);
    store->stats.n_jobs = (uint64_t)store->writer.connection.counts.n_jobs;
    store->stats.n_callbacks = (uint64_t)store->writer.connection.counts.n_callbacks;
    store->stats.n_unended_at_open = (uint64_t)store->writer.connection.counts.n_unended_at_open;
    store->stats.n_pending_at_open = (uint64_t)store->writer.connection.counts.n_pending_at_open;
    return rc;
}

/* As the writer is the last, SQLite would make a checkpoint without telling what came of it. If
 * there is no space for it, the next one makes it. */
static void leave_log_empty(struct store *store)
{
    struct sqlite_connection *writer = &store->writer.connection;
    int rc = store_checkpoint(writer);

    if (rc < 0 && rc != -ENOSPC)
        store_group_ended(store, rc);
    if (store->health != STORE_FAILED)
        sqlite3_db_config(writer->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

/* What was not found to be ours, and sound, is left as it was. */
static void close_writer(struct store *store)
{
    if (store->is_recovered && store->health != STORE_FAILED)
        leave_log_empty(store);
    store->is_recovered = false;
    sqlite_connection_close(&store->writer.connection);
}

static void close_connections(struct store *store)
{
    sqlite_connection_close(&store->reader.connection);
    close_writer(store);
}

/* --- The database, sound or not --------------------------------------------------------------- */

static int open_files(struct store *store, const char *synchronous, struct err *err)
{
    int rc = store_files_make(store, err);

    if (rc == 0)
        rc = store_files_check(store, err);
    if (rc == 0)
        rc = store_check_before(store, err);
    if (rc == 0)
        rc = open_connections(store, synchronous, err);
    if (rc == -EBADMSG)
        (void)store_say_damaged(store, sqlite3_errmsg(store->writer.connection.database), err);
    return rc;
}

/* What is damaged must not be written to, not even by closing it. */
static int start_empty(struct store *store, const char *synchronous, struct err *err)
{
    store->health = STORE_FAILED;
    close_connections(store);
    store->health = STORE_OK;
    store->directory.was_left_open = false;
    *err = (struct err){""};
    int rc = store_files_put_aside(store, err);
    return rc < 0 ? rc : open_files(store, synchronous, err);
}

static int open_database(struct store *store, const char *synchronous, struct err *err)
{
    store_space_prepare(store);
    int rc = directory_sign(&store->directory, err);

    if (rc == 0)
        rc = open_files(store, synchronous, err);
    if (rc == -EBADMSG && store->options.start_empty)
        rc = start_empty(store, synchronous, err);
    return rc;
}

/* --- The store -------------------------------------------------------------------------------- */

static int start_tasks(struct store *store)
{
    int rc = store_worker_start(&store->writer, store, "store writer", sqlite_run_writes);

    if (rc == 0)
        rc = store_worker_start(&store->reader, store, "store reader", sqlite_run_reads);
    if (rc == 0)
        rc = store_space_start(store);
    if (rc == 0)
        rc = store_check_start(store);
    return rc;
}

static void free_store(struct store *store)
{
    free((char *)store->options.path);
    free(store->file);
    free(store);
}

static struct store *new_store(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return NULL;
    store->directory = DIRECTORY_CLOSED;
    co_event_init(&store->health_changed);
    co_event_init(&store->space.is_full);
    co_list_init(&store->unabandoned);
    store->options = *options;
    store->options.path = strdup(options->path);
    if (store->options.path != NULL &&
        asprintf(&store->file, "%s/" SQLITE_FILE, options->path) >= 0)
        return store;
    store->file = NULL;
    free_store(store);
    return NULL;
}

/* It is closed properly if it was so before, or has been open, and if it did not fail. */
static void close_store(struct store *store, bool is_sound)
{
    store_check_stop(store);
    store_space_stop(store);
    store_worker_stop(&store->reader);
    store_worker_stop(&store->writer);
    store_leave_unabandoned(store);
    close_connections(store);
    directory_close(&store->directory, is_sound && store->health != STORE_FAILED);
    free_store(store);
}

static int open_store(struct store *store, const char *synchronous, struct err *err)
{
    int rc = directory_open(&store->directory, store->options.path, err);

    if (rc == 0)
        rc = open_database(store, synchronous, err);
    return rc < 0 ? rc : start_tasks(store);
}

int store_open_as(struct store **ret_store, const struct store_options *options,
                  const char *synchronous, struct err *err)
{
    struct err unheard = {""};
    struct store *store = new_store(options);

    if (store == NULL)
        return -ENOMEM;
    int rc = open_store(store, synchronous, err != NULL ? err : &unheard);
    if (rc == 0) {
        *ret_store = store;
        return 0;
    }
    if (rc == -EBADMSG || rc == -EIO)
        store->health = STORE_FAILED;
    close_store(store, !store->directory.was_left_open);
    return rc;
}

int store_open(struct store **ret_store, const struct store_options *options, struct err *err)
{
    return store_open_as(ret_store, options, "FULL", err);
}

void store_close(struct store *store)
{
    if (store != NULL)
        close_store(store, true);
}
