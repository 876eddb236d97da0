/* Claiming: what is given of a chunk, and which chunks those are: some in turn (sqlite_turn.c), one
 * of those that are in pieces, or all that were started. What becomes of the queue is in
 * sqlite_queue.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sqlite_claim.h"

/* Lines in one call of store_claim(), but for the last chunk. */
enum { CLAIM_BYTES = 16 << 20 };

struct claim_op {
    struct store_op op;
    const int64_t *busy;
    size_t n_busy;
    size_t max, max_items;
    int64_t job; /* only chunks of this one that were started; 0: any */
    size_t n_items, n_bytes;
    struct store_claims *claims;
};

static int compare_jobs(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool is_busy(const struct claim_op *op, int64_t job)
{
    return op->n_busy > 0 && bsearch(&job, op->busy, op->n_busy, sizeof(job), compare_jobs) != NULL;
}

static bool is_enough(const struct claim_op *op)
{
    return op->claims->n_claims == op->max || op->n_items >= op->max_items ||
           op->n_bytes >= CLAIM_BYTES;
}

/* --- What is given of a chunk ----------------------------------------------------------------- */

/* returns 0; STORE_DAMAGED_CONTENT: it is damaged, and chunk has as much of it as is known */
static int read_chunk(struct sqlite_connection *connection, int64_t upload, uint32_t first,
                      struct arena *arena, struct job_chunk *ret_chunk)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_AT);

    sqlite_bind(statement, upload, first);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc < 0 ? rc : STORE_DAMAGED_CONTENT;
    rc = sqlite_chunk(statement, ret_chunk);
    if (rc == 0 && ret_chunk->first == first) {
        ret_chunk->lines = arena_copy(arena, ret_chunk->lines, ret_chunk->length);
        rc = ret_chunk->lines != NULL ? 0 : -ENOMEM;
    } else if (rc == 0) {
        rc = STORE_DAMAGED_CONTENT;
    }
    sqlite3_reset(statement);
    return rc;
}

/* Whether the items that are queued are in the chunk that they are said to be in. */
static bool are_in(const struct sqlite_queued *queued, const struct job_chunk *chunk)
{
    return queued->first >= chunk->first && queued->first - chunk->first <= chunk->n_items &&
           queued->n_items <= chunk->n_items - (queued->first - chunk->first);
}

/* Damaged lines are not given; which items they were is known from the queue. */
static int fill_chunk(struct sqlite_connection *connection, struct claim_op *op, int64_t upload,
                      const struct sqlite_queued *queued, struct store_claim *claim)
{
    int rc = read_chunk(connection, upload, queued->data, &op->claims->arena, &claim->chunk);

    claim->is_damaged = rc == STORE_DAMAGED_CONTENT || (rc == 0 && !are_in(queued, &claim->chunk));
    if (claim->is_damaged) {
        claim->chunk = (struct job_chunk){.first = queued->first, .n_items = queued->n_items};
        return 0;
    }
    op->n_bytes += claim->chunk.length;
    return rc;
}

static int add_claim(struct sqlite_connection *connection, struct claim_op *op, int64_t upload,
                     const struct sqlite_queued *queued)
{
    struct store_claim *claim = &op->claims->claims[op->claims->n_claims];

    *claim = (struct store_claim){
        .job = queued->job,
        .first = queued->first,
        .n_items = queued->n_items,
        .n_tries = queued->tries,
        .was_started = queued->started == STARTED_BEFORE,
    };
    int rc = fill_chunk(connection, op, upload, queued, claim);
    if (rc == 0)
        rc = sqlite_queue_mark_results(connection, queued->job, &claim->chunk, claim->has_result);
    if (rc < 0)
        return rc;
    op->claims->n_claims++;
    op->n_items += queued->n_items;
    return 0;
}

/* --- Claiming in turn ------------------------------------------------------------------------- */

/* A chunk of the job whose turn it is. One that has come back goes before one that was never
 * claimed; after the last of these the job has no turn until one comes back. */
static int claim_in_turn(struct sqlite_connection *connection, struct claim_op *op,
                         struct sqlite_turn *turn)
{
    struct sqlite_queued queued = {0};

    int rc = sqlite_turn_take_returned(connection, turn->job, &queued);
    bool may_have_more = rc == 1;
    if (rc == 0)
        rc = sqlite_turn_take_next(connection, turn, &queued);
    if (rc == 1)
        rc = add_claim(connection, op, turn->upload, &queued);
    if (rc < 0)
        return rc;
    may_have_more = may_have_more || turn->next < turn->n_items;
    return may_have_more ? sqlite_turn_put(connection, turn) : sqlite_turn_drop(connection, turn);
}

/* What is claimed goes back in line behind where it was, so one pass over the turns is all. */
static int claim_turns(struct sqlite_connection *connection, struct claim_op *op)
{
    struct sqlite_turn turn = {.pass = -1};
    int rc = 0;

    while (rc == 0 && !is_enough(op) && (rc = sqlite_turn_next(connection, &turn)) == 1)
        rc = is_busy(op, turn.job) ? 0 : claim_in_turn(connection, op, &turn);
    return rc;
}

/* --- Claiming singles ------------------------------------------------------------------------- */

