/* Entity tags: what a client shows to be told only of what it has not seen.
 *
 * source  RFC 9110 sections 8.8.3, 13.1.2
 */
#pragma once

#include <stdbool.h>

#include "daemon/api/http_exchange.h"
#include "daemon/model/job_record.h"

enum { ETAG_SIZE = JOB_ID_SIZE + 24 };

/* Of a job as it is, or was: "<id>-<version>", with its quotes. */
void etag_of_job(const struct job_record *record, char ret_etag[ETAG_SIZE]);

void etag_of_version(const char *job_id, uint64_t version, char ret_etag[ETAG_SIZE]);

/* Whether a value of If-None-Match names the tag, weakly or not, or all ("*"). What is no list of
 * tags names none from there on. */
bool etag_is_in(const char *list, const char *etag);

/* Whether the request has such an If-None-Match: then the answer is 304. */
bool etag_is_known(const struct http_exchange *exchange, const char *etag);
