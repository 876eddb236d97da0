#include <errno.h>
#include <stdlib.h>

#include "daemon/base/crc32c.h"
#include "daemon/store/sqlite_callback.h"
#include "daemon/store/sqlite_keeping.h"

/* Where a result is in the commit, and where it goes. */
struct place {
    int64_t job;
    uint32_t index;
    uint32_t position;
};

enum { MAX_VARINT = 5 }; /* bytes, of 32 bits and one */

struct commit_op {
    struct store_op op;
    const struct store_commit *commit;
    struct place *places;   /* one for each result, by job and item */
    bool *is_late;          /* by position */
    unsigned char *indices; /* room for those of all results */
};

/* --- Results ---------------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->job != y->job)
        return x->job < y->job ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int compare_positions(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->position > y->position) - (x->position < y->position);
}

static int add_shape(struct sqlite_connection *connection, const struct store_result *result)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SHAPE_ADD);

    sqlite_bind(statement, result->job, result->index);
    sqlite_bind_bytes(statement, 3, result->shape, result->shape_length);
    return sqlite_run(statement);
}

static int add_body(struct sqlite_connection *connection, const struct store_result *result)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_BODY_ADD);
    int max_length = sqlite3_limit(connection->database, SQLITE_LIMIT_LENGTH, -1);

    if (result->body_length > (size_t)max_length)
        return -EMSGSIZE;
    sqlite_bind(statement, result->job, result->index);
    sqlite_bind_bytes(statement, 3, result->body, result->body_length);
    sqlite3_bind_int64(statement, 4, crc32c(result->body, result->body_length));
    return sqlite_run(statement);
}

/* The shape of a late result is kept all the same: others of this commit may name it. */
static int add_result(struct sqlite_connection *connection, const struct store_result *result,
                      bool *ret_is_late)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_RESULT_ADD);

    sqlite_bind(statement, result->job, result->index, result->outcome, result->shape_of,
                result->body != NULL);
    sqlite_bind_bytes(statement, 6, result->row, result->row_length);
    int rc = sqlite_run(statement);
    if (rc < 0)
        return rc;
    *ret_is_late = sqlite3_changes(connection->database) == 0;
    if (result->shape != NULL)
        rc = add_shape(connection, result);
    if (rc == 0 && result->body != NULL && !*ret_is_late)
        rc = add_body(connection, result);
    return rc;
}

/* returns 1, 0: it was forgotten; -errno */
static int job_exists(struct sqlite_connection *connection, int64_t job)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_JOB_EXISTS);

    sqlite_bind(statement, job);
    int rc = sqlite_next(statement);
    if (rc == 1)
        sqlite3_reset(statement);
    return rc;
}

static int add_results_of_job(struct sqlite_connection *connection, struct commit_op *op,
                              const struct place *places, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        size_t position = places[i].position;
        rc = add_result(connection, &op->commit->results[position], &op->is_late[position]);
        if (rc < 0)
            break;
        connection->pending.n_late_results += op->is_late[position];
        connection->pending.n_results += !op->is_late[position];
    }
    return rc;
}

/* How many places from this one on are of the same job. */
static size_t count_same_job(const struct place *places, size_t n)
{
    size_t i = 1;

    while (i < n && places[i].job == places[0].job)
        i++;
    return i;
}

/* Those of a job that was forgotten are nobody's. */
static int add_results(struct sqlite_connection *connection, struct commit_op *op)
{
    size_t n = op->commit->n_results, n_same;
    int rc = 0;

    for (struct place *next = op->places; n > 0 && rc >= 0; next += n_same, n -= n_same) {
        n_same = count_same_job(next, n);
        rc = job_exists(connection, next->job);
        if (rc == 1)
            rc = add_results_of_job(connection, op, next, n_same);
    }
    return rc < 0 ? rc : 0;
}

/* --- The order of completion ------------------------------------------------------------------ */

static size_t put_varint(unsigned char *out, uint64_t value)
{
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        out[n++] = (unsigned char)(value | 0x80);
    out[n++] = (unsigned char)value;
    return n;
}

/* A late result has used up a number, and stays out: its place is empty. */
static size_t encode_indices(const struct commit_op *op, const struct place *places, size_t n)
{
    size_t length = 0;

    for (size_t i = 0; i < n; i++) {
        bool is_late = op->is_late[places[i].position];
        length += put_varint(op->indices + length, is_late ? 0 : UINT64_C(1) + places[i].index);
    }
    return length;
}

static struct place *find_job(const struct commit_op *op, int64_t job, size_t *ret_n)
{
    size_t low = 0, high = op->commit->n_results;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (op->places[middle].job < job)
            low = middle + 1;
        else
            high = middle;
    }
    struct place *first = op->places + low;
    bool is_there = low < op->commit->n_results && first->job == job;
    *ret_n = is_there ? count_same_job(first, op->commit->n_results - low) : 0;
    return first;
}

