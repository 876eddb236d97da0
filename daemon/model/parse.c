#include "daemon/model/parse.h"

#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/origins.h"
#include "daemon/model/parse_characters.h"
#include "daemon/model/parse_document.h"
#include "daemon/model/parse_format.h"
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

static int read_list(struct parse_reader *reader, const char *text, size_t length)
{
    return parse_looks_like_json(text, length) ? read_json(reader, text, length)
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
    return parse_refuse_type(reader, read_json(reader, text, length), text, length);
}

typedef int read_fn(struct parse_reader *reader, const char *text, size_t length);

static read_fn *const readers[] = {
    [FORMAT_JSON] = read_json,
    [FORMAT_NDJSON] = read_ndjson,
    [FORMAT_LIST] = read_list,
    [FORMAT_UNKNOWN] = read_unknown,
};

/* --- The way out ------------------------------------------------------------------------------ */

static int conclude(struct parse_reader *reader, int rc, struct parse_refusal *ret_refusal,
                    struct job_spec **ret_spec)
{
    rc = rc ?: parse_refuse_defects(reader) ?: parse_requests_end(reader) ?: origins_number(reader->spec);
    if (rc == 0)
        *ret_spec = co_take(reader->spec);
    if (rc != PARSE_REFUSED)
        return rc;
    *ret_refusal = reader->refusal;
    return 1;
}

struct parse_settings parse_settings_hold(const struct parse_settings *settings)
{
    refcount_ref(settings->owner);
    return *settings;
}

void parse_settings_release(struct parse_settings *settings)
{
    refcount_unref(settings->owner);
}

void job_parse_init(void)
{
    parse_load_init();
}

int job_parse(const struct parse_settings *settings, enum parse_kind kind, const char *content_type,
              const char *bytes, size_t length, struct defect_list *defects,
              struct parse_refusal *ret_refusal, struct job_spec **ret_spec)
{
    read_fn *read = readers[parse_format_of(content_type)];
    CO_CLEANUP(parse_reader_done) struct parse_reader reader;
    int rc = parse_reader_init(&reader, settings, kind, defects)
                 ?: parse_check_characters(&reader, bytes, length) ?: read(&reader, bytes, length);

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
