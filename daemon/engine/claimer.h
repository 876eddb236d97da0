/* Takes chunks out of the store, so that there is always enough to do, and not much more.
 *
 * Enough is when twice as many items are being fetched or could be as may be at a time, and twice
 * as many more as ended while the last claim was under way: few, unless the disk is slow. What
 * waits for something else (a pause, a slow host) does not count, so that it keeps nobody from
 * being claimed; that is bounded by how many items may be in memory, of a job and of all.
 *
 * Who goes next is decided among the jobs that have something in memory, so a job that has nothing
 * gets a chunk also when there is enough to do for all, unless that is so for many already.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/active_jobs.h"

struct claimer;

/* Starts its task. max_running: items at a time. returns 0, -ENOMEM */
int claimer_new(struct claimer **ret_claimer, struct active_jobs *jobs, size_t max_running);

/* suspends; NULL is fine */
void claimer_free(struct claimer *claimer);
