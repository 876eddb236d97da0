#include "daemon/model/parse_options.h"

#include <jansson.h>
#include <string.h>

enum {
    METHOD_SIZE_MAX = 32,
    KEPT_HEADERS_MAX = 100,
};

/* --- Members that are more than a number ------------------------------------------------------ */

static int read_method(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_options *draft = field;
    size_t length = json_string_length(value);

    (void)member;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    if (length > METHOD_SIZE_MAX || !parse_is_token(json_string_value(value), length))
        return parse_defect(reader, at, "invalid_method",
                            "a method is made of 1 to %d letters, digits and !#$%%&'*+-.^_`|~",
                            METHOD_SIZE_MAX);
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

static int read_capture_max(struct parse_reader *reader, const struct parse_at *at,
                            struct json_t *value, const struct parse_member *member, void *field)
{
    struct fetch_options *options = field;
    struct parse_member limited = *member;
    int64_t number = (int64_t)options->capture_max_bytes;

    limited.max = (int64_t)reader->settings->max_capture_bytes;
    int rc = parse_integer(reader, at, value, &limited, &number);
    options->capture_max_bytes = (uint64_t)number;
    return rc;
}

/* --- "capture" -------------------------------------------------------------------------------- */

struct kept_headers {
    const char **names;
    size_t n_names;
};

static int take_kept_header(struct parse_reader *reader, const struct parse_at *at,
                            const char *text, size_t length, void *arg)
{
    struct kept_headers *kept = arg;

    if (!parse_is_token(text, length))
        return parse_defect(reader, at, "invalid_header", "this is not the name of a header");
    return parse_copy(reader, text, length, &kept->names[kept->n_names++]);
}

static int read_kept_headers(struct parse_reader *reader, const struct parse_at *at,
                             struct json_t *value, const struct parse_member *member, void *field)
{
    struct fetch_options *options = field;
    size_t size = json_array_size(value) * sizeof(const char *);

    (void)member;
    if (!json_is_array(value))
        return parse_wrong_type(reader, at, value, "an array of header names");
    if (json_array_size(value) > KEPT_HEADERS_MAX)
        return parse_defect(reader, at, "too_many", "at most %d headers can be captured",
                            KEPT_HEADERS_MAX);
    struct kept_headers kept = {.names = arena_alloc(&reader->spec->arena, size)};
    if (kept.names == NULL)
        return parse_no_room(reader, size);
    int rc = parse_strings(reader, at, value, take_kept_header, &kept);
    options->kept_headers = kept.names;
    options->n_kept_headers = kept.n_names;
    return rc;
}

static const char *const bodies[] = {"none", "full", NULL};
static const char *const hashes[] = {"none", NULL};

static const struct parse_member capture_members[] = {
    {"body", .read = parse_switch, .offset = offsetof(struct fetch_options, capture_body),
     .words = bodies},
    {"max_body_bytes", .read = read_capture_max},
    {"headers", .read = read_kept_headers},
    {"hash", .read = parse_constant, .words = hashes},
};

static int read_capture(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, const struct parse_member *member, void *field)
{
    struct parse_layer layer = PARSE_LAYER(capture_members, field);

    (void)member;
    return parse_object(reader, at, value, &layer, 1);
}

/* --- All of them ------------------------------------------------------------------------------ */

#define OPTION(field) .offset = offsetof(struct parse_options, options.field)

static const char *const http_versions[] = {"auto", "1.1", NULL};
static const char *const ip_versions[] = {"any", NULL};

static const struct parse_member option_members[] = {
    {"method", .read = read_method},
    {"headers", .read = read_headers, .offset = offsetof(struct parse_options, headers)},
    {"timeout_ms", .read = parse_duration, OPTION(timeout_us), PARSE_TIMEOUT_RANGE},
    {"connect_timeout_ms", .read = parse_duration, OPTION(connect_timeout_us), PARSE_TIMEOUT_RANGE},
    {"first_byte_timeout_ms", .read = parse_duration, OPTION(first_byte_timeout_us),
     PARSE_TIMEOUT_RANGE},
    {"idle_timeout_ms", .read = parse_duration, OPTION(idle_timeout_us), PARSE_TIMEOUT_RANGE},
    {"queue_timeout_ms", .read = parse_duration, OPTION(queue_timeout_us), PARSE_TIMEOUT_RANGE},
    {"follow_redirects", .read = parse_bool, OPTION(follow_redirects)},
    {"max_redirects", .read = read_max_redirects, OPTION(max_redirects)},
    {"capture", .read = read_capture, .offset = offsetof(struct parse_options, options)},
    {"http_version", .read = parse_constant, .words = http_versions},
    {"ip_version", .read = parse_constant, .words = ip_versions},
    {"auth", .read = parse_not_supported},
    {"expect", .read = parse_not_supported},
    {"proxy", .read = parse_not_supported},
    {"resolve", .read = parse_not_supported},
    {"retry", .read = parse_not_supported},
    {"tls", .read = parse_not_supported},
};

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

static void add_derived(struct parse_reader *reader, const struct parse_at *at,
                        const struct parse_derived *derived, struct parse_headers *list)
{
    if (derived->content_type != NULL)
        parse_headers_add_default(reader, at, list, "Content-Type", derived->content_type);
    if (derived->authorization != NULL)
        parse_headers_add_default(reader, at, list, "Authorization", derived->authorization);
}

static int merge_headers(struct parse_reader *reader, const struct parse_at *at,
                         struct parse_options *draft, const struct parse_derived *derived)
{
    const struct parse_at place = {.parent = at, .key = "headers"};
    struct parse_headers list;
    int rc;

    if (draft->headers == NULL && derived->content_type == NULL && derived->authorization == NULL)
        return 0;
    parse_headers_init(&list, &draft->options);
    add_derived(reader, &place, derived, &list);
    if (draft->headers != NULL) {
        rc = parse_headers_merge(reader, &place, draft->headers, &list);
        if (rc < 0)
            return rc;
    }
    return parse_headers_keep(reader, &list, &draft->options);
}

int parse_options_keep(struct parse_reader *reader, const struct parse_at *at,
                       struct parse_options *draft, const struct parse_derived *derived,
                       const struct fetch_options **ret_options)
{
    int rc = merge_headers(reader, at, draft, derived);
    if (rc < 0)
        return rc;

    struct fetch_options *options = arena_alloc(&reader->spec->arena, sizeof(*options));
    if (options == NULL)
        return parse_no_room(reader, sizeof(*options));
    *options = draft->options;
    *ret_options = options;
    return 0;
}
