#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sqlite_private.h"

/* A job's chunks are STRIDE / weight apart from each other. */
enum { STRIDE = 1 << 20 };

/* Lines in one call of store_claim(), but for the last chunk. */
enum { CLAIM_BYTES = 16 << 20 };

/* A row of `turn`, and what is needed of its job. */
struct turn {
    int64_t pass;
    int64_t job;
    uint32_t next;
    int64_t upload;
    int64_t weight;
    uint32_t n_items;
};

/* A row of `chunk`. */
struct queued {
    int64_t job;
    uint32_t first;
    uint32_t n_items;
    uint32_t data;
    unsigned tries;
    unsigned n_results;
    enum chunk_started started;
};

struct claim_op {
    struct store_op op;
    const int64_t *busy;
    size_t n_busy;
    size_t max;
    int64_t job; /* only chunks of this one that were started; 0: any */
    size_t n_bytes;
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
    return op->claims->n_claims == op->max || op->n_bytes >= CLAIM_BYTES;
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

/* Damaged lines are not given; which items they were is known from the queue. */
static int fill_chunk(struct sqlite_connection *connection, struct claim_op *op, int64_t upload,
                      const struct queued *queued, struct store_claim *claim)
{
    int rc = read_chunk(connection, upload, queued->data, &op->claims->arena, &claim->chunk);

    claim->is_damaged = rc == STORE_DAMAGED_CONTENT;
    if (claim->is_damaged) {
        claim->chunk = (struct job_chunk){.first = queued->first, .n_items = queued->n_items};
        return 0;
    }
    op->n_bytes += claim->chunk.length;
    return rc;
}

/* returns how many items have a result; -errno */
static int mark_results(struct sqlite_connection *connection, int64_t job,
                        const struct job_chunk *chunk, uint64_t *has_result)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_RESULTS_BETWEEN);
    int n = 0, rc;

    sqlite_bind(statement, job, chunk->first, (int64_t)chunk->first + chunk->n_items);
    while ((rc = sqlite_next(statement)) == 1) {
        uint32_t i = (uint32_t)sqlite3_column_int64(statement, 0) - chunk->first;
        has_result[i / 64] |= UINT64_C(1) << i % 64;
        n++;
    }
    return rc < 0 ? rc : n;
}

static int add_claim(struct sqlite_connection *connection, struct claim_op *op, int64_t upload,
                     const struct queued *queued)
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
        rc = mark_results(connection, queued->job, &claim->chunk, claim->has_result);
    if (rc < 0)
        return rc;
    op->claims->n_claims++;
    return 0;
}

/* --- Rows of the queue ------------------------------------------------------------------------ */

/* returns 1, -EBADMSG */
static int read_queued(sqlite3_stmt *statement, struct queued *ret_queued)
{
    *ret_queued = (struct queued){
        .job = sqlite3_column_int64(statement, 0),
        .first = (uint32_t)sqlite3_column_int64(statement, 1),
        .n_items = (uint32_t)sqlite3_column_int64(statement, 2),
        .data = (uint32_t)sqlite3_column_int64(statement, 3),
        .tries = (unsigned)sqlite3_column_int64(statement, 4),
        .n_results = (unsigned)sqlite3_column_int64(statement, 5),
        .started = (enum chunk_started)sqlite3_column_int(statement, 6),
    };
    sqlite3_reset(statement);
    return ret_queued->n_items <= CHUNK_ITEMS ? 1 : -EBADMSG;
}

static int add_queued(struct sqlite_connection *connection, const struct queued *queued,
                      enum chunk_state state)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_ADD);

    sqlite_bind(statement, queued->job, queued->first, queued->n_items, queued->data, state,
                queued->tries, queued->n_results, queued->started);
    return sqlite_run(statement);
}

static int claim_queued(struct sqlite_connection *connection, const struct queued *queued,
                        enum chunk_state state)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_CLAIM);

    sqlite_bind(statement, queued->job, queued->first, state, queued->tries, queued->n_results);
    return sqlite_run(statement);
}

