#include "daemon/api/answer.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "daemon/api/http_accept.h"
#include "daemon/api/problem.h"

/* "a, b and c" */
static int list_types(const char *const *types, size_t n_types, struct buffer *out)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n_types; i++) {
        const char *separator = i == 0 ? "" : i == n_types - 1 ? " and " : ", ";
        rc = buffer_append(out, separator, strlen(separator));
        if (rc == 0)
            rc = buffer_append(out, types[i], strlen(types[i]));
    }
    return rc < 0 ? rc : buffer_append_byte(out, '\0');
}

static int answer_not_acceptable(struct http_exchange *exchange, const char *const *types,
                                 size_t n_types)
{
    struct buffer list;

    buffer_init(&list, SIZE_MAX);
    int rc = list_types(types, n_types, &list);
    if (rc == 0)
        rc = http_answer_problem(exchange, 406, "not_acceptable",
                                 "There is %s here, and nothing that Accept asks for.", list.data);
    buffer_done(&list);
    return rc;
}

int answer_choose(struct http_exchange *exchange, const char *const *types, size_t n_types,
                  size_t *ret_chosen)
{
    int chosen = http_accept_choose(exchange, types, n_types);

    if (chosen < 0)
        return answer_not_acceptable(exchange, types, n_types) ?: 1;
    *ret_chosen = (size_t)chosen;
    return 0;
}

void answer_begin(struct json_writer *w, struct buffer *body)
{
    buffer_init(body, SIZE_MAX);
    jw_init(w, body);
}

int answer_json(struct http_exchange *exchange, int status, struct json_writer *w,
                struct buffer *body)
{
    static const char *const types[] = {"application/json"};
    bool may_choose = strcmp(http_method(exchange), "POST") != 0; /* else it is done already */
    size_t type;
    int rc = jw_finish(w);

    if (rc == 0 && may_choose)
        rc = answer_choose(exchange, types, 1, &type);
    if (rc == 0)
        rc = buffer_append_byte(body, '\n'); /* for who reads it in a terminal */
    if (rc == 0)
        rc = http_answer(exchange, status, "application/json", body);
    buffer_done(body);
    return rc < 0 ? rc : 0;
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

int answer_bad_key(struct http_exchange *exchange, int rc)
{
    if (rc == -EINVAL)
        return http_answer_problem(exchange, 400, "invalid_idempotency_key",
                                   "Idempotency-Key is 1 to 255 visible characters of ASCII.");
    if (rc == -EBUSY)
        return http_answer_header(exchange, "Retry-After", "1")
                   ?: http_answer_problem(exchange, 409, "idempotency_key_in_use",
                                          "A document with this Idempotency-Key is being received "
                                          "right now.");
    return rc;
}
