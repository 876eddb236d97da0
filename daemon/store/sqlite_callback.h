/* What the SQLite store does with a callback as it does something with its job: each in the
 * transaction of that, and returns 0, -errno. */
#pragma once

#include "daemon/store/sqlite_private.h"
#include "daemon/store/store_callbacks.h"

int sqlite_callback_add(struct sqlite_connection *writer, const struct job_record *record,
                        const struct job_callback *callback);

/* The job has ended. */
int sqlite_callback_begin(struct sqlite_connection *writer, const struct store_job_change *change);

/* The job has ended, and nobody knows how: there is nothing to be sent. */
int sqlite_callback_give_up(struct sqlite_connection *writer, int64_t job);

/* The job is forgotten; or by its owner. */
int sqlite_callback_leave(struct sqlite_connection *writer, int64_t job);
int sqlite_callback_drop(struct sqlite_connection *writer, int64_t job);

/* Deletes some that have outlived their jobs long enough. */
int sqlite_callback_sweep(struct sqlite_connection *writer, int64_t now);

/* Counts those that are pending when the store is opened. */
int sqlite_callback_count(struct sqlite_connection *writer);
