/* Writes rows of comma-separated values into a buffer.
 *
 * What strangers sent ends up in somebody's spreadsheet, which takes a text that begins with '=',
 * '+', '-', '@', a tab or a CR for a formula, and runs it. Such a text gets an apostrophe before
 * it.
 *
 *     csv_init(&csv, &buffer);
 *     csv_text(&csv, "a, b");
 *     csv_uint(&csv, 7);
 *     csv_end_row(&csv);
 *     rc = csv.rc;
 *
 * The first failure sticks and makes the rest do nothing.
 *
 * source  RFC 4180; OWASP, "CSV Injection"
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buffer.h"

struct csv_writer {
    struct buffer *out;
    int rc;         /* the first failure: of buffer_append() */
    bool is_in_row; /* the next cell is not its first */
};

void csv_init(struct csv_writer *csv, struct buffer *out);

void csv_string(struct csv_writer *csv, const char *text, size_t length);
void csv_text(struct csv_writer *csv, const char *text); /* NULL: an empty cell */
void csv_uint(struct csv_writer *csv, uint64_t value);
void csv_ms(struct csv_writer *csv, int64_t microseconds);      /* 301.234; negative: empty */
void csv_instant(struct csv_writer *csv, int64_t microseconds); /* since 1970, as jw_instant() */
void csv_empty(struct csv_writer *csv);
void csv_end_row(struct csv_writer *csv);
