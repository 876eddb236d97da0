/* A table for people, in columns.
 *
 *     text_table_init(&table, columns, N_COLUMNS, &terminal);
 *     text_table_cell(&table, TONE_GOOD, "200", 3);
 *     text_table_cell(&table, TONE_PLAIN, url, strlen(url));
 *     rc = text_table_flush(&table, &out);
 *
 * Cells are given row by row, as many as there are columns, and kept until they are flushed: then
 * their widths are known. So a table that goes on while it is printed is flushed now and then; its
 * columns grow if what comes later is wider, but never shrink, and the titles come once. On a
 * terminal that is too narrow columns give way, as their table says, until lines fit; elsewhere
 * nothing is cut.
 *
 * What is in a cell is escaped (shown_text.h). The first failure sticks, and flushing returns it.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/buffer.h"
#include "daemon/client/terminal.h"

enum { TEXT_COLUMNS_MAX = 24 };

struct text_column {
    const char *title;
    bool is_right;     /* aligned: numbers are */
    uint8_t gives_way; /* where there is no room: 1 before 2, and so on; 0: never */
    uint8_t min_width; /* how narrow it gets then, its cells cut; 0: it is left out instead */
};

struct text_cell;

struct text_table {
    const struct text_column *columns; /* borrowed */
    size_t n_columns;
    const struct terminal *terminal; /* borrowed; may be measured again meanwhile */
    size_t widths[TEXT_COLUMNS_MAX]; /* of the widest cells so far */
    struct buffer text;              /* of the cells that are kept */
    struct text_cell *cells;
    size_t n_cells;
    size_t cells_max;
    bool has_titles; /* they have been printed */
    int rc;
};

void text_table_init(struct text_table *table, const struct text_column *columns, size_t n_columns,
                     const struct terminal *terminal);
void text_table_done(struct text_table *table);

/* The next cell. */
void text_table_cell(struct text_table *table, enum tone tone, const char *text, size_t length);
void text_table_text(struct text_table *table, enum tone tone, const char *text); /* NULL: "-" */
void text_table_uint(struct text_table *table, enum tone tone, uint64_t value);

/* Rows that are kept. */
size_t text_table_n_rows(const struct text_table *table);

/* Appends the rows that are kept, which must be whole, and before the first ones the titles.
 *
 * returns    0; -ENOMEM, -EMSGSIZE: a cell or line could not be kept */
int text_table_flush(struct text_table *table, struct buffer *out);
