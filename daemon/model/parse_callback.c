#include "daemon/model/parse_callback.h"

#include <jansson.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/base/credentials.h"
#include "daemon/model/parse_object.h"
#include "daemon/model/parse_reference.h"
#include "daemon/model/parse_tables.h"
#include "daemon/model/parse_url.h"

/* --- Members ---------------------------------------------------------------------------------- */

static int copy_url(struct parse_reader *reader, const char *text, const struct co_url *url,
                    struct job_callback *callback)
{
    return parse_copy(reader, text, strlen(text), &callback->url)
               ?: parse_copy(reader, url->host, strlen(url->host), &callback->host);
}

static int read_url(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                    const struct parse_member *member, void *field)
{
    CO_CLEANUP(co_url_done) struct co_url url = {.text = NULL};

    (void)member;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a URL");
    int rc = co_url_parse(json_string_value(value), json_string_length(value), &url);
    if (rc != 0)
        return rc < 0 ? rc : parse_url_defect(reader, at, (enum co_url_problem)rc);
    return copy_url(reader, json_string_value(value), &url, field);
}

static int read_events(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    unsigned event;

    (void)field;
    if (!json_is_array(value))
        return parse_wrong_type(reader, at, value, "an array");
    if (json_array_size(value) == 0)
        return parse_defect(reader, at, "invalid_value", "name an event, or leave the member out");
    return parse_each(reader, at, value, parse_enum, member, &event);
}

/* Of a job that was accepted once the name may mean nothing any more; what comes of that is seen
 * when it is used. */
static int read_secret_ref(struct parse_reader *reader, const struct parse_at *at,
                           struct json_t *value, const struct parse_member *member, void *field)
{
    if (reader->is_kept && json_is_string(value))
        return parse_copy(reader, json_string_value(value), json_string_length(value), field);
    return parse_secret_ref(reader, at, value, member, field);
}

#define FIELD(field) .offset = offsetof(struct job_callback, field)

static const char *const events[] = {"job.done", NULL};

static const struct parse_member callback_members[] = {
    {"url", .read = read_url, .is_required = true},
    {"events", .read = read_events, .words = events},
    {"secret_ref", .read = read_secret_ref, FIELD(secret_ref)},
};
const struct parse_table parse_callback_table = PARSE_TABLE("Callback", callback_members);

/* --- Together --------------------------------------------------------------------------------- */

/* A secret that is for some hosts only signs for no others: who knows what was signed, and gets the
 * signature, can try passwords against it. */
static int check_host(struct parse_reader *reader, const struct parse_at *at,
                      const struct job_callback *callback)
{
    const struct parse_at place = {.parent = at, .key = "secret_ref"};

    if (reader->is_kept || callback->secret_ref == NULL || callback->host == NULL ||
        credentials_may_go_to(reader->settings->credentials, callback->secret_ref, callback->host))
        return 0;
    return parse_defect(reader, &place, "invalid_value",
                        "the operator of gatherd has this secret for other hosts");
}

static int keep(struct parse_reader *reader, const struct job_callback *callback,
                const struct job_callback **ret_callback)
{
    struct job_callback *copy = arena_alloc(&reader->spec->arena, sizeof(*copy));

    if (copy == NULL)
        return parse_no_room(reader, sizeof(*copy));
    *copy = *callback;
    *ret_callback = copy;
    return 0;
}

int parse_callback(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                   const struct parse_member *member, void *field)
{
    struct job_callback callback = {.url = NULL};
    struct parse_layer layer = PARSE_LAYER(callback_members, &callback);

    (void)member;
    if (reader->kind == PARSE_GATHER)
        return parse_defect(reader, at, "not_supported",
                            "a gather answers by itself; POST /v1/jobs calls back");
    return parse_object(reader, at, value, &layer, 1) ?: check_host(reader, at, &callback)
               ?: keep(reader, &callback, field);
}
