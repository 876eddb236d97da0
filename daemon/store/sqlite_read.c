#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sqlite_private.h"

struct shape {
    int64_t index;
    const char *bytes;
    size_t length;
};

struct read_op {
    struct store_op op;
    int64_t job;
    const struct store_read_options *options;
    uint64_t after; /* of those as completed */
    struct store_page *page;

    int64_t upload;
    uint32_t n_items; /* of the job */
    size_t n_bytes;
    size_t row_room, chunk_room;
    struct shape *shapes; /* of the rows so far; the last one is looked at first */
    size_t n_shapes, shape_room;
};

/* Makes sure that there is room for one more element of an array in the page's arena. */
static int make_room(struct read_op *op, void *array, size_t n, size_t size, size_t *room)
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
static int copy_blob(struct read_op *op, sqlite3_stmt *statement, int i, const char **ret_bytes,
                     size_t *ret_length)
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

/* A chunk that is damaged has no lines; one that is lost is one item. */
static int read_chunk(struct sqlite_connection *connection, struct read_op *op, uint32_t item,
                      struct job_chunk *ret_chunk)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_CHUNK_DATA_OF);
    const struct job_chunk lost = {.first = item, .n_items = 1};

    *ret_chunk = lost;
    sqlite_bind(statement, op->upload, item);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc;
    rc = sqlite_chunk(statement, ret_chunk);
    if (!is_in(ret_chunk, item))
        *ret_chunk = lost;
    else if (rc == 0)
        rc = copy_blob(op, statement, 5, &ret_chunk->lines, &ret_chunk->length);
    if (rc == STORE_DAMAGED_CONTENT) {
        ret_chunk->lines = NULL;
        ret_chunk->length = 0;
        rc = 0;
    }
    sqlite3_reset(statement);
    return rc;
}

/* Adds the chunk that has the item, if it is not there. */
static int add_chunk(struct sqlite_connection *connection, struct read_op *op, uint32_t item,
                     const struct job_chunk **ret_chunk)
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

static int read_shape(struct sqlite_connection *connection, struct read_op *op,
                      struct shape *ret_shape)
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

static int get_shape(struct sqlite_connection *connection, struct read_op *op, int64_t index,
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
        op->shapes[op->n_shapes] = (struct shape){.index = index};
        rc = read_shape(connection, op, &op->shapes[op->n_shapes]);
        i = ++op->n_shapes;
    }
    row->shape = op->shapes[i - 1].bytes;
    row->shape_length = op->shapes[i - 1].length;
    return rc;
}

static bool is_over(const struct read_op *op, size_t n_bytes)
{
    return op->page->n_rows > 0 && op->n_bytes + n_bytes > op->options->max_bytes;
}

/* returns 0: it is too much for the page; 1; -errno */
static int read_body(struct sqlite_connection *connection, struct read_op *op,
                     struct store_row *row)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_BODY_AT);

    sqlite_bind(statement, op->job, row->index);
    int rc = sqlite_next(statement);
    if (rc <= 0)
        return rc < 0 ? rc : 1;
    bool fits = !is_over(op, row->row_length + (size_t)sqlite3_column_bytes(statement, 0));
    if (fits)
        rc = copy_blob(op, statement, 0, &row->body, &row->body_length);
    sqlite3_reset(statement);
    return rc < 0 ? rc : fits;
}

/* returns as read_body() */
static int read_row(struct sqlite_connection *connection, struct read_op *op,
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

/* Adds the statement's row, with the chunk of its item. returns 1; 0: the page is full; -errno */
static int add_row(struct sqlite_connection *connection, struct read_op *op,
                   sqlite3_stmt *statement)
{
    struct store_page *page = op->page;
    const struct job_chunk *chunk;

    if (page->n_rows == op->options->max_rows)
        return 0;
    uint32_t item = (uint32_t)sqlite3_column_int64(statement, IDX);
    int rc = add_chunk(connection, op, item, &chunk);
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

/* Adds the rows of a statement. returns as add_row() */
static int add_rows(struct sqlite_connection *connection, struct read_op *op,
                    sqlite3_stmt *statement)
{
    int rc;

    while ((rc = sqlite_next(statement)) == 1) {
        rc = add_row(connection, op, statement);
        if (rc < 1) {
            sqlite3_reset(statement);
            return rc;
        }
    }
    return rc < 0 ? rc : 1;
}

/* --- By index --------------------------------------------------------------------------------- */

static int find_job(struct sqlite_connection *connection, struct read_op *op)
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

static sqlite3_stmt *filter(struct sqlite_connection *connection, const struct read_op *op,
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

static int read_filtered(struct sqlite_connection *connection, struct read_op *op, uint32_t first,
                         uint32_t end)
{
    int rc = add_rows(connection, op, filter(connection, op, first, end));

    op->page->more = rc == 0;
    op->page->end = op->page->more ? end_of_rows(op->page) : end;
    return rc < 0 ? rc : 0;
}

/* One chunk of [first, end), with its rows. returns as add_row(), and where it ends */
static int read_chunk_and_rows(struct sqlite_connection *connection, struct read_op *op,
                               uint32_t first, uint32_t end, uint32_t *ret_end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_ROWS_BETWEEN);
    const struct job_chunk *chunk;

    int rc = add_chunk(connection, op, first, &chunk);
    if (rc < 0)
        return rc;
    uint32_t chunk_end = chunk->first + chunk->n_items;
    *ret_end = chunk_end < end ? chunk_end : end;
    sqlite_bind(statement, op->job, first, *ret_end);
    rc = add_rows(connection, op, statement);
    if (rc == 0)
        *ret_end = end_of_rows(op->page) > first ? end_of_rows(op->page) : first;
    return rc;
}

/* returns whether there is a row in [first, end); -errno */
static int has_rows(struct sqlite_connection *connection, struct read_op *op, uint32_t first,
                    uint32_t end)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_ROWS_BETWEEN);

    sqlite_bind(statement, op->job, first, end);
    int rc = sqlite_next(statement);
    if (rc == 1)
        sqlite3_reset(statement);
    return rc;
}

static int read_all(struct sqlite_connection *connection, struct read_op *op, uint32_t first,
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
    struct read_op *read = co_container_of(op, struct read_op, op);
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

static int read_page(struct store *store, struct read_op *op)
{
    *op->page = (struct store_page){0};
    arena_init(&op->page->arena, PTRDIFF_MAX);
    return store_read_with(store, &op->op);
}

int store_read(struct store *store, int64_t number, const struct store_read_options *options,
               struct store_page *ret_page)
{
    struct read_op op = {
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

/* returns as add_row() */
static int add_row_of(struct sqlite_connection *connection, struct read_op *op, int64_t index,
                      uint64_t seq)
{
    sqlite3_stmt *statement = sqlite_statement(connection, STATEMENT_ROW_AT);

    sqlite_bind(statement, op->job, index);
    int rc = sqlite_next(statement);
    if (rc < 1)
        return rc < 0 ? rc : STORE_DAMAGED_CONTENT;
    rc = add_row(connection, op, statement);
    if (rc == 1)
        op->page->rows[op->page->n_rows - 1].seq = seq;
    sqlite3_reset(statement);
    return rc;
}

/* The rows of one commit. returns as add_row() */
static int add_completed(struct sqlite_connection *connection, struct read_op *op,
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
    struct read_op *read = co_container_of(op, struct read_op, op);
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
    struct read_op op = {
        .op.apply = apply_read_completed,
        .job = number,
        .options = &options,
        .after = after,
        .page = ret_page,
    };

    return read_page(store, &op);
}
