/* Reading schedules and their runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sqlite_schedule.h"

/* --- Rows ------------------------------------------------------------------------------------- */

/* In the order of SCHEDULE_COLUMNS. */
enum {
    COL_RUN_NUMBER,
    COL_DUE_AT,
    COL_N_DUE,
    COL_STARTED_AT,
    COL_ENDED_AT,
    COL_STATE,
    COL_CODE,
    COL_JOB,
    COL_JOB_ID,
    COL_N_ITEMS,
    COL_N_SUCCESS,
    COL_P50_US,
    COL_P99_US,
    COL_COUNTS,
    COL_NUMBER,
    COL_ID,
    COL_TENANT,
    COL_NAME,
    COL_LABELS,
    COL_EVERY_US,
    COL_CRON,
    COL_JITTER_US,
    COL_OVERLAP,
    COL_IS_PAUSED,
    COL_MAX_QUEUED,
    COL_CREATED_AT,
    COL_NEXT_DUE,
    COL_WAITING,
    COL_RUNNING,
    COL_N_RUNS,
    COL_WAKE,
};

/* A text that has its place; "" for NULL. returns 0, -ENOMEM, STORE_DAMAGED_CONTENT */
static int copy_into(sqlite3_stmt *statement, int i, char *text, size_t size)
{
    text[0] = '\0';
    if (sqlite3_column_type(statement, i) == SQLITE_NULL)
        return 0;
    const char *from = (const char *)sqlite3_column_text(statement, i);
    if (from == NULL)
        return -ENOMEM;
    return (size_t)snprintf(text, size, "%s", from) < size ? 0 : STORE_DAMAGED_CONTENT;
}

int sqlite_schedule_run(sqlite3_stmt *statement, struct schedule_run *ret_run)
{
    int64_t state = sqlite3_column_int64(statement, COL_STATE);

    *ret_run = (struct schedule_run){
        .number = sqlite3_column_int64(statement, COL_RUN_NUMBER),
        .due_at = sqlite_column_instant(statement, COL_DUE_AT),
        .n_due = (uint64_t)sqlite3_column_int64(statement, COL_N_DUE),
        .started_at = sqlite_column_instant(statement, COL_STARTED_AT),
        .ended_at = sqlite_column_instant(statement, COL_ENDED_AT),
        .state = (enum schedule_run_state)state,
        .job = sqlite3_column_int64(statement, COL_JOB),
        .n_items = (uint64_t)sqlite3_column_int64(statement, COL_N_ITEMS),
        .n_success = (uint64_t)sqlite3_column_int64(statement, COL_N_SUCCESS),
        .p50_us = sqlite3_column_int64(statement, COL_P50_US),
        .p99_us = sqlite3_column_int64(statement, COL_P99_US),
    };
    if (state < 0 || state >= N_RUN_STATES)
        return STORE_DAMAGED_CONTENT;
    int rc = copy_into(statement, COL_CODE, ret_run->code, sizeof(ret_run->code));
    if (rc == 0)
        rc = copy_into(statement, COL_JOB_ID, ret_run->job_id, sizeof(ret_run->job_id));
    if (rc == 0)
        rc = copy_into(statement, COL_COUNTS, ret_run->counts, sizeof(ret_run->counts));
    return rc;
}

static int read_texts(struct schedule *schedule, sqlite3_stmt *statement)
{
    int rc = copy_into(statement, COL_ID, schedule->id, sizeof(schedule->id));

    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_TENANT, &schedule->tenant);
    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_NAME, &schedule->name);
    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_LABELS, &schedule->labels);
    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_CRON, &schedule->cron);
    return rc;
}

static void read_rule(struct schedule *schedule, sqlite3_stmt *statement)
{
    int64_t every_us = sqlite3_column_int64(statement, COL_EVERY_US);
    int64_t jitter_us = sqlite3_column_int64(statement, COL_JITTER_US);

    schedule->every_us = every_us > 0 ? every_us : 0;
    schedule->jitter_us = jitter_us > 0 ? jitter_us : 0;
    if (schedule->cron != NULL)
        (void)cron_parse(schedule->cron, &schedule->times, NULL); /* all zeros: never */
    schedule->overlap = sqlite3_column_int64(statement, COL_OVERLAP) == OVERLAP_QUEUE
                            ? OVERLAP_QUEUE
                            : OVERLAP_SKIP;
}

