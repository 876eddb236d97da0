/* Tables of what the API lists. */
#pragma once

#include "daemon/client/output.h"
#include "daemon/client/text_table.h"

struct json_t;

struct json_column {
    struct text_column column;
    const char *pointer; /* into an item */
};

/* Appends a cell: the value as text, or "-". */
void json_table_cell(struct text_table *table, enum tone tone, const struct json_t *item,
                     const char *pointer);

/* Appends a table of the items of document's "data" to output->text.
 *
 * columns    at most TEXT_COLUMNS_MAX of them
 * returns    how many items there are; -ENOMEM
 */
int json_table_show(struct output *output, const struct json_t *document,
                    const struct json_column *columns, size_t n_columns);
