/* A gather whose results go out as they come: asyncio.as_completed. A line of JSON for each, with
 * its index, then one with the counts: without that one the stream was cut. */
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/model/result_set.h"

/* Takes some lines, which are whole. A negative result ends the gather. */
typedef int gather_lines_fn(void *arg, const char *bytes, size_t n);

struct gather_lines {
    gather_lines_fn *write; /* may suspend */
    void *arg;
    struct job_spec *spec;
    struct result_set results;
    struct run run;
    uint32_t *order;  /* of the results that are there, as they came */
    size_t n_written; /* of these */
    bool is_over;     /* no more will come */
    struct co_event news;
};

/* spec and budget are borrowed. What has not been written yet counts in the budget.
 *
 * returns    0, -ENOMEM; gather_lines_done() is fine either way */
int gather_lines_init(struct gather_lines *gather, struct job_spec *spec,
                      struct result_budget *budget, gather_lines_fn *write, void *arg);
void gather_lines_done(struct gather_lines *gather);

/* Runs all items.
 *
 * returns    0; what write() failed with; -ECANCELED, -ENOMEM
 * suspends   until all is written */
CO_BLOCKS int gather_lines_run(struct gather_lines *gather, struct engine *engine);
