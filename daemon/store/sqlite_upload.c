#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buffer.h"
#include "daemon/base/crc32c.h"
#include "daemon/base/instant.h"
#include "daemon/base/json_writer.h"
#include "daemon/store/sqlite_keeping.h"

/* A slice is what is written at once; what fits into one is written when it is accepted. So many
 * small jobs share a commit, and a big one is not in memory. */
enum {
    SLICE_BYTES = 256 * 1024,
    MAX_UNWRITTEN_BYTES = 1024 * 1024,
    ROW_BYTES = 32, /* about: what a row needs besides its text */
};

/* Some chunks: their bytes, and where each of them begins. */
struct slice {
    struct store_op op;
    struct store_upload *upload;
    struct buffer lines;
    struct buffer chunks; /* of struct job_chunk, without the pointers */
};

struct store_upload {
    struct store *store;
    struct store_op abandon;
    int64_t key;         /* of its chunks */
    struct slice *slice; /* that is being filled; NULL: none */
    size_t n_unwritten;  /* bytes of the slices on their way */
    size_t n_slices;     /* on their way */
    int rc;              /* of the first that failed */
    bool is_received;    /* a slice was sent, so there is something to abandon */
    bool is_accepted;
    bool is_free; /* the owner has gone, and it waits for its slices */
    struct co_event moved;
};

/* --- Slices ----------------------------------------------------------------------------------- */

static void slice_free(struct slice *slice)
{
    if (slice == NULL)
        return;
    buffer_done(&slice->lines);
    buffer_done(&slice->chunks);
    free(slice);
}

static struct slice *slice_new(struct store_upload *upload)
{
    struct slice *slice = calloc(1, sizeof(*slice));

    if (slice == NULL)
        return NULL;
    slice->upload = upload;
    buffer_init(&slice->lines, PTRDIFF_MAX);
    buffer_init(&slice->chunks, PTRDIFF_MAX);
    return slice;
}

static int slice_add(struct slice *slice, const struct job_chunk *chunk)
{
    int rc = buffer_reserve(&slice->chunks, sizeof(*chunk));

    if (rc == 0)
        rc = buffer_append(&slice->lines, chunk->lines, chunk->length);
    if (rc == 0)
        rc = buffer_append(&slice->chunks, chunk, sizeof(*chunk));
    return rc;
}

static size_t slice_n_chunks(const struct slice *slice)
{
    return slice->chunks.len / sizeof(struct job_chunk);
}

static size_t slice_n_bytes(const struct slice *slice)
{
    return slice->lines.len + slice_n_chunks(slice) * ROW_BYTES;
}

static int write_chunk(struct sqlite_connection *connection, int64_t upload,
                       const struct job_chunk *chunk, const char *lines)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_ADD);

    sqlite_bind(statement, upload, chunk->first, chunk->n_items, chunk->skip, chunk->is_unsafe,
                crc32c(lines, chunk->length));
    sqlite_bind_bytes(statement, 7, lines, chunk->length);
    return sqlite_run(statement);
}

static int write_slice(struct sqlite_connection *connection, const struct slice *slice)
{
    const struct job_chunk *chunks = (const struct job_chunk *)slice->chunks.data;
    const char *lines = slice->lines.data;
    int rc = 0;

    for (size_t i = 0; i < slice_n_chunks(slice) && rc == 0; i++) {
        rc = write_chunk(connection, slice->upload->key, &chunks[i], lines);
        lines += chunks[i].length;
    }
    return rc;
}

static int apply_slice(struct sqlite_connection *connection, struct store_op *op)
{
    struct slice *slice = co_container_of(op, struct slice, op);
    sqlite3_stmt *begin = sqlite_statement(connection, STATEMENT_UPLOAD_BEGIN);

    sqlite_bind(begin, slice->upload->key);
    int rc = sqlite_run(begin);
    return rc < 0 ? rc : write_slice(connection, slice);
}

/* --- Receiving -------------------------------------------------------------------------------- */

int store_upload_new(struct store *store, struct store_upload **ret_upload)
{
    struct store_upload *upload = calloc(1, sizeof(*upload));

    if (upload == NULL)
        return -ENOMEM;
    upload->store = store;
    upload->key = store->next_upload++;
    co_event_init(&upload->moved);
    *ret_upload = upload;
    return 0;
}

static void dispose(struct store_upload *upload);

static void slice_finished(struct store_op *op)
{
    struct slice *slice = co_container_of(op, struct slice, op);
    struct store_upload *upload = slice->upload;

    upload->n_slices--;
    upload->n_unwritten -= slice_n_bytes(slice);
    if (op->rc < 0 && upload->rc == 0)
        upload->rc = op->rc;
    slice_free(slice);
    co_event_set(&upload->moved);
    if (upload->is_free && upload->n_slices == 0)
        dispose(upload);
}

static void send_slice(struct store_upload *upload)
{
    struct slice *slice = co_take(upload->slice);

    slice->op = (struct store_op){
        .apply = apply_slice,
        .finished = slice_finished,
        .priority = STORE_ACCEPTS,
        .n_rows = slice_n_chunks(slice),
        .n_bytes = slice_n_bytes(slice),
    };
    upload->is_received = true;
    upload->n_slices++;
    upload->n_unwritten += slice_n_bytes(slice);
    store_submit(upload->store, &slice->op);
}

static int wait_until_written(struct store_upload *upload, size_t max_unwritten)
{
    while (upload->rc == 0 && upload->n_unwritten > max_unwritten) {
        co_event_clear(&upload->moved);
        int rc = co_event_wait(&upload->moved);
        if (rc < 0)
            return rc;
    }
    return upload->rc;
}

