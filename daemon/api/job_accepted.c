#include "daemon/api/job_accepted.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/api/job_answer.h"
#include "daemon/api/list_query.h"

static int take_wait(void *wait, const char *name, const char *value)
{
    (void)name;
    return wait_take(value, wait);
}

int job_accepted_read_wait(struct http_exchange *exchange, const struct api *api,
                           struct wait_request *ret_wait)
{
    static const struct list_param params[] = {{"wait", take_wait, wait_expects}, {.name = NULL}};

    *ret_wait = (struct wait_request){.is_asked = false};
    int rc = list_query_read(exchange, params, ret_wait);
    return rc != 0 ? rc : wait_request_end(exchange, api->config->api.max_wait_ms, ret_wait);
}

static int add_location(struct http_exchange *exchange, const struct job_record *record)
{
    char location[JOB_ID_SIZE + sizeof("/v1/jobs/")];

    snprintf(location, sizeof(location), "/v1/jobs/%s", record->id);
    return http_answer_header(exchange, "Location", location);
}

static int answer_later(struct http_exchange *exchange, const struct wait_request *wait,
                        const struct job_record *record)
{
    int rc = wait_answer_applied(exchange, wait, true);

    if (rc == 0)
        rc = add_location(exchange, record);
    if (rc == 0)
        rc = http_answer_header(exchange, "Retry-After", "1");
    return rc < 0 ? rc : answer_job(exchange, 202, record);
}

static int answer_rendering(struct http_exchange *exchange, const struct wait_request *wait,
                            const struct job_record *record, struct job_rendering *rendering)
{
    int rc = wait_answer_applied(exchange, wait, false);

    if (rc == 0)
        rc = add_location(exchange, record);
    if (rc == 0)
        return job_rendering_answer(exchange, 200, rendering);
    job_rendering_release(rendering);
    return rc;
}

/* A job that somebody has deleted in the meantime has been accepted all the same. */
int job_accepted_answer(struct http_exchange *exchange, struct api *api,
                        const struct wait_request *wait, struct job_record **record)
{
    struct job_rendering *rendering;
    int rc = wait_for_job(api->jobs, wait, NULL, NULL, record);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    if (!wait->is_asked || !job_record_has_ended(*record))
        return answer_later(exchange, wait, *record);
    rc = job_rendering_get(&api->renderings, *record, true, &rendering);
    if (rc == 0)
        return answer_rendering(exchange, wait, *record, rendering);
    return rc == -ENOENT ? answer_later(exchange, wait, *record) : rc;
}
