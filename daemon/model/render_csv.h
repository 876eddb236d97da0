/* A result as a row of a table, for spreadsheets: one line, the same columns for all. What a
 * result has that is no single value (headers, hops, captured bodies) is in its JSON only. */
#pragma once

#include "daemon/base/csv_writer.h"
#include "daemon/model/render.h"

/* The names of the columns. */
void render_csv_header(struct csv_writer *csv);

/* result: NULL: it is pending; then only its place is known. */
void render_csv_row(struct csv_writer *csv, const struct result_place *place,
                    const struct result *result);
