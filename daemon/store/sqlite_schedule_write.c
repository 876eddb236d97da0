/* Making schedules and forgetting them, and writing what becomes of their runs. */
#include <errno.h>
#include <string.h>

#include "daemon/store/sqlite_schedule.h"

/* returns 0: a row was changed; -ENOENT; -errno */
static int change_one(struct sqlite_connection *connection, sqlite3_stmt *statement)
{
    int rc = sqlite_run(statement);

    return rc == 0 && sqlite3_changes(connection->database) == 0 ? -ENOENT : rc;
}

static CO_BLOCKS int write_now(struct store *store, struct store_op *op,
                               int (*apply)(struct sqlite_connection *, struct store_op *))
{
    op->apply = apply;
    op->priority = STORE_ACCEPTS;
    op->n_rows = 4;
    return store_write(store, op);
}

/* --- Schedules -------------------------------------------------------------------------------- */

enum { TOO_MANY = 1 };

struct add_op {
    struct store_op op;
    struct schedule *schedule;
    const struct store_schedule_document *document;
    uint64_t max;
};

/* returns 0: there is none; -EEXIST; -errno */
static int look_for_key(struct sqlite_connection *connection, const struct add_op *add)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_OF_KEY);

    if (add->document->key == NULL)
        return 0;
    sqlite_bind_string(statement, 1, add->document->key);
    sqlite_bind_tenant(statement, 2, add->schedule->tenant);
    int rc = sqlite_next(statement);
    if (rc == 1)
        sqlite3_reset(statement);
    return rc == 1 ? -EEXIST : rc;
}

/* returns 0, TOO_MANY, -errno */
static int check_number(struct sqlite_connection *connection, const struct add_op *add)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_N_SCHEDULES_OF);

    sqlite_bind_tenant(statement, 1, add->schedule->tenant);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    uint64_t n = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return n >= add->max ? TOO_MANY : 0;
}

static int write_schedule(struct sqlite_connection *connection, const struct add_op *add)
{
    const struct store_schedule_document *document = add->document;
    struct schedule *schedule = add->schedule;
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_ADD);

    memcpy(schedule->id, SCHEDULE_ID_PREFIX, sizeof(SCHEDULE_ID_PREFIX));
    ulid_next(&connection->store->ids, schedule->created_at / 1000,
              schedule->id + sizeof(SCHEDULE_ID_PREFIX) - 1);
    sqlite_bind(statement, schedule->every_us, schedule->jitter_us, schedule->overlap,
                schedule->is_paused, (int64_t)schedule->max_queued, schedule->created_at);
    sqlite_bind_instant(statement, 7, schedule->next_due);
    sqlite_bind_instant(statement, 8, schedule_time_of(schedule, schedule->next_due));
    sqlite_bind_string(statement, 9, schedule->id);
    sqlite_bind_tenant(statement, 10, schedule->tenant);
    sqlite_bind_string(statement, 11, schedule->name);
    sqlite_bind_string(statement, 12, schedule->labels);
    sqlite_bind_string(statement, 13, schedule->cron);
    sqlite_bind_string(statement, 14, document->key);
    if (document->key != NULL)
        sqlite_bind_bytes(statement, 15, document->fingerprint, STORE_FINGERPRINT_SIZE);
    else
        sqlite3_bind_null(statement, 15);
    int rc = sqlite_run(statement);
    schedule->number = sqlite3_last_insert_rowid(connection->database);
    return rc;
}

static int write_job(struct sqlite_connection *connection, const struct add_op *add)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_JOB_ADD);

    sqlite_bind(statement, add->schedule->number);
    sqlite_bind_bytes(statement, 2, add->document->job, add->document->job_length);
    return sqlite_run(statement);
}

static int apply_add(struct sqlite_connection *connection, struct store_op *op)
{
    const struct add_op *add = co_container_of(op, struct add_op, op);
    int rc = look_for_key(connection, add);

    if (rc == 0)
        rc = check_number(connection, add);
    if (rc == 0)
        rc = write_schedule(connection, add);
    return rc != 0 ? rc : write_job(connection, add);
}

int store_schedule_add(struct store *store, struct schedule *schedule,
                       const struct store_schedule_document *document, uint64_t max)
{
    struct add_op add = {
        .schedule = schedule, .document = document, .max = max, .op.n_bytes = document->job_length};
    int rc = store_check_space(store, document->job_length);

    if (rc == 0)
        rc = write_now(store, &add.op, apply_add);
    return rc == TOO_MANY ? -EDQUOT : rc;
}