/* The first row in that state of a job after `after`. returns 1, 0, -errno */
static int find_single(struct sqlite_connection *connection, enum chunk_state state, int64_t after,
                       struct sqlite_queued *ret_queued)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_SINGLE);

    sqlite_bind(statement, state, after);
    int rc = sqlite_next(statement);
    return rc == 1 ? sqlite_queue_read(statement, ret_queued) : rc;
}

/* returns 1; 0: there is no such job; -errno */
static int get_upload(struct sqlite_connection *connection, int64_t job, int64_t *ret_upload)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_UPLOAD_OF_JOB);

    sqlite_bind(statement, job);
    int rc = sqlite_next(statement);
    if (rc == 1) {
        *ret_upload = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return rc;
}

static int claim_this_single(struct sqlite_connection *connection, struct claim_op *op,
                             struct sqlite_queued *queued)
{
    int64_t upload = 0;

    queued->tries++;
    int rc = sqlite_queue_claim(connection, queued, CHUNK_SINGLE_CLAIMED);
    if (rc == 0)
        rc = get_upload(connection, queued->job, &upload);
    if (rc == 1)
        return add_claim(connection, op, upload, queued);
    return rc < 0 ? rc : -EBADMSG; /* with a job goes all of its queue */
}

/* Only one at a time, of all jobs: if it kills us again we know which it was. */
static int claim_single(struct sqlite_connection *connection, struct claim_op *op)
{
    struct sqlite_queued queued = {0};
    int64_t after = 0;

    if (is_enough(op))
        return 0;
    int rc = find_single(connection, CHUNK_SINGLE_CLAIMED, 0, &queued);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    while ((rc = find_single(connection, CHUNK_SINGLE, after, &queued)) == 1) {
        if (!is_busy(op, queued.job))
            return claim_this_single(connection, op, &queued);
        after = queued.job;
    }
    return rc;
}

/* --- Claiming what was started ---------------------------------------------------------------- */

/* returns 1; 0: there is none; -errno */
static int claim_next_started(struct sqlite_connection *connection, struct claim_op *op,
                              int64_t upload)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_STARTED);
    struct sqlite_queued queued = {0};

    sqlite_bind(statement, op->job, STARTED_BEFORE);
    int rc = sqlite_next(statement);
    if (rc == 1)
        rc = sqlite_queue_read(statement, &queued);
    if (rc < 1)
        return rc;
    rc = sqlite_queue_claim(connection, &queued, CHUNK_CLAIMED);
    if (rc == 0)
        rc = add_claim(connection, op, upload, &queued);
    return rc < 0 ? rc : 1;
}

/* The job may have been forgotten since its run was stopped. */
static int claim_started(struct sqlite_connection *connection, struct claim_op *op)
{
    int64_t upload = 0;
    int rc = get_upload(connection, op->job, &upload);

    while (rc == 1 && !is_enough(op))
        rc = claim_next_started(connection, op, upload);
    return rc < 0 ? rc : 0;
}

/* --- The operation ---------------------------------------------------------------------------- */

static int begin_claims(struct claim_op *op)
{
    struct store_claims *claims = op->claims;

    arena_done(&claims->arena);
    claims->n_claims = 0;
    op->n_items = op->n_bytes = 0;
    claims->claims = arena_calloc(&claims->arena, op->max, sizeof(*claims->claims));
    return claims->claims != NULL ? 0 : -ENOMEM;
}

static int claim_ready(struct sqlite_connection *connection, struct claim_op *claim)
{
    int rc = claim_single(connection, claim);

    if (rc == 0)
        rc = claim_turns(connection, claim);
    if (rc == 0)
        rc = claim_single(connection, claim); /* of a chunk that has just been split */
    return rc;
}

static int apply_claim(struct sqlite_connection *connection, struct store_op *op)
{
    struct claim_op *claim = co_container_of(op, struct claim_op, op);
    int rc = begin_claims(claim);

    if (rc < 0)
        return rc;
    return claim->job != 0 ? claim_started(connection, claim) : claim_ready(connection, claim);
}

static CO_BLOCKS int run_claim(struct store *store, struct claim_op *claim)
{
    claim->op =
        (struct store_op){.apply = apply_claim, .priority = STORE_CLAIMS, .n_rows = 2 * claim->max};
    *claim->claims = (struct store_claims){0};
    arena_init(&claim->claims->arena, PTRDIFF_MAX);
    int rc = store_write(store, &claim->op);
    if (rc < 0)
        claim->claims->n_claims = 0;
    return rc;
}

int store_claim(struct store *store, size_t max, size_t max_items, const int64_t *busy,
                size_t n_busy, struct store_claims *ret_claims)
{
    struct claim_op claim = {
        .busy = busy, .n_busy = n_busy, .max = max, .max_items = max_items, .claims = ret_claims};

    return run_claim(store, &claim);
}

int store_claim_started(struct store *store, int64_t job, size_t max,
                        struct store_claims *ret_claims)
{
    struct claim_op claim = {.job = job, .max = max, .max_items = SIZE_MAX, .claims = ret_claims};

    return run_claim(store, &claim);
}

void store_claims_done(struct store_claims *claims)
{
    arena_done(&claims->arena);
    *claims = (struct store_claims){0};
}
