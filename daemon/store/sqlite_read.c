/* Which rows a page is of: in order of index, or of completion. The page itself is sqlite_page.c's.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/store/sqlite_page.h"

/* --- By index --------------------------------------------------------------------------------- */

static int find_job(struct sqlite_connection *connection, struct sqlite_page_op *op)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_UPLOAD_OF_JOB);

    sqlite_bind(statement, op->job);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc < 0 ? rc : -ENOENT;
    op->upload = sqlite3_column_int64(statement, 0);
    op->n_items = (uint32_t)sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return 0;
}

static bool is_filtered(const struct store_read_options *options)
{
    return options->by_outcome || options->failures_only;
}

static sqlite3_stmt *filter(struct sqlite_connection *connection, const struct sqlite_page_op *op,
                            int64_t first, int64_t end)
{
    const struct store_read_options *options = op->options;
    enum sqlite_statement_id id = !options->by_outcome                  ? STATEMENT_ROWS_FAILED
                                  : options->outcome == OUTCOME_SUCCESS ? STATEMENT_ROWS_OF_SUCCESS
                                                                        : STATEMENT_ROWS_OF_OUTCOME;
    sqlite3_stmt *statement = sqlite_statement(connection, id);

    sqlite_bind(statement, op->job, first, end);
    if (id == STATEMENT_ROWS_OF_OUTCOME)
        sqlite3_bind_int(statement, 4, options->outcome);
    return statement;
}

static uint32_t end_of_rows(const struct store_page *page)
{
    return page->n_rows > 0 ? page->rows[page->n_rows - 1].index + 1 : 0;
}

static int read_filtered(struct sqlite_connection *connection, struct sqlite_page_op *op,
                         uint32_t first, uint32_t end)
{
    int rc = sqlite_page_add_rows(connection, op, filter(connection, op, first, end));

    op->page->more = rc == 0;
    op->page->end = op->page->more ? end_of_rows(op->page) : end;
    return rc < 0 ? rc : 0;
}

/* One chunk of [first, end), with its rows. returns as sqlite_page_add_row(), and where it ends */
static int read_chunk_and_rows(struct sqlite_connection *connection, struct sqlite_page_op *op,
                               uint32_t first, uint32_t end, uint32_t *ret_end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_ROWS_BETWEEN);
    const struct job_chunk *chunk;

    int rc = sqlite_page_add_chunk(connection, op, first, &chunk);
    if (rc < 0)
        return rc;
    uint32_t chunk_end = chunk->first + chunk->n_items;
    *ret_end = chunk_end < end ? chunk_end : end;
    sqlite_bind(statement, op->job, first, *ret_end);
    rc = sqlite_page_add_rows(connection, op, statement);
    if (rc == 0)
        *ret_end = end_of_rows(op->page) > first ? end_of_rows(op->page) : first;
    return rc;
}

/* returns whether there is a row in [first, end); -errno */
static int has_rows(struct sqlite_connection *connection, struct sqlite_page_op *op, uint32_t first,
                    uint32_t end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_ROWS_BETWEEN);

    sqlite_bind(statement, op->job, first, end);
    int rc = sqlite_next(statement);
    if (rc == 1)
        sqlite3_reset(statement);
    return rc;
}

static int read_all(struct sqlite_connection *connection, struct sqlite_page_op *op, uint32_t first,
                    uint32_t end)
{
    struct store_page *page = op->page;
    int rc = 1;

    page->end = first;
    while (rc == 1 && page->end < end && op->n_bytes <= op->options->max_bytes)
        rc = read_chunk_and_rows(connection, op, page->end, end, &page->end);
    if (rc >= 0 && page->end < end)
        rc = has_rows(connection, op, page->end, end);
    page->more = rc == 1 && page->end < end;
    return rc < 0 ? rc : 0;
}

