/* One attempt at a callback: the request that a receiver gets.
 *
 * It is fetched as any other (session, egress policy, default headers and TLS), but it is nobody's
 * item: it passes no gate and is not counted as one. Redirects are not followed, and what the
 * receiver answers is looked at no further than its status and Retry-After.
 *
 * source     Standard Webhooks 1.0.0
 */
#pragma once

#include "lib/co/base.h"

#include "daemon/engine/fetch.h"
#include "daemon/model/parse.h"
#include "daemon/store/store_callbacks.h"

/* now      microseconds since 1970: the time it is signed with
 * result   initialised
 * returns  0; -ECANCELED: it was given up
 */
CO_BLOCKS int callback_send(const struct fetcher *fetcher, const struct parse_settings *settings,
                            const struct store_callback *callback, int64_t now,
                            struct result *result);
