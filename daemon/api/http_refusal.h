/* Answering a request before all of it has come.
 *
 * libmicrohttpd can only do that by closing the connection at once, and a client that is still
 * sending then sees a reset instead of the answer; while a body is on its way it cannot do it at
 * all. So a refusal is written to the socket past it: nothing else is on its way out at that
 * moment. Then our side is shut down, so that nothing else goes out after it, and what the client
 * still sends is thrown away for a while.
 */
#pragma once

#include "daemon/api/http_exchange.h"

/* Sends the exchange's answer, which is not from a source, as the last of its connection. As much
 * as the socket takes at once: where a refusal does not fit, nobody is reading. */
void http_refusal_send(int fd, const struct http_exchange *exchange);
