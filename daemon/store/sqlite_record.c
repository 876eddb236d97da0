#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sqlite_private.h"

/* --- A record of a row ------------------------------------------------------------------------ */

static int read_id(struct job_record *record, sqlite3_stmt *statement, int i)
{
    const char *id = (const char *)sqlite3_column_text(statement, i);

    if (id == NULL)
        return -ENOMEM;
    size_t size = strlen(id) + 1;
    if (size > sizeof(record->id))
        return STORE_DAMAGED_CONTENT;
    memcpy(record->id, id, size);
    return 0;
}

static int decode_tally(struct job_record *record, sqlite3_stmt *statement, size_t n_items, int i)
{
    struct tally *tally = &record->tally;
    const char *bytes = sqlite3_column_blob(statement, i);
    size_t length = (size_t)sqlite3_column_bytes(statement, i);

    if (bytes == NULL && length > 0)
        return -ENOMEM;
    bool is_sound = tally_decode(tally, bytes, length) == 0 && tally->n_items == n_items &&
                    tally->n_finished <= n_items;
    return is_sound ? 0 : STORE_DAMAGED_CONTENT;
}

static int read_tally(struct job_record *record, sqlite3_stmt *statement, int n_items, int tally)
{
    int64_t n = sqlite3_column_int64(statement, n_items);

    if (n < 0 || n > UINT32_MAX)
        return STORE_DAMAGED_CONTENT;
    if (sqlite3_column_type(statement, tally) != SQLITE_NULL)
        return decode_tally(record, statement, (size_t)n, tally);
    tally_init(&record->tally, (size_t)n);
    return 0;
}

/* In the order of JOB_COLUMNS. */
enum {
    COL_NUMBER,
    COL_ID,
    COL_STATUS,
    COL_REST,
    COL_WEIGHT,
    COL_CREATED_AT,
    COL_STARTED_AT,
    COL_ENDED_AT,
    COL_EXPIRES_AT,
    COL_DEADLINE_AT,
    COL_TTL_US,
    COL_VERSION,
    COL_NAME,
    COL_LABELS,
    COL_N_ITEMS,
    COL_TALLY,
    COL_TENANT,
    COL_HAS_CALLBACK,
    N_COLS
};
_Static_assert((int)N_COLS == (int)N_JOB_COLUMNS, "one for each of JOB_COLUMNS");

static int read_numbers(struct job_record *record, sqlite3_stmt *statement)
{
    int64_t status = sqlite3_column_int64(statement, COL_STATUS);
    int64_t rest = sqlite3_column_int64(statement, COL_REST);
    int64_t weight = sqlite3_column_int64(statement, COL_WEIGHT);

    if (status < 0 || status >= JOB_N_STATUSES || rest < 0 || rest >= N_JOB_RESTS || weight < 1 ||
        weight > JOB_MAX_WEIGHT)
        return STORE_DAMAGED_CONTENT;
    record->number = sqlite3_column_int64(statement, COL_NUMBER);
    record->status = (enum job_status)status;
    record->rest = (enum job_rest)rest;
    record->weight = (unsigned)weight;
    record->created_at = sqlite_column_instant(statement, COL_CREATED_AT);
    record->started_at = sqlite_column_instant(statement, COL_STARTED_AT);
    record->ended_at = sqlite_column_instant(statement, COL_ENDED_AT);
    record->expires_at = sqlite_column_instant(statement, COL_EXPIRES_AT);
    record->deadline_at = sqlite_column_instant(statement, COL_DEADLINE_AT);
    record->ttl_us = sqlite3_column_int64(statement, COL_TTL_US);
    record->version = (uint64_t)sqlite3_column_int64(statement, COL_VERSION);
    record->has_callback = sqlite3_column_int(statement, COL_HAS_CALLBACK) != 0;
    return 0;
}

int sqlite_record(sqlite3_stmt *statement, struct job_record **ret_record)
{
    CO_CLEANUP(job_record_unrefp) struct job_record *record = job_record_new();

    int rc = record != NULL ? read_numbers(record, statement) : -ENOMEM;
    if (rc == 0)
        rc = read_id(record, statement, COL_ID);
    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_NAME, &record->name);
    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_LABELS, &record->labels);
    if (rc == 0)
        rc = sqlite_column_copy(statement, COL_TENANT, &record->tenant);
    if (rc == 0)
        rc = read_tally(record, statement, COL_N_ITEMS, COL_TALLY);
    if (rc == 0)
        *ret_record = co_take(record);
    return rc;
}

int sqlite_add_pending(sqlite3_stmt *statement, int64_t *n)
{
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = sqlite_record(statement, &record);

    if (rc == 0)
        *n += (int64_t)job_record_n_pending(record);
    return rc == -ENOMEM ? rc : 0;
}

/* --- Finding one ------------------------------------------------------------------------------ */

