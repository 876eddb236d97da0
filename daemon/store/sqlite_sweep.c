/* Keeping house, a little at a time: no transaction gets long by it.
 *
 * What is used counts against store.max_bytes, and a job's space comes back only as its rows are
 * deleted; so no other job has to go as long as there is trash. Nor for an upload, which may never
 * be accepted.
 */
#include <errno.h>

#include "daemon/store/sqlite_callback.h"
#include "daemon/store/sqlite_keeping.h"

enum {
    FORGOTTEN_MAX = 64,    /* jobs at a time */
    SLICE_BYTES = 2 << 20, /* are deleted at a time, and one row more, */
    ROW_BYTES = 400,       /* where this is what any row is as much work as, besides its own */
    FREE_PAGES_MIN = 256,  /* are kept for what comes next, and a part of all: */
    FREE_PAGES_PART = 8,
};

struct sweep_op {
    struct store_op op;
    int64_t now;
    bool is_tight; /* the disk is full: every free page is given back */
    bool has_more; /* to do now */
    bool cannot_shrink;
    int64_t next_expiry;
};

static struct sweep_op *sweep_of(struct store_op *op)
{
    return co_container_of(op, struct sweep_op, op);
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static int forget_expired(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    for (int i = 0; i < FORGOTTEN_MAX; i++) {
        int rc = sqlite_forget_expired(writer, sweep->now);
        if (rc <= 0)
            return rc;
    }
    sweep->has_more = true;
    return 0;
}

static int forget_callbacks(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    return sqlite_callback_sweep(writer, sweep->now);
}

static int forget_too_many(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    for (int i = 0; sqlite_n_jobs(writer) > writer->store->options.max_jobs; i++) {
        if (i == FORGOTTEN_MAX) {
            sweep->has_more = true;
            return 0;
        }
        int rc = sqlite_forget_ended(writer);
        if (rc <= 0)
            return rc;
    }
    return 0;
}

static uint64_t job_bytes(const struct sqlite_connection *writer)
{
    uint64_t used = atomic_load(&writer->store->space.used_bytes);
    uint64_t uploads = sqlite_upload_bytes(writer);

    return used > uploads ? used - uploads : 0;
}

static int forget_too_large(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    int rc = sqlite_measure(writer);

    if (rc < 0 || sweep->has_more || job_bytes(writer) <= writer->store->options.max_bytes)
        return rc;
    rc = sqlite_forget_ended(writer);
    if (rc < 0)
        return rc;
    sweep->has_more = rc > 0;
    sweep->cannot_shrink = rc == 0;
    return 0;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* What a job leaves behind. */
static const struct {
    enum sqlite_statement_id left, delete;
    bool is_by_upload;
} leftovers[] = {
    {STATEMENT_LEFT_RESULTS, STATEMENT_DELETE_RESULTS, false},
    {STATEMENT_LEFT_SHAPES, STATEMENT_DELETE_SHAPES, false},
    {STATEMENT_LEFT_BODIES, STATEMENT_DELETE_BODIES, false},
    {STATEMENT_LEFT_COMPLETIONS, STATEMENT_DELETE_COMPLETIONS, false},
    {STATEMENT_LEFT_HEADS, STATEMENT_DELETE_HEADS, false},
    {STATEMENT_LEFT_CHUNK_DATA, STATEMENT_DELETE_CHUNK_DATA, true},
};

struct trash {
    int64_t upload, job;
};

/* returns 1; 0: there is none; -errno */
static int next_trash(struct sqlite_connection *writer, struct trash *ret_trash)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_NEXT_TRASH);
    int rc = sqlite_next(statement);

    if (rc == 1) {
        *ret_trash = (struct trash){.upload = sqlite3_column_int64(statement, 0),
                                    .job = sqlite3_column_int64(statement, 1)};
        sqlite3_reset(statement);
    }
    return rc;
}

/* Which rows may be deleted now: those up to *ret_last. returns 1: that is all there are; 0; -errno
 */
static int find_rows(sqlite3_stmt *statement, int64_t owner, int64_t *n_bytes, int64_t *ret_last)
{
    int rc;

    sqlite_bind(statement, owner);
    while ((rc = sqlite_next(statement)) == 1) {
        if (*n_bytes <= 0) {
            sqlite3_reset(statement);
            return 0;
        }
        *ret_last = sqlite3_column_int64(statement, 0);
        *n_bytes -= ROW_BYTES + sqlite3_column_int64(statement, 1);
    }
    return rc < 0 ? rc : 1;
}

/* Deletes as much as is left to delete now. returns 1: all are gone; 0; -errno */
static int delete_rows(struct sqlite_connection *writer, const struct trash *trash, size_t table,
                       int64_t *n_bytes)
{
    sqlite3_stmt *statement = sqlite_statement(writer, leftovers[table].delete);
    int64_t owner = leftovers[table].is_by_upload ? trash->upload : trash->job;
    int64_t last = -1;

    int are_all = find_rows(sqlite_statement(writer, leftovers[table].left), owner, n_bytes, &last);
    if (are_all < 0 || last < 0)
        return are_all;
    sqlite_bind(statement, owner, last);
    int rc = sqlite_run(statement);
    return rc < 0 ? rc : are_all;
}

static int delete_one(struct sqlite_connection *writer, const struct trash *trash, int64_t *n_bytes)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_TRASH_IS_GONE);

    for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++) {
        int rc = delete_rows(writer, trash, i, n_bytes);
        if (rc <= 0)
            return rc;
    }
    *n_bytes -= ROW_BYTES;
    sqlite_bind(statement, trash->upload);
    return sqlite_run(statement);
}

