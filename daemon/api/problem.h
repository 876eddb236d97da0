/* Answers that say what is wrong: application/problem+json.
 *
 *     {"type": "about:blank", "title": "Unprocessable Content", "status": 422,
 *      "code": "invalid_request", "detail": "The request has 2 errors.",
 *      "errors": [{"pointer": "/requests/0/url", "code": "bad_scheme", "detail": "..."}, ...],
 *      "error_count": 2}
 *
 * `code` is for programs and never changes; `detail` is for people. `errors` holds the first
 * DEFECTS_KEPT of error_count.
 *
 * source  RFC 9457
 */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/defect.h"

/* "Not Found"; for a status that has no name, that of its class. */
const char *http_status_title(int status);

/* returns  as http_answer() */
int http_answer_problem(struct http_exchange *exchange, int status, const char *code,
                        const char *detail_format, ...) __attribute__((format(printf, 4, 5)));

/* The same with all that is wrong with the request's document. */
int http_answer_defects(struct http_exchange *exchange, int status, const char *code,
                        const char *detail, const struct defect_list *defects);
