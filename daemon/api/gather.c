/* /v1/gather: asyncio.gather over HTTP. Runs a batch, and answers with all results in order. */
#include <stdbool.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/document.h"
#include "daemon/api/gather_answer.h"
#include "daemon/api/gather_stream.h"
#include "daemon/api/list_query.h"
#include "daemon/api/problem.h"

static void item_finished(void *arg, struct run_piece *piece, uint32_t item,
                          const struct result *result)
{
    result_set_finish(arg, run_piece_index(piece, item), result);
}

/* Takes spec over. */
static int run_gather(struct http_exchange *exchange, struct api *api, struct job_spec *spec)
{
    CO_CLEANUP(gather_answer_freep) struct gather_answer *answer = NULL;
    int rc = gather_answer_new(&answer, spec, api->budget);

    if (rc < 0)
        return rc;
    const struct run_owner owner = {
        .finished = item_finished,
        .arg = gather_answer_results(answer),
    };
    struct run run;
    run_init(&run, api->engine, spec, &owner);
    rc = run_execute(&run);
    if (rc < 0)
        return rc;
    return gather_answer_send(exchange, co_take(answer),
                              (co_clock_now() - run.accepted) / CO_MICROSECOND);
}

static const char *const types[] = {"application/json", "application/x-ndjson"};
static int (*const ways[])(struct http_exchange *exchange, struct api *api,
                           struct job_spec *spec) = {run_gather, gather_stream};

/* Takes spec over.
 *
 * fields     of the query; they come before those of the document */
static int gather(struct http_exchange *exchange, struct api *api, struct job_spec *spec,
                  const struct result_fields *fields)
{
    struct token *token = http_token(exchange);
    uint64_t n_items = spec->n_items;
    size_t way;
    int rc = answer_choose(exchange, types, sizeof(types) / sizeof(types[0]), &way);

    if (rc == 0)
        rc = quota_begin_gather(exchange, token, n_items);
    if (rc != 0) {
        job_spec_free(spec);
        return rc < 0 ? rc : 0;
    }
    if (!result_fields_is_all(fields))
        spec->fields = *fields;
    rc = ways[way](exchange, api, spec);
    quota_end_gather(token, n_items);
    return rc;
}

int gather_post(struct http_exchange *exchange, void *arg)
{
    static const struct list_param params[] = {
        {"fields", list_take_fields, LIST_FIELDS_EXPECTED},
        {.name = NULL},
    };
    struct api *api = arg;
    struct result_fields fields = {0};
    struct job_spec *spec;
    int rc = list_query_read(exchange, params, &fields);

    if (rc == 0)
        rc = document_parse(exchange, api, PARSE_GATHER, &spec);
    return rc == 0 ? gather(exchange, api, spec, &fields) : rc < 0 ? rc : 0;
}

/* --- GET: the URLs as parameters -------------------------------------------------------------- */

enum { MAX_URLS = 1000 };

struct url_list {
    const char *urls[MAX_URLS];
    size_t n_urls;
    bool is_too_long;
    struct result_fields fields;
};

static int add_url(void *query, const char *name, const char *value)
{
    struct url_list *list = query;

    (void)name;
    list->is_too_long = list->n_urls == MAX_URLS;
    if (!list->is_too_long)
        list->urls[list->n_urls++] = value;
    return 0;
}

static int add_fields(void *query, const char *name, const char *value)
{
    return list_take_fields(&((struct url_list *)query)->fields, name, value);
}

int gather_get(struct http_exchange *exchange, void *arg)
{
    static const struct list_param params[] = {
        {"url+", add_url, "a URL"},
        {"fields", add_fields, LIST_FIELDS_EXPECTED},
        {.name = NULL},
    };
    struct api *api = arg;
    struct url_list list = {.n_urls = 0};
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    struct parse_refusal refusal;
    struct job_spec *spec;

    defect_list_init(&defects);
    int rc = list_query_read(exchange, params, &list);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (list.is_too_long)
        return http_answer_problem(exchange, 413, "too_many_items",
                                   "There are more than %d URLs: send them as a POST instead.",
                                   MAX_URLS);
    if (list.n_urls == 0)
        return http_answer_problem(exchange, 400, "missing_parameter",
                                   "Give at least one URL: /v1/gather?url=https://example.com/");
    rc = job_parse_urls(api->parse, list.urls, list.n_urls, &defects, &refusal, &spec);
    if (rc == 1)
        return answer_refusal(exchange, &refusal, &defects);
    return rc == 0 ? gather(exchange, api, spec, &list.fields) : rc;
}