static void read_state(struct schedule *schedule, sqlite3_stmt *statement)
{
    schedule->number = sqlite3_column_int64(statement, COL_NUMBER);
    schedule->is_paused = sqlite3_column_int64(statement, COL_IS_PAUSED) != 0;
    schedule->max_queued = (uint64_t)sqlite3_column_int64(statement, COL_MAX_QUEUED);
    schedule->created_at = sqlite3_column_int64(statement, COL_CREATED_AT);
    schedule->next_due = sqlite_column_instant(statement, COL_NEXT_DUE);
    schedule->waiting = sqlite_column_instant(statement, COL_WAITING);
    schedule->running = sqlite3_column_int64(statement, COL_RUNNING);
    schedule->n_runs = sqlite3_column_int64(statement, COL_N_RUNS);
}

static int read_last(struct schedule *schedule, sqlite3_stmt *statement)
{
    schedule->has_last = sqlite3_column_type(statement, COL_RUN_NUMBER) != SQLITE_NULL;
    return schedule->has_last ? sqlite_schedule_run(statement, &schedule->last) : 0;
}

int sqlite_schedule(sqlite3_stmt *statement, struct schedule **ret_schedule)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = schedule_new();
    int rc = schedule != NULL ? read_texts(schedule, statement) : -ENOMEM;

    if (rc == 0)
        rc = read_last(schedule, statement);
    if (rc < 0)
        return rc;
    read_state(schedule, statement);
    read_rule(schedule, statement);
    *ret_schedule = co_take(schedule);
    return 0;
}

int64_t sqlite_schedule_wake(sqlite3_stmt *statement)
{
    return sqlite_column_instant(statement, COL_WAKE);
}

/* --- One -------------------------------------------------------------------------------------- */

struct find_op {
    struct store_op op;
    const char *tenant, *id;
    struct schedule *schedule;
};

static int apply_find(struct sqlite_connection *connection, struct store_op *op)
{
    struct find_op *find = co_container_of(op, struct find_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_BY_ID);

    sqlite_bind_string(statement, 1, find->id);
    sqlite_bind_tenant(statement, 2, find->tenant);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    rc = sqlite_schedule(statement, &find->schedule);
    sqlite3_reset(statement);
    return rc;
}

int store_schedule_find(struct store *store, const char *tenant, const char *id,
                        struct schedule **ret_schedule)
{
    struct find_op find = {.op.apply = apply_find, .tenant = tenant, .id = id};
    int rc = store_read_with(store, &find.op);

    if (rc == 0)
        *ret_schedule = find.schedule;
    return rc;
}

struct key_op {
    struct store_op op;
    const char *tenant, *key;
    char *id;
    unsigned char *fingerprint;
};

static int copy_key(sqlite3_stmt *statement, const struct key_op *find)
{
    if (sqlite3_column_bytes(statement, 1) != STORE_FINGERPRINT_SIZE)
        return STORE_DAMAGED_CONTENT;
    memcpy(find->fingerprint, sqlite3_column_blob(statement, 1), STORE_FINGERPRINT_SIZE);
    return copy_into(statement, 0, find->id, SCHEDULE_ID_SIZE);
}

static int apply_find_key(struct sqlite_connection *connection, struct store_op *op)
{
    const struct key_op *find = co_container_of(op, struct key_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_OF_KEY);

    sqlite_bind_string(statement, 1, find->key);
    sqlite_bind_tenant(statement, 2, find->tenant);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    rc = copy_key(statement, find);
    sqlite3_reset(statement);
    return rc;
}

int store_schedule_find_key(struct store *store, const char *tenant, const char *key,
                            char ret_id[SCHEDULE_ID_SIZE],
                            unsigned char ret_fingerprint[STORE_FINGERPRINT_SIZE])
{
    struct key_op find = {.op.apply = apply_find_key,
                          .tenant = tenant,
                          .key = key,
                          .id = ret_id,
                          .fingerprint = ret_fingerprint};

    return store_read_with(store, &find.op);
}