static int drop_queued(struct sqlite_connection *connection, const struct queued *queued)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_END);

    sqlite_bind(statement, queued->job, queued->first);
    return sqlite_run(statement);
}

/* --- Chunks that come to nothing -------------------------------------------------------------- */

/* One of its items may be what kills who claims it; so from now on they are claimed one at a time.
 * Those that have a result need no more. */
static int split(struct sqlite_connection *connection, const struct queued *queued,
                 const uint64_t *has_result)
{
    struct queued single = *queued;
    int rc = drop_queued(connection, queued);

    single.n_items = 1;
    single.n_results = 0;
    for (uint32_t i = 0; i < queued->n_items && rc == 0; i++) {
        if ((has_result[i / 64] >> i % 64 & 1) != 0)
            continue;
        single.first = queued->first + i;
        rc = add_queued(connection, &single, CHUNK_SINGLE);
    }
    return rc;
}

/* Counts this try; results since the last one begin a new count. returns 0; 1: it was one too many,
 * and the chunk is in pieces now; -errno */
static int count_try(struct sqlite_connection *connection, struct queued *queued)
{
    const struct job_chunk items = {.first = queued->first, .n_items = queued->n_items};
    uint64_t has_result[CHUNK_ITEMS / 64] = {0};

    int n_results = mark_results(connection, queued->job, &items, has_result);
    if (n_results < 0)
        return n_results;
    if ((unsigned)n_results > queued->n_results)
        queued->tries = 0;
    queued->n_results = (unsigned)n_results;
    if (queued->tries >= STORE_TRIES_BEFORE_SPLIT) {
        int rc = split(connection, queued, has_result);
        return rc < 0 ? rc : 1;
    }
    queued->tries++;
    return 0;
}

/* --- Claiming in turn ------------------------------------------------------------------------- */

/* The next turn after this one in order. returns 1; 0: there is none; -errno */
static int next_turn(struct sqlite_connection *connection, struct turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_AFTER);

    sqlite_bind(statement, turn->pass, turn->job);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    *turn = (struct turn){
        .pass = sqlite3_column_int64(statement, 0),
        .job = sqlite3_column_int64(statement, 1),
        .next = (uint32_t)sqlite3_column_int64(statement, 2),
        .upload = sqlite3_column_int64(statement, 3),
        .weight = sqlite3_column_int64(statement, 4),
        .n_items = (uint32_t)sqlite3_column_int64(statement, 5),
    };
    sqlite3_reset(statement);
    return 1;
}

/* The first chunk of the job that was given back and may be claimed whole. returns 1, 0: there is
 * none; -errno */
static int take_returned(struct sqlite_connection *connection, int64_t job,
                         struct queued *ret_queued)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_RETURNED);

    for (;;) {
        sqlite_bind(statement, CHUNK_RETURNED, job);
        int rc = sqlite_next(statement);
        if (rc == 1)
            rc = read_queued(statement, ret_queued);
        if (rc < 1)
            return rc;
        rc = count_try(connection, ret_queued);
        if (rc == 0)
            rc = claim_queued(connection, ret_queued, CHUNK_CLAIMED);
        else if (rc == 1)
            continue;
        return rc < 0 ? rc : 1;
    }
}

/* How many items the chunk has that is next. If it is not there, those before the one that is, as
 * far as a chunk can have them. returns that; -errno */
static int count_next(struct sqlite_connection *connection, const struct turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_AT);
    int64_t n = (int64_t)turn->n_items - turn->next;

    sqlite_bind(statement, turn->upload, turn->next);
    int rc = sqlite_next(statement);
    if (rc == 1) {
        int64_t first = sqlite3_column_int64(statement, 0);
        n = first > turn->next ? first - turn->next : sqlite3_column_int64(statement, 1);
        sqlite3_reset(statement);
    }
    return rc < 0 ? rc : n < 1 ? 1 : n > CHUNK_ITEMS ? CHUNK_ITEMS : (int)n;
}

