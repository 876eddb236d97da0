/* Whether an attempt is followed by another one, and after which pause.
 *
 * The pause doubles from one attempt to the next, up to the policy's maximum, less a random part so
 * that what failed together does not come back together. An origin that says how long to wait
 * (Retry-After) is heard: the pause is at least that long, and if that is too long for the policy
 * there is none, as the attempt would be in vain.
 *
 * A status that is expected by name is an answer, not a reason to ask again. Pure.
 *
 * source     RFC 9110 section 9.2.2 (which methods may be repeated), section 10.2.3 (Retry-After)
 */
#pragma once

#include <stdint.h>

#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

#define RETRY_NEVER INT64_C(-1)

/* How long the origin asks to wait (Retry-After), in microseconds; 0: it does not, or by a time
 * that has passed. now: as below */
int64_t retry_after_us(const struct co_http_response *response, int64_t now);

/* random     from 0 to 1
 * now        microseconds since 1970, for a Retry-After that is a date
 * returns    the pause, in microseconds; RETRY_NEVER: the result is final
 */
int64_t retry_pause_us(const struct fetch_options *options, const struct result *result,
                       double random, int64_t now);