struct job_op {
    struct store_op op;
    int64_t number;
    char *text;
    size_t length;
};

static int apply_read_job(struct sqlite_connection *connection, struct store_op *op)
{
    struct job_op *job = co_container_of(op, struct job_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_JOB);

    sqlite_bind(statement, job->number);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    const void *text = sqlite3_column_blob(statement, 0);
    job->length = (size_t)sqlite3_column_bytes(statement, 0);
    job->text = malloc(job->length + 1);
    if (job->text != NULL && job->length > 0)
        memcpy(job->text, text, job->length);
    sqlite3_reset(statement);
    return job->text != NULL ? 0 : -ENOMEM;
}

int store_schedule_read_job(struct store *store, int64_t number, char **ret_text,
                            size_t *ret_length)
{
    struct job_op job = {.op.apply = apply_read_job, .number = number};
    int rc = store_read_with(store, &job.op);

    if (rc < 0)
        return rc;
    *ret_text = job.text;
    *ret_length = job.length;
    return 0;
}

/* --- Several ---------------------------------------------------------------------------------- */

struct list_op {
    struct store_op op;
    const char *tenant, *before;
    int64_t after, now;
    size_t max, n;
    struct schedule **schedules;
    bool more;
    int64_t next;
};

/* returns 1; -errno. One that is damaged is left out: it is found by its id, or deleted by it. */
static int take(struct list_op *list, sqlite3_stmt *statement)
{
    int rc = sqlite_schedule(statement, &list->schedules[list->n]);

    list->n += rc == 0;
    return rc == 0 || rc == STORE_DAMAGED_CONTENT ? 1 : rc;
}

/* Takes rows until there is none or one too many. returns 0, -errno */
static int take_all(struct list_op *list, sqlite3_stmt *statement)
{
    int rc;

    while ((rc = sqlite_next(statement)) == 1) {
        list->more = list->n == list->max;
        rc = list->more ? 0 : take(list, statement);
        if (rc <= 0)
            break;
    }
    sqlite3_reset(statement);
    return rc;
}

static int apply_list(struct sqlite_connection *connection, struct store_op *op)
{
    struct list_op *list = co_container_of(op, struct list_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULES_BEFORE);

    sqlite_bind_tenant(statement, 1, list->tenant);
    sqlite_bind_string(statement, 2, list->before);
    return take_all(list, statement);
}

static int apply_running(struct sqlite_connection *connection, struct store_op *op)
{
    struct list_op *list = co_container_of(op, struct list_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULES_RUNNING);

    sqlite_bind(statement, list->after);
    return take_all(list, statement);
}

static int apply_ahead(struct sqlite_connection *connection, struct store_op *op)
{
    struct list_op *list = co_container_of(op, struct list_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULES_AHEAD);

    sqlite_bind(statement, list->after, list->now);
    return take_all(list, statement);
}

