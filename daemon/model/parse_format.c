#include "daemon/model/parse_format.h"

#include <string.h>
#include <strings.h>

/* What curl -d says by itself means nothing. */
static const struct {
    const char *type;
    enum parse_format format;
} types[] = {
    {"", FORMAT_JSON},
    {"application/json", FORMAT_JSON},
    {"application/x-www-form-urlencoded", FORMAT_JSON},
    {"application/x-ndjson", FORMAT_NDJSON},
    {"text/uri-list", FORMAT_LIST},
    {"text/plain", FORMAT_LIST},
};

enum parse_format parse_format_of(const char *content_type)
{
    const char *type = content_type != NULL ? content_type + strspn(content_type, " \t") : "";
    size_t length = strcspn(type, "; \t");

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strlen(types[i].type) == length && strncasecmp(types[i].type, type, length) == 0)
            return types[i].format;
    return FORMAT_UNKNOWN;
}

bool parse_looks_like_json(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && memchr(" \t\r\n", text[i], 4) != NULL)
        i++;
    return i < length && memchr("[{\"", text[i], 3) != NULL;
}

int parse_refuse_type(struct parse_reader *reader, int rc, const char *text, size_t length)
{
    if (rc != PARSE_REFUSED || reader->refusal.status != 400 || parse_looks_like_json(text, length))
        return rc;
    return parse_refuse(reader, 415, "unsupported_media_type",
                        "The body is not JSON, and of other types only application/x-ndjson, "
                        "text/uri-list and text/plain are read.");
}
