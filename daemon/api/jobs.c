/* /v1/jobs: batches that outlive the request they came with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/document.h"
#include "daemon/api/list_query.h"
#include "daemon/api/problem.h"

static int answer_job(struct http_exchange *exchange, int status, const struct job *job)
{
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    job_render(job, memory_jobs_n_running(job), &w);
    return answer_json(exchange, status, &w, &body);
}

static int answer_full(struct http_exchange *exchange)
{
    int rc = http_answer_header(exchange, "Retry-After", "10");

    return rc < 0 ? rc
                  : http_answer_problem(exchange, 503, "store_full",
                                        "There is no room for another job until one has ended "
                                        "(jobs.max_jobs, jobs.max_result_bytes).");
}

static int answer_accepted(struct http_exchange *exchange, const struct job *job)
{
    char location[JOB_ID_SIZE + 16];

    snprintf(location, sizeof(location), "/v1/jobs/%s", job->id);
    int rc = http_answer_header(exchange, "Location", location);
    if (rc == 0)
        rc = http_answer_header(exchange, "Retry-After", "1");
    return rc < 0 ? rc : answer_job(exchange, 202, job);
}

int jobs_post(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_unrefp) struct job *job = NULL;
    struct job_spec *spec;
    int rc = document_parse(exchange, api, PARSE_JOB, &spec);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = memory_jobs_submit(api->jobs, spec, &job);
    if (rc == -ENOSPC)
        return answer_full(exchange);
    return rc < 0 ? rc : answer_accepted(exchange, job);
}

/* Finds the job that the path names. returns 0; 1: there is none, and that has been answered;
 * -errno */
static int find_job(struct http_exchange *exchange, struct api *api, struct job **ret_job)
{
    int rc = memory_store_find(api->store, http_path_param(exchange, 0), ret_job);

    return rc == -ENOENT ? answer_no_such_job(exchange) ?: 1 : rc;
}

int job_get(struct http_exchange *exchange, void *arg)
{
    static const struct list_param no_params[] = {{.name = NULL}};
    CO_CLEANUP(job_unrefp) struct job *job = NULL;
    int rc = list_query_read(exchange, no_params, NULL);

    if (rc == 0)
        rc = find_job(exchange, arg, &job);
    return rc == 0 ? answer_job(exchange, 200, job) : rc < 0 ? rc : 0;
}

int job_cancel(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(job_unrefp) struct job *job = NULL;
    int rc = find_job(exchange, arg, &job);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    memory_jobs_cancel(job);
    return answer_job(exchange, 200, job);
}

int job_delete(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_unrefp) struct job *job = NULL;
    int rc = find_job(exchange, arg, &job);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    memory_jobs_cancel(job);
    rc = memory_store_remove(api->store, job);
    return rc == -ENOENT ? answer_no_such_job(exchange)
           : rc < 0      ? rc
                         : http_answer(exchange, 204, NULL, NULL);
}

/* --- The list --------------------------------------------------------------------------------- */

enum { MAX_LABELS = 16 };

struct job_list {
    struct memory_store_query query;
    struct job_label labels[MAX_LABELS];
    size_t limit;
};

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct job_list *)query)->limit);
}

static int take_status(void *query, const char *name, const char *value)
{
    struct job_list *list = query;

    (void)name;
    list->query.by_status = true;
    return job_status_from_name(value, &list->query.status);
}

static int take_label(void *query, const char *name, const char *value)
{
    struct job_list *list = query;

    if (list->query.n_labels == MAX_LABELS)
        return -EINVAL;
    list->labels[list->query.n_labels++] = (struct job_label){name, value};
    return 0;
}

/* A cursor is the id of the last job of the page before. */
static int take_cursor(void *query, const char *name, const char *value)
{
    struct job_list *list = query;

    (void)name;
    list->query.before = value;
    return job_id_is_valid(value) ? 0 : -EINVAL;
}

static const struct list_param job_list_params[] = {
    {"limit", take_limit, "a number from 1 to 1000"},
    {"cursor", take_cursor, "the next_cursor of the page before"},
    {"status", take_status, "queued, running, canceling, done or canceled"},
    {"label.", take_label, "a value (and there can be 16 labels)"},
    {.name = NULL},
};

static void render_page(struct json_writer *w, struct job *const *jobs, size_t n_jobs, bool more)
{
    jw_object_begin(w);
    jw_key(w, "data");
    jw_array_begin(w);
    for (size_t i = 0; i < n_jobs; i++)
        job_render(jobs[i], memory_jobs_n_running(jobs[i]), w);
    jw_array_end(w);
    jw_key(w, "next_cursor");
    jw_text(w, more ? jobs[n_jobs - 1]->id : NULL);
    jw_key(w, "has_more");
    jw_bool(w, more);
    jw_object_end(w);
}

static int answer_page(struct http_exchange *exchange, struct job *const *jobs, size_t n_jobs,
                       bool more)
{
    struct json_writer w;
    struct buffer body;
    int rc = more ? list_answer_next(exchange, jobs[n_jobs - 1]->id) : 0;

    if (rc < 0)
        return rc;
    answer_begin(&w, &body);
    render_page(&w, jobs, n_jobs, more);
    return answer_json(exchange, 200, &w, &body);
}

int jobs_list(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    struct job_list list = {.limit = LIST_DEFAULT_LIMIT};
    struct job *jobs[LIST_MAX_LIMIT];
    bool more;

    list.query.labels = list.labels;
    int rc = list_query_read(exchange, job_list_params, &list);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    int n_jobs = memory_store_list(api->store, &list.query, list.limit, jobs, &more);
    if (n_jobs < 0)
        return n_jobs;
    rc = answer_page(exchange, jobs, (size_t)n_jobs, more);
    for (int i = 0; i < n_jobs; i++)
        job_unref(jobs[i]);
    return rc;
}
