/* What is in the log goes into the database itself, bit by bit, between commits.
 *
 * A reader's snapshot keeps a part of the log from being overwritten, and so makes it grow. Our own
 * are short, but for the integrity check; a backup by another process is not.
 */
#include <errno.h>

#include "daemon/base/log.h"
#include "daemon/store/sqlite_keeping.h"

enum {
    FRAMES = 4000,       /* then a checkpoint is due, and again after as many */
    FRAMES_MAX = 1 << 16 /* then everything is done to have an end of it */
};

/* Too much of it is dealt with on the loop, where others can be told. */
static void complain(struct store *store)
{
    const struct sqlite_connection *writer = &store->writer.connection;

    store_check_interrupt(store);
    if (writer->n_wal_frames_kept > 0 && writer->n_wal_frames_kept <= FRAMES_MAX)
        log_event(EVENT_STORE_LOG_LARGE, LOG_FIELDS({"path", store->file}),
                  "the log of %s has grown to %d MiB: something has been reading for long",
                  store->file, writer->n_wal_frames / (1048576 / SQLITE_PAGE_BYTES));
}

bool store_checkpoint_is_due(struct store *store)
{
    const struct sqlite_connection *writer = &store->writer.connection;
    bool is_due = writer->n_wal_frames > writer->n_wal_frames_kept + FRAMES;

    if (is_due && writer->n_wal_frames > FRAMES_MAX)
        complain(store);
    return is_due;
}

/* Where a snapshot is in the way it does not get to the end, and the log just grows. */
int store_checkpoint(struct sqlite_connection *writer)
{
    bool is_large = writer->n_wal_frames > FRAMES_MAX;
    int n_frames = 0, n_done = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        writer->database, NULL, is_large ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
        &n_frames, &n_done);

    if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
        sqlite_note_failure(writer);
        return sqlite_errno(writer->database, rc);
    }
    bool is_complete = rc == SQLITE_OK && n_done == n_frames;
    writer->n_wal_frames_kept = is_complete ? 0 : writer->n_wal_frames;
    writer->n_wal_frames = is_complete ? 0 : writer->n_wal_frames;
    return sqlite_measure(writer);
}
