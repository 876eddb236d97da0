/* Accepting: a job is made of an upload; and how jobs and uploads are named. */
#include <errno.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/sqlite_callback.h"
#include "daemon/store/sqlite_keeping.h"
#include "daemon/store/sqlite_upload.h"

struct accept_op {
    struct store_op op;
    struct store_upload *upload;
    const struct store_acceptance *acceptance;
    struct job_record *record;   /* of the new job */
    struct job_record *existing; /* that has the key already */
};

/* NULL stays NULL. */
static int copy_text(const char *text, char **ret_copy)
{
    if (text == NULL)
        return 0;
    *ret_copy = strdup(text);
    return *ret_copy != NULL ? 0 : -ENOMEM;
}

/* All but what only the writer can know: the number and the id. */
static int make_record(const struct store_acceptance *acceptance, struct job_record **ret_record)
{
    const struct job_spec *spec = acceptance->spec;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = job_record_new();

    if (record == NULL)
        return -ENOMEM;
    record->status = JOB_QUEUED;
    record->weight = spec->weight;
    record->created_at = instant_now();
    if (spec->deadline_us > 0)
        record->deadline_at = record->created_at + spec->deadline_us;
    record->ttl_us = spec->ttl_us > 0 ? spec->ttl_us : acceptance->default_ttl_us;
    record->has_callback = spec->callback != NULL;
    tally_init(&record->tally, acceptance->n_items);
    int rc = copy_text(spec->name, &record->name);
    if (rc == 0)
        rc = copy_text(acceptance->tenant != NULL ? acceptance->tenant : "", &record->tenant);
    if (rc == 0)
        rc = job_spec_render_labels(spec, &record->labels);
    if (rc == 0)
        *ret_record = co_take(record);
    return rc;
}

/* returns 0: there is none; -EEXIST; -errno */
static int look_for_key(struct sqlite_connection *connection, struct accept_op *accept)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_JOB_BY_KEY);

    if (accept->acceptance->key == NULL)
        return 0;
    sqlite_bind_string(statement, 1, accept->acceptance->key);
    sqlite_bind_tenant(statement, 2, accept->acceptance->tenant);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc;
    job_record_unref(co_take(accept->existing));
    rc = sqlite_record(statement, &accept->existing);
    sqlite3_reset(statement);
    return rc < 0 ? rc : -EEXIST;
}

static int write_job(struct sqlite_connection *connection, struct accept_op *accept)
{
    const struct store_acceptance *acceptance = accept->acceptance;
    struct job_record *record = accept->record;
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_JOB_ADD);

    memcpy(record->id, JOB_ID_PREFIX, sizeof(JOB_ID_PREFIX));
    ulid_next(&connection->store->ids, record->created_at / 1000,
              record->id + sizeof(JOB_ID_PREFIX) - 1);
    sqlite_bind(statement, accept->upload->key, record->status, record->rest, record->weight,
                record->created_at, 0, record->ttl_us, (int64_t)record->version,
                acceptance->n_items);
    sqlite_bind_instant(statement, 6, record->deadline_at);
    sqlite_bind_string(statement, 10, record->id);
    sqlite_bind_string(statement, 11, record->name);
    sqlite_bind_string(statement, 12, record->labels);
    sqlite_bind_string(statement, 13, acceptance->key);
    if (acceptance->key != NULL)
        sqlite_bind_bytes(statement, 14, acceptance->fingerprint, STORE_FINGERPRINT_SIZE);
    else
        sqlite3_bind_null(statement, 14);
    sqlite_bind_string(statement, 15, record->tenant);
    sqlite3_bind_int(statement, 16, record->has_callback);
    int rc = sqlite_run(statement);
    if (rc == 0)
        record->number = sqlite3_last_insert_rowid(connection->database);
    return rc;
}

static int write_labels(struct sqlite_connection *connection, int64_t job,
                        const struct job_spec *spec)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_LABEL_ADD);
    int rc = 0;

    for (size_t i = 0; i < spec->n_labels && rc == 0; i++) {
        sqlite_bind(statement, job);
        sqlite_bind_string(statement, 2, spec->labels[i].key);
        sqlite_bind_string(statement, 3, spec->labels[i].value);
        rc = sqlite_run(statement);
    }
    return rc;
}

static int write_head(struct sqlite_connection *connection, int64_t job,
                      const struct store_acceptance *acceptance)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_HEAD_ADD);

    sqlite_bind(statement, job);
    sqlite_bind_bytes(statement, 2, acceptance->head, acceptance->head_length);
    return sqlite_run(statement);
}

/* It will be claimed: from its first item on. */
static int write_turn(struct sqlite_connection *connection, int64_t job, uint32_t n_items)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_TURN_ADD);

    if (n_items == 0)
        return 0;
    sqlite_bind(statement, job, false);
    return sqlite_run(statement);
}

