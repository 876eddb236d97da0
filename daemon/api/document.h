/* The documents that clients send, parsed off the loop when they are large. */
#pragma once

#include "lib/co/base.h"

#include "daemon/api/api.h"

/* Parses the request's body.
 *
 * returns    0: the caller owes one job_spec_free(); 1: refused, and the problem has been answered;
 *            -errno
 * suspends   when the document is large
 */
CO_BLOCKS int document_parse(struct http_exchange *exchange, const struct api *api,
                             enum parse_kind kind, struct job_spec **ret_spec);
