/* /v1/jobs: the list of jobs, and what can be done with one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_accepted.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/keyed_job.h"
#include "daemon/api/list_query.h"
#include "daemon/api/problem.h"

/* --- One job ---------------------------------------------------------------------------------- */

/* For a handler without query parameters. returns as jobs_find(); 1: there is one, and that has
 * been answered */
static CO_BLOCKS int find_job(struct http_exchange *exchange, struct api *api,
                              struct job_record **ret_record)
{
    int rc = list_query_none(exchange);

    return rc != 0 ? rc
                   : jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0),
                               ret_record);
}

int job_cancel(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = find_job(exchange, api, &record);

    if (rc == 0)
        rc = jobs_cancel(api->jobs, record);
    if (rc == 0)
        rc = answer_job(exchange, 200, record);
    return answer_job_failure(exchange, rc);
}

int job_delete(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = find_job(exchange, api, &record);

    if (rc == 0)
        rc = jobs_delete(api->jobs, record);
    else if (rc == -EBADMSG)
        rc = jobs_delete_damaged(api->jobs, access_tenant(exchange), http_path_param(exchange, 0));
    if (rc == 0)
        rc = http_answer(exchange, 204, NULL, NULL);
    return answer_job_failure(exchange, rc);
}

/* --- Another one of what has failed ----------------------------------------------------------- */

static const struct {
    int rc;
    const char *code;
    const char *detail;
} refusals[] = {
    {-EALREADY, "job_not_ended",
     "The job has not ended, so more of it may fail: cancel it, or wait for its end."},
    {-EBADMSG, "job_unreadable",
     "The job's requests cannot be read any more: what it names is not offered now (a proxy, a "
     "certificate), or it is damaged."},
    {-ENODATA, "nothing_to_retry", "All items of the job were a success: none is to be retried."},
};

static int answer_no_retry(struct http_exchange *exchange, int rc)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].rc == rc)
            return http_answer_problem(exchange, 409, refusals[i].code, "%s", refusals[i].detail);
    return rc;
}

/* What stands for a document: that this job is to be retried. returns 0, -ENOMEM */
static int describe(struct submit_key *key, const char *id)
{
    submit_key_add(key, "retry", strlen("retry"));
    submit_key_add(key, id, strlen(id));
    return submit_key_end(key);
}

static CO_BLOCKS int retry_anew(struct keyed_job *keyed, struct job_record **ret_retried)
{
    const struct job_owner owner = keyed_job_owner(keyed);
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc =
        jobs_find(keyed->api->jobs, owner.tenant, http_path_param(keyed->exchange, 0), &record);

    return rc < 0 ? rc : jobs_retry(keyed->api->jobs, record, &owner, ret_retried);
}

/* The key is let go of before anybody waits for the job.
 *
 * ret_retried  NULL: there is none, and that has been answered */
static CO_BLOCKS int retry(struct http_exchange *exchange, struct api *api,
                           struct job_record **ret_retried)
{
    CO_CLEANUP(keyed_job_done) struct keyed_job keyed;
    int rc = keyed_job_begin(&keyed, exchange, api, NULL);

    if (rc == 0)
        rc = describe(&keyed.key, http_path_param(exchange, 0));
    if (rc == 0)
        rc = keyed_job_find(&keyed);
    return rc == 0         ? keyed_job_decide(&keyed, ret_retried)
           : rc == -ENOENT ? retry_anew(&keyed, ret_retried)
                           : rc;
}

int job_run_again(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_record_unrefp) struct job_record *retried = NULL;
    struct wait_request wait;
    int rc = job_accepted_read_wait(exchange, api, &wait);

    if (rc == 0)
        rc = retry(exchange, api, &retried);
    if (rc == -EDQUOT || rc == -E2BIG)
        return answer_over_quota(exchange, api->store, rc);
    if (rc == 0 && retried != NULL)
        rc = job_accepted_answer(exchange, api, &wait, &retried);
    return answer_job_failure(exchange, answer_no_retry(exchange, rc));
}

/* --- The list --------------------------------------------------------------------------------- */

enum { MAX_LABELS = 16, TURN_JOBS = 64 };

struct list_request {
    struct store_query query;
    struct job_label labels[MAX_LABELS];
    size_t limit;
    struct job_record **records; /* of the page */
    size_t n_records;
    bool more;
};

static void list_request_done(struct list_request *list)
{
    for (size_t i = 0; i < list->n_records; i++)
        job_record_unref(list->records[i]);
    free(list->records);
}

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct list_request *)query)->limit);
}

static int take_status(void *query, const char *name, const char *value)
{
    struct list_request *list = query;

    (void)name;
    list->query.by_status = true;
    return job_status_from_name(value, &list->query.status);
}

static int take_label(void *query, const char *name, const char *value)
{
    struct list_request *list = query;

    if (list->query.n_labels == MAX_LABELS)
        return -EINVAL;
    list->labels[list->query.n_labels++] = (struct job_label){name, value};
    return 0;
}

/* A cursor is the id of the last job of the page before: a number would tell how many jobs others
 * have. */
static int take_cursor(void *query, const char *name, const char *value)
{
    struct list_request *list = query;

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

static CO_BLOCKS int render_jobs(struct json_writer *w, const struct list_request *list)
{
    int rc = 0;

    jw_array_begin(w);
    for (size_t i = 0; rc == 0 && i < list->n_records; i++) {
        job_record_render(list->records[i], jobs_n_running(list->records[i]), w);
        if (i % TURN_JOBS == TURN_JOBS - 1)
            rc = co_sleep(0);
    }
    jw_array_end(w);
    return rc;
}

static CO_BLOCKS int answer_list(struct http_exchange *exchange, const struct list_request *list)
{
    CO_CLEANUP(buffer_done) struct buffer body;
    struct json_writer w;
    const char *cursor = list->more ? list->records[list->n_records - 1]->id : NULL;

    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "data");
    int rc = render_jobs(&w, list);
    jw_key(&w, "next_cursor");
    jw_text(&w, cursor);
    jw_key(&w, "has_more");
    jw_bool(&w, list->more);
    jw_object_end(&w);
    if (rc == 0 && cursor != NULL)
        rc = list_answer_next(exchange, cursor);
    return rc < 0 ? rc : answer_json(exchange, 200, &w, &body);
}

static CO_BLOCKS int find_jobs(struct api *api, struct list_request *list)
{
    list->records = calloc(list->limit, sizeof(*list->records));
    if (list->records == NULL)
        return -ENOMEM;
    int n = jobs_list(api->jobs, &list->query, list->limit, list->records, &list->more);
    list->n_records = n > 0 ? (size_t)n : 0;
    return n < 0 ? n : 0;
}

int job_list(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(list_request_done) struct list_request list = {.limit = LIST_DEFAULT_LIMIT};

    list.query.labels = list.labels;
    list.query.tenant = access_tenant(exchange);
    int rc = list_query_read(exchange, job_list_params, &list);
    if (rc == 0)
        rc = find_jobs(arg, &list);
    if (rc == 0)
        rc = answer_list(exchange, &list);
    return answer_job_failure(exchange, rc);
}
