/* Answers about schedules. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/schedule.h"

/* The "schedule" object. shares: NULL: left out. returns as http_answer() */
int answer_schedule(struct http_exchange *exchange, int status, const struct schedule *schedule,
                    const struct schedule_share *shares);

/* 202 with the run, or the problem that kept it from being started. returns as http_answer() */
int answer_schedule_run(struct http_exchange *exchange, const struct schedule_run *run);

/* What came of a handler that looks for a schedule: a positive rc says that there has been an
 * answer. returns as http_answer() */
int answer_schedule_failure(struct http_exchange *exchange, int rc);
