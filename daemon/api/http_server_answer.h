/* An answer as libmicrohttpd wants it. */
#pragma once

#include <stdbool.h>

#include "daemon/api/http_exchange_private.h"

struct MHD_Response;

/* As MHD_ContentReaderCallback. */
typedef ssize_t http_stream_reader(void *arg, uint64_t position, char *bytes, size_t max);

/* Takes the body, or the source, out of the exchange's answer; a stream stays there.
 *
 * is_last    the connection is to be closed behind it
 * read, arg  where a stream is read from, until the request has ended
 * returns    NULL: no memory
 */
struct MHD_Response *http_answer_to_response(struct http_exchange *exchange, bool is_last,
                                             http_stream_reader *read, void *arg);
