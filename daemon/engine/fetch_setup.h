/* What fetches need, made as the configuration says. */
#pragma once

#include "lib/net/dns.h"
#include "lib/net/http.h"

#include "daemon/base/config.h"
#include "daemon/base/err.h"
#include "daemon/engine/fetch.h"

/* returns 0; -EINVAL: the servers cannot be read, err says which; -ENOMEM */
int fetch_setup_dns(const struct config *config, struct co_dns **ret_dns, struct err *err);

/* dns: borrowed. returns as co_http_session_new() */
int fetch_setup_session(const struct config *config, struct co_dns *dns,
                        struct co_http_session **ret_session);

/* What is given is borrowed. credentials: NULL: no secret can be named */
struct fetcher fetch_setup_fetcher(const struct config *config, struct co_http_session *session,
                                   const struct egress *egress,
                                   const struct credentials *credentials);
