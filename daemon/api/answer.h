/* JSON answers, and the problems that several resources share. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/base/json_writer.h"
#include "daemon/model/defect.h"
#include "daemon/model/parse.h"

/* Chooses, of the media types that a resource offers, what the client likes best.
 *
 * returns    0; 1: it accepts none, and that has been answered (406); -errno
 */
int answer_choose(struct http_exchange *exchange, const char *const *types, size_t n_types,
                  size_t *ret_chosen);

/* Begins an answer that is written through w... */
void answer_begin(struct json_writer *w, struct buffer *body);

/* ...and sends it. Frees the body, whatever happens. returns as http_answer() */
int answer_json(struct http_exchange *exchange, int status, struct json_writer *w,
                struct buffer *body);

/* The problem that a refused document gets, with all its defects. */
int answer_refusal(struct http_exchange *exchange, const struct parse_refusal *refusal,
                   const struct defect_list *defects);

int answer_no_such_job(struct http_exchange *exchange);

/* What submit_key_begin() has refused; returns any other rc as it is. */
int answer_bad_key(struct http_exchange *exchange, int rc);
