/* What streams of a job have in common. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/job_record.h"

/* Begins one: it is not to be held back by proxies, and does not keep the server from stopping.
 *
 * returns    as http_answer_stream()
 */
int job_stream_begin(struct http_exchange *exchange, const char *content_type);

/* What a handler returns whose stream has been begun: a job that is forgotten meanwhile is nobody's
 * failure, but cuts the stream off all the same. */
int job_stream_end(int rc);
