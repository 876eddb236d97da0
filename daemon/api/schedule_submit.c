/* POST /v1/schedules */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/list_query.h"
#include "daemon/api/schedule_answer.h"
#include "daemon/engine/scheduler.h"
#include "daemon/model/parse_schedule.h"

enum { LARGE = 64 * 1024 }; /* bytes that take some 5 ms to parse, twice */

struct parsing {
    const struct parse_settings *settings;
    const char *bytes;
    size_t length;
    struct defect_list *defects;
    struct parse_refusal refusal;
    struct schedule_document document;
};

static int parse(void *arg, void **ret_result)
{
    struct parsing *p = arg;

    (void)ret_result;
    return schedule_parse(p->settings, p->bytes, p->length, p->defects, &p->refusal, &p->document);
}

/* returns 0: owed one schedule_document_done(); 1: refused, and that has been answered; -errno */
static CO_BLOCKS int read_document(struct http_exchange *exchange, const struct api *api,
                                   struct schedule_document *ret_document)
{
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    struct parsing p = {.settings = &api->parse, .defects = &defects};

    defect_list_init(&defects);
    http_body(exchange, &p.bytes, &p.length);
    int rc = p.length < LARGE ? parse(&p, NULL) : co_to_thread(parse, &p, NULL, NULL);
    if (rc == 1)
        return answer_refusal(exchange, &p.refusal, &defects) ?: 1;
    if (rc == 0)
        *ret_document = p.document;
    return rc;
}

/* --- A schedule of it ------------------------------------------------------------------------- */

/* NULL stays NULL. returns 0, -ENOMEM */
static int copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text != NULL ? strdup(text) : NULL;
    return text != NULL && *ret_copy == NULL ? -ENOMEM : 0;
}

static int render_labels(const struct job_spec *spec, char **ret_labels)
{
    struct buffer text;
    struct json_writer w;

    if (spec->n_labels == 0)
        return 0;
    buffer_init(&text, PTRDIFF_MAX);
    jw_init(&w, &text);
    jw_object_begin(&w);
    for (size_t i = 0; i < spec->n_labels; i++) {
        jw_name(&w, spec->labels[i].key, strlen(spec->labels[i].key));
        jw_text(&w, spec->labels[i].value);
    }
    jw_object_end(&w);
    int rc = jw_finish(&w);
    if (rc == 0)
        rc = buffer_append_byte(&text, '\0');
    if (rc == 0)
        *ret_labels = buffer_take(&text, &(size_t){0});
    buffer_done(&text);
    return rc;
}

static int make_schedule(const struct http_exchange *exchange,
                         const struct schedule_document *document, struct schedule **ret_schedule)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = schedule_new();

    if (schedule == NULL)
        return -ENOMEM;
    schedule->every_us = document->every_us;
    schedule->times = document->times;
    schedule->jitter_us = document->jitter_us;
    schedule->overlap = document->overlap;
    schedule->is_paused = document->is_paused;
    schedule->max_queued = access_max_queued(exchange);
    int rc = copy_text(access_tenant(exchange), &schedule->tenant);
    if (rc == 0)
        rc = copy_text(document->spec->name, &schedule->name);
    if (rc == 0)
        rc = copy_text(document->cron, &schedule->cron);
    if (rc == 0)
        rc = render_labels(document->spec, &schedule->labels);
    if (rc == 0)
        *ret_schedule = co_take(schedule);
    return rc;
}

static int answer_created(struct http_exchange *exchange, const struct schedule *schedule)
{
    static const struct schedule_share none[N_SCHEDULE_SPANS];
    char location[SCHEDULE_ID_SIZE + sizeof("/v1/schedules/")];

    snprintf(location, sizeof(location), "/v1/schedules/%s", schedule->id);
    return http_answer_header(exchange, "Location", location)
               ?: answer_schedule(exchange, 201, schedule, none);
}

static CO_BLOCKS int add(struct http_exchange *exchange, const struct api *api,
                         const struct schedule_document *document)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    int rc = make_schedule(exchange, document, &schedule);

    if (rc == 0)
        rc = scheduler_add(api->scheduler, schedule, document->job, document->job_length);
    return rc < 0 ? rc : answer_created(exchange, schedule);
}

int schedule_submit(struct http_exchange *exchange, void *arg)
{
    static const struct list_param no_params[] = {{.name = NULL}};
    CO_CLEANUP(schedule_document_done) struct schedule_document document = {.spec = NULL};
    int rc = list_query_read(exchange, no_params, NULL);

    if (rc == 0)
        rc = read_document(exchange, arg, &document);
    if (rc == 0)
        rc = add(exchange, arg, &document);
    return answer_schedule_failure(exchange, rc);
}
