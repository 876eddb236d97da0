/* /v1/jobs/{id}/results as CSV: all items of a job, those without a result included, for
 * spreadsheets. */
#include <stdio.h>

#include "lib/co/co.h"

#include "daemon/api/access.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/job_stream.h"
#include "daemon/api/list_query.h"
#include "daemon/api/result_page.h"
#include "daemon/model/render_csv.h"

enum { PAGE_ROWS = 256, PAGE_BYTES = 64 * 1024 };

static const struct list_param params[] = {
    {"outcome", result_query_take_outcome, outcome_names},
    {.name = NULL},
};

static int add_row(void *arg, const struct viewed_result *viewed,
                   const struct result_cursor *behind)
{
    struct csv_writer *csv = arg;

    (void)behind;
    render_csv_row(csv, &viewed->place, viewed->is_pending ? NULL : &viewed->result);
    return csv->rc;
}

/* The rows of a page at a time; those of the first go with the header. */
static CO_BLOCKS int write_rows(struct http_exchange *exchange, struct store *store,
                                struct result_view *view, struct result_query *query,
                                struct csv_writer *csv)
{
    const struct result_sink sink = {.out = csv->out, .add = add_row, .arg = csv};
    bool more = true;
    int rc = csv->rc;

    while (rc == 0 && more) {
        rc = result_page_read(store, view, query, &sink, &query->from, &more);
        if (rc == 0 && csv->out->len > 0)
            rc = http_answer_write(exchange, csv->out->data, csv->out->len);
        csv->out->len = 0;
    }
    return rc;
}

static CO_BLOCKS int write_table(struct http_exchange *exchange, struct api *api,
                                 struct result_view *view, struct result_query *query)
{
    CO_CLEANUP(buffer_done) struct buffer out;
    struct csv_writer csv;

    buffer_init(&out, SIZE_MAX);
    csv_init(&csv, &out);
    render_csv_header(&csv);
    return write_rows(exchange, api->store, view, query, &csv);
}

static int begin(struct http_exchange *exchange, const struct job_record *record)
{
    char disposition[JOB_ID_SIZE + 64];

    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s.csv\"", record->id);
    int rc = http_answer_header(exchange, "Content-Disposition", disposition);
    return rc < 0 ? rc
                  : http_answer_stream(exchange, 200, "text/csv; charset=utf-8; header=present");
}

static CO_BLOCKS int answer_table(struct http_exchange *exchange, struct api *api,
                                  const struct job_record *record, struct result_query *query)
{
    CO_CLEANUP(result_view_done) struct result_view view;
    int rc = result_view_init(api->store, api->parse, record, &view);

    if (rc < 0)
        return answer_job_failure(exchange, rc);
    rc = begin(exchange, record);
    return rc != 0 ? (rc < 0 ? rc : 0) : job_stream_end(write_table(exchange, api, &view, query));
}

int job_results_csv(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    struct result_query query = {.limit = PAGE_ROWS, .max_bytes = PAGE_BYTES};
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    int rc = list_query_read(exchange, params, &query);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);
    return rc < 0 ? answer_job_failure(exchange, rc) : answer_table(exchange, api, record, &query);
}
