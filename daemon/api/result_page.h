/* A page of a job's results: as many as fit, read from the store some at a time, so that a page
 * costs neither much memory nor others their turn.
 *
 * In order of index, an item without a result is shown as pending, or as skipped once its job has
 * ended. In order of completion, results come first, and when the job has ended those that were
 * never started follow, by index.
 *
 * With a filter a page may have fewer results than asked for, even none, and yet not be the last:
 * so much is looked at for one page, and no more.
 */
#pragma once

#include "lib/co/base.h"

#include "daemon/api/result_view.h"

/* Where a page begins. */
struct result_cursor {
    bool in_rest;  /* among those that were never started, in order of completion */
    uint64_t next; /* index; or the last seq of the page before */
};

struct result_query {
    size_t limit;
    bool as_completed;
    bool by_outcome;
    enum outcome outcome;
    struct result_cursor from;
};

/* Writes the elements of an array that has been begun.
 *
 * ret_next   where the next page begins
 * ret_more   whether there are results for it already
 * returns    0; -ENOENT: the job has been forgotten; -ECANCELED; as the store
 */
CO_BLOCKS int result_page_write(struct store *store, struct result_view *view,
                                const struct result_query *query, struct json_writer *w,
                                struct result_cursor *ret_next, bool *ret_more);
