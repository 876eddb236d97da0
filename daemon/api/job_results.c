/* /v1/jobs/{id}/results: what came of a job's items, page by page; or as job_stream.c and
 * result_csv.c have it. */
#include <errno.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/list_query.h"
#include "daemon/api/result_page.h"
#include "daemon/engine/jobs.h"

/* --- The query -------------------------------------------------------------------------------- */

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct result_query *)query)->limit);
}

/* The number to go on with or after. */
static int take_cursor(void *query, const char *name, const char *value)
{
    (void)name;
    return result_cursor_parse(value, &((struct result_query *)query)->from);
}

static int take_order(void *query, const char *name, const char *value)
{
    struct result_query *q = query;

    (void)name;
    q->as_completed = strcmp(value, "completed") == 0;
    return q->as_completed || strcmp(value, "index") == 0 ? 0 : -EINVAL;
}

static int take_fields(void *query, const char *name, const char *value)
{
    return list_take_fields(&((struct result_query *)query)->fields, name, value);
}

static const struct list_param result_params[] = {
    {"limit", take_limit, "a number from 1 to 1000"},
    {"cursor", take_cursor, "the next_cursor of the page before"},
    {"order", take_order, "index or completed"},
    {"outcome", result_query_take_outcome, outcome_names},
    {"fields", take_fields, LIST_FIELDS_EXPECTED},
    {.name = NULL},
};

/* --- The page --------------------------------------------------------------------------------- */

/* cursor: NULL: there is no next page, nor will there be */
static void render_end(struct json_writer *w, const char *cursor, bool more)
{
    jw_key(w, "next_cursor");
    jw_text(w, cursor);
    jw_key(w, "has_more");
    jw_bool(w, more);
}

/* In order of completion more may come as long as the job has not ended, so there is a cursor. */
static CO_BLOCKS int render_page(struct http_exchange *exchange, struct store *store,
                                 struct result_view *view, const struct result_query *query,
                                 struct json_writer *w)
{
    struct result_cursor next;
    char cursor[RESULT_CURSOR_SIZE];
    bool more;

    jw_object_begin(w);
    jw_key(w, "data");
    jw_array_begin(w);
    int rc = result_page_write(store, view, query, w, &next, &more);
    jw_array_end(w);
    if (rc < 0)
        return rc;
    result_cursor_format(&next, cursor);
    bool may_go_on = more || (query->as_completed && !job_record_has_ended(&view->record));
    render_end(w, may_go_on ? cursor : NULL, more);
    jw_object_end(w);
    return may_go_on ? list_answer_next(exchange, cursor) : 0;
}

static CO_BLOCKS int answer_page(struct http_exchange *exchange, struct api *api,
                                 const struct job_record *record, const struct result_query *query)
{
    CO_CLEANUP(result_view_done) struct result_view view;
    CO_CLEANUP(buffer_done) struct buffer body;
    struct json_writer w;

    answer_begin(&w, &body);
    int rc = result_view_init(api->store, api->parse, record, &view);
    if (rc == 0)
        rc = render_page(exchange, api->store, &view, query, &w);
    return rc < 0 ? rc : answer_json(exchange, 200, &w, &body);
}

static int job_results_page(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    struct result_query query = {.limit = LIST_DEFAULT_LIMIT};
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = list_query_read(exchange, result_params, &query);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);
    if (rc == 0)
        rc = answer_page(exchange, api, record, &query);
    return answer_job_failure(exchange, rc);
}

/* --- What the client would like --------------------------------------------------------------- */

static const char *const types[] = {"application/json", "application/x-ndjson", "text/csv"};
static http_handler *const handlers[] = {job_results_page, job_results_stream, job_results_csv};

int job_results(struct http_exchange *exchange, void *arg)
{
    size_t type;
    int rc = answer_choose(exchange, types, sizeof(types) / sizeof(types[0]), &type);

    return rc == 0 ? handlers[type](exchange, arg) : rc < 0 ? rc : 0;
}
