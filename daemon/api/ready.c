#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/engine/jobs.h"

/* NULL: new work is taken. */
static const char *why_not(const struct api *api)
{
    if (api->is_draining)
        return "draining";
    if (store_health(api->store) == STORE_FAILED)
        return "store_failed";
    return jobs_has_room(api->jobs) ? NULL : "store_full";
}

/* Ready: what comes now is taken. Who balances load sends it elsewhere as long as it is not. */
int ready_get(struct http_exchange *exchange, void *arg)
{
    const char *reason = why_not(arg);
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "status");
    jw_text(&w, reason == NULL ? "ready" : "not_ready");
    jw_key(&w, "reason");
    jw_text(&w, reason);
    jw_object_end(&w);
    return answer_json(exchange, reason == NULL ? 200 : 503, &w, &body);
}
