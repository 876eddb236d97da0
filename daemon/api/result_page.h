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
    size_t max_bytes; /* of what is made of them; the first comes anyway. 0: some 8 MiB */
    bool as_completed;
    bool by_outcome;
    enum outcome outcome;
    struct result_cursor from;
    struct result_fields fields; /* that are shown */
};

/* What results become. */
struct result_sink {
    struct buffer *out; /* what is measured by max_bytes */
    /* Appends a result; behind: where one goes on behind it. returns 0, -ENOMEM, -EMSGSIZE */
    int (*add)(void *arg, const struct viewed_result *viewed, const struct result_cursor *behind);
    void *arg;
};

/* Adds the results of a page to a sink.
 *
 * ret_next   where the next page begins
 * ret_more   whether there are results for it already
 * returns    0; -ENOENT: the job has been forgotten; -ECANCELED; as the store; as the sink
 */
CO_BLOCKS int result_page_read(struct store *store, struct result_view *view,
                               const struct result_query *query, const struct result_sink *sink,
                               struct result_cursor *ret_next, bool *ret_more);

/* The same as elements of an array that has been begun. */
CO_BLOCKS int result_page_write(struct store *store, struct result_view *view,
                                const struct result_query *query, struct json_writer *w,
                                struct result_cursor *ret_next, bool *ret_more);

/* A cursor as text: a number; with an 'r' before it, among the items that were never started. */
enum { RESULT_CURSOR_SIZE = 24 };

void result_cursor_format(const struct result_cursor *cursor, char text[RESULT_CURSOR_SIZE]);

/* returns 0, -EINVAL */
int result_cursor_parse(const char *text, struct result_cursor *ret_cursor);

/* For the `outcome` of a struct list_param: sets the filter of a struct result_query. */
int result_query_take_outcome(void *query, const char *name, const char *value);
