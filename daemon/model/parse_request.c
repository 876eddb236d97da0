#include "daemon/model/parse_request.h"

#include <assert.h>
#include <jansson.h>

#include "daemon/model/parse_body.h"
#include "daemon/model/parse_options.h"
#include "daemon/model/parse_tables.h"
#include "daemon/model/parse_url.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum {
    ID_SIZE_MAX = 256,
};

/* A request while its members are being read. */
struct draft {
    struct request *request;
    int64_t n_repeats;
    struct parse_body body;
    struct parse_options options;
};

/* --- Members ---------------------------------------------------------------------------------- */

/* How many repetitions there may be in all is for api.max_items to say. */
#define COUNT_RANGE .min = 1, .max = UINT32_MAX

static const struct parse_member count_members[] = {
    {"count", .read = parse_integer, COUNT_RANGE, .is_required = true},
};
const struct parse_table parse_repeat_table = PARSE_TABLE("Repeat", count_members);

static const struct parse_member interval_members[] = {
    {"interval_ms", .read = parse_duration, .offset = offsetof(struct request, repeat_interval_us),
     .max = PARSE_DAY_US},
};
const struct parse_table parse_interval_table = PARSE_TABLE("Repeat", interval_members);

static int read_repeat(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct draft *draft = field;
    struct parse_layer layers[] = {
        PARSE_LAYER(count_members, &draft->n_repeats),
        PARSE_LAYER(interval_members, draft->request),
    };

    if (json_is_object(value))
        return parse_object(reader, at, value, layers, N_ELEMENTS(layers));
    if (json_is_number(value))
        return parse_integer(reader, at, value, member, &draft->n_repeats);
    return parse_wrong_type(reader, at, value, "a number or an object");
}

static int read_url(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                    const struct parse_member *member, void *field)
{
    (void)member;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    return parse_url(reader, at, json_string_value(value), json_string_length(value), field);
}

static const struct parse_member draft_members[] = {
    {"repeat", .read = read_repeat, COUNT_RANGE},
};
const struct parse_table parse_draft_table = PARSE_TABLE("Request", draft_members);

static const struct parse_member request_members[] = {
    {"url", .read = read_url, .is_required = true},
    {"id", .read = parse_text, .offset = offsetof(struct request, id), .max = ID_SIZE_MAX},
};
const struct parse_table parse_request_table = PARSE_TABLE("Request", request_members);

/* --- One request ------------------------------------------------------------------------------ */

static struct request *add_request(struct parse_reader *reader)
{
    struct request *request = &reader->spec->requests[reader->spec->n_requests++];

    request->options = reader->options;
    return request;
}

static struct draft begin(struct parse_reader *reader, struct request *request)
{
    struct draft draft = {.request = request, .n_repeats = 1};

    parse_options_init(&draft.options, reader);
    return draft;
}

int parse_too_many_items(struct parse_reader *reader)
{
    return parse_refuse(reader, 413, "too_many_items",
                        "There are more than %zu items, which is the limit (api.max_items).",
                        reader->settings->max_items);
}

/* Options that cannot be had with this URL, whoever has given them. */
static void check_fit(struct parse_reader *reader, const struct parse_at *at,
                      const struct request *request)
{
    const struct fetch_options *options = request->options;
    const struct co_url *url = &request->url;

    if (url->text == NULL)
        return;
    if (options->http_version == CO_HTTP_VERSION_2 && !url->is_https)
        parse_defect(reader, at, "conflicting_members",
                     "HTTP/2 is spoken with https:// URLs only; http_version \"auto\" fits both");
    if (options->ip_family != AF_UNSPEC && url->address.family != AF_UNSPEC &&
        options->ip_family != (int)url->address.family)
        parse_defect(reader, at, "conflicting_members",
                     "the address in the URL is of another ip_version; \"any\" fits all");
}

/* Sees to the options if the request needs any of its own. layer: what was read into the draft's */
static int choose_options(struct parse_reader *reader, const struct parse_at *at,
                          struct draft *draft, const struct parse_layer *layer)
{
    struct request *request = draft->request;
    struct parse_derived derived = {.content_type = draft->body.content_type};
    int rc = parse_url_authorization(reader, &request->url, &derived.authorization);

