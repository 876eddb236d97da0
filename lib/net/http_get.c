#include "lib/net/http.h"

#include <errno.h>
#include <string.h>

#include "lib/co/task.h"

int co_http_get(struct co_http_session *session, const char *url,
                struct co_http_response *ret_response)
{
    CO_CLEANUP(co_url_done) struct co_url parsed = {0};
    int rc = co_url_parse(url, strlen(url), &parsed);

    if (rc != 0) {
        *ret_response = (struct co_http_response){0};
        return rc > 0 ? -EINVAL : rc;
    }
    const struct co_http_request request = {
        .method = "GET",
        .url = &parsed,
        .deadline = co_now() + 30 * CO_SECOND,
        .max_header_bytes = 64 << 10,
        .max_body_bytes = 16 << 20,
        .capture_bytes = 16 << 20,
    };
    return co_http_fetch(session, &request, ret_response);
}
