/* Ends jobs whose deadline has passed, and has the store keep house. */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/active_jobs.h"

/* Starts its task. It wakes up by itself when jobs->due says so. returns 0, -ENOMEM */
int job_keeper_start(struct active_jobs *jobs, struct co_task **ret_task);
