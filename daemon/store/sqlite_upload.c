/* Receiving: chunks go to the store in slices (sqlite_slice.c); what comes of them is decided in
 * sqlite_accept.c, or they are given up.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/store/sqlite_keeping.h"
#include "daemon/store/sqlite_upload.h"

/* A slice is what is written at once; what fits into one is written when it is accepted. So many
 * small jobs share a commit, and a big one is not in memory. */
enum {
    SLICE_BYTES = 256 * 1024,
    MAX_UNWRITTEN_BYTES = 1024 * 1024,
};

/* All uploads together may take half of store.max_bytes: what is not accepted yet pushes out no
 * job, so while they come in, the database may be that much larger. */
enum { UPLOADS_PART = 2 };

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

enum { DOES_NOT_FIT = 1, NEVER_FITS };

/* Once it is accepted, jobs that have ended make room for it; if none has, there is none.
 * returns 0, DOES_NOT_FIT, NEVER_FITS, -errno */
static int look_for_room(struct sqlite_connection *connection, const struct sqlite_slice *slice)
{
    struct store *store = connection->store;
    uint64_t max_bytes = store->options.max_bytes, n_bytes = sqlite_slice_n_bytes(slice);
    uint64_t n_own_bytes = (uint64_t)slice->upload->n_stored + n_bytes;
    int rc = sqlite_measure(connection);

    if (rc == 0 && n_own_bytes > max_bytes / UPLOADS_PART)
        return NEVER_FITS;
    if (rc == 0 && sqlite_upload_bytes(connection) + n_bytes > max_bytes / UPLOADS_PART)
        return DOES_NOT_FIT;
    if (rc < 0 || atomic_load(&store->space.used_bytes) + n_bytes <= max_bytes)
        return rc;
    rc = sqlite_can_shrink(connection);
    return rc < 0 ? rc : rc > 0 ? 0 : DOES_NOT_FIT;
}

static int write_slice(struct sqlite_connection *connection, const struct sqlite_slice *slice)
{
    sqlite3_stmt *begin = sqlite_statement(connection, STATEMENT_UPLOAD_BEGIN);

    sqlite_bind(begin, slice->upload->key);
    int rc = sqlite_run(begin);
    return rc < 0 ? rc : sqlite_slice_write(connection, slice);
}

static int apply_slice(struct sqlite_connection *connection, struct store_op *op)
{
    struct sqlite_slice *slice = co_container_of(op, struct sqlite_slice, op);
    atomic_uint_least64_t *used_bytes = &connection->store->space.used_bytes;
    int rc = look_for_room(connection, slice);

    if (rc != 0)
        return rc;
    uint64_t before = atomic_load(used_bytes);
    rc = write_slice(connection, slice);
    if (rc == 0)
        rc = sqlite_measure(connection);
    slice->n_used = rc == 0 ? (int64_t)(atomic_load(used_bytes) - before) : 0;
    slice->upload->n_stored += slice->n_used;
    connection->pending.upload_bytes += slice->n_used;
    return rc;
}

static void dispose(struct store_upload *upload);

static int result_of(const struct store_op *op)
{
    return op->rc == DOES_NOT_FIT ? -ENOBUFS : op->rc == NEVER_FITS ? -EFBIG : op->rc;
}

static void slice_finished(struct store_op *op)
{
    struct sqlite_slice *slice = co_container_of(op, struct sqlite_slice, op);
    struct store_upload *upload = slice->upload;

    upload->n_slices--;
    upload->n_unwritten -= sqlite_slice_n_bytes(slice);
    if (op->rc == 0)
        upload->n_used += slice->n_used;
    else if (upload->rc == 0)
        upload->rc = result_of(op);
    sqlite_slice_free(slice);
    co_event_set(&upload->moved);
    if (upload->is_free && upload->n_slices == 0)
        dispose(upload);
}

static void send_slice(struct store_upload *upload)
{
    struct sqlite_slice *slice = co_take(upload->slice);

    slice->op = (struct store_op){
        .apply = apply_slice,
        .finished = slice_finished,
        .priority = STORE_ACCEPTS,
        .n_rows = sqlite_slice_n_chunks(slice),
        .n_bytes = sqlite_slice_n_bytes(slice),
    };
    upload->is_received = true;
    upload->n_slices++;
    upload->n_unwritten += sqlite_slice_n_bytes(slice);
    store_submit(upload->store, &slice->op);
}

int store_upload_wait(struct store_upload *upload, size_t max_unwritten)
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
        rc = store_upload_wait(upload, MAX_UNWRITTEN_BYTES);
    if (rc < 0)
        return rc;
    if (upload->slice == NULL)
        upload->slice = sqlite_slice_new(upload);
    if (upload->slice == NULL)
        return -ENOMEM;
    rc = sqlite_slice_add(upload->slice, chunk);
    if (rc == 0 && sqlite_slice_n_bytes(upload->slice) >= SLICE_BYTES)
        send_slice(upload);
    return rc;
}

/* --- Giving up -------------------------------------------------------------------------------- */

static int apply_abandon(struct sqlite_connection *connection, struct store_op *op)
{
    struct store_upload *upload = co_container_of(op, struct store_upload, abandon);
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_UPLOAD_ABANDON);

    sqlite_bind(statement, upload->key);
    int rc = sqlite_run(statement);
    if (rc == 0)
        connection->pending.upload_bytes -= upload->n_used;
    return rc;
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
    sqlite_slice_free(co_take(upload->slice));
    upload->is_free = true;
    if (upload->n_slices == 0)
        dispose(upload);
}
