/* An answer as libmicrohttpd wants it. */
#pragma once

#include <stdbool.h>

#include "daemon/api/http_exchange_private.h"

struct MHD_Response;

/* Takes the body, or the source, out of the answer.
 *
 * is_last  the connection is to be closed behind it
 * returns  NULL: no memory
 */
struct MHD_Response *http_answer_to_response(struct http_answer *answer, bool is_last);
