/* Makes a job of a schedule's document: it is taken in as if a client had sent it. */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/jobs.h"
#include "daemon/model/schedule.h"

struct schedule_start {
    struct jobs *jobs; /* all of this is borrowed */
    struct store *store;
    const struct parse_settings *parse;
};

/* Accepts the job of the schedule's next run. There is one for each number of a run, also if this
 * is done again after a crash.
 *
 * run        gets its job; or, if it cannot be made, RUN_STATE_FAILED and a code
 * returns    0; -ENOENT: the schedule has been forgotten; -EIO; -ECANCELED: there is no job
 */
CO_BLOCKS int schedule_start(const struct schedule_start *start, const struct schedule *schedule,
                             struct schedule_run *run);
