#include "daemon/model/parse_options.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "daemon/model/parse_auth.h"
#include "daemon/model/parse_capture.h"
#include "daemon/model/parse_expect.h"
#include "daemon/model/parse_method.h"
#include "daemon/model/parse_pin.h"
#include "daemon/model/parse_reference.h"
#include "daemon/model/parse_retry.h"
#include "daemon/model/parse_tables.h"
#include "daemon/model/parse_tls.h"

/* --- Members that are more than a number ------------------------------------------------------ */

static int read_method(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_options *draft = field;
    size_t length = json_string_length(value);

    (void)member;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    if (!parse_check_method(reader, at, json_string_value(value), length))
        return 0;
    if (strcmp(json_string_value(value), "CONNECT") == 0)
        return parse_defect(reader, at, "not_supported", "a tunnel cannot be fetched");
    draft->method_is_given = true;
    return parse_copy(reader, json_string_value(value), length, &draft->options.method);
}

static int read_headers(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, const struct parse_member *member, void *field)
{
    (void)member;
    if (!json_is_object(value))
        return parse_wrong_type(reader, at, value, "an object");
    *(struct json_t **)field = value;
    return 0;
}

static int read_max_redirects(struct parse_reader *reader, const struct parse_at *at,
                              struct json_t *value, const struct parse_member *member, void *field)
{
    struct parse_member limited = *member;

    limited.max = reader->settings->max_redirects;
    return parse_unsigned(reader, at, value, &limited, field);
}

static int read_ip_version(struct parse_reader *reader, const struct parse_at *at,
                           struct json_t *value, const struct parse_member *member, void *field)
{
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    int index = parse_word(reader, at, value, member->words);

    if (index >= 0)
        *(int *)field = families[index];
    return 0;
}

/* --- All of them ------------------------------------------------------------------------------ */

#define OPTION(field) .offset = offsetof(struct parse_options, options.field)
#define ALL_OPTIONS   .offset = offsetof(struct parse_options, options)

static const char *const http_versions[] = {
    [CO_HTTP_VERSION_ANY] = "auto", [CO_HTTP_VERSION_1_1] = "1.1", [CO_HTTP_VERSION_2] = "2", NULL};
static const char *const ip_versions[] = {"any", "4", "6", NULL};

enum { METHOD, HEADERS };

static const struct parse_member option_members[] = {
    [METHOD] = {"method", .read = read_method},
    [HEADERS] = {"headers", .read = read_headers,
                 .offset = offsetof(struct parse_options, headers)},
    {"timeout_ms", .read = parse_duration, OPTION(timeout_us), PARSE_TIMEOUT_RANGE},
    {"connect_timeout_ms", .read = parse_duration, OPTION(connect_timeout_us), PARSE_TIMEOUT_RANGE},
    {"first_byte_timeout_ms", .read = parse_duration, OPTION(first_byte_timeout_us),
     PARSE_TIMEOUT_RANGE},
    {"idle_timeout_ms", .read = parse_duration, OPTION(idle_timeout_us), PARSE_TIMEOUT_RANGE},
    {"queue_timeout_ms", .read = parse_duration, OPTION(queue_timeout_us), PARSE_TIMEOUT_RANGE},
    {"follow_redirects", .read = parse_bool, OPTION(follow_redirects)},
    {"max_redirects", .read = read_max_redirects, OPTION(max_redirects)},
    {"http_version", .read = parse_enum, OPTION(http_version), .words = http_versions},
    {"ip_version", .read = read_ip_version, OPTION(ip_family), .words = ip_versions},
    {"tls", .read = parse_tls, OPTION(tls)},
    {"auth", .read = parse_auth, OPTION(auth)},
    {"proxy", .read = parse_proxy, OPTION(proxy)},
    {"resolve", .read = parse_pins, ALL_OPTIONS},
    {"retry", .read = parse_retry, OPTION(retry)},
    {"expect", .read = parse_expect, OPTION(expect)},
    {"capture", .read = parse_capture, ALL_OPTIONS},
};
const struct parse_table parse_option_table = PARSE_TABLE("Options", option_members);

void parse_options_init(struct parse_options *draft, const struct parse_reader *reader)
{
    *draft = (struct parse_options){
        .options = *reader->options,
        .method_is_given = reader->method_is_given,
    };
}

