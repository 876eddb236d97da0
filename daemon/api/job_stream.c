/* /v1/jobs/{id}/results as NDJSON: results as they come, a line each, until the job has ended. */
#include "daemon/api/job_stream.h"

#include <errno.h>
#include <string.h>

#include "daemon/api/access.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/job_follow.h"

int job_stream_begin(struct http_exchange *exchange, const char *content_type)
{
    int rc = http_answer_header(exchange, "X-Accel-Buffering", "no");

    http_cancel_when_stopping(exchange);
    return rc < 0 ? rc : http_answer_stream(exchange, 200, content_type);
}

int job_stream_end(int rc)
{
    if (rc == -ESHUTDOWN)
        return 0;
    return rc == -ENOENT ? -ECANCELED : rc;
}

static CO_BLOCKS int write_results(struct job_follow *follow)
{
    int rc = job_follow_write(follow);

    while (rc == 0 && !follow->has_all) {
        rc = job_follow_wait(follow, CO_NEVER);
        if (rc == 0)
            rc = job_follow_write(follow);
    }
    return rc;
}

/* The job, as an object with a member before all others. */
static int render_last_line(const struct job_record *record, struct buffer *line)
{
    static const char type[] = "{\"type\":\"job\",";
    struct json_writer w;
    struct buffer job;

    buffer_init(&job, SIZE_MAX);
    jw_init(&w, &job);
    job_record_render(record, 0, &w);
    int rc = jw_finish(&w);
    if (rc == 0)
        rc = buffer_append(line, type, strlen(type));
    if (rc == 0)
        rc = buffer_append(line, job.data + 1, job.len - 1);
    if (rc == 0)
        rc = buffer_append_byte(line, '\n');
    buffer_done(&job);
    return rc;
}

static CO_BLOCKS int write_last_line(struct job_follow *follow)
{
    CO_CLEANUP(buffer_done) struct buffer line;

    buffer_init(&line, SIZE_MAX);
    int rc = render_last_line(follow->record, &line);
    return rc < 0 ? rc : job_follow_send(follow, line.data, line.len);
}

static CO_BLOCKS int write_all(struct job_follow *follow)
{
    int rc = job_stream_begin(follow->exchange, "application/x-ndjson");

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = write_results(follow);
    if (rc == 0)
        rc = write_last_line(follow);
    return job_stream_end(rc);
}

static CO_BLOCKS int stream(struct http_exchange *exchange, struct api *api,
                            struct job_record *record, const struct follow_query *query)
{
    struct job_follow follow;

    job_follow_begin(&follow, exchange, api, record, query, FRAME_LINES);
    int rc = job_follow_is_over(&follow);
    rc = rc < 0 ? answer_job_failure(exchange, rc) : write_all(&follow);
    job_follow_end(&follow);
    return rc;
}

int job_results_stream(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    struct follow_query query;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = follow_query_read(exchange, &query);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);
    return rc < 0 ? answer_job_failure(exchange, rc) : stream(exchange, api, record, &query);
}