/* The next chunk of the job that was never claimed. returns as take_returned() */
static int take_next(struct sqlite_connection *connection, struct turn *turn,
                     struct queued *ret_queued)
{
    if (turn->next >= turn->n_items)
        return 0;
    int n_items = count_next(connection, turn);
    if (n_items < 0)
        return n_items;
    *ret_queued = (struct queued){
        .job = turn->job,
        .first = turn->next,
        .n_items = (uint32_t)n_items,
        .data = turn->next,
        .tries = 1,
    };
    turn->next += (uint32_t)n_items;
    int rc = add_queued(connection, ret_queued, CHUNK_CLAIMED);
    return rc < 0 ? rc : 1;
}

static int drop_turn(struct sqlite_connection *connection, const struct turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_DROP);

    sqlite_bind(statement, turn->job);
    return sqlite_run(statement);
}

static int put_turn(struct sqlite_connection *connection, const struct turn *turn)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_PUT);

    sqlite_bind(statement, turn->job, turn->pass + STRIDE / turn->weight, turn->next);
    return sqlite_run(statement);
}

/* A chunk of the job whose turn it is. One that has come back goes before one that was never
 * claimed; after the last of these the job has no turn until one comes back. */
static int claim_in_turn(struct sqlite_connection *connection, struct claim_op *op,
                         struct turn *turn)
{
    struct queued queued;

    int rc = take_returned(connection, turn->job, &queued);
    bool may_have_more = rc == 1;
    if (rc == 0)
        rc = take_next(connection, turn, &queued);
    if (rc == 1)
        rc = add_claim(connection, op, turn->upload, &queued);
    if (rc < 0)
        return rc;
    may_have_more = may_have_more || turn->next < turn->n_items;
    return may_have_more ? put_turn(connection, turn) : drop_turn(connection, turn);
}

/* What is claimed goes back in line behind where it was, so one pass over the turns is all. */
static int claim_turns(struct sqlite_connection *connection, struct claim_op *op)
{
    struct turn turn = {.pass = -1};
    int rc = 0;

    while (rc == 0 && !is_enough(op) && (rc = next_turn(connection, &turn)) == 1)
        rc = is_busy(op, turn.job) ? 0 : claim_in_turn(connection, op, &turn);
    return rc;
}

/* --- Claiming singles ------------------------------------------------------------------------- */

/* The first row in that state of a job after `after`. returns 1, 0, -errno */
static int find_single(struct sqlite_connection *connection, enum chunk_state state, int64_t after,
                       struct queued *ret_queued)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_SINGLE);

    sqlite_bind(statement, state, after);
    int rc = sqlite_next(statement);
    return rc == 1 ? read_queued(statement, ret_queued) : rc;
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
                             struct queued *queued)
{
    int64_t upload = 0;

    queued->tries++;
    int rc = claim_queued(connection, queued, CHUNK_SINGLE_CLAIMED);
    if (rc == 0)
        rc = get_upload(connection, queued->job, &upload);
    if (rc == 1)
        return add_claim(connection, op, upload, queued);
    return rc < 0 ? rc : -EBADMSG; /* with a job goes all of its queue */
}

/* Only one at a time, of all jobs: if it kills us again we know which it was. */
static int claim_single(struct sqlite_connection *connection, struct claim_op *op)
{
    struct queued queued;
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
    struct queued queued;

    sqlite_bind(statement, op->job, STARTED_BEFORE);
    int rc = sqlite_next(statement);
    if (rc == 1)
        rc = read_queued(statement, &queued);
    if (rc < 1)
        return rc;
    rc = claim_queued(connection, &queued, CHUNK_CLAIMED);
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
    op->n_bytes = 0;
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

int store_claim(struct store *store, size_t max, const int64_t *busy, size_t n_busy,
                struct store_claims *ret_claims)
{
    struct claim_op claim = {.busy = busy, .n_busy = n_busy, .max = max, .claims = ret_claims};

    return run_claim(store, &claim);
}

int store_claim_started(struct store *store, int64_t job, size_t max,
                        struct store_claims *ret_claims)
{
    struct claim_op claim = {.job = job, .max = max, .claims = ret_claims};

    return run_claim(store, &claim);
}

void store_claims_done(struct store_claims *claims)
{
    arena_done(&claims->arena);
    *claims = (struct store_claims){0};
}
