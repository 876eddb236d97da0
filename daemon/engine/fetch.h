/* One attempt at an item: the request, its credentials, and the redirects that are followed hop by
 * hop, each checked by the egress policy like the first.
 */
#pragma once

#include "lib/net/http.h"

#include "daemon/base/credentials.h"
#include "daemon/engine/egress.h"
#include "daemon/engine/stats.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

struct fetcher {
    struct co_http_session *session;
    const struct egress *egress;
    const struct credentials *credentials; /* NULL: no secret can be named */
    struct stats *stats;                   /* NULL: nobody counts */
    size_t max_header_bytes;
    uint64_t max_body_bytes;
    unsigned max_decode_ratio; /* 0: no limit */
};

/* Fetches once. The outcome is what the status makes of it; expectations are judged when no further
 * attempt is to follow.
 *
 * jar       cookies that are sent and kept; NULL: none
 * result    initialised; what earlier attempts have left in it stays
 * returns   0; -ECANCELED: given up, and the result is `canceled` with the phase it was in
 */
CO_BLOCKS int fetch_attempt(const struct fetcher *fetcher, const struct request *request,
                            struct co_http_jar *jar, struct result *result);
