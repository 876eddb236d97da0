/* The results of one batch, as the JSON rows they will be shown as, by index.
 *
 * A result is rendered once, when it comes in, and its parts are freed: what stays is a row of
 * bytes. The rows live in one arena, so that a whole batch is freed at once. When the budget runs
 * out, captured bodies are left out (and called truncated) before rows are.
 */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/buffer.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/tally.h"

struct result_budget {
    uint64_t used; /* bytes of rows */
    uint64_t max;
};

struct result_row {
    const char *json; /* NULL: not finished */
    uint32_t length;
    uint8_t outcome;
};

struct result_set {
    const struct job_spec *spec; /* borrowed */
    const char *job_id;          /* NULL: a gather's; borrowed */
    struct result_row *rows;     /* n_items of the spec */
    struct tally tally;
    struct arena arena;
    struct buffer scratch;        /* where a row is rendered */
    struct result_budget *budget; /* shared */
    uint64_t n_bytes;             /* of all rows; counted in the budget, too */
};

/* returns 0, -ENOMEM; result_set_done() is fine either way. */
int result_set_init(struct result_set *set, const struct job_spec *spec, const char *job_id,
                    struct result_budget *budget);
void result_set_done(struct result_set *set);

/* Records that an item has finished, once. Nothing fails: a result that there is no memory to keep
 * becomes a transport_error that says so, in the tally as well. */
void result_set_finish(struct result_set *set, size_t index, const struct result *result);

/* Frees the rows that there are, which nobody may look at any more; what they counted stays
 * counted. */
void result_set_forget(struct result_set *set);
