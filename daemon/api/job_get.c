/* GET /v1/jobs/{id}: how far a job is, now or when that has changed. */
#include <errno.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/etag.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/list_query.h"
#include "daemon/api/wait.h"
#include "daemon/engine/jobs.h"

/* --- The query -------------------------------------------------------------------------------- */

struct job_query {
    struct wait_request wait;
    bool until_done;
    bool with_results;
};

static int take_wait(void *query, const char *name, const char *value)
{
    (void)name;
    return wait_take(value, &((struct job_query *)query)->wait);
}

static int take_until(void *query, const char *name, const char *value)
{
    (void)name;
    ((struct job_query *)query)->until_done = true;
    return strcmp(value, "done") == 0 ? 0 : -EINVAL;
}

static int take_include(void *query, const char *name, const char *value)
{
    (void)name;
    ((struct job_query *)query)->with_results = true;
    return strcmp(value, "results") == 0 ? 0 : -EINVAL;
}

static const struct list_param job_params[] = {
    {"wait", take_wait, wait_expects},
    {"until", take_until, "done"},
    {"include", take_include, "results"},
    {.name = NULL},
};

/* returns as list_query_read() */
static int read_query(struct http_exchange *exchange, const struct api *api,
                      struct job_query *query)
{
    int rc = list_query_read(exchange, job_params, query);

    if (rc == 0)
        rc = wait_request_end(exchange, api->config->api.max_wait_ms, &query->wait);
    if (rc == 0 && query->until_done && !query->wait.is_asked)
        query->wait = (struct wait_request){true, .ms = api->config->api.max_wait_ms};
    return rc;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* What the client knows already: what it says, or else what it would have been told without a wait.
 */
struct known {
    const struct http_exchange *exchange;
    uint64_t version;
};

static bool is_news(void *arg, const struct job_record *record)
{
    const struct known *known = arg;
    char etag[ETAG_SIZE];

    if (http_header(known->exchange, "If-None-Match") == NULL)
        return job_record_version(record) != known->version;
    etag_of_job(record, etag);
    return !etag_is_known(known->exchange, etag);
}

static CO_BLOCKS int wait_for_news(struct http_exchange *exchange, struct api *api,
                                   const struct job_query *query, struct job_record **record)
{
    struct known known = {exchange, job_record_version(*record)};
    int rc = wait_for_job(api->jobs, &query->wait, is_news, &known, record);

    if (rc < 0 || !query->wait.is_asked || !is_news(&known, *record))
        return rc;
    rc = job_renderings_pace(&api->renderings, *record);
    return rc > 0 ? jobs_renew(api->jobs, record) : rc;
}

static CO_BLOCKS int wait_as_asked(struct http_exchange *exchange, struct api *api,
                                   const struct job_query *query, struct job_record **record)
{
    return query->until_done ? wait_for_job(api->jobs, &query->wait, NULL, NULL, record)
                             : wait_for_news(exchange, api, query, record);
}

/* --- Answering -------------------------------------------------------------------------------- */

static int add_headers(struct http_exchange *exchange, const struct job_query *query,
                       const char *etag)
{
    int rc = http_answer_header(exchange, "ETag", etag);

    if (rc == 0)
        rc = http_answer_header(exchange, "Cache-Control", "private, no-cache");
    return rc < 0 ? rc : wait_answer_applied(exchange, &query->wait, false);
}

static CO_BLOCKS int answer_state(struct http_exchange *exchange, struct api *api,
                                  const struct job_query *query, const struct job_record *record)
{
    struct job_rendering *rendering;
    char etag[ETAG_SIZE];

    etag_of_job(record, etag);
    if (etag_is_known(exchange, etag))
        return add_headers(exchange, query, etag) ?: http_answer(exchange, 304, NULL, NULL);
    int rc = job_rendering_get(&api->renderings, record, query->with_results, &rendering);
    if (rc < 0)
        return rc;
    etag_of_version(record->id, job_rendering_version(rendering), etag);
    rc = add_headers(exchange, query, etag);
    if (rc == 0)
        return job_rendering_answer(exchange, 200, rendering);
    job_rendering_release(rendering);
    return rc;
}

int job_get(struct http_exchange *exchange, void *arg)
{
    static const char *const types[] = {"application/json"};
    struct api *api = arg;
    struct job_query query = {.until_done = false};
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    size_t type;
    int rc = answer_choose(exchange, types, 1, &type);

    if (rc == 0)
        rc = read_query(exchange, api, &query);
    if (rc == 0)
        rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);
    if (rc == 0)
        rc = wait_as_asked(exchange, api, &query, &record);
    if (rc == 0)
        rc = answer_state(exchange, api, &query, record);
    return answer_job_failure(exchange, rc);
}
