/* /v1/jobs/{id}/results: what came of a job's items, in order of index, page by page. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/list_query.h"
#include "daemon/model/render.h"

enum { PAGE_BYTES = 8 * 1024 * 1024 }; /* a page of large bodies ends early */

struct result_query {
    size_t limit;
    size_t first; /* index to begin with */
    bool by_outcome;
    enum outcome outcome;
};

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct result_query *)query)->limit);
}

/* A cursor is the index to go on with. */
static int take_cursor(void *query, const char *name, const char *value)
{
    struct result_query *q = query;

    (void)name;
    q->first = 0;
    if (*value == '\0' || strlen(value) > 9)
        return -EINVAL;
    for (; *value != '\0'; value++) {
        if (!isdigit((unsigned char)*value))
            return -EINVAL;
        q->first = q->first * 10 + (size_t)(*value - '0');
    }
    return 0;
}

static int take_outcome(void *query, const char *name, const char *value)
{
    struct result_query *q = query;

    (void)name;
    q->by_outcome = true;
    for (q->outcome = 0; q->outcome < N_OUTCOMES; q->outcome++)
        if (strcmp(outcome_name(q->outcome), value) == 0)
            return 0;
    return -EINVAL;
}

static const struct list_param result_params[] = {
    {"limit", take_limit, "a number from 1 to 1000"},
    {"cursor", take_cursor, "the next_cursor of the page before"},
    {"outcome", take_outcome,
     "success, http_error, assertion_failed, transport_error, blocked, interrupted, canceled or "
     "skipped"},
    {.name = NULL},
};

static bool is_wanted(const struct result_row *row, const struct result_query *query)
{
    return !query->by_outcome || (row->json != NULL && row->outcome == query->outcome);
}

static void render_row(struct json_writer *w, const struct result_set *results, size_t index)
{
    const struct result_row *row = &results->rows[index];
    const struct result_place place = {
        .spec = results->spec, .job_id = results->job_id, .index = index};

    if (row->json != NULL)
        jw_raw(w, row->json, row->length);
    else
        render_pending(w, &place);
}

/* Returns the index the next page begins with; n_items: there is none. */
static size_t render_rows(struct json_writer *w, const struct result_set *results,
                          const struct result_query *query)
{
    size_t n_items = results->spec->n_items;
    size_t n = 0;
    size_t i = query->first;

    for (; i < n_items; i++) {
        if (!is_wanted(&results->rows[i], query))
            continue;
        if (n == query->limit || (n > 0 && w->out->len > PAGE_BYTES))
            break;
        render_row(w, results, i);
        n++;
    }
    return i;
}

static int answer_rows(struct http_exchange *exchange, const struct job *job,
                       const struct result_query *query)
{
    char cursor[24] = "";
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "data");
    jw_array_begin(&w);
    size_t next = render_rows(&w, &job->results, query);
    bool more = next < job->spec->n_items;
    snprintf(cursor, sizeof(cursor), "%zu", next);
    jw_array_end(&w);
    jw_key(&w, "next_cursor");
    jw_text(&w, more ? cursor : NULL);
    jw_key(&w, "has_more");
    jw_bool(&w, more);
    jw_object_end(&w);
    int rc = more ? list_answer_next(exchange, cursor) : 0;
    if (rc < 0) {
        buffer_done(&body);
        return rc;
    }
    return answer_json(exchange, 200, &w, &body);
}

int job_results(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    struct result_query query = {.limit = LIST_DEFAULT_LIMIT};
    CO_CLEANUP(job_unrefp) struct job *job = NULL;
    int rc = list_query_read(exchange, result_params, &query);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = memory_store_find(api->store, http_path_param(exchange, 0), &job);
    if (rc == -ENOENT)
        return answer_no_such_job(exchange);
    return rc < 0 ? rc : answer_rows(exchange, job, &query);
}