static int delete_slice(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    int64_t n_bytes = SLICE_BYTES;
    struct trash trash = {0};
    int rc;

    while ((rc = next_trash(writer, &trash)) > 0) {
        if (n_bytes <= 0) {
            sweep->has_more = true;
            return 0;
        }
        rc = delete_one(writer, &trash, &n_bytes);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* --- Pages ------------------------------------------------------------------------------------ */

static int count_pages(struct sqlite_connection *writer, int64_t *ret_n, int64_t *ret_n_free)
{
    int rc = sqlite_get(sqlite_statement(writer, STATEMENT_N_PAGES), ret_n);

    if (rc > 0)
        rc = sqlite_get(sqlite_statement(writer, STATEMENT_N_FREE_PAGES), ret_n_free);
    return rc < 0 ? rc : 0;
}

int sqlite_measure(struct sqlite_connection *writer)
{
    int64_t n_pages = 0, n_free = 0;
    int rc = count_pages(writer, &n_pages, &n_free);

    if (rc == 0)
        atomic_store(&writer->store->space.used_bytes,
                     (uint64_t)(n_pages - n_free) * SQLITE_PAGE_BYTES);
    return rc;
}

uint64_t sqlite_upload_bytes(const struct sqlite_connection *writer)
{
    return (uint64_t)(writer->counts.upload_bytes + writer->pending.upload_bytes);
}

int sqlite_can_shrink(struct sqlite_connection *writer)
{
    int64_t ignored;
    int rc = sqlite_get(sqlite_statement(writer, STATEMENT_NEXT_TRASH), &ignored);

    return rc != 0 ? rc : sqlite_get(sqlite_statement(writer, STATEMENT_OLDEST_ENDED), &ignored);
}

static bool are_too_many(const struct sweep_op *sweep, int64_t n_pages, int64_t n_free)
{
    if (sweep->is_tight)
        return n_free > 0;
    return n_free > FREE_PAGES_MIN + n_pages / FREE_PAGES_PART;
}

/* Last, when it is known what is free. */
static int give_back_pages(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_VACUUM_SLICE);
    int64_t n_pages = 0, n_free = 0;
    int rc = count_pages(writer, &n_pages, &n_free);

    if (rc < 0 || sweep->has_more || !are_too_many(sweep, n_pages, n_free))
        return rc;
    while ((rc = sqlite_next(statement)) > 0)
        continue;
    sweep->has_more = true;
    return rc;
}

/* --- The operation ---------------------------------------------------------------------------- */

static int find_next_expiry(struct sqlite_connection *writer, struct sweep_op *sweep)
{
    int rc = sqlite_get(sqlite_statement(writer, STATEMENT_NEXT_EXPIRY), &sweep->next_expiry);

    return rc < 0 ? rc : 0;
}

static int apply_sweep(struct sqlite_connection *writer, struct store_op *op)
{
    static int (*const steps[])(struct sqlite_connection *, struct sweep_op *) = {
        forget_expired,   forget_callbacks, forget_too_many,  delete_slice,
        forget_too_large, give_back_pages,  find_next_expiry,
    };
    struct sweep_op *sweep = sweep_of(op);

    sweep->has_more = sweep->cannot_shrink = false;
    sweep->next_expiry = JOB_NEVER;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        int rc = steps[i](writer, sweep);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int store_sweep(struct store *store, int64_t now, int64_t *ret_next)
{
    struct sweep_op sweep = {
        .op = {.apply = apply_sweep, .priority = STORE_KEEPING, .n_bytes = SLICE_BYTES},
        .now = now,
        .is_tight = store->health == STORE_FULL,
    };
    store_abandon_again(store);
    int rc = store_write(store, &sweep.op);

    if (rc < 0)
        return rc;
    store->space.cannot_shrink = sweep.cannot_shrink;
    *ret_next = sweep.has_more ? now : sweep.next_expiry;
    return 0;
}

/* --- Deadlines -------------------------------------------------------------------------------- */

struct overdue_op {
    struct store_op op;
    int64_t now;
    size_t max;
    int64_t *numbers;
    int64_t next;
};

static int apply_overdue(struct sqlite_connection *reader, struct store_op *op)
{
    struct overdue_op *overdue = co_container_of(op, struct overdue_op, op);
    sqlite3_stmt *statement = sqlite_statement(reader, STATEMENT_DEADLINES);
    int n = 0, rc;

    overdue->next = JOB_NEVER;
    sqlite_bind(statement, (int64_t)overdue->max + 1);
    while ((rc = sqlite_next(statement)) > 0) {
        int64_t deadline = sqlite3_column_int64(statement, 1);
        if (deadline > overdue->now || n == (int)overdue->max) {
            overdue->next = deadline;
            sqlite3_reset(statement);
            break;
        }
        overdue->numbers[n++] = sqlite3_column_int64(statement, 0);
    }
    return rc < 0 ? rc : n;
}

int store_overdue(struct store *store, int64_t now, size_t max, int64_t *ret_numbers,
                  int64_t *ret_next)
{
    struct overdue_op overdue = {
        .op = {.apply = apply_overdue}, .now = now, .max = max, .numbers = ret_numbers};
    int rc = store_read_with(store, &overdue.op);

    if (rc >= 0)
        *ret_next = overdue.next;
    return rc;
}
