/* Answers about jobs, and for what can go wrong with the store they are in. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/job_record.h"
#include "daemon/store/store.h"

/* The "job" object. returns as http_answer() */
int answer_job(struct http_exchange *exchange, int status, const struct job_record *record);

/* What came of handing in a job: -EDQUOT, the tenant's queue has no room for it, is a 429; -E2BIG,
 * it never has, a 413. returns as http_answer(); any other rc as it is */
CO_BLOCKS int answer_over_quota(struct http_exchange *exchange, struct store *store, int rc);

/* What came of a call to the store: no room, and -EIO, become problems that say what the operator
 * can do about them.
 *
 * returns    as http_answer(); any other rc as it is
 */
int answer_store_failure(struct http_exchange *exchange, int rc);

/* What came of a handler that looks for a job: -ENOENT is a 404, the rest as above; a positive rc
 * says that there has been an answer. returns as http_answer() */
int answer_job_failure(struct http_exchange *exchange, int rc);
