/* /v1/jobs/{id}/callback: whom a job tells of its end, and how far that is. The callback may be
 * there when its job is not any more. */
#include <errno.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/list_query.h"
#include "daemon/api/problem.h"
#include "daemon/store/store_callbacks.h"

/* Without userinfo. returns 0, -ENOMEM */
static int render_url(const struct store_callback *callback, struct json_writer *w)
{
    CO_CLEANUP(co_url_done) struct co_url url = {.text = NULL};
    int rc = co_url_parse(callback->url, strlen(callback->url), &url);

    jw_key(w, "url");
    jw_text(w, rc == 0 ? url.text : NULL);
    return rc < 0 ? rc : 0;
}

/* The attempts are kept as they are shown. */
static void render_attempts(const struct store_callback *callback, struct json_writer *w)
{
    jw_key(w, "attempts");
    jw_array_begin(w);
    if (callback->attempts[0] != '\0')
        jw_raw(w, callback->attempts, strlen(callback->attempts));
    jw_array_end(w);
    jw_key(w, "next_attempt_at");
    jw_instant(w, callback->due_at);
}

static int render(const struct store_callback *callback, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "object");
    jw_text(w, "callback");
    jw_key(w, "job_id");
    jw_text(w, callback->id);
    int rc = render_url(callback, w);
    jw_key(w, "state");
    jw_text(w, callback_state_name(callback->state));
    render_attempts(callback, w);
    jw_object_end(w);
    return rc;
}

static int answer(struct http_exchange *exchange, const struct store_callback *callback)
{
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    int rc = render(callback, &w);
    if (rc == 0)
        return answer_json(exchange, 200, &w, &body);
    buffer_done(&body);
    return rc;
}

/* Why there is none: no job, or one that tells nobody. */
static CO_BLOCKS int answer_none(struct http_exchange *exchange, const struct api *api)
{
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);

    if (rc < 0)
        return rc;
    return http_answer_problem(exchange, 404, "callback_none", "The job has no callback.");
}

int job_callback_get(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(store_callback_done) struct store_callback callback = {.url = NULL};
    int rc = list_query_none(exchange);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = store_callback_find(api->store, access_tenant(exchange), http_path_param(exchange, 0),
                             &callback);
    if (rc == 0)
        rc = answer(exchange, &callback);
    else if (rc == -ENOENT)
        rc = answer_none(exchange, api);
    return answer_job_failure(exchange, rc);
}