struct parse_layer parse_options_layer(struct parse_options *draft)
{
    return (struct parse_layer)PARSE_LAYER(option_members, draft);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static void add_derived(struct parse_reader *reader, const struct parse_at *at,
                        const struct parse_derived *derived, struct parse_headers *list)
{
    if (derived->content_type != NULL)
        parse_headers_add_default(reader, at, list, "Content-Type", derived->content_type);
    if (derived->authorization != NULL)
        parse_headers_add_default(reader, at, list, "Authorization", derived->authorization);
}

/* What the object itself has for that header; NULL: nothing. */
static struct json_t *own_header(const struct parse_options *draft, const char *name,
                                 const char **ret_key)
{
    const char *key;
    struct json_t *value;

    json_object_foreach(draft->headers, key, value)
    {
        if (strcasecmp(key, name) == 0) {
            *ret_key = key;
            return value;
        }
    }
    return NULL;
}

/* Whoever is asked for by the object itself comes before whoever is from below. Both of them would
 * be one too many. */
static void choose_authorization(struct parse_reader *reader, const struct parse_at *at,
                                 struct parse_options *draft, struct parse_headers *list)
{
    const char *key = NULL;
    const struct json_t *header = own_header(draft, "Authorization", &key);
    const struct parse_at place = {.parent = at, .key = key};
    bool auth_is_own = draft->options.auth != reader->options->auth;

    if (header == NULL && draft->options.auth != NULL)
        parse_headers_remove(list, "Authorization");
    else if (header != NULL && !auth_is_own)
        draft->options.auth = NULL;
    else if (header != NULL && draft->options.auth != NULL && !json_is_null(header))
        parse_defect(reader, &place, "conflicting_members",
                     "\"auth\" makes this header, so there may be one of them");
}

static int merge_headers(struct parse_reader *reader, const struct parse_at *at,
                         struct parse_options *draft, const struct parse_derived *derived,
                         struct parse_headers *list)
{
    const struct parse_at place = {.parent = at, .key = "headers"};

    parse_headers_init(list, &draft->options);
    add_derived(reader, &place, derived, list);
    choose_authorization(reader, &place, draft, list);
    return draft->headers != NULL ? parse_headers_merge(reader, &place, draft->headers, list) : 0;
}

/* --- The way out ------------------------------------------------------------------------------ */

static void check_together(struct parse_reader *reader, const struct parse_at *at,
                           const struct fetch_options *options)
{
    const struct parse_at place = {.parent = at, .key = "proxy"};

    if (options->proxy != NULL && options->n_pins > 0)
        parse_defect(reader, &place, "conflicting_members",
                     "a proxy looks names up by itself, so \"resolve\" would do nothing");
}

/* Many a batch differs from one request to the next in nothing but URL and body, and what follows
 * from having one: method and headers. returns NULL: these options are not like those before */
static const struct fetch_options *find_alike(const struct parse_reader *reader,
                                              const struct fetch_options *options,
                                              const struct parse_headers *list)
{
    const struct fetch_options *last = reader->last_options;
    bool is_alike = last != NULL && last->auth == options->auth &&
                    strcmp(last->method, options->method) == 0 && parse_headers_are(list, last);

    return is_alike ? last : NULL;
}

static int keep(struct parse_reader *reader, struct fetch_options *options,
                const struct parse_headers *list, const struct fetch_options **ret_options)
{
    int rc = parse_headers_are(list, options) ? 0 : parse_headers_keep(reader, list, options);
    struct fetch_options *copy = rc == 0 ? arena_alloc(&reader->spec->arena, sizeof(*copy)) : NULL;

    if (rc < 0 || copy == NULL)
        return rc < 0 ? rc : parse_no_room(reader, sizeof(*copy));
    *copy = *options;
    *ret_options = copy;
    return 0;
}

int parse_options_keep(struct parse_reader *reader, const struct parse_at *at,
                       const struct parse_layer *layer, const struct parse_derived *derived,
                       const struct fetch_options **ret_options)
{
    bool has_more = (layer->seen & ~(UINT64_C(1) << METHOD | UINT64_C(1) << HEADERS)) != 0;
    struct parse_options *draft = layer->target;
    struct parse_headers list;
    int rc = merge_headers(reader, at, draft, derived, &list);
    if (rc < 0)
        return rc;

    check_together(reader, at, &draft->options);
    const struct fetch_options *alike =
        has_more ? NULL : find_alike(reader, &draft->options, &list);
    if (alike != NULL)
        *ret_options = alike;
    else
        rc = keep(reader, &draft->options, &list, ret_options);
    if (rc == 0 && !has_more)
        reader->last_options = *ret_options;
    return rc;
}
