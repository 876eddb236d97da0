/* Brings results to the store, in groups: what finishes while one group is being committed is the
 * next. So a slow disk makes groups larger, not results slower. On a fast one results wait up to 10
 * ms for more, as a commit costs as much as the rows of a hundred. The end of a job does not wait,
 * nor a result whose request must not be sent again, as it would be lost by a crash.
 *
 * A result is encoded when it comes and waits as bytes. When too much waits the engine is paused;
 * when the store is full, the group waits until it is not; when it has failed, all of it does.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/active_job.h"
#include "daemon/engine/store_watch.h"

struct recorder;

enum {
    RECORDER_MAX_RESULTS = 50000, /* that wait, before the engine is paused */
    RECORDER_MAX_BYTES = 32 << 20,
};

/* What is given is borrowed. returns 0, -ENOMEM */
int recorder_new(struct recorder **ret_recorder, struct store *store, struct store_watch *watch,
                 struct stats *stats);

/* Commits what waits. returns 0; -errno: the store has not taken all. suspends; NULL is fine */
int recorder_free(struct recorder *recorder);

/* Takes in the result of a chunk's item, which has none. Cannot fail: without memory it is kept as
 * one that says so (resource_exhausted). */
void recorder_add(struct recorder *recorder, struct active_chunk *chunk, uint32_t item,
                  const struct result *result);

/* Asks for the record of a job to be written, with or after the results that wait; soon: or after a
 * little while, as a job that has begun may have a result at once. */
void recorder_touch(struct recorder *recorder, struct active_job *job);
void recorder_touch_soon(struct recorder *recorder, struct active_job *job);

/* Something else is about to be committed: what waits goes with it. */
void recorder_hurry(struct recorder *recorder);

/* Results that wait. */
size_t recorder_n_results(const struct recorder *recorder);
