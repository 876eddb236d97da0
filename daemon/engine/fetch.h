/* One item, from admission to its result: the egress policy, the request, and the redirects that
 * are followed hop by hop, each checked like the first.
 */
#pragma once

#include "lib/net/http.h"

#include "daemon/engine/egress.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

struct fetcher {
    struct co_http_session *session;
    const struct egress *egress;
    size_t max_header_bytes;
    uint64_t max_body_bytes;
};

/* Fetches.
 *
 * queue_us    how long the item waited for this
 * ret_result  always filled; owed a result_done()
 * returns     0; -ECANCELED: given up, and the result is `canceled` with the phase it was in
 */
CO_BLOCKS int fetch_item(const struct fetcher *fetcher, const struct request *request,
                         int64_t queue_us, struct result *ret_result);

/* The result of an item that is not fetched. Its phase is "queue", whatever the error says. */
void fetch_not_started(struct result *ret_result, enum outcome outcome,
                       const struct result_error *error, int64_t queue_us);
