/* The answer to a request that has made a job: 202 and where it is; or, for who waits and if the
 * job has ended by then, 200 with the job and its results. */
#pragma once

#include "daemon/api/api.h"
#include "daemon/api/wait.h"

/* Reads what the request says about waiting, and that it says nothing else in its query.
 *
 * returns    0; 1: it is wrong, and that has been answered; -errno
 */
int job_accepted_read_wait(struct http_exchange *exchange, const struct api *api,
                           struct wait_request *ret_wait);

/* record     of the job; renewed
 * returns    as http_answer(); -ECANCELED; as the store
 * suspends   as long as the request waits
 */
CO_BLOCKS int job_accepted_answer(struct http_exchange *exchange, struct api *api,
                                  const struct wait_request *wait, struct job_record **record);
