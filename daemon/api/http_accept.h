/* What a client would like to be answered with.
 *
 * source  RFC 9110, 12.4.2 (weights), 12.5.1 (Accept), 12.5.3 (Accept-Encoding)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/api/http_exchange.h"

/* Which of the media types ("text/csv") the client likes best; of those it likes equally, the
 * first, and that is all of them if it does not say. What makes no sense accepts nothing.
 *
 * returns  its index; -1: it accepts none
 */
int http_accept_choose(const struct http_exchange *exchange, const char *const *types,
                       size_t n_types);

/* Whether it can read gzip, and does not like the plain bytes better. */
bool http_accept_gzip(const struct http_exchange *exchange);
