/* How much each token may ask for: so many requests a second, and so many items that wait.
 *
 * Requests are counted as by a bucket that holds those of one second and fills evenly: a client may
 * spend them at once, and then has to wait for each. Every answer says what is left. Items are
 * those of the tenant's jobs that have not ended, counted whole until then, and those of the
 * gathers of the token that are under way.
 *
 * source  draft-ietf-httpapi-ratelimit-headers-10: RateLimit, RateLimit-Policy
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/api/http_exchange.h"
#include "daemon/base/json_writer.h"
#include "daemon/base/tokens.h"

/* Counts a request, and adds the headers that say what is left.
 *
 * returns    0; 1: it is one too many, and that has been answered; -errno */
int quota_take_request(struct http_exchange *exchange, struct token *token);

/* Counts the items of a gather, or a probe as one, until quota_end_gather() of as many. token:
 * NULL: nobody's.
 *
 * returns    0; 1: they are too many, and that has been answered; -errno */
int quota_begin_gather(struct http_exchange *exchange, struct token *token, uint64_t n_items);
void quota_end_gather(struct token *token, uint64_t n_items);

/* The answer to a job that is too much for the queue, with n_queued in it already; and to one that
 * is even without them. */
int quota_refuse_job(struct http_exchange *exchange, const struct token *token, uint64_t n_queued);
int quota_refuse_size(struct http_exchange *exchange, const struct token *token);

/* An object of a token's quotas; null: no limit. */
void quota_render(const struct token *token, struct json_writer *w);