int store_upload_add(struct store_upload *upload, const struct job_chunk *chunk)
{
    assert(!upload->is_accepted);
    int rc = store_check_space(upload->store, chunk->length);
    if (rc == 0)
        rc = wait_until_written(upload, MAX_UNWRITTEN_BYTES);
    if (rc < 0)
        return rc;
    if (upload->slice == NULL)
        upload->slice = slice_new(upload);
    if (upload->slice == NULL)
        return -ENOMEM;
    rc = slice_add(upload->slice, chunk);
    if (rc == 0 && slice_n_bytes(upload->slice) >= SLICE_BYTES)
        send_slice(upload);
    return rc;
}

/* --- Accepting -------------------------------------------------------------------------------- */

struct accept_op {
    struct store_op op;
    struct store_upload *upload;
    const struct store_acceptance *acceptance;
    struct job_record *record;   /* of the new job */
    struct job_record *existing; /* that has the key already */
};

static int copy_name(struct job_record *record, const char *name)
{
    if (name == NULL)
        return 0;
    record->name = strdup(name);
    return record->name != NULL ? 0 : -ENOMEM;
}

static int render_labels(struct job_record *record, const struct job_spec *spec)
{
    struct buffer text;
    struct json_writer w;

    if (spec->n_labels == 0)
        return 0;
    buffer_init(&text, PTRDIFF_MAX);
    jw_init(&w, &text);
    jw_object_begin(&w);
    for (size_t i = 0; i < spec->n_labels; i++) {
        jw_name(&w, spec->labels[i].key, strlen(spec->labels[i].key));
        jw_text(&w, spec->labels[i].value);
    }
    jw_object_end(&w);
    int rc = jw_finish(&w);
    if (rc == 0)
        rc = buffer_append_byte(&text, '\0');
    if (rc == 0)
        record->labels = buffer_take(&text, &(size_t){0});
    buffer_done(&text);
    return rc;
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
    tally_init(&record->tally, acceptance->n_items);
    int rc = copy_name(record, spec->name);
    if (rc == 0)
        rc = render_labels(record, spec);
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
    int rc = upload->slice != NULL ? write_slice(connection, upload->slice) : 0;

    if (rc < 0 || !upload->is_received)
        return rc;
    sqlite_bind(accept, upload->key);
    return sqlite_run(accept);
}

/* returns 0; 1: there are too many jobs, which is no fault of the disk; -errno */
static int apply_accept(struct sqlite_connection *connection, struct store_op *op)
{
    struct accept_op *accept = co_container_of(op, struct accept_op, op);
    const struct store_acceptance *acceptance = accept->acceptance;

    int rc = look_for_key(connection, accept);
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
    if (rc == 0)
        rc = write_turn(connection, accept->record->number, acceptance->n_items);
    connection->pending.n_jobs += rc == 0;
    return rc;
}

/* What is in memory of it yet goes with the record, in one commit. */
static int commit_acceptance(struct accept_op *accept)
{
    struct store_upload *upload = accept->upload;
    const struct slice *slice = upload->slice;

    accept->op = (struct store_op){
        .apply = apply_accept,
        .priority = STORE_ACCEPTS,
        .n_rows = 4 + (slice != NULL ? slice_n_chunks(slice) : 0),
        .n_bytes = accept->acceptance->head_length + (slice != NULL ? slice_n_bytes(slice) : 0),
    };
    int rc = store_write(upload->store, &accept->op);
    return rc == 1 ? -ENOSPC : rc;
}

int store_upload_accept(struct store_upload *upload, const struct store_acceptance *acceptance,
                        struct job_record **ret_record)
{
    struct accept_op accept = {.upload = upload, .acceptance = acceptance};

    int rc = store_check_space(upload->store, acceptance->head_length);
    if (rc == 0)
        rc = wait_until_written(upload, 0);
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

/* --- Giving up -------------------------------------------------------------------------------- */

static int apply_abandon(struct sqlite_connection *connection, struct store_op *op)
{
    struct store_upload *upload = co_container_of(op, struct store_upload, abandon);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_UPLOAD_ABANDON);

    sqlite_bind(statement, upload->key);
    return sqlite_run(statement);
}

/* Where there was no space for it, it is tried again: it may be what takes up the space. Should it
 * have failed otherwise, the next who opens the store does it. */
static void abandoned(struct store_op *op)
{
    struct store_upload *upload = co_container_of(op, struct store_upload, abandon);

    if (op->rc == -ENOSPC || op->rc == -ENOMEM)
        co_list_append(&upload->store->unabandoned, &op->link);
    else
        free(upload);
}

static struct store_op *take_unabandoned(struct store *store)
{
    return co_container_of(co_list_take_first(&store->unabandoned), struct store_op, link);
}

void store_abandon_again(struct store *store)
{
    while (!co_list_is_empty(&store->unabandoned))
        store_submit(store, take_unabandoned(store));
}

void store_leave_unabandoned(struct store *store)
{
    while (!co_list_is_empty(&store->unabandoned))
        free(co_container_of(take_unabandoned(store), struct store_upload, abandon));
}

static void dispose(struct store_upload *upload)
{
    if (!upload->is_received || upload->is_accepted) {
        free(upload);
        return;
    }
    upload->abandon = (struct store_op){
        .apply = apply_abandon, .finished = abandoned, .priority = STORE_KEEPING, .n_rows = 1};
    store_submit(upload->store, &upload->abandon);
}

void store_upload_free(struct store_upload *upload)
{
    if (upload == NULL)
        return;
    slice_free(co_take(upload->slice));
    upload->is_free = true;
    if (upload->n_slices == 0)
        dispose(upload);
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
    else if (!job_id_is_valid(id))
        rc = -EBADMSG;
    else
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
