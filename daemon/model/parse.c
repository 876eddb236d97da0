#include "daemon/model/parse.h"

#include <string.h>
#include <strings.h>

#include "lib/co/base.h"

#include "daemon/base/utf8.h"
#include "daemon/model/origins.h"
#include "daemon/model/parse_document.h"
#include "daemon/model/parse_lines.h"
#include "daemon/model/parse_load.h"
#include "daemon/model/parse_reader.h"
#include "daemon/model/parse_request.h"

/* --- Formats ---------------------------------------------------------------------------------- */

static int read_json(struct parse_reader *reader, const char *text, size_t length)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;

    return parse_load(reader, text, length, &value) ?: parse_document(reader, value);
}

/* No URL begins like that. */
static bool looks_like_json(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && memchr(" \t\r\n", text[i], 4) != NULL)
        i++;
    return i < length && memchr("[{\"", text[i], 3) != NULL;
}

static int read_list(struct parse_reader *reader, const char *text, size_t length)
{
    return looks_like_json(text, length) ? read_json(reader, text, length)
                                         : parse_url_list(reader, text, length);
}

static int read_ndjson(struct parse_reader *reader, const char *text, size_t length)
{
    bool is_ndjson;
    int rc = parse_is_ndjson(reader, text, length, &is_ndjson);

    if (rc < 0)
        return rc;
    return is_ndjson ? parse_ndjson(reader, text, length) : read_json(reader, text, length);
}

static int read_unknown(struct parse_reader *reader, const char *text, size_t length)
{
    int rc = read_json(reader, text, length);

    if (rc != PARSE_REFUSED || reader->refusal.status != 400 || looks_like_json(text, length))
        return rc;
    return parse_refuse(reader, 415, "unsupported_media_type",
                        "The body is not JSON, and of other types only application/x-ndjson, "
                        "text/uri-list and text/plain are read.");
}

typedef int read_fn(struct parse_reader *reader, const char *text, size_t length);

/* What curl -d says by itself means nothing. */
static const struct format {
    const char *type;
    read_fn *read;
} formats[] = {
    {"", read_json},
    {"application/json", read_json},
    {"application/x-www-form-urlencoded", read_json},
    {"application/x-ndjson", read_ndjson},
    {"text/uri-list", read_list},
    {"text/plain", read_list},
};

static read_fn *choose_format(const char *content_type)
{
    const char *type = content_type + strspn(content_type, " \t");
    size_t length = strcspn(type, "; \t");

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strlen(formats[i].type) == length && strncasecmp(formats[i].type, type, length) == 0)
            return formats[i].read;
    return read_unknown;
}

/* --- Characters ------------------------------------------------------------------------------- */

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;

    while ((text = memchr(text, '\n', (size_t)(at - text))) != NULL) {
        text++;
        line++;
    }
    return line;
}

static const char *find_invalid(const char *text, size_t length)
{
    uint32_t code_point;
    size_t n;

    while ((n = utf8_decode(text, length, &code_point)) > 0) {
        text += n;
        length -= n;
    }
    return text;
}

static int check_characters(struct parse_reader *reader, const char *text, size_t length)
{
    const char *nul = length > 0 ? memchr(text, '\0', length) : NULL;

    if (nul != NULL)
        return parse_refuse(reader, 400, "nul_character", "Line %zu: the body has a NUL character.",
                            line_of(text, nul));
    if (!utf8_is_valid(text, length))
        return parse_refuse(reader, 400, "invalid_utf8", "Line %zu: the body is not UTF-8.",
                            line_of(text, find_invalid(text, length)));
    return 0;
}

/* --- The way out ------------------------------------------------------------------------------ */

static int refuse_defects(struct parse_reader *reader)
{
    uint64_t n = reader->defects->n_found - reader->n_found_before;

    return n == 0 ? 0
                  : parse_refuse(reader, 422, "invalid_request", "The request has %llu error%s.",
                                 (unsigned long long)n, n == 1 ? "" : "s");
}

static int conclude(struct parse_reader *reader, int rc, struct parse_refusal *ret_refusal,
                    struct job_spec **ret_spec)
{
    rc = rc ?: refuse_defects(reader) ?: parse_requests_end(reader) ?: origins_number(reader->spec);
    if (rc == 0)
        *ret_spec = co_take(reader->spec);
    if (rc != PARSE_REFUSED)
        return rc;
    *ret_refusal = reader->refusal;
    return 1;
}

void job_parse_init(void)
{
    parse_load_init();
}

int job_parse(const struct parse_settings *settings, enum parse_kind kind, const char *content_type,
              const char *bytes, size_t length, struct defect_list *defects,
              struct parse_refusal *ret_refusal, struct job_spec **ret_spec)
{
    read_fn *read = choose_format(content_type != NULL ? content_type : "");
    CO_CLEANUP(parse_reader_done) struct parse_reader reader;
    int rc = parse_reader_init(&reader, settings, kind, defects)
                 ?: check_characters(&reader, bytes, length) ?: read(&reader, bytes, length);

    return conclude(&reader, rc, ret_refusal, ret_spec);
}

int job_parse_urls(const struct parse_settings *settings, const char *const *urls, size_t n_urls,
                   struct defect_list *defects, struct parse_refusal *ret_refusal,
                   struct job_spec **ret_spec)
{
    CO_CLEANUP(parse_reader_done) struct parse_reader reader;
    int rc = parse_reader_init(&reader, settings, PARSE_GATHER, defects)
                 ?: parse_requests_begin(&reader, NULL, n_urls);

    for (size_t i = 0; rc == 0 && i < n_urls; i++) {
        const struct parse_at at = {.index = i};
        rc = parse_request_url(&reader, &at, urls[i], strlen(urls[i]));
    }
    return conclude(&reader, rc, ret_refusal, ret_spec);
}