    if (rc < 0 || (layer->seen == 0 && draft->body.bytes == NULL && derived.authorization == NULL))
        return rc;
    if (draft->body.bytes != NULL && !draft->options.method_is_given)
        draft->options.options.method = "POST";
    return parse_options_keep(reader, at, layer, &derived, &request->options);
}

static int end(struct parse_reader *reader, const struct parse_at *at, struct request *request,
               int64_t n_repeats)
{
    check_fit(reader, at, request);
    reader->n_items += (uint64_t)n_repeats;
    if (reader->n_items > reader->settings->max_items)
        return parse_too_many_items(reader);
    request->n_repeats = (uint32_t)n_repeats;
    return 0;
}

static int read_object(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       struct draft *draft)
{
    struct parse_layer layers[] = {
        parse_options_layer(&draft->options),
        parse_body_layer(&draft->body),
        PARSE_LAYER(draft_members, draft),
        PARSE_LAYER(request_members, draft->request),
    };
    int rc = parse_object(reader, at, value, layers, N_ELEMENTS(layers))
                 ?: choose_options(reader, at, draft, &layers[0]);

    draft->request->body = draft->body.bytes;
    draft->request->body_length = draft->body.length;
    return rc;
}

/* What a URL says besides where to go. */
static int read_userinfo(struct parse_reader *reader, const struct parse_at *at,
                         struct request *request)
{
    struct draft draft = begin(reader, request);
    const struct parse_layer layer = parse_options_layer(&draft.options);

    return choose_options(reader, at, &draft, &layer);
}

static int read_url_alone(struct parse_reader *reader, const struct parse_at *at,
                          const struct parse_at *url_at, const char *text, size_t length)
{
    struct request *request = add_request(reader);
    int rc = parse_url(reader, url_at, text, length, request);

    if (rc == 0 && (request->url.user != NULL || request->url.password != NULL))
        rc = read_userinfo(reader, at, request);
    return rc ?: end(reader, at, request, 1);
}

int parse_request_url(struct parse_reader *reader, const struct parse_at *at, const char *text,
                      size_t length)
{
    return read_url_alone(reader, at, at, text, length);
}

int parse_request_url_member(struct parse_reader *reader, const struct parse_at *at,
                             const char *text, size_t length)
{
    const struct parse_at place = {.parent = at, .key = "url"};

    return read_url_alone(reader, at, &place, text, length);
}

int parse_request(struct parse_reader *reader, const struct parse_at *at, struct json_t *value)
{
    if (json_is_string(value))
        return parse_request_url(reader, at, json_string_value(value), json_string_length(value));
    if (!json_is_object(value))
        return parse_wrong_type(reader, at, value, "a URL or an object");

    struct draft draft = begin(reader, add_request(reader));
    return read_object(reader, at, value, &draft)
               ?: end(reader, at, draft.request, draft.n_repeats);
}

/* --- All of them ------------------------------------------------------------------------------ */

int parse_requests_room(struct parse_reader *reader, size_t n)
{
    struct job_spec *spec = reader->spec;

    spec->requests = arena_calloc(&spec->arena, n, sizeof(spec->requests[0]));
    return spec->requests != NULL ? 0 : parse_no_room(reader, n * sizeof(spec->requests[0]));
}

int parse_no_requests(struct parse_reader *reader, const struct parse_at *at)
{
    return parse_defect(reader, at, "no_requests", "there is nothing to fetch");
}

int parse_requests_begin(struct parse_reader *reader, const struct parse_at *at, size_t n)
{
    assert(reader->settings->max_items <= UINT32_MAX);
    if (n > reader->settings->max_items)
        return parse_too_many_items(reader);
    if (n == 0)
        return parse_no_requests(reader, at);
    return parse_requests_room(reader, n);
}

int parse_requests_end(struct parse_reader *reader)
{
    struct job_spec *spec = reader->spec;
    size_t size = reader->n_items * sizeof(spec->items[0]);
    struct item *item = arena_alloc(&spec->arena, size);

    if (item == NULL)
        return parse_no_room(reader, size);
    spec->items = item;
    spec->n_items = reader->n_items;
    for (uint32_t i = 0; i < spec->n_requests; i++)
        for (uint32_t n = 0; n < spec->requests[i].n_repeats; n++)
            *item++ = (struct item){.request = i, .repetition = n};
    return 0;
}
