/* A page: rows, with what belongs to them, and the chunks of their requests, copied into its arena.
 */
#include <errno.h>
#include <string.h>

#include "daemon/base/crc32c.h"
#include "daemon/store/sqlite_page.h"

struct sqlite_shape {
    int64_t index;
    const char *bytes;
    size_t length;
};

/* Makes sure that there is room for one more element of an array in the page's arena. */
static int make_room(struct sqlite_page_op *op, void *array, size_t n, size_t size, size_t *room)
{
    void **elements = array;

    if (n < *room)
        return 0;
    size_t new_room = *room > 0 ? 2 * *room : 16;
    void *grown = arena_alloc(&op->page->arena, new_room * size);
    if (grown == NULL)
        return -ENOMEM;
    if (n > 0)
        memcpy(grown, *elements, n * size);
    *elements = grown;
    *room = new_room;
    return 0;
}

/* returns 0: also of nothing at all; -ENOMEM */
static int copy_blob(struct sqlite_page_op *op, sqlite3_stmt *statement, int i,
                     const char **ret_bytes, size_t *ret_length)
{
    const void *blob = sqlite3_column_blob(statement, i);
    size_t length = (size_t)sqlite3_column_bytes(statement, i);

    if (blob == NULL && length > 0)
        return -ENOMEM;
    *ret_bytes = arena_copy(&op->page->arena, length > 0 ? blob : "", length);
    *ret_length = length;
    return *ret_bytes != NULL ? 0 : -ENOMEM;
}

/* --- Chunks ----------------------------------------------------------------------------------- */

static bool is_in(const struct job_chunk *chunk, uint32_t item)
{
    return item >= chunk->first && item - chunk->first < chunk->n_items;
}

/* The page's chunk that has the item; the last one added is the likely one. NULL: none has */
static const struct job_chunk *find_chunk(const struct store_page *page, uint32_t item)
{
    for (size_t i = page->n_chunks; i > 0; i--)
        if (is_in(&page->chunks[i - 1], item))
            return &page->chunks[i - 1];
    return NULL;
}

/* One that is damaged, or lost, is one item without lines: what it says of itself may be anything.
 */
static int read_chunk(struct sqlite_connection *connection, struct sqlite_page_op *op,
                      uint32_t item, struct job_chunk *ret_chunk)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_OF);
    const struct job_chunk lost = {.first = item, .n_items = 1};

    *ret_chunk = lost;
    sqlite_bind(statement, op->upload, item);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc;
    rc = sqlite_chunk(statement, ret_chunk);
    if (rc == 0 && is_in(ret_chunk, item)) {
        rc = copy_blob(op, statement, 5, &ret_chunk->lines, &ret_chunk->length);
    } else if (rc == 0 || rc == STORE_DAMAGED_CONTENT) {
        *ret_chunk = lost;
        rc = 0;
    }
    sqlite3_reset(statement);
    return rc;
}

int sqlite_page_add_chunk(struct sqlite_connection *connection, struct sqlite_page_op *op,
                          uint32_t item, const struct job_chunk **ret_chunk)
{
    struct store_page *page = op->page;

    *ret_chunk = find_chunk(page, item);
    if (*ret_chunk != NULL)
        return 0;
    int rc = make_room(op, &page->chunks, page->n_chunks, sizeof(*page->chunks), &op->chunk_room);
    if (rc == 0)
        rc = read_chunk(connection, op, item, &page->chunks[page->n_chunks]);
    if (rc < 0)
        return rc;
    *ret_chunk = &page->chunks[page->n_chunks++];
    op->n_bytes += (*ret_chunk)->length;
    return 0;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* In the order of ROW_COLUMNS. */
enum { IDX, OUTCOME, SHAPE_OF, HAS_BODY, ROW };

static int read_shape(struct sqlite_connection *connection, struct sqlite_page_op *op,
                      struct sqlite_shape *ret_shape)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_SHAPE_AT);

    sqlite_bind(statement, op->job, ret_shape->index);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc;
    rc = copy_blob(op, statement, 0, &ret_shape->bytes, &ret_shape->length);
    sqlite3_reset(statement);
    return rc;
}

static int get_shape(struct sqlite_connection *connection, struct sqlite_page_op *op, int64_t index,
                     struct store_row *row)
{
    size_t i = op->n_shapes;
    int rc = 0;

