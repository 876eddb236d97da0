/* POST /v1/schedules */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/list_query.h"
#include "daemon/api/problem.h"
#include "daemon/api/schedule_answer.h"
#include "daemon/api/submit_key.h"
#include "daemon/base/instant.h"
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
    CO_CLEANUP(parse_settings_release)
    struct parse_settings held = parse_settings_hold(api->parse);
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    struct parsing p = {.settings = &held, .defects = &defects};

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
        rc = job_spec_render_labels(document->spec, &schedule->labels);
    if (rc == 0)
        *ret_schedule = co_take(schedule);
    return rc;
}

static int answer_made(struct http_exchange *exchange, const struct schedule *schedule,
                       const struct schedule_share *shares)
{
    char location[SCHEDULE_ID_SIZE + sizeof("/v1/schedules/")];

    snprintf(location, sizeof(location), "/v1/schedules/%s", schedule->id);
    return http_answer_header(exchange, "Location", location)
               ?: answer_schedule(exchange, 201, schedule, shares);
}

/* returns 0; -EEXIST: there is one with this key; -errno */
static CO_BLOCKS int add(struct http_exchange *exchange, const struct api *api,
                         const struct schedule_document *document, const struct submit_key *key)
{
    static const struct schedule_share none[N_SCHEDULE_SPANS];
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    const struct store_schedule_document stored = {
        .job = document->job,
        .job_length = document->job_length,
        .key = key->text,
        .fingerprint = key->fingerprint,
    };
    int rc = make_schedule(exchange, document, &schedule);

    if (rc == 0)
        rc = scheduler_add(api->scheduler, schedule, &stored);
    return rc < 0 ? rc : answer_made(exchange, schedule, none);
}

static CO_BLOCKS int submit_new(struct http_exchange *exchange, const struct api *api,
                                const struct submit_key *key)
{
    CO_CLEANUP(schedule_document_done) struct schedule_document document = {.spec = NULL};
    int rc = read_document(exchange, api, &document);

    return rc == 0 ? add(exchange, api, &document, key) : rc;
}

/* --- An earlier document with the same key ---------------------------------------------------- */

static CO_BLOCKS int answer_earlier(struct http_exchange *exchange, const struct api *api,
                                    const char *id)
{
    CO_CLEANUP(schedule_freep) struct schedule *schedule = NULL;
    struct schedule_share shares[N_SCHEDULE_SPANS];
    int rc = store_schedule_find(api->store, access_tenant(exchange), id, &schedule);

    if (rc == 0)
        rc = store_schedule_shares(api->store, schedule->number, instant_now(), shares);
    if (rc == 0)
        rc = http_answer_header(exchange, "Idempotent-Replayed", "true");
    return rc == 0 ? answer_made(exchange, schedule, shares) : rc;
}

/* returns 0: there is one, and that has been answered; -ENOENT; -errno */
static CO_BLOCKS int decide_by_key(struct http_exchange *exchange, const struct api *api,
                                   const struct submit_key *key)
{
    unsigned char fingerprint[STORE_FINGERPRINT_SIZE];
    char id[SCHEDULE_ID_SIZE];
    int rc = key->text == NULL
                 ? -ENOENT
                 : store_schedule_find_key(api->store, key->tenant, key->text, id, fingerprint);

    if (rc < 0)
        return rc;
    if (memcmp(fingerprint, key->fingerprint, sizeof(fingerprint)) == 0)
        return answer_earlier(exchange, api, id);
    return http_answer_problem(exchange, 422, "idempotency_key_reused",
                               "There is a schedule with this Idempotency-Key already, of another "
                               "document: a new one needs a key of its own.");
}

/* --- The request ------------------------------------------------------------------------------ */

static int take_key(struct http_exchange *exchange, struct api *api, struct submit_key *key)
{
    const char *type = http_header(exchange, "Content-Type"), *bytes;
    size_t length;
    int rc = submit_key_begin(key, &api->schedule_keys, access_tenant(exchange),
                              http_header(exchange, "Idempotency-Key"), type);

    if (rc < 0)
        return answer_bad_key(exchange, rc) ?: 1;
    http_body(exchange, &bytes, &length);
    submit_key_add(key, bytes, length);
    return submit_key_end(key);
}

int schedule_submit(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(submit_key_done) struct submit_key key = {.text = NULL};
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = take_key(exchange, arg, &key);
    if (rc == 0)
        rc = decide_by_key(exchange, arg, &key);
    if (rc == -ENOENT)
        rc = submit_new(exchange, arg, &key);
    return answer_schedule_failure(exchange, rc);
}