static int write_texts(struct sqlite_connection *connection, struct store_upload *upload)
{
    sqlite3_stmt *accept = sqlite_statement(connection, STATEMENT_UPLOAD_ACCEPT);
    int rc = upload->slice != NULL ? sqlite_slice_write(connection, upload->slice) : 0;

    if (rc < 0 || !upload->is_received)
        return rc;
    sqlite_bind(accept, upload->key);
    return sqlite_run(accept);
}

/* What is no fault of the disk. */
enum { TOO_MANY_JOBS = 1, TOO_MANY_ITEMS = 2 };

/* returns 0, TOO_MANY_ITEMS, -errno */
static int check_queue(struct sqlite_connection *connection,
                       const struct store_acceptance *acceptance)
{
    uint64_t max = acceptance->max_queued;
    int64_t n_queued;

    if (max == 0)
        return 0;
    int rc = sqlite_n_queued(connection, acceptance->tenant, &n_queued);
    return rc == 0 && (uint64_t)n_queued + acceptance->n_items > max ? TOO_MANY_ITEMS : rc;
}

/* returns 0, TOO_MANY_JOBS, TOO_MANY_ITEMS, -errno */
static int apply_accept(struct sqlite_connection *connection, struct store_op *op)
{
    struct accept_op *accept = co_container_of(op, struct accept_op, op);
    const struct store_acceptance *acceptance = accept->acceptance;

    int rc = look_for_key(connection, accept);
    if (rc == 0)
        rc = check_queue(connection, acceptance);
    if (rc == 0)
        rc = sqlite_make_room(connection);
    if (rc == 0)
        rc = write_texts(connection, accept->upload);
    if (rc == 0)
        rc = write_job(connection, accept);
    if (rc == 0)
        rc = write_head(connection, accept->record->number, acceptance);
    if (rc == 0)
        rc = write_labels(connection, accept->record->number, acceptance->spec);
    if (rc == 0 && acceptance->spec->callback != NULL)
        rc = sqlite_callback_add(connection, accept->record, acceptance->spec->callback);
    if (rc == 0)
        rc = write_turn(connection, accept->record->number, acceptance->n_items);
    if (rc == 0) {
        connection->pending.n_jobs++;
        connection->pending.upload_bytes -= accept->upload->n_used;
    }
    return rc;
}

/* What is in memory of it yet goes with the record, in one commit. */
static int commit_acceptance(struct accept_op *accept)
{
    struct store_upload *upload = accept->upload;
    const struct sqlite_slice *slice = upload->slice;

    accept->op = (struct store_op){
        .apply = apply_accept,
        .priority = STORE_ACCEPTS,
        .n_rows = 4 + (slice != NULL ? sqlite_slice_n_chunks(slice) : 0),
        .n_bytes =
            accept->acceptance->head_length + (slice != NULL ? sqlite_slice_n_bytes(slice) : 0),
    };
    int rc = store_write(upload->store, &accept->op);
    return rc == TOO_MANY_JOBS ? -EUSERS : rc == TOO_MANY_ITEMS ? -EDQUOT : rc;
}

int store_upload_accept(struct store_upload *upload, const struct store_acceptance *acceptance,
                        struct job_record **ret_record)
{
    struct accept_op accept = {.upload = upload, .acceptance = acceptance};

    if (acceptance->max_queued > 0 && acceptance->n_items > acceptance->max_queued)
        return -E2BIG;
    int rc = store_check_space(upload->store, acceptance->head_length);
    if (rc == 0)
        rc = store_upload_wait(upload, 0);
    if (rc == 0)
        rc = make_record(acceptance, &accept.record);
    if (rc == 0)
        rc = commit_acceptance(&accept);
    upload->is_accepted = rc == 0;
    if (rc == 0 || rc == -EEXIST)
        *ret_record = rc == 0 ? co_take(accept.record) : co_take(accept.existing);
    job_record_unref(accept.record);
    job_record_unref(accept.existing);
    return rc;
}

/* --- Names ------------------------------------------------------------------------------------ */

/* Jobs that were forgotten do not count: an id has to be later than those there are. */
static int resume_ids(struct sqlite_connection *writer)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_LAST_JOB_ID);

    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    const char *id = (const char *)sqlite3_column_text(statement, 0);
    if (id == NULL)
        rc = -ENOMEM;
    else if (job_id_is_valid(id)) /* one that is damaged costs nothing but the order of ids */
        rc = ulid_resume(&writer->store->ids, id + sizeof(JOB_ID_PREFIX) - 1);
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

int sqlite_resume_counters(struct sqlite_connection *writer)
{
    sqlite3_stmt *statement = sqlite_statement(writer, STATEMENT_LAST_UPLOAD);

    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc;
    writer->store->next_upload = sqlite3_column_int64(statement, 0) + 1;
    sqlite3_reset(statement);
    return resume_ids(writer);
}
