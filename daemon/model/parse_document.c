#include "daemon/model/parse_document.h"

#include <jansson.h>
#include <string.h>

#include "daemon/model/parse_callback.h"
#include "daemon/model/parse_options.h"
#include "daemon/model/parse_request.h"
#include "daemon/model/parse_tables.h"

enum {
    NAME_SIZE_MAX = 256,
    LABELS_MAX = 64,
    LABEL_SIZE_MAX = 256, /* of a key, and of a value */
};

/* --- "labels" --------------------------------------------------------------------------------- */

static int read_label(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                      struct job_label *ret_label)
{
    static const struct parse_member label = {.max = LABEL_SIZE_MAX};
    size_t length = strlen(at->key);

    if (parse_is_too_long(reader, at, length, LABEL_SIZE_MAX))
        return 0;
    return parse_copy(reader, at->key, length, &ret_label->key)
               ?: parse_text(reader, at, value, &label, &ret_label->value);
}

int parse_labels(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                 const struct parse_member *member, void *field)
{
    struct job_spec *spec = field;
    size_t n = json_object_size(value);
    const char *key;
    struct json_t *child;

    (void)member;
    if (!json_is_object(value))
        return parse_wrong_type(reader, at, value, "an object");
    if (n > LABELS_MAX)
        return parse_defect(reader, at, "too_many", "a job may have at most %d labels", LABELS_MAX);
    struct job_label *labels = arena_calloc(&spec->arena, n, sizeof(*labels));
    if (labels == NULL)
        return parse_no_room(reader, n * sizeof(*labels));
    spec->labels = labels;
    json_object_foreach(value, key, child)
    {
        const struct parse_at place = {.parent = at, .key = key};
        int rc = read_label(reader, &place, child, &labels[spec->n_labels++]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* --- "limits" --------------------------------------------------------------------------------- */

struct rate {
    int64_t n_requests;
    int64_t per_us;
};

static const struct parse_member rate_members[] = {
    {"requests", .read = parse_integer, .offset = offsetof(struct rate, n_requests), .min = 1,
     .max = 1000000, .is_required = true},
    {"per_ms", .read = parse_duration, .offset = offsetof(struct rate, per_us), PARSE_TIMEOUT_RANGE,
     .is_required = true},
};
const struct parse_table parse_rate_table = PARSE_TABLE("Rate", rate_members);

/* Rounded up, so that the rate asked for is never exceeded. */
static int read_rate(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    struct rate rate = {.n_requests = 1};
    struct parse_layer layer = PARSE_LAYER(rate_members, &rate);
    int rc = parse_object(reader, at, value, &layer, 1);

    (void)member;
    *(int64_t *)field = (rate.per_us + rate.n_requests - 1) / rate.n_requests;
    return rc;
}

static const struct parse_member limit_members[] = {
    {"concurrency", .read = parse_unsigned, .offset = offsetof(struct job_limits, concurrency),
     .min = 1, .max = INT32_MAX},
    {"per_host_concurrency", .read = parse_unsigned,
     .offset = offsetof(struct job_limits, per_host_concurrency), .min = 1, .max = INT32_MAX},
    {"per_host_rate", .read = read_rate,
     .offset = offsetof(struct job_limits, per_host_interval_us)},
};
const struct parse_table parse_limits_table = PARSE_TABLE("Limits", limit_members);

static int read_limits(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_layer layer = PARSE_LAYER(limit_members, field);

    (void)member;
    return parse_object(reader, at, value, &layer, 1);
}

/* --- "gather" --------------------------------------------------------------------------------- */

static const struct parse_member quorum_members[] = {
    {"successes", .read = parse_integer, .min = 1, .max = UINT32_MAX, .is_required = true},
};
const struct parse_table parse_quorum_table = PARSE_TABLE("Quorum", quorum_members);

static int read_quorum(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       struct job_spec *spec)
{
    int64_t n_successes = 1;
    struct parse_layer layer = PARSE_LAYER(quorum_members, &n_successes);
    int rc = parse_object(reader, at, value, &layer, 1);

    spec->until = UNTIL_SUCCESSES;
    spec->n_successes = (size_t)n_successes;
    return rc;
}

static int read_until(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                      const struct parse_member *member, void *field)
{
    static const enum gather_until meanings[] = {UNTIL_ALL, UNTIL_SUCCESSES, UNTIL_FIRST_COMPLETED};
    struct job_spec *spec = field;

    if (json_is_object(value))
        return read_quorum(reader, at, value, spec);
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string or an object");
    int index = parse_word(reader, at, value, member->words);
    if (index >= 0)
        spec->until = meanings[index];
    spec->n_successes = 1;
    return 0;
}

static const char *const untils[] = {"all", "first_success", "first_completed", NULL};
static const char *const on_failures[] = {"continue", "cancel_rest", NULL};

static const struct parse_member gather_members[] = {
    {"until", .read = read_until, .words = untils},
    {"on_failure", .read = parse_switch,
     .offset = offsetof(struct job_spec, cancel_rest_on_failure), .words = on_failures},
};
const struct parse_table parse_gather_table = PARSE_TABLE("GatherPolicy", gather_members);

static int read_gather(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_layer layer = PARSE_LAYER(gather_members, field);

    (void)member;
    return parse_object(reader, at, value, &layer, 1);
}

/* --- The document ----------------------------------------------------------------------------- */

static int read_defaults(struct parse_reader *reader, const struct parse_at *at,
                         struct json_t *value, const struct parse_member *member, void *field)
{
    static const struct parse_derived nothing;
    struct parse_options draft;

    (void)member, (void)field;
    parse_options_init(&draft, reader);
    struct parse_layer layer = parse_options_layer(&draft);
    int rc = parse_object(reader, at, value, &layer, 1)
                 ?: parse_options_keep(reader, at, &layer, &nothing, &reader->options);
    reader->method_is_given = draft.method_is_given;
    return rc;
}

static int read_ttl(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                    const struct parse_member *member, void *field)
{
    if (reader->kind == PARSE_GATHER)
        return parse_defect(reader, at, "not_supported",
                            "the results of a gather are not kept; POST /v1/jobs keeps them");
    return parse_duration(reader, at, value, member, field);
}

static int add_field(struct parse_reader *reader, const struct parse_at *at, const char *text,
                     size_t length, void *fields)
{
    if (result_fields_add(fields, text, length) == 0)
        return 0;
    const char *nearest = result_field_nearest(text, length);
    if (nearest == NULL)
        return parse_defect(reader, at, "invalid_value", "results have no such member");
    return parse_defect(reader, at, "invalid_value",
                        "results have no such member; did you mean \"%s\"?", nearest);
}

static int read_fields(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    (void)member;
    if (reader->kind != PARSE_GATHER)
        return parse_defect(reader, at, "not_supported",
                            "a job keeps all of its results; GET /v1/jobs/ID/results?fields=... "
                            "shows a part of them");
    return result_fields_add(field, "index", strlen("index"))
               ?: parse_strings(reader, at, value, add_field, field);
}

static int note_requests(struct parse_reader *reader, const struct parse_at *at,
                         struct json_t *value, const struct parse_member *member, void *field)
{
    struct parse_requests *requests = field;

    if (requests->value != NULL)
        return parse_defect(reader, at, "conflicting_members",
                            "there may be \"requests\" or \"urls\", not both");
    requests->value = value;
    requests->key = member->name;
    return 0;
}

static const struct parse_member document_members[] = {
    {"requests", .read = note_requests},
    {"urls", .read = note_requests},
};
const struct parse_table parse_document_table = PARSE_TABLE("Document", document_members);

static const char *const on_invalids[] = {"error", "report", NULL};

static const struct parse_member reader_members[] = {
    {"defaults", .read = read_defaults},
    {"on_invalid", .read = parse_switch,
     .offset = offsetof(struct parse_reader, reports_invalid_urls), .words = on_invalids},
};
const struct parse_table parse_reader_table = PARSE_TABLE("Document", reader_members);

static const struct parse_member spec_members[] = {
    {"name", .read = parse_text, .offset = offsetof(struct job_spec, name), .max = NAME_SIZE_MAX},
    {"labels", .read = parse_labels},
    {"limits", .read = read_limits, .offset = offsetof(struct job_spec, limits)},
    {"gather", .read = read_gather},
    {"deadline_ms", .read = parse_duration, .offset = offsetof(struct job_spec, deadline_us),
     PARSE_TIMEOUT_RANGE},
    {"weight", .read = parse_unsigned, .offset = offsetof(struct job_spec, weight), .min = 1,
     .max = 100},
    {"cookies", .read = parse_bool, .offset = offsetof(struct job_spec, keeps_cookies)},
    {"ttl_ms", .read = read_ttl, .offset = offsetof(struct job_spec, ttl_us), .min = 1,
     .max = 30 * PARSE_DAY_US},
    {"callback", .read = parse_callback, .offset = offsetof(struct job_spec, callback)},
    {"fields", .read = read_fields, .offset = offsetof(struct job_spec, fields)},
};
const struct parse_table parse_spec_table = PARSE_TABLE("Document", spec_members);

int parse_members(struct parse_reader *reader, struct json_t *object,
                  struct parse_requests *ret_requests)
{
    struct parse_layer layers[] = {
        PARSE_LAYER(document_members, ret_requests),
        PARSE_LAYER(spec_members, reader->spec),
        PARSE_LAYER(reader_members, reader),
    };

    *ret_requests = (struct parse_requests){.key = "requests"};
    return parse_object(reader, NULL, object, layers, sizeof(layers) / sizeof(layers[0]));
}

int parse_check_requests(struct parse_reader *reader, const struct parse_requests *requests)
{
    const struct parse_at place = {.key = requests->key};

    if (requests->value == NULL)
        return parse_defect(reader, &place, "missing_member",
                            "\"requests\" or \"urls\" is missing");
    if (!json_is_array(requests->value))
        return parse_wrong_type(reader, &place, requests->value, "an array");
    return 0;
}

static int read_requests(struct parse_reader *reader, const struct parse_at *at,
                         struct json_t *requests)
{
    size_t n = json_array_size(requests);
    int rc = parse_requests_begin(reader, at, n);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct parse_at place = {.parent = at, .index = i};
        rc = parse_request(reader, &place, json_array_get(requests, i));
    }
    return rc;
}

static int read_document(struct parse_reader *reader, struct json_t *value)
{
    struct parse_requests requests;
    int rc = parse_members(reader, value, &requests) ?: parse_check_requests(reader, &requests);

    const struct parse_at place = {.key = requests.key};
    return rc < 0 || !json_is_array(requests.value) ? rc
                                                    : read_requests(reader, &place, requests.value);
}

int parse_not_document(struct parse_reader *reader, const struct json_t *value)
{
    return parse_wrong_type(reader, NULL, value, "an array of requests or an object");
}

int parse_document(struct parse_reader *reader, struct json_t *document)
{
    if (json_is_array(document))
        return read_requests(reader, NULL, document);
    if (json_is_object(document))
        return read_document(reader, document);
    return parse_not_document(reader, document);
}

bool parse_is_document(const struct json_t *value)
{
    return json_is_array(value) || json_object_get(value, "requests") != NULL ||
           json_object_get(value, "urls") != NULL;
}