struct forget_op {
    struct store_op op;
    const char *tenant, *id;
    int64_t number;
    bool was_paused;
};

/* Looks at nothing that may be damaged. returns 0, -ENOENT, -errno */
static int forget_row(struct sqlite_connection *connection, struct forget_op *forget)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_FORGET);

    sqlite_bind_string(statement, 1, forget->id);
    sqlite_bind_tenant(statement, 2, forget->tenant);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    forget->number = sqlite3_column_int64(statement, 0);
    forget->was_paused = sqlite3_column_int64(statement, 1) != 0;
    return sqlite_errno(connection->database, sqlite3_reset(statement));
}

static int apply_forget(struct sqlite_connection *connection, struct store_op *op)
{
    static const enum sqlite_statement_id rest[] = {
        STATEMENT_SCHEDULE_FORGET_JOB,
        STATEMENT_SCHEDULE_FORGET_RUNS,
        STATEMENT_SCHEDULE_FORGET_TALLIES,
    };
    struct forget_op *forget = co_container_of(op, struct forget_op, op);
    int rc = forget_row(connection, forget);

    for (size_t i = 0; rc == 0 && i < sizeof(rest) / sizeof(*rest); i++) {
        sqlite3_stmt *statement = sqlite_statement(connection, rest[i]);
        sqlite_bind(statement, forget->number);
        rc = sqlite_run(statement);
    }
    return rc;
}

int store_schedule_forget(struct store *store, const char *tenant, const char *id,
                          bool *ret_was_paused)
{
    struct forget_op forget = {.tenant = tenant, .id = id};
    int rc = write_now(store, &forget.op, apply_forget);

    if (rc == 0)
        *ret_was_paused = forget.was_paused;
    return rc;
}

struct pause_op {
    struct store_op op;
    const struct schedule *schedule;
};

static int apply_pause(struct sqlite_connection *connection, struct store_op *op)
{
    const struct schedule *schedule = co_container_of(op, struct pause_op, op)->schedule;
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_PAUSE);

    sqlite_bind(statement, schedule->number, schedule->is_paused);
    sqlite_bind_instant(statement, 3, schedule->next_due);
    sqlite_bind_instant(statement, 4, schedule_time_of(schedule, schedule->next_due));
    return change_one(connection, statement);
}

int store_schedule_pause(struct store *store, const struct schedule *schedule)
{
    struct pause_op pause = {.schedule = schedule};

    return write_now(store, &pause.op, apply_pause);
}

/* --- Runs that are new ------------------------------------------------------------------------ */

struct note_op {
    struct store_op op;
    struct schedule_note *note;
};

/* ret_last    number of the last run
 * ret_running of the one that has not ended; 0: none */
static int move(struct sqlite_connection *connection, const struct schedule *schedule,
                int64_t *ret_last, int64_t *ret_running)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_MOVE);

    sqlite_bind(statement, schedule->number);
    sqlite_bind_instant(statement, 2, schedule->next_due);
    sqlite_bind_instant(statement, 3, schedule_time_of(schedule, schedule->next_due));
    sqlite_bind_instant(statement, 4, schedule->waiting);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    *ret_last = sqlite3_column_int64(statement, 0);
    *ret_running = sqlite3_column_int64(statement, 1);
    return sqlite_errno(connection->database, sqlite3_reset(statement));
}

/* returns 0: the last run is the same; -ENOENT: it is not; -errno */
static int count_with_last(struct sqlite_connection *connection, int64_t schedule,
                           struct schedule_run *run, int64_t last)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_RUN_AGAIN);

    if (run->state == RUN_STATE_RUNNING)
        return -ENOENT;
    run->number = last;
    sqlite_bind(statement, schedule, last, (int64_t)run->n_due, run->ended_at, run->state);
    sqlite_bind_string(statement, 6, run->code);
    return change_one(connection, statement);
}

static int add_run(struct sqlite_connection *connection, int64_t schedule,
                   const struct schedule_run *run)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_RUN_ADD);

    sqlite_bind(statement, schedule, run->number, run->due_at, (int64_t)run->n_due, 0, 0,
                run->state, run->job);
    sqlite_bind_instant(statement, 5, run->started_at);
    sqlite_bind_instant(statement, 6, run->ended_at);
    sqlite_bind_string(statement, 9, run->code);
    sqlite_bind_string(statement, 10, run->job_id[0] != '\0' ? run->job_id : NULL);
    return sqlite_run(statement);
}

