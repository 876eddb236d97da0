#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/list_query.h"
#include "daemon/base/instant.h"

struct task_list {
    size_t limit;
    size_t n; /* tasks there are */
    struct json_writer w;
};

static int64_t us_since(co_time at)
{
    return (co_now() - at) / CO_MICROSECOND;
}

static void render_id(struct json_writer *w, uint64_t id)
{
    if (id != 0)
        jw_uint(w, id);
    else
        jw_null(w);
}

static void render_wait(struct json_writer *w, const struct co_task_info *info)
{
    jw_key(w, "waits_for");
    jw_text(w, info->waits_for);
    jw_key(w, "waits_for_task");
    render_id(w, info->waits_for_id);
    jw_key(w, "waits_in_circle");
    jw_bool(w, info->waits_in_circle);
    jw_key(w, "since_at");
    jw_instant(w, instant_now() - us_since(info->since));
    jw_key(w, "since_ms");
    jw_ms(w, us_since(info->since));
    jw_key(w, "deadline_in_ms");
    jw_ms(w, info->deadline == CO_NEVER ? -1 : -us_since(info->deadline));
}

static void render_task(struct json_writer *w, const struct co_task_info *info)
{
    jw_object_begin(w);
    jw_key(w, "id");
    jw_uint(w, info->id);
    jw_key(w, "parent");
    render_id(w, info->parent_id);
    jw_key(w, "depth");
    jw_uint(w, info->depth);
    jw_key(w, "name");
    jw_text(w, info->name);
    jw_key(w, "site");
    jw_text(w, info->site);
    jw_key(w, "state");
    jw_text(w, info->state);
    render_wait(w, info);
    jw_key(w, "cancelled");
    jw_text(w, info->cancelled);
    jw_key(w, "stack_bytes");
    jw_uint(w, info->stack_size);
    jw_key(w, "stack_used_bytes");
    jw_uint(w, info->stack_used);
    jw_object_end(w);
}

static int visit_task(void *arg, const struct co_task_info *info)
{
    struct task_list *list = arg;

    if (list->n++ < list->limit)
        render_task(&list->w, info);
    return 0;
}

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct task_list *)query)->limit);
}

/* As many as the limit says are shown, in the order of the tree, and all are counted. */
static int answer_tasks(struct http_exchange *exchange, struct task_list *list)
{
    struct json_writer *w = &list->w;
    struct buffer body;

    answer_begin(w, &body);
    jw_object_begin(w);
    jw_key(w, "object");
    jw_text(w, "tasks");
    jw_key(w, "data");
    jw_array_begin(w);
    co_tasks_visit(visit_task, list);
    jw_array_end(w);
    jw_key(w, "has_more");
    jw_bool(w, list->n > list->limit);
    jw_key(w, "total");
    jw_uint(w, list->n);
    jw_object_end(w);
    return answer_json(exchange, 200, w, &body);
}

int tasks_get(struct http_exchange *exchange, void *arg)
{
    static const struct list_param params[] = {
        {"limit", take_limit, "a number from 1 to 1000"},
        {NULL, NULL, NULL},
    };
    struct task_list list = {.limit = LIST_MAX_LIMIT};
    int rc = list_query_read(exchange, params, &list);

    (void)arg;
    return rc < 0 ? rc : rc > 0 ? 0 : answer_tasks(exchange, &list);
}
