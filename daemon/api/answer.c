#include "daemon/api/answer.h"

#include <stdint.h>

#include "daemon/api/problem.h"

void answer_begin(struct json_writer *w, struct buffer *body)
{
    buffer_init(body, SIZE_MAX);
    jw_init(w, body);
}

int answer_json(struct http_exchange *exchange, int status, struct json_writer *w,
                struct buffer *body)
{
    int rc = jw_finish(w);

    if (rc == 0)
        rc = buffer_append_byte(body, '\n'); /* for who reads it in a terminal */
    if (rc == 0)
        rc = http_answer(exchange, status, "application/json", body);
    buffer_done(body);
    return rc;
}

int answer_refusal(struct http_exchange *exchange, const struct parse_refusal *refusal,
                   const struct defect_list *defects)
{
    return http_answer_defects(exchange, refusal->status, refusal->code, refusal->detail, defects);
}

int answer_no_such_job(struct http_exchange *exchange)
{
    return http_answer_problem(exchange, 404, "job_not_found",
                               "There is no such job: it never existed, was deleted, or expired.");
}
