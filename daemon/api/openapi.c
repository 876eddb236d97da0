#include "daemon/api/openapi.h"

#include "daemon/api/api.h"
#include "daemon/api/list_query.h"

/* It is there as long as the program, and is sent where it lies. */
static void leave(void *arg)
{
    (void)arg;
}

int openapi_get(struct http_exchange *exchange, void *arg)
{
    const struct http_body_source source = {
        .bytes = openapi_json,
        .done = leave,
        .length = openapi_json_length,
    };
    int rc = list_query_none(exchange);

    (void)arg;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return http_answer_source(exchange, 200, "application/json", &source);
}
