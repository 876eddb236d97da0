/* A result as the JSON object of the contract (docs: result). */
#pragma once

#include "daemon/base/json_writer.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"
#include "daemon/model/result_fields.h"

struct result_place {
    const struct job_spec *spec;
    const char *job_id; /* NULL: a gather's */
    size_t index;       /* in the spec */
    size_t first;       /* index in the job of the spec's first item */
    uint64_t seq; /* 1 is the first to finish; 0: what was never started, when its job ended */
    struct result_fields fields; /* that are shown */
};

/* with_body: whether to show what was captured. What is not shown counts as truncated. */
void render_result(struct json_writer *w, const struct result_place *place,
                   const struct result *result, bool with_body);

/* An item that has not finished: its place, and "state": "pending". */
void render_pending(struct json_writer *w, const struct result_place *place);