/* Applied once only: a read is not repeated. */
static int apply_read(struct sqlite_connection *connection, struct store_op *op)
{
    struct sqlite_page_op *read = co_container_of(op, struct sqlite_page_op, op);
    const struct store_read_options *options = read->options;

    int rc = find_job(connection, read);
    if (rc < 0)
        return rc;
    uint32_t first = options->first < read->n_items ? options->first : read->n_items;
    uint32_t n = read->n_items - first;
    uint32_t end = first + (options->n_items < n ? options->n_items : n);
    return is_filtered(options) ? read_filtered(connection, read, first, end)
                                : read_all(connection, read, first, end);
}

static int read_page(struct store *store, struct sqlite_page_op *op)
{
    *op->page = (struct store_page){0};
    arena_init(&op->page->arena, PTRDIFF_MAX);
    return store_read_with(store, &op->op);
}

int store_read(struct store *store, int64_t number, const struct store_read_options *options,
               struct store_page *ret_page)
{
    struct sqlite_page_op op = {
        .op.apply = apply_read, .job = number, .options = options, .page = ret_page};

    return read_page(store, &op);
}

void store_page_done(struct store_page *page)
{
    arena_done(&page->arena);
    *page = (struct store_page){0};
}

/* --- By completion ---------------------------------------------------------------------------- */

/* returns 1; 0: there is no whole number any more */
static int get_varint(const unsigned char **next, const unsigned char *end, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; *next < end && shift < 64; shift += 7) {
        unsigned char byte = *(*next)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return 1;
        }
    }
    return 0;
}

/* returns as sqlite_page_add_row() */
static int add_row_of(struct sqlite_connection *connection, struct sqlite_page_op *op,
                      int64_t index, uint64_t seq)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_ROW_AT);

    sqlite_bind(statement, op->job, index);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc < 0 ? rc : STORE_DAMAGED_CONTENT;
    rc = sqlite_page_add_row(connection, op, statement);
    if (rc == 1)
        op->page->rows[op->page->n_rows - 1].seq = seq;
    sqlite3_reset(statement);
    return rc;
}

/* The rows of one commit. returns as sqlite_page_add_row() */
static int add_completed(struct sqlite_connection *connection, struct sqlite_page_op *op,
                         sqlite3_stmt *statement)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(statement, 0);
    const unsigned char *next = sqlite3_column_blob(statement, 1);
    const unsigned char *end = next + sqlite3_column_bytes(statement, 1);
    uint64_t index;
    int rc = 1;

    for (; rc == 1 && next < end; seq++) {
        if (get_varint(&next, end, &index) == 0)
            return STORE_DAMAGED_CONTENT;
        if (seq > op->after && index > 0)
            rc = add_row_of(connection, op, (int64_t)index - 1, seq);
    }
    return rc;
}

static int compare_chunks(const void *a, const void *b)
{
    const struct job_chunk *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

static int apply_read_completed(struct sqlite_connection *connection, struct store_op *op)
{
    struct sqlite_page_op *read = co_container_of(op, struct sqlite_page_op, op);
    struct store_page *page = read->page;
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_COMPLETIONS_FROM);

    int rc = find_job(connection, read);
    if (rc < 0)
        return rc;
    sqlite_bind(statement, read->job, (int64_t)read->after);
    do {
        rc = sqlite_next(statement);
        if (rc < 1)
            break;
        rc = add_completed(connection, read, statement);
        page->more = rc == 0;
    } while (rc == 1);
    sqlite3_reset(statement);
    if (page->n_chunks > 0)
        qsort(page->chunks, page->n_chunks, sizeof(*page->chunks), compare_chunks);
    return rc < 0 ? rc : 0;
}

int store_read_completed(struct store *store, int64_t number, uint64_t after, size_t max_rows,
                         size_t max_bytes, bool with_bodies, struct store_page *ret_page)
{
    const struct store_read_options options = {
        .max_rows = max_rows, .max_bytes = max_bytes, .with_bodies = with_bodies};
    struct sqlite_page_op op = {
        .op.apply = apply_read_completed,
        .job = number,
        .options = &options,
        .after = after,
        .page = ret_page,
    };

    return read_page(store, &op);
}
