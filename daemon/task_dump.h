/* What every task is doing, in the log, when somebody sends SIGUSR1: for an operator who wonders
 * what the daemon waits for. */
#pragma once

struct co_task;

/* Starts the task that waits for the signal, which must be blocked. End it with co_task_stop().
 * returns 0, -ENOMEM */
int task_dump_start(struct co_task **ret_task);
