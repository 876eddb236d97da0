/* /v1/schedules: the list of schedules, and what can be done with one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/list_query.h"
#include "daemon/api/schedule_answer.h"
#include "daemon/base/instant.h"
#include "daemon/engine/scheduler.h"

static const char *id_of(const struct http_exchange *exchange)
{
    return http_path_param(exchange, 0);
}

/* returns 0: owed one schedule_free(); -ENOENT; -errno */
static CO_BLOCKS int find(struct http_exchange *exchange, const struct api *api,
                          struct schedule **ret_schedule)
{
    return store_schedule_find(api->store, access_tenant(exchange), id_of(exchange), ret_schedule);
}

/* --- One -------------------------------------------------------------------------------------- */

static CO_BLOCKS int answer_one(struct http_exchange *exchange, const struct api *api,
                                const struct schedule *schedule)
{
    struct schedule_share shares[N_SCHEDULE_SPANS] = {{0}};
    int rc = store_schedule_shares(api->store, schedule->number, instant_now(), shares);

    return rc < 0 ? rc : answer_schedule(exchange, 200, schedule, shares);
}

int schedule_get(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = find(exchange, arg, &schedule);
    if (rc == 0)
        rc = answer_one(exchange, arg, schedule);
    return answer_schedule_failure(exchange, rc);
}

static CO_BLOCKS int set_paused(struct http_exchange *exchange, const struct api *api,
                                bool is_paused)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = scheduler_pause(api->scheduler, access_tenant(exchange), id_of(exchange), is_paused,
                             &schedule);
    if (rc == 0)
        rc = answer_one(exchange, api, schedule);
    return answer_schedule_failure(exchange, rc);
}

int schedule_pause(struct http_exchange *exchange, void *arg)
{
    return set_paused(exchange, arg, true);
}

int schedule_resume(struct http_exchange *exchange, void *arg)
{
    return set_paused(exchange, arg, false);
}

int schedule_delete(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = scheduler_forget(api->scheduler, access_tenant(exchange), id_of(exchange));
    if (rc == 0)
        rc = http_answer(exchange, 204, NULL, NULL);
    return answer_schedule_failure(exchange, rc);
}

int schedule_run(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    struct schedule_run run;
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = scheduler_run_now(api->scheduler, access_tenant(exchange), id_of(exchange), &run);
    if (rc == 0)
        rc = answer_schedule_run(exchange, &run);
    return answer_schedule_failure(exchange, rc);
}

/* --- Lists ------------------------------------------------------------------------------------ */

enum { TURN = 64, CURSOR_SIZE = SCHEDULE_ID_SIZE };

/* A page of schedules, or of one's runs. */
struct page {
    size_t limit;
    const char *before_id;
    int64_t before_run;
    struct schedule **schedules;
    struct schedule_run *runs;
    size_t n;
    bool more;
};

static void page_done(struct page *page)
{
    for (size_t i = 0; page->schedules != NULL && i < page->n; i++)
        schedule_free(page->schedules[i]);
    free(page->schedules);
    free(page->runs);
}

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct page *)query)->limit);
}

/* A cursor is what the last one of the page before is called: a schedule by its id, for a number
 * would tell how many there are of others; */
static int take_id(void *query, const char *name, const char *value)
{
    (void)name;
    ((struct page *)query)->before_id = value;
    return schedule_id_is_valid(value) ? 0 : -EINVAL;
}

/* and a run by its number, which counts those of its schedule. */
static int take_number(void *query, const char *name, const char *value)
{
    uint64_t number;

    (void)name;
    if (list_take_number(value, &number) < 0 || number == 0)
        return -EINVAL;
    ((struct page *)query)->before_run = (int64_t)number;
    return 0;
}

#define LIMIT_PARAM                                                                                \
    {                                                                                              \
        "limit", take_limit, "a number from 1 to 1000"                                             \
    }
#define CURSOR_EXPECTS "the next_cursor of the page before"

static const struct list_param schedule_params[] = {
    LIMIT_PARAM,
    {"cursor", take_id, CURSOR_EXPECTS},
    {.name = NULL},
};
static const struct list_param run_params[] = {
    LIMIT_PARAM,
    {"cursor", take_number, CURSOR_EXPECTS},
    {.name = NULL},
};

static void write_cursor(const struct page *page, char cursor[CURSOR_SIZE])
{
    size_t last = page->n - 1;

    if (page->schedules != NULL)
        snprintf(cursor, CURSOR_SIZE, "%s", page->schedules[last]->id);
    else
        snprintf(cursor, CURSOR_SIZE, "%" PRId64, page->runs[last].number);
}

static CO_BLOCKS int render(const struct page *page, struct json_writer *w)
{
    int rc = 0;

    jw_array_begin(w);
    for (size_t i = 0; rc == 0 && i < page->n; i++) {
        if (page->schedules != NULL)
            schedule_render(page->schedules[i], NULL, w);
        else
            schedule_run_render(&page->runs[i], w);
        if (i % TURN == TURN - 1)
            rc = co_sleep(0);
    }
    jw_array_end(w);
    return rc;
}

static CO_BLOCKS int answer_page(struct http_exchange *exchange, const struct page *page)
{
    CO_CLEANUP(buffer_done) struct buffer body;
    struct json_writer w;
    char cursor[CURSOR_SIZE] = "";

    if (page->more)
        write_cursor(page, cursor);
    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "data");
    int rc = render(page, &w);
    jw_key(&w, "next_cursor");
    jw_text(&w, page->more ? cursor : NULL);
    jw_key(&w, "has_more");
    jw_bool(&w, page->more);
    jw_object_end(&w);
    if (rc == 0 && page->more)
        rc = list_answer_next(exchange, cursor);
    return rc < 0 ? rc : answer_json(exchange, 200, &w, &body);
}

static int keep_number(struct page *page, int n)
{
    page->n = n > 0 ? (size_t)n : 0;
    page->more = page->more && n > 0;
    return n < 0 ? n : 0;
}

static CO_BLOCKS int read_schedules(const struct http_exchange *exchange, const struct api *api,
                                    struct page *page)
{
    page->schedules = calloc(page->limit, sizeof(struct schedule *));
    if (page->schedules == NULL)
        return -ENOMEM;
    return keep_number(page,
                       store_schedule_list(api->store, access_tenant(exchange), page->before_id,
                                           page->limit, page->schedules, &page->more));
}

int schedule_list(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(page_done) struct page page = {.limit = LIST_DEFAULT_LIMIT};
    int rc = list_query_read(exchange, schedule_params, &page);

    if (rc == 0)
        rc = read_schedules(exchange, arg, &page);
    if (rc == 0)
        rc = answer_page(exchange, &page);
    return answer_schedule_failure(exchange, rc);
}

static CO_BLOCKS int read_runs(const struct api *api, const struct schedule *schedule,
                               struct page *page)
{
    page->runs = calloc(page->limit, sizeof(*page->runs));
    if (page->runs == NULL)
        return -ENOMEM;
    return keep_number(page, store_schedule_runs(api->store, schedule->number, page->before_run,
                                                 page->limit, page->runs, &page->more));
}

int schedule_runs(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    CO_CLEANUP(page_done) struct page page = {.limit = LIST_DEFAULT_LIMIT};
    int rc = list_query_read(exchange, run_params, &page);

    if (rc == 0)
        rc = find(exchange, arg, &schedule);
    if (rc == 0)
        rc = read_runs(arg, schedule, &page);
    if (rc == 0)
        rc = answer_page(exchange, &page);
    return answer_schedule_failure(exchange, rc);
}
