/* What the files of the SQLite store share.
 *
 * There are two connections, each with a task of the loop that owns it, a worker. A call becomes an
 * operation on the worker's queue, and its caller is parked. The worker takes what is queued and
 * has a thread apply it: so one thread at a time uses a connection, and nobody else does. The
 * writer's group is one transaction; it is the only connection that commits or checkpoints (in
 * SQLite before 3.51.3 two that do can corrupt the file: the WAL-reset bug). The reader's
 * operations see one snapshot each.
 *
 * An operation that fails by itself (-ENOENT, -EEXIST, damaged content) has changed nothing: it
 * looks before it writes. So a group is applied without savepoints; if anything else fails, the
 * group is rolled back and its operations are applied again, each in a transaction of its own.
 * apply() must stand being called twice.
 */
#pragma once

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/co.h"

#include "daemon/model/ulid.h"
#include "daemon/store/directory.h"
#include "daemon/store/store.h"

enum { SQLITE_APPLICATION_ID = 0x67746872, SQLITE_PAGE_BYTES = 4096, SQLITE_N_VERSIONS = 9 };

/* The statements that lead from each version of the database to the next; the first ones are for
 * one without any table. */
extern const char *const sqlite_versions[SQLITE_N_VERSIONS];

/* --- Connections ------------------------------------------------------------------------------ */

enum sqlite_role { SQLITE_WRITER = 1, SQLITE_READER = 2, SQLITE_BOTH = 3 };

enum sqlite_statement_id {
#define STATEMENT(id, roles, sql) STATEMENT_##id,
#include "daemon/store/sqlite_statements.def"
#undef STATEMENT
    N_STATEMENTS
};

struct sqlite_counts {
    uint64_t n_commits;
    uint64_t n_results;
    uint64_t n_late_results;
    int64_t n_jobs;       /* change of their number; of all that were committed: their number */
    int64_t upload_bytes; /* likewise, of what uploads take that are not accepted */
    int64_t n_callbacks;  /* likewise, that are pending */
    int64_t n_unended_at_open;
    int64_t n_pending_at_open; /* items */
};

/* Jobs that were forgotten: those of the transaction that is open come last. */
struct sqlite_forgotten {
    int64_t *numbers;
    size_t n, max;
    size_t n_committed;
};

struct sqlite_connection {
    struct store *store;
    sqlite3 *database;
    enum sqlite_role role;
    int n_wal_frames;             /* in the log after the last commit; of the writer */
    int n_wal_frames_kept;        /* after the last checkpoint, which was not complete; 0: it was */
    struct sqlite_counts pending; /* of the transaction that is open */
    struct sqlite_counts counts;  /* of all that were committed */
    struct sqlite_forgotten forgotten; /* that nobody has been told of */
    int64_t last_commit_us;
    char failure[200]; /* why the last operation failed that should not have */
    sqlite3_stmt *statements[N_STATEMENTS];
};

/* Opens the file, which is made if it is missing and the role is to write, and writes nothing to
 * one that is there. returns 0, -errno */
int sqlite_connection_open(struct sqlite_connection *connection, struct store *store,
                           enum sqlite_role role, const char *file, struct err *err);

/* Sets the pragmas of the role. Of a writer this is what first writes to the file; what must be
 * before the first table is set before it. synchronous: "FULL" returns 0, -errno */
int sqlite_connection_set_up(struct sqlite_connection *connection, const char *synchronous,
                             struct err *err);

/* Prepares all statements of the role; the schema must be there. returns 0, -errno */
int sqlite_connection_prepare(struct sqlite_connection *connection, struct err *err);

/* All zeros is fine. */
void sqlite_connection_close(struct sqlite_connection *connection);

/* -errno of what a call of SQLite has just returned on this connection: -ENOMEM, -ENOSPC (a quota
 * is one), -EBADMSG (damaged), -EMSGSIZE, -EBUSY, -EINVAL (a constraint: a bug); -EIO: all else. 0
 * for SQLITE_OK, _ROW and _DONE */
int sqlite_errno(sqlite3 *database, int sqlite_rc);

/* Runs any statements, prepared or not. returns 0, -errno */
int sqlite_execute(struct sqlite_connection *connection, const char *sql);

static inline sqlite3_stmt *sqlite_statement(struct sqlite_connection *connection,
                                             enum sqlite_statement_id id)
{
    return connection->statements[id];
}

