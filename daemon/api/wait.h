/* How long a request is ready to wait for its answer, and waiting for a job.
 *
 * It says so in its query, `?wait=30s`, or in a header, `Prefer: wait=30`; the query counts first.
 * It waits no longer than api.max_wait_ms, and the answer says how long that was:
 * `Preference-Applied: wait=30`.
 *
 * source  RFC 7240 sections 3, 4.1, 4.3
 */
#pragma once

#include "lib/co/base.h"

#include "daemon/api/http_exchange.h"
#include "daemon/engine/jobs.h"

struct wait_request {
    bool is_asked;
    uint64_t ms;
    bool responds_async; /* as the header prefers */
};

/* What the `take` of a query's "wait" uses. returns 0, -EINVAL */
int wait_take(const char *value, struct wait_request *wait);

/* What list_param.expects says of it. */
extern const char wait_expects[];

/* Adds what the header prefers, when the query has been read, and bounds it.
 *
 * returns    0; 1: a preference is wrong, and that has been answered; -errno
 */
int wait_request_end(struct http_exchange *exchange, uint64_t max_ms, struct wait_request *wait);

/* Says in the answer what has been done; is_async: what was asked for goes on. returns as
 * http_answer_header() */
int wait_answer_applied(struct http_exchange *exchange, const struct wait_request *wait,
                        bool is_async);

/* Waits until a job is as wanted, but no longer than asked for: whether it is now is for the caller
 * to find out. At once if nobody has asked for it, or gatherd is being stopped.
 *
 * record     what is known of it; renewed
 * is_wanted  NULL: until it has ended
 * returns    0; -ENOENT: it has been forgotten; -ECANCELED; as the store
 */
CO_BLOCKS int wait_for_job(struct jobs *jobs, const struct wait_request *wait,
                           bool (*is_wanted)(void *arg, const struct job_record *record), void *arg,
                           struct job_record **record);
