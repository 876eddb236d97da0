#include "daemon/api/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/co/base.h"

#include "daemon/base/utf8.h"
#include "daemon/model/problem_text.h"

enum {
    MAX_DETAIL_BYTES = 512,
    MAX_BODY_BYTES = 1024 * 1024,
};

int http_answer_defects(struct http_exchange *exchange, int status, const char *code,
                        const char *detail, const struct defect_list *defects)
{
    CO_CLEANUP(buffer_done) struct buffer body;

    buffer_init(&body, MAX_BODY_BYTES);
    int rc = problem_text_append(&body, status, code, detail, defects);
    return rc < 0 ? rc : http_answer(exchange, status, "application/problem+json", &body);
}

int http_answer_problem(struct http_exchange *exchange, int status, const char *code,
                        const char *detail_format, ...)
{
    char detail[MAX_DETAIL_BYTES];
    va_list arguments;

    va_start(arguments, detail_format);
    int length = vsnprintf(detail, sizeof(detail), detail_format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof(detail))
        detail[utf8_whole(detail, sizeof(detail) - 1)] = '\0';
    return http_answer_defects(exchange, status, code, detail, NULL);
}
