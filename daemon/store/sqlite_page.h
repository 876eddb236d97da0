/* A page that is being filled. */
#pragma once

#include "daemon/store/sqlite_private.h"

struct sqlite_shape;

/* Reads of a page share this; sqlite_read.c says which rows. */
struct sqlite_page_op {
    struct store_op op;
    int64_t job;
    const struct store_read_options *options;
    uint64_t after; /* of those as completed */
    struct store_page *page;

    int64_t upload;
    uint32_t n_items; /* of the job */
    size_t n_bytes;
    size_t row_room, chunk_room;
    struct sqlite_shape *shapes; /* of the rows so far; the last one is looked at first */
    size_t n_shapes, shape_room;
};

/* Adds the chunk that has the item, if it is not there. returns 0, -errno */
int sqlite_page_add_chunk(struct sqlite_connection *connection, struct sqlite_page_op *op,
                          uint32_t item, const struct job_chunk **ret_chunk);

/* Adds the statement's row, with the chunk of its item. returns 1; 0: the page is full; -errno */
int sqlite_page_add_row(struct sqlite_connection *connection, struct sqlite_page_op *op,
                        sqlite3_stmt *statement);

/* Adds the rows of a statement. returns as sqlite_page_add_row() */
int sqlite_page_add_rows(struct sqlite_connection *connection, struct sqlite_page_op *op,
                         sqlite3_stmt *statement);
