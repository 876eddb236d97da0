/* A gather in this process, without a daemon: the same engine, fed with the same document, giving
 * the same lines.
 *
 * What is different is who asks. A daemon fetches for others, and so connects only to where anybody
 * may; here somebody fetches as himself, and may connect to where he can: also to this machine and
 * the networks that it is in. Only ports that browsers shun stay closed. What an operator's
 * configuration would name is not there: secrets, certificates, proxies.
 */
#pragma once

#include "lib/co/co.h"
#include "lib/net/http.h"

#include "daemon/base/err.h"

struct local_gather {
    const char *document; /* as POST /v1/gather takes it */
    size_t length;
    uint64_t concurrency; /* at least so many requests may run at a time */
    uint64_t per_host;    /* likewise, to one host */
    struct co_http_tap
        tap; /* sees the lines of results as they come, and in the end the last one */
};

/* Asks ourselves as one would ask a daemon.
 *
 * ret_response  owed a co_http_response_done() in any case; its status is 200, or that of a refusal
 *               of the document, and then its body a problem (RFC 9457)
 * returns       0; -ECANCELED, -ENOMEM, -EMFILE; -EINVAL: err says why it cannot begin
 * suspends      until all has ended
 */
CO_BLOCKS int local_gather(const struct local_gather *gather, struct co_http_response *ret_response,
                           struct err *err);
