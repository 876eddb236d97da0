#include "daemon/model/request_line.h"

#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/parse_lines.h"
#include "daemon/model/parse_load.h"
#include "daemon/model/parse_request.h"

/* --- Most requests are just a URL ------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* Takes a token and the white space around it. */
static bool take(const char **at, const char *end, const char *token)
{
    size_t length = strlen(token);
    const char *start = skip_space(*at, end);

    if ((size_t)(end - start) < length || memcmp(start, token, length) != 0)
        return false;
    *at = skip_space(start + length, end);
    return true;
}

/* Behind an opening quote: what is between the quotes, if that is just what the string says. */
static bool take_string(const char **at, const char *end, struct parse_line *ret_text)
{
    const char *start = *at, *c = start;

    while (c < end && (unsigned char)*c >= ' ' && *c != '"' && *c != '\\')
        c++;
    if (c == end || *c != '"')
        return false;
    *ret_text = (struct parse_line){start, (size_t)(c - start)};
    *at = skip_space(c + 1, end);
    return true;
}

/* Whether text is "URL" or {"url": "URL"} without escapes: then no JSON need be read. */
static bool is_plain(const char *text, size_t length, struct parse_line *ret_url,
                     bool *ret_is_object)
{
    const char *end = text + length;

    *ret_is_object = take(&text, end, "{");
    if (*ret_is_object && (!take(&text, end, "\"url\"") || !take(&text, end, ":")))
        return false;
    if (text == end || *text++ != '"' || !take_string(&text, end, ret_url))
        return false;
    return (!*ret_is_object || take(&text, end, "}")) && text == end;
}

/* --- Reading ---------------------------------------------------------------------------------- */

int request_json_read(struct parse_reader *reader, const struct parse_at *at, const char *text,
                      size_t length)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;
    struct parse_line url;
    bool is_object;

    if (is_plain(text, length, &url, &is_object))
        return is_object ? parse_request_url_member(reader, at, url.text, url.length)
                         : parse_request_url(reader, at, url.text, url.length);
    return parse_load(reader, text, length, &value) ?: parse_request(reader, at, value);
}

/* How lines of JSON are told from URLs. */
static bool is_json(const char *line, size_t length)
{
    return length > 0 && (line[0] == '{' || line[0] == '"');
}

int request_line_read(struct parse_reader *reader, const struct parse_at *at, const char *line,
                      size_t length)
{
    return is_json(line, length) ? request_json_read(reader, at, line, length)
                                 : parse_request_url(reader, at, line, length);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Leaves out the white space between tokens. */
static void append_compact(struct buffer *lines, const char *text, size_t length)
{
    char *to = lines->data + lines->len;
    bool in_string = false, is_escaped = false;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '"' && !is_escaped)
            in_string = !in_string;
        is_escaped = c == '\\' && !is_escaped;
        if (in_string || !is_space(c))
            *to++ = c;
    }
    lines->len = (size_t)(to - lines->data);
}

int request_line_append(struct buffer *lines, const char *text, size_t length)
{
    struct parse_line url;
    bool is_object;

    if (is_plain(text, length, &url, &is_object) && url.length > 0 &&
        !is_json(url.text, url.length))
        return buffer_append(lines, url.text, url.length);
    int rc = buffer_reserve(lines, length);
    if (rc == 0)
        append_compact(lines, text, length);
    return rc;
}
