/* Answers that say what is wrong: application/problem+json, see problem_text.h. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/defect.h"

/* returns  as http_answer() */
int http_answer_problem(struct http_exchange *exchange, int status, const char *code,
                        const char *detail_format, ...) __attribute__((format(printf, 4, 5)));

/* The same with all that is wrong with the request's document. */
int http_answer_defects(struct http_exchange *exchange, int status, const char *code,
                        const char *detail, const struct defect_list *defects);