static int add_completion(struct sqlite_connection *connection, struct commit_op *op,
                          const struct store_job_change *change)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_COMPLETION_ADD);
    size_t n;
    struct place *places = find_job(op, change->record->number, &n);

    if (n == 0)
        return 0;
    qsort(places, n, sizeof(*places), compare_positions);
    size_t length = encode_indices(op, places, n);
    sqlite_bind(statement, change->record->number, (int64_t)change->first_seq);
    sqlite_bind_bytes(statement, 3, op->indices, length);
    return sqlite_run(statement);
}

/* --- Chunks and records ----------------------------------------------------------------------- */

static int end_chunks(struct sqlite_connection *connection, const struct store_commit *commit)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_END);
    int rc = 0;

    for (size_t i = 0; i < commit->n_ended && rc == 0; i++) {
        sqlite_bind(statement, commit->ended[i].job, commit->ended[i].first);
        rc = sqlite_run(statement);
    }
    return rc;
}

static int run_for_job(struct sqlite_connection *connection, enum sqlite_statement_id id,
                       int64_t job)
{
    sqlite3_stmt *statement = sqlite_statement(connection, id);

    sqlite_bind(statement, job);
    return sqlite_run(statement);
}

int sqlite_drop_chunks(struct sqlite_connection *connection, int64_t job)
{
    int rc = run_for_job(connection, STATEMENT_TURN_DROP, job);

    return rc < 0 ? rc : run_for_job(connection, STATEMENT_CHUNKS_DROP, job);
}

static int write_record(struct sqlite_connection *connection, const struct store_job_change *change)
{
    const struct job_record *record = change->record;
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_JOB_CHANGE);

    sqlite_bind(statement, record->number, record->status, record->rest, (int64_t)record->version);
    sqlite_bind_instant(statement, 5, record->started_at);
    sqlite_bind_instant(statement, 6, record->ended_at);
    sqlite_bind_instant(statement, 7, record->expires_at);
    if (change->tally != NULL)
        sqlite_bind_bytes(statement, 8, change->tally, change->tally_length);
    else
        sqlite3_bind_null(statement, 8);
    return sqlite_run(statement);
}

static int change_job(struct sqlite_connection *connection, struct commit_op *op,
                      const struct store_job_change *change)
{
    int rc = write_record(connection, change);

    if (rc < 0 || sqlite3_changes(connection->database) == 0)
        return rc;
    rc = add_completion(connection, op, change);
    if (rc == 0 && change->callback != NULL)
        rc = sqlite_callback_begin(connection, change);
    if (rc == 0 && change->drops_chunks)
        rc = sqlite_drop_chunks(connection, change->record->number);
    if (rc == 0 && change->forgets)
        rc = sqlite_delete(connection, change->record->number);
    return rc;
}

/* --- The operation ---------------------------------------------------------------------------- */

static void sort_places(struct commit_op *op)
{
    const struct store_commit *commit = op->commit;

    for (size_t i = 0; i < commit->n_results; i++)
        op->places[i] = (struct place){
            .job = commit->results[i].job,
            .index = commit->results[i].index,
            .position = (uint32_t)i,
        };
    qsort(op->places, commit->n_results, sizeof(*op->places), compare_places);
}

static int apply_commit(struct sqlite_connection *connection, struct store_op *op)
{
    struct commit_op *commit_op = co_container_of(op, struct commit_op, op);
    const struct store_commit *commit = commit_op->commit;

    sort_places(commit_op);
    int rc = add_results(connection, commit_op);
    if (rc == 0)
        rc = end_chunks(connection, commit);
    for (size_t i = 0; i < commit->n_changes && rc == 0; i++)
        rc = change_job(connection, commit_op, &commit->changes[i]);
    return rc;
}

static size_t count_bytes(const struct store_commit *commit)
{
    size_t n = 0;

    for (size_t i = 0; i < commit->n_results; i++) {
        const struct store_result *result = &commit->results[i];
        n += result->row_length + result->body_length + result->shape_length;
    }
    for (size_t i = 0; i < commit->n_changes; i++)
        n += commit->changes[i].callback_length;
    return n;
}

/* One block for what all results need. */
static int make_room(struct commit_op *op)
{
    size_t n = op->commit->n_results;
    size_t size = n * (sizeof(*op->places) + sizeof(*op->is_late) + MAX_VARINT);

    op->places = malloc(size > 0 ? size : 1);
    if (op->places == NULL)
        return -ENOMEM;
    op->is_late = (bool *)(op->places + n);
    op->indices = (unsigned char *)(op->is_late + n);
    return 0;
}

int store_commit(struct store *store, const struct store_commit *commit)
{
    struct commit_op op = {
        .op =
            {
                .apply = apply_commit,
                .priority = STORE_RESULTS,
                .n_rows = commit->n_results + commit->n_ended + commit->n_changes,
                .n_bytes = count_bytes(commit),
            },
        .commit = commit,
    };

    int rc = make_room(&op);
    if (rc == 0)
        rc = store_write(store, &op.op);
    free(op.places);
    return rc;
}