    while (i > 0 && op->shapes[i - 1].index != index)
        i--;
    if (i == 0) {
        rc = make_room(op, &op->shapes, op->n_shapes, sizeof(*op->shapes), &op->shape_room);
        if (rc < 0)
            return rc;
        op->shapes[op->n_shapes] = (struct sqlite_shape){.index = index};
        rc = read_shape(connection, op, &op->shapes[op->n_shapes]);
        i = ++op->n_shapes;
    }
    row->shape = op->shapes[i - 1].bytes;
    row->shape_length = op->shapes[i - 1].length;
    return rc;
}

static bool is_over(const struct sqlite_page_op *op, size_t n_bytes)
{
    return op->page->n_rows > 0 && op->n_bytes + n_bytes > op->options->max_bytes;
}

/* Of the row of BODY_AT. What version 1 has written has no checksum. */
static bool is_sound(sqlite3_stmt *statement, const struct store_row *row)
{
    return sqlite3_column_type(statement, 1) == SQLITE_NULL ||
           crc32c(row->body, row->body_length) == (uint32_t)sqlite3_column_int64(statement, 1);
}

static int copy_body(struct sqlite_page_op *op, sqlite3_stmt *statement, struct store_row *row)
{
    int rc = copy_blob(op, statement, 0, &row->body, &row->body_length);

    if (rc < 0)
        return rc;
    row->lacks_body = !is_sound(statement, row);
    if (row->lacks_body) {
        row->body = NULL;
        row->body_length = 0;
    }
    return 0;
}

/* returns 0: it is too much for the page; 1; -errno */
static int read_body(struct sqlite_connection *connection, struct sqlite_page_op *op,
                     struct store_row *row)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_BODY_AT);

    sqlite_bind(statement, op->job, row->index);
    int rc = sqlite_next(statement);
    row->lacks_body = rc == 0;
    if (rc <= 0)
        return rc < 0 ? rc : 1;
    bool fits = !is_over(op, row->row_length + (size_t)sqlite3_column_bytes(statement, 0));
    if (fits)
        rc = copy_body(op, statement, row);
    sqlite3_reset(statement);
    return rc < 0 ? rc : fits;
}

/* returns as read_body() */
static int read_row(struct sqlite_connection *connection, struct sqlite_page_op *op,
                    sqlite3_stmt *statement, struct store_row *ret_row)
{
    *ret_row = (struct store_row){
        .index = (uint32_t)sqlite3_column_int64(statement, IDX),
        .outcome = (uint8_t)sqlite3_column_int(statement, OUTCOME),
        .has_body = sqlite3_column_int(statement, HAS_BODY) != 0,
    };
    if (is_over(op, (size_t)sqlite3_column_bytes(statement, ROW)))
        return 0;
    int rc = copy_blob(op, statement, ROW, &ret_row->row, &ret_row->row_length);
    if (rc == 0)
        rc = get_shape(connection, op, sqlite3_column_int64(statement, SHAPE_OF), ret_row);
    if (rc < 0)
        return rc;
    bool wants_body = ret_row->has_body && op->options->with_bodies;
    return wants_body ? read_body(connection, op, ret_row) : 1;
}

int sqlite_page_add_row(struct sqlite_connection *connection, struct sqlite_page_op *op,
                        sqlite3_stmt *statement)
{
    struct store_page *page = op->page;
    const struct job_chunk *chunk;

    if (page->n_rows == op->options->max_rows)
        return 0;
    uint32_t item = (uint32_t)sqlite3_column_int64(statement, IDX);
    int rc = sqlite_page_add_chunk(connection, op, item, &chunk);
    if (rc == 0)
        rc = make_room(op, &page->rows, page->n_rows, sizeof(*page->rows), &op->row_room);
    if (rc == 0)
        rc = read_row(connection, op, statement, &page->rows[page->n_rows]);
    if (rc < 1)
        return rc;
    const struct store_row *row = &page->rows[page->n_rows++];
    op->n_bytes += row->row_length + row->body_length;
    return 1;
}

int sqlite_page_add_rows(struct sqlite_connection *connection, struct sqlite_page_op *op,
                         sqlite3_stmt *statement)
{
    int rc;

    while ((rc = sqlite_next(statement)) == 1) {
        rc = sqlite_page_add_row(connection, op, statement);
        if (rc < 1) {
            sqlite3_reset(statement);
            return rc;
        }
    }
    return rc < 0 ? rc : 1;
}
