/* What an attempt at a callback comes to, and when the next one is due. Pure.
 *
 * A response of 2xx is a delivery, whatever becomes of its body, and 410 says that the receiver
 * wants no more. What the egress policy forbids is not tried again. All else is (redirects, too,
 * which are not followed), after pauses that grow from seconds to a day.
 *
 * source     Standard Webhooks 1.0.0, "Retry schedule"
 */
#pragma once

#include "daemon/model/callback.h"
#include "daemon/model/result.h"

enum { CALLBACK_ATTEMPTS_MAX = 10 };

struct callback_verdict {
    enum callback_state state;
    enum outcome outcome; /* success, http_error, transport_error, blocked */
    int64_t pause_us;     /* while it is pending */
};

/* n_attempts  that were made before
 * random      from 0 to 1: a fifth of a pause more or less, so that what failed together does not
 *             come back together
 * now         microseconds since 1970, for a Retry-After that is a date
 */
struct callback_verdict callback_judge(const struct result *result, unsigned n_attempts,
                                       double random, int64_t now);
