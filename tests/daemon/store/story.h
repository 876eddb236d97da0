/* A short story of two jobs, which is told to a store step by step and of which the store must then
 * know at least as much as it has acknowledged.
 */
#pragma once

#include "daemon/store/store.h"

struct story {
    size_t n_told; /* steps that were acknowledged */
    int64_t long_job, short_job;
};

extern const size_t story_n_steps;

/* Tells the next step. returns what the store says */
int story_tell_step(struct store *store, struct story *story);

/* Goes on until the end, or until a step fails. returns 0; -errno */
int story_tell(struct store *store, struct story *story);

/* Whether the store knows all of what was told; the step that failed may be known or not. */
bool story_is_known(struct store *store, const struct story *story);

/* Claims what is ready in a store that was opened anew. returns whether that is what its jobs have
 * no result of, all of it: so a job is there whole or not at all */
bool story_goes_on(struct store *store);
