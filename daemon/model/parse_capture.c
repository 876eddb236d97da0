#include "daemon/model/parse_capture.h"

#include <jansson.h>

#include "daemon/model/parse_headers.h"
#include "daemon/model/parse_object.h"
#include "daemon/model/parse_tables.h"

enum { KEPT_HEADERS_MAX = 100 };

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
    options->kept_headers = NULL;
    options->n_kept_headers = 0;
    if (json_is_null(value))
        return 0;
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
static const char *const hashes[] = {[HASH_NONE] = "none", [HASH_SHA256] = "sha256", NULL};

static const struct parse_member capture_members[] = {
    {"body", .read = parse_switch, .offset = offsetof(struct fetch_options, capture_body),
     .words = bodies},
    {"max_body_bytes", .read = read_capture_max},
    {"headers", .read = read_kept_headers},
    {"hash", .read = parse_enum, .offset = offsetof(struct fetch_options, hash), .words = hashes},
};
const struct parse_table parse_capture_table = PARSE_TABLE("Capture", capture_members);

static void forget(struct fetch_options *options, const struct fetch_options *defaults)
{
    options->capture_body = defaults->capture_body;
    options->capture_max_bytes = defaults->capture_max_bytes;
    options->hash = defaults->hash;
    options->kept_headers = defaults->kept_headers;
    options->n_kept_headers = defaults->n_kept_headers;
}

int parse_capture(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                  const struct parse_member *member, void *field)
{
    struct parse_layer layer = PARSE_LAYER(capture_members, field);

    (void)member;
    if (!json_is_null(value))
        return parse_object(reader, at, value, &layer, 1);
    forget(field, &reader->settings->defaults);
    return 0;
}