struct find_op {
    struct store_op op;
    const char *tenant;
    const char *id;
    const char *key;
    int64_t number;
    unsigned char *fingerprint; /* copied to, if by key */
    struct job_record *record;
};

static int copy_fingerprint(sqlite3_stmt *statement, unsigned char *fingerprint)
{
    if (sqlite3_column_bytes(statement, N_COLS) != STORE_FINGERPRINT_SIZE)
        return STORE_DAMAGED_CONTENT;
    memcpy(fingerprint, sqlite3_column_blob(statement, N_COLS), STORE_FINGERPRINT_SIZE);
    return 0;
}

static sqlite3_stmt *find_statement(struct sqlite_connection *connection, struct find_op *find)
{
    sqlite3_stmt *statement;

    if (find->id != NULL) {
        statement = sqlite_statement(connection, STATEMENT_JOB_BY_ID);
        sqlite_bind_string(statement, 1, find->id);
        sqlite_bind_tenant(statement, 2, find->tenant);
    } else if (find->key != NULL) {
        statement = sqlite_statement(connection, STATEMENT_JOB_BY_KEY);
        sqlite_bind_string(statement, 1, find->key);
        sqlite_bind_tenant(statement, 2, find->tenant);
    } else {
        statement = sqlite_statement(connection, STATEMENT_JOB_BY_NUMBER);
        sqlite_bind(statement, find->number);
    }
    return statement;
}

static int apply_find(struct sqlite_connection *connection, struct store_op *op)
{
    struct find_op *find = co_container_of(op, struct find_op, op);
    sqlite3_stmt *statement = find_statement(connection, find);

    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    rc = find->key != NULL ? copy_fingerprint(statement, find->fingerprint) : 0;
    if (rc == 0)
        rc = sqlite_record(statement, &find->record);
    sqlite3_reset(statement);
    return rc;
}

static int find_job(struct store *store, struct find_op *find, struct job_record **ret_record)
{
    find->op.apply = apply_find;
    int rc = store_read_with(store, &find->op);
    if (rc == 0)
        *ret_record = find->record;
    return rc;
}

int store_find(struct store *store, const char *tenant, const char *id,
               struct job_record **ret_record)
{
    struct find_op find = {.tenant = tenant, .id = id};

    return find_job(store, &find, ret_record);
}

int store_find_number(struct store *store, int64_t number, struct job_record **ret_record)
{
    struct find_op find = {.number = number};

    return find_job(store, &find, ret_record);
}

int store_find_key(struct store *store, const char *tenant, const char *key,
                   struct job_record **ret_record, unsigned char *ret_fingerprint)
{
    struct find_op find = {.tenant = tenant, .key = key, .fingerprint = ret_fingerprint};

    return find_job(store, &find, ret_record);
}

/* --- How much is queued ----------------------------------------------------------------------- */

struct queued_op {
    struct store_op op;
    const char *tenant;
    int64_t n;
};

int sqlite_n_queued(struct sqlite_connection *connection, const char *tenant, int64_t *ret_n)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_N_QUEUED);

    sqlite_bind(statement, JOB_DONE);
    sqlite_bind_tenant(statement, 2, tenant);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    *ret_n = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

static int apply_n_queued(struct sqlite_connection *connection, struct store_op *op)
{
    struct queued_op *queued = co_container_of(op, struct queued_op, op);

    return sqlite_n_queued(connection, queued->tenant, &queued->n);
}

int store_n_queued(struct store *store, const char *tenant, uint64_t *ret_n)
{
    struct queued_op queued = {.op.apply = apply_n_queued, .tenant = tenant};

    int rc = store_read_with(store, &queued.op);
    if (rc == 0)
        *ret_n = (uint64_t)queued.n;
    return rc;
}

/* --- Its head --------------------------------------------------------------------------------- */

struct head_op {
    struct store_op op;
    int64_t number;
    char *text;
    size_t length;
};

static int apply_read_head(struct sqlite_connection *connection, struct store_op *op)
{
    struct head_op *head = co_container_of(op, struct head_op, op);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_HEAD_OF_JOB);

    sqlite_bind(statement, head->number);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc == 0 ? -ENOENT : rc;
    const void *text = sqlite3_column_blob(statement, 0);
    head->length = (size_t)sqlite3_column_bytes(statement, 0);
    head->text = malloc(head->length + 1);
    if (head->text != NULL) {
        if (head->length > 0)
            memcpy(head->text, text, head->length);
        head->text[head->length] = '\0';
    }
    sqlite3_reset(statement);
    return head->text != NULL ? 0 : -ENOMEM;
}

int store_read_head(struct store *store, int64_t number, char **ret_text, size_t *ret_length)
{
    struct head_op head = {.op.apply = apply_read_head, .number = number};

    int rc = store_read_with(store, &head.op);
    if (rc < 0)
        return rc;
    *ret_text = head.text;
    *ret_length = head.length;
    return 0;
}