static int apply_due(struct sqlite_connection *connection, struct store_op *op)
{
    struct list_op *list = co_container_of(op, struct list_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULES_DUE);
    int rc;

    list->next = JOB_NEVER;
    while ((rc = sqlite_next(statement)) == 1) {
        int64_t wake = sqlite_schedule_wake(statement);
        if (wake > list->now || list->n == list->max) {
            list->next = wake;
            rc = 0;
            break;
        }
        rc = take(list, statement);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc;
}

/* returns how many; -errno, and then there are none */
static CO_BLOCKS int read_list(struct store *store, struct list_op *list)
{
    int rc = store_read_with(store, &list->op);

    if (rc == 0)
        return (int)list->n;
    for (size_t i = 0; i < list->n; i++)
        schedule_free(list->schedules[i]);
    return rc;
}

int store_schedule_list(struct store *store, const char *tenant, const char *before, size_t limit,
                        struct schedule **ret_schedules, bool *ret_more)
{
    struct list_op list = {.op.apply = apply_list,
                           .tenant = tenant,
                           .before = before,
                           .max = limit,
                           .schedules = ret_schedules};
    int n = read_list(store, &list);

    if (n >= 0)
        *ret_more = list.more;
    return n;
}

int store_schedules_running(struct store *store, int64_t after, size_t max,
                            struct schedule **ret_schedules)
{
    struct list_op list = {
        .op.apply = apply_running, .after = after, .max = max, .schedules = ret_schedules};

    return read_list(store, &list);
}

int store_schedules_ahead(struct store *store, int64_t instant, int64_t after, size_t max,
                          struct schedule **ret_schedules)
{
    struct list_op list = {.op.apply = apply_ahead,
                           .after = after,
                           .now = instant,
                           .max = max,
                           .schedules = ret_schedules};

    return read_list(store, &list);
}

int store_schedules_due(struct store *store, int64_t now, size_t max,
                        struct schedule **ret_schedules, int64_t *ret_next)
{
    struct list_op list = {
        .op.apply = apply_due, .now = now, .max = max, .schedules = ret_schedules};
    int n = read_list(store, &list);

    if (n >= 0)
        *ret_next = list.next;
    return n;
}

struct count_op {
    struct store_op op;
    int64_t n, n_paused;
};

static int apply_count(struct sqlite_connection *connection, struct store_op *op)
{
    struct count_op *count = co_container_of(op, struct count_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_N_SCHEDULES);
    int rc = sqlite_next(statement);

    if (rc < 1)
        return rc;
    count->n = sqlite3_column_int64(statement, 0);
    count->n_paused = sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return 0;
}

int store_schedule_count(struct store *store, struct store_schedule_numbers *ret_numbers)
{
    struct count_op count = {.op.apply = apply_count};
    int rc = store_read_with(store, &count.op);

    if (rc == 0)
        *ret_numbers = (struct store_schedule_numbers){
            .n_active = (uint64_t)(count.n - count.n_paused),
            .n_paused = (uint64_t)count.n_paused,
        };
    return rc;
}

/* --- Runs ------------------------------------------------------------------------------------- */

struct runs_op {
    struct store_op op;
    int64_t schedule, before;
    size_t limit, n;
    struct schedule_run *runs;
    bool more;
};

static int apply_runs(struct sqlite_connection *connection, struct store_op *op)
{
    struct runs_op *runs = co_container_of(op, struct runs_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_RUNS_BEFORE);
    int rc;

    sqlite_bind(statement, runs->schedule, runs->before != 0 ? runs->before : INT64_MAX);
    while ((rc = sqlite_next(statement)) == 1) {
        runs->more = runs->n == runs->limit;
        rc = runs->more ? 1 : sqlite_schedule_run(statement, &runs->runs[runs->n]);
        runs->n += rc == 0;
        if (runs->more || (rc < 0 && rc != STORE_DAMAGED_CONTENT))
            break;
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

int store_schedule_runs(struct store *store, int64_t schedule, int64_t before, size_t limit,
                        struct schedule_run *ret_runs, bool *ret_more)
{
    struct runs_op runs = {.op.apply = apply_runs,
                           .schedule = schedule,
                           .before = before,
                           .limit = limit,
                           .runs = ret_runs};
    int rc = store_read_with(store, &runs.op);

    if (rc < 0)
        return rc;
    *ret_more = runs.more;
    return (int)runs.n;
}

struct shares_op {
    struct store_op op;
    int64_t schedule, now;
    struct schedule_share *shares;
};

static int sum_span(struct sqlite_connection *connection, const struct shares_op *op,
                    const struct schedule_span *span, struct schedule_share *ret_share)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SCHEDULE_TALLY_SUM);

    sqlite_bind(statement, op->schedule, span->bucket_us, op->now - span->us, op->now);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    ret_share->n_items = (uint64_t)sqlite3_column_int64(statement, 0);
    ret_share->n_success = (uint64_t)sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return 0;
}

static int apply_shares(struct sqlite_connection *connection, struct store_op *op)
{
    const struct shares_op *shares = co_container_of(op, struct shares_op, op);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < N_SCHEDULE_SPANS; i++)
        rc = sum_span(connection, shares, &schedule_spans[i], &shares->shares[i]);
    return rc;
}

int store_schedule_shares(struct store *store, int64_t schedule, int64_t now,
                          struct schedule_share ret_shares[N_SCHEDULE_SPANS])
{
    struct shares_op shares = {
        .op.apply = apply_shares, .schedule = schedule, .now = now, .shares = ret_shares};

    return store_read_with(store, &shares.op);
}
