/* Where results go: each form of them is a sink, which appends to an output what it makes of one.
 *
 * begin() is called once, add() for each result as it comes, in whichever order, and end() in any
 * case, also if not all have come: what came is not lost.
 */
#pragma once

#include "daemon/client/options.h"
#include "daemon/client/output.h"

struct json_t;

struct result {
    const char *line; /* as it came: JSON without line breaks */
    size_t length;
    const struct json_t *document; /* the same, read */
};

struct result_sink {
    const struct result_form *form;
    struct output *output;
    struct text_table *table;   /* OUTPUT_TABLE */
    struct result_spool *spool; /* OUTPUT_JSON */
};

/* returns 0, -ENOMEM, -errno of a temporary file */
int result_sink_begin(struct result_sink *ret_sink, enum output_format format,
                      struct output *output);

/* returns 0; -ENOMEM; what writing failed with */
int result_sink_add(struct result_sink *sink, const struct result *result);

/* Writes what there is so far: nothing more may come for a while. */
int result_sink_flush(struct result_sink *sink);

/* What was begun is ended, so that it is whole. last: of a stream, read; NULL: it was cut.
 *
 * returns    0; -ENOMEM; what writing failed with */
int result_sink_end(struct result_sink *sink, const struct result *last);