/* Binds integers from parameter 1 on; texts and blobs are bound by hand, as SQLITE_STATIC. */
#define sqlite_bind(statement, ...)                                                                \
    sqlite_bind_integers(statement, (const int64_t[]){__VA_ARGS__},                                \
                         sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
void sqlite_bind_integers(sqlite3_stmt *statement, const int64_t *values, size_t n);

/* A statement without rows: runs it and resets it. returns 0, -errno */
int sqlite_run(sqlite3_stmt *statement);

/* returns 1: there is a row, and sqlite3_reset() is owed; 0: no (more) row; -errno. Resets it
 * unless there is a row. */
int sqlite_next(sqlite3_stmt *statement);

/* Binds a text or a blob that stays where it is until the statement is reset. */
void sqlite_bind_bytes(sqlite3_stmt *statement, int i, const void *bytes, size_t n);
void sqlite_bind_string(sqlite3_stmt *statement, int i, const char *text); /* NULL is fine */

/* --- Operations ------------------------------------------------------------------------------- */

/* In which order a group is applied. */
enum store_priority {
    STORE_RESULTS,
    STORE_CLAIMS, /* and starts */
    STORE_ACCEPTS,
    STORE_KEEPING, /* of the house */
    N_STORE_PRIORITIES
};

/* The first member of what an operation needs and brings back. */
struct store_op {
    struct co_list link;
    /* On a thread, in a transaction. returns >= 0; -errno; see above for what that does */
    int (*apply)(struct sqlite_connection *connection, struct store_op *op);
    /* On the loop, when rc is final: committed or not. It may free the operation. NULL: the caller
     * is parked, see store_write() */
    void (*finished)(struct store_op *op);
    enum store_priority priority;
    size_t n_rows; /* about how much it writes: for the size of groups */
    size_t n_bytes;
    int rc;
    struct co_event is_done;
};

struct store_worker {
    struct store *store;
    struct sqlite_connection connection;
    /* On a thread: applies a group and sets each rc. returns what its transaction came to */
    int (*run)(struct sqlite_connection *connection, struct co_list *group);
    struct co_list queues[N_STORE_PRIORITIES];
    struct co_event wake; /* something is queued, or it is to stop */
    struct co_task *task;
    bool is_stopping;
};

/* What apply() returns when what SQLite gave it is not what was once written, which is the trouble
 * of that one caller, who gets -EBADMSG. SQLite's own -EBADMSG is about the file. */
enum { STORE_DAMAGED_CONTENT = -EILSEQ };

/* Has the operation applied, and waits, whatever happens to the caller meanwhile. returns its rc */
CO_BLOCKS int store_write(struct store *store, struct store_op *op);
CO_BLOCKS int store_read_with(struct store *store, struct store_op *op);

/* The same without waiting: op->finished is called. For the writer. */
void store_submit(struct store *store, struct store_op *op);

/* Starts the task; its connection is open and prepared. returns 0, -ENOMEM */
int store_worker_start(struct store_worker *worker, struct store *store, const char *name,
                       int (*run)(struct sqlite_connection *, struct co_list *));

/* Lets it finish what is queued, and ends it; one that was not started is fine. suspends */
void store_worker_stop(struct store_worker *worker);

/* For the workers: a group in one transaction, or each operation in one snapshot. */
int sqlite_run_writes(struct sqlite_connection *connection, struct co_list *group);
int sqlite_run_reads(struct sqlite_connection *connection, struct co_list *group);

/* --- The store -------------------------------------------------------------------------------- */

/* See sqlite_space.c. */
struct store_space {
    struct co_task *task;
    struct co_event is_full;
    atomic_uint_least64_t used_bytes; /* of the database, without what is free in it */
    bool cannot_shrink;               /* the last sweep found no ended job to forget */
};

/* See sqlite_integrity.c. */
struct store_check {
    struct co_task *task;
    sqlite3 *database; /* while it is looked at */
    atomic_bool is_unwanted;
    enum store_integrity result;
};

/* See sqlite_damage.c. */
enum { STORE_DAMAGE_SAID = 64 };
struct store_damage {
    int64_t said[STORE_DAMAGE_SAID]; /* numbers of the jobs of which the log says it */
    size_t n_said;
};

struct store {
    struct store_worker writer;
    struct store_worker reader;
    struct store_stats stats;   /* as of the last group */
    int64_t next_upload;        /* key of the next upload's chunks; the loop's */
    struct co_list unabandoned; /* uploads that could not be abandoned; the loop's */
    struct ulid_source ids;     /* the writing thread's */

    /* sqlite_open.c, sqlite_health.c, sqlite_space.c, sqlite_integrity.c */
    enum store_health health;
    struct co_event health_changed;
    struct store_options options; /* path is owned */
    char *file;                   /* of the database */
    struct directory directory;
    bool is_recovered; /* the database is ours and sound, so closing it may empty its log */
    void (*forgotten)(void *arg, int64_t number); /* NULL: nobody wants to know */
    void *forgotten_arg;
    struct store_space space;
    struct store_check check;
    struct store_damage damage;
};

/* After each group of the writer, and one of the reader that failed, on the loop: what came of it,
 * 0 or -errno. Decides the health. */
void store_group_ended(struct store *store, int rc);

/* After each group, on the loop: tells of the jobs that it has forgotten. */
void store_tell_forgotten(struct store *store);

/* Between two groups: whether the writer's thread should be asked to checkpoint now, and that. */
bool store_checkpoint_is_due(struct store *store);
int store_checkpoint(struct sqlite_connection *writer);

/* Whether a job, or more of it, may be taken now: 0, -ENOSPC, -ENOBUFS, -EIO. */
int store_check_space(const struct store *store, size_t n_bytes);

/* --- What operations are made of -------------------------------------------------------------- */

/* Microseconds, or NULL for JOB_NEVER. */
void sqlite_bind_instant(sqlite3_stmt *statement, int i, int64_t instant);
int64_t sqlite_column_instant(sqlite3_stmt *statement, int i);

/* A copy of a text, owed a free(); NULL is left as it is. returns 0, -ENOMEM */
int sqlite_column_copy(sqlite3_stmt *statement, int i, char **ret_text);

/* NULL is the tenant "". */
void sqlite_bind_tenant(sqlite3_stmt *statement, int i, const char *tenant);

/* The columns of a record, in the order in which sqlite_record() reads them. */
#define JOB_COLUMNS                                                                                \
    "job.number,job.id,job.status,job.rest,job.weight,job.created_at,job.started_at,"              \
    "job.ended_at,job.expires_at,job.deadline_at,job.ttl_us,job.version,job.name,job.labels,"      \
    "job.n_items,job.tally,job.tenant,job.has_callback"
enum { N_JOB_COLUMNS = 18 };

/* Adds the pending items of such a row; those of one that is damaged nobody knows. returns 0,
 * -ENOMEM */
int sqlite_add_pending(sqlite3_stmt *statement, int64_t *n);

/* Of a callback, in the order in which sqlite_callback_read.c has them. */
#define CALLBACK_COLUMNS "id,state,url,secret_ref,payload,n_attempts,attempts,due_at"

/* Makes a record of a row that begins with JOB_COLUMNS. returns 0, -ENOMEM,
 * STORE_DAMAGED_CONTENT */
int sqlite_record(sqlite3_stmt *statement, struct job_record **ret_record);

/* The columns chunk.state and chunk.started: not to be renumbered. */
enum chunk_state {
    CHUNK_CLAIMED,
    CHUNK_RETURNED, /* ready again */
    CHUNK_SINGLE,   /* one item of a chunk that came to nothing too often, ready */
    CHUNK_SINGLE_CLAIMED,
};
enum chunk_started {
    NOT_STARTED,
    STARTED,        /* by who claims it now */
    STARTED_BEFORE, /* by somebody who then died */
};

/* The items of a tenant's jobs that have not ended. returns 0, -errno */
int sqlite_n_queued(struct sqlite_connection *connection, const char *tenant, int64_t *ret_n);

/* A row of chunk_data, in the columns of STATEMENT_CHUNK_DATA_AT; the lines are SQLite's until the
 * statement goes on. returns 0, STORE_DAMAGED_CONTENT, -ENOMEM */
int sqlite_chunk(sqlite3_stmt *statement, struct job_chunk *ret_chunk);

/* What chunk_data.crc32c is of a chunk. */
uint32_t sqlite_chunk_checksum(const struct job_chunk *chunk);

/* What is ready or claimed of a job is nobody's any more. returns 0, -errno */
int sqlite_drop_chunks(struct sqlite_connection *connection, int64_t job);

/* What a crash has left, made ready: claimed chunks are ready again, those that were started are
 * known as such, unfinished uploads are trash. In a transaction of the caller. returns 0, -errno */
int sqlite_recover(struct sqlite_connection *writer);

/* next_upload and ids go on where they were. returns 0, -errno */
int sqlite_resume_counters(struct sqlite_connection *writer);
