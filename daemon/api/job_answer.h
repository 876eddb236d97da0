/* Answers about jobs, and for what can go wrong with the store they are in. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/job_record.h"

/* The "job" object. returns as http_answer() */
int answer_job(struct http_exchange *exchange, int status, const struct job_record *record);

/* 202, and where the job is. */
int answer_job_accepted(struct http_exchange *exchange, const struct job_record *record);

/* What came of a call to the store: -ENOSPC and -EIO become problems that say what the operator can
 * do about them.
 *
 * returns    as http_answer(); any other rc as it is
 */
int answer_store_failure(struct http_exchange *exchange, int rc);

/* What came of a handler that looks for a job: -ENOENT is a 404, the rest as above; a positive rc
 * says that there has been an answer. returns as http_answer() */
int answer_job_failure(struct http_exchange *exchange, int rc);
