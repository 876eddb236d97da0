/* What has happened since the start, in numbers.
 *
 * One struct for the whole daemon: the engine counts, the API shows. Numbers only grow, so the
 * difference of two readings is what happened between them. What is counted by name is counted by
 * the names of error codes and of rules, which are few whatever clients and origins do; if there
 * ever are more than STATS_MAX_NAMES, the others share the last place, "other".
 */
#pragma once

#include <stdint.h>

#include "lib/net/http.h"

#include "daemon/base/duration_buckets.h"
#include "daemon/model/callback.h"
#include "daemon/model/result.h"

enum { STATS_MAX_NAMES = 64 };

struct stats_names {
    struct {
        const char *name; /* lives as long as the daemon */
        uint64_t n;
    } counts[STATS_MAX_NAMES];
    unsigned n_names;
};

struct stats {
    int64_t started_at; /* microseconds since 1970 */

    uint64_t n_finished[N_OUTCOMES]; /* items */
    uint64_t n_retries;              /* attempts at them that were not the last */
    struct stats_names errors;       /* of items, by code */
    struct stats_names blocked;      /* items, by the rule that forbade them */

    uint64_t n_requests; /* that were sent, or tried to: each attempt, and each redirect followed */
    uint64_t n_connections_opened;
    uint64_t n_connections_reused; /* requests on a connection that was open */
    uint64_t sent_bytes;           /* of requests */
    uint64_t received_bytes;       /* of bodies, as received */
    uint64_t decoded_bytes;
    struct duration_buckets phases[CO_HTTP_N_PHASES]; /* of requests that have come to them */
    struct duration_buckets requests;                 /* from first to last, all phases together */
    struct duration_buckets queue; /* of items that were started: how long they waited for it */

    uint64_t n_items_accepted; /* of jobs */
    uint64_t n_items_settled;  /* of those, and of what was there at the start: with a result, or
                                  never to have one as the job has ended */
    uint64_t n_jobs_accepted;
    uint64_t n_jobs_done;
    uint64_t n_jobs_canceled;

    uint64_t n_callbacks[N_CALLBACK_STATES];  /* that were settled so */
    uint64_t n_callback_attempts[N_OUTCOMES]; /* by what came of them */
};

void stats_init(struct stats *stats);

/* Counts an item that has ended. stats may be NULL: nobody wants to know. */
void stats_count_item(struct stats *stats, const struct result *result);

/* Counts one request, of which an item may need several. As above. */
void stats_count_request(struct stats *stats, const struct co_http_response *response);
