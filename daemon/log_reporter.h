/* Says how many records were left out of the log, when they have come too often and do no more. */
#pragma once

struct co_task;

/* Starts the task. End it with co_task_stop(). returns 0, -ENOMEM */
int log_reporter_start(struct co_task **ret_task);
