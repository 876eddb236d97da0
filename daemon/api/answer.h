/* JSON answers, and the problems that several resources share. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/base/json_writer.h"
#include "daemon/model/defect.h"
#include "daemon/model/parse.h"

/* Begins an answer that is written through w... */
void answer_begin(struct json_writer *w, struct buffer *body);

/* ...and sends it. Frees the body, whatever happens. returns as http_answer() */
int answer_json(struct http_exchange *exchange, int status, struct json_writer *w,
                struct buffer *body);

/* The problem that a refused document gets, with all its defects. */
int answer_refusal(struct http_exchange *exchange, const struct parse_refusal *refusal,
                   const struct defect_list *defects);

int answer_no_such_job(struct http_exchange *exchange);
