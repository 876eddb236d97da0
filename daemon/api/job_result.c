/* /v1/jobs/{id}/results/{index}: what came of one item, and the body that was captured of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/list_query.h"
#include "daemon/api/problem.h"
#include "daemon/api/result_view.h"
#include "daemon/engine/jobs.h"

/* One item, found and read. */
struct found_result {
    struct job_record *record;
    struct store_page page;
    struct result_view view;
    struct viewed_result viewed;
    uint32_t index;
    struct result_fields fields; /* to be shown */
};

static void found_result_done(struct found_result *found)
{
    result_view_done(&found->view);
    store_page_done(&found->page);
    job_record_unref(found->record);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static CO_BLOCKS int read_item(struct api *api, struct found_result *found)
{
    const struct store_read_options options = {
        .first = found->index,
        .n_items = 1,
        .max_rows = 1,
        .max_bytes = SIZE_MAX,
        .with_bodies = true,
    };
    int rc = result_view_init(api->store, api->parse, found->record, &found->view);

    found->view.fields = found->fields;
    if (rc == 0)
        rc = store_read(api->store, found->record->number, &options, &found->page);
    if (rc < 0)
        return rc;
    return result_view_get(&found->view, &found->page, found->index,
                           found->page.n_rows > 0 ? found->page.rows : NULL, &found->viewed);
}

static int answer_no_item(struct http_exchange *exchange, const struct job_record *record)
{
    return http_answer_problem(exchange, 404, "result_not_found",
                               "There is no such item: the job has %zu, numbered from 0.",
                               record->tally.n_items);
}

/* As it is written in a link: an item has one path. returns 0, -EINVAL */
static int take_index(const char *text, uint64_t *index)
{
    bool has_leading_zero = text[0] == '0' && text[1] != '\0';

    return has_leading_zero ? -EINVAL : list_take_number(text, index);
}

/* ret_found  owed one found_result_done(), whatever is returned
 * returns    0; 1: there is no such item, and that has been answered; -errno
 */
static CO_BLOCKS int find(struct http_exchange *exchange, struct api *api,
                          struct found_result *ret_found)
{
    uint64_t index;
    int rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0),
                       &ret_found->record);

    if (rc < 0)
        return rc;
    if (take_index(http_path_param(exchange, 1), &index) < 0 ||
        index >= ret_found->record->tally.n_items)
        return answer_no_item(exchange, ret_found->record) ?: 1;
    ret_found->index = (uint32_t)index;
    return read_item(api, ret_found);
}

/* --- The result ------------------------------------------------------------------------------- */

static int answer_result(struct http_exchange *exchange, const struct found_result *found)
{
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    viewed_result_render(&found->viewed, &w);
    return answer_json(exchange, 200, &w, &body);
}

static const struct list_param params[] = {
    {"fields", list_take_fields, LIST_FIELDS_EXPECTED},
    {.name = NULL},
};

int job_result(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(found_result_done) struct found_result found = {.record = NULL};
    int rc = list_query_read(exchange, params, &found.fields);

    if (rc == 0)
        rc = find(exchange, arg, &found);
    if (rc == 0)
        rc = answer_result(exchange, &found);
    return answer_job_failure(exchange, rc);
}

/* --- Its body --------------------------------------------------------------------------------- */

static bool has_body(const struct viewed_result *viewed)
{
    const struct result_place *place = &viewed->place;

    return !viewed->is_pending && viewed->result.response.status > 0 &&
           job_spec_request(place->spec, place->index)->options->capture_body;
}

/* As bytes to be saved: whatever an origin sent, no browser shall show it in our name. */
static int answer_body(struct http_exchange *exchange, const struct found_result *found)
{
    const struct co_http_response *response = &found->viewed.result.response;
    char disposition[JOB_ID_SIZE + 64];
    struct buffer body;

    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s-%" PRIu32 "\"",
             found->record->id, found->index);
    int rc = http_answer_header(exchange, "Content-Disposition", disposition);
    if (rc < 0)
        return rc;
    buffer_init(&body, SIZE_MAX);
    rc = buffer_append(&body, response->body, response->body_length);
    if (rc == 0)
        rc = http_answer(exchange, 200, "application/octet-stream", &body);
    buffer_done(&body);
    return rc;
}

int job_result_body(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(found_result_done) struct found_result found = {.record = NULL};
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = find(exchange, arg, &found);

    if (rc == 0)
        rc = has_body(&found.viewed)
                 ? answer_body(exchange, &found)
                 : http_answer_problem(exchange, 404, "body_not_found",
                                       "No body was captured of this item: there is no response "
                                       "yet, there was none, or capture.body was not asked for.");
    return answer_job_failure(exchange, rc);
}