static int count_run(struct sqlite_connection *connection, int64_t schedule,
                     const struct schedule_run *run)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_COUNT_RUN);

    sqlite_bind(statement, schedule, run->number, run->state == RUN_STATE_RUNNING);
    return sqlite_run(statement);
}

static int note_run(struct sqlite_connection *connection, int64_t schedule,
                    struct schedule_run *run, int64_t *last)
{
    int rc = count_with_last(connection, schedule, run, *last);

    if (rc != -ENOENT)
        return rc;
    run->number = ++*last;
    rc = add_run(connection, schedule, run);
    return rc < 0 ? rc : count_run(connection, schedule, run);
}

static int trim(struct sqlite_connection *connection, int64_t schedule, int64_t last,
                int64_t running)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_RUNS_TRIM);

    if (last <= SCHEDULE_RUNS_KEPT)
        return 0;
    sqlite_bind(statement, schedule, last - SCHEDULE_RUNS_KEPT, running);
    return sqlite_run(statement);
}

static int apply_note(struct sqlite_connection *connection, struct store_op *op)
{
    struct schedule_note *note = co_container_of(op, struct note_op, op)->note;
    int64_t number = note->schedule->number, last, running;
    int rc = move(connection, note->schedule, &last, &running);

    for (size_t i = 0; rc == 0 && i < note->n_runs; i++)
        rc = note_run(connection, number, &note->runs[i], &last);
    return rc < 0 ? rc : trim(connection, number, last, running);
}

int store_schedule_note(struct store *store, struct schedule_note *note)
{
    struct note_op op = {.note = note};

    return write_now(store, &op.op, apply_note);
}

/* --- Runs that have ended --------------------------------------------------------------------- */

struct end_op {
    struct store_op op;
    int64_t schedule;
    const struct schedule_run *run;
};

static int end_running(struct sqlite_connection *connection, const struct end_op *end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_END_RUN);

    sqlite_bind(statement, end->schedule, end->run->number);
    return change_one(connection, statement);
}

static int write_end(struct sqlite_connection *connection, const struct end_op *end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_RUN_END);
    const struct schedule_run *run = end->run;

    sqlite_bind(statement, end->schedule, run->number, run->ended_at, run->state,
                (int64_t)run->n_items, (int64_t)run->n_success, run->p50_us, run->p99_us);
    sqlite_bind_string(statement, 9, run->counts[0] != '\0' ? run->counts : NULL);
    return sqlite_run(statement);
}

static int64_t begin_of_bucket(int64_t instant, int64_t width_us)
{
    return instant - (instant % width_us + width_us) % width_us;
}

/* Adds it to the bucket it has ended in, and drops those that no span has any more. */
static int add_to_tally(struct sqlite_connection *connection, const struct end_op *end,
                        const struct schedule_span *span)
{
    sqlite3_stmt *add = sqlite_statement(connection, STATEMENT_SCHEDULE_TALLY_ADD);
    sqlite3_stmt *trim_old = sqlite_statement(connection, STATEMENT_SCHEDULE_TALLIES_TRIM);
    const struct schedule_run *run = end->run;
    int64_t bucket = begin_of_bucket(run->ended_at, span->bucket_us);

    sqlite_bind(add, end->schedule, span->bucket_us, bucket, (int64_t)run->n_items,
                (int64_t)run->n_success);
    sqlite_bind(trim_old, end->schedule, span->bucket_us, bucket - span->us);
    int rc = sqlite_run(add);
    return rc < 0 ? rc : sqlite_run(trim_old);
}

/* Spans that share buckets are next to each other, the longest last. */
static bool is_last_of_its_buckets(size_t i)
{
    return i + 1 == N_SCHEDULE_SPANS ||
           schedule_spans[i].bucket_us != schedule_spans[i + 1].bucket_us;
}

static int apply_end(struct sqlite_connection *connection, struct store_op *op)
{
    const struct end_op *end = co_container_of(op, struct end_op, op);
    int rc = end_running(connection, end);

    if (rc == 0)
        rc = write_end(connection, end);
    for (size_t i = 0; rc == 0 && end->run->n_items > 0 && i < N_SCHEDULE_SPANS; i++)
        if (is_last_of_its_buckets(i))
            rc = add_to_tally(connection, end, &schedule_spans[i]);
    return rc;
}

int store_schedule_end_run(struct store *store, int64_t schedule, const struct schedule_run *run)
{
    struct end_op end = {.schedule = schedule, .run = run};

    return write_now(store, &end.op, apply_end);
}
