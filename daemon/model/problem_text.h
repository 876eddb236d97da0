/* What is wrong, as JSON for programs and people.
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

#include "daemon/base/buffer.h"
#include "daemon/model/defect.h"

/* "Not Found"; for a status that has no name, that of its class. */
const char *http_status_title(int status);

/* Appends it, and a line break for who reads it in a terminal. defects: NULL: there are none
 *
 * returns    0; as jw_finish() */
int problem_text_append(struct buffer *out, int status, const char *code, const char *detail,
                        const struct defect_list *defects);
