#include "daemon/model/parse_lines.h"

#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/parse_document.h"
#include "daemon/model/parse_load.h"
#include "daemon/model/parse_request.h"

struct lines {
    const char *next, *end;
    bool has_comments;
    size_t number; /* of the line that was read last, from 1 */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct parse_line parse_line_trim(const char *text, const char *end)
{
    while (text < end && is_blank(*text))
        text++;
    while (text < end && is_blank(end[-1]))
        end--;
    return (struct parse_line){text, (size_t)(end - text)};
}

bool parse_line_counts(struct parse_line line, bool has_comments)
{
    return line.length > 0 && !(has_comments && line.text[0] == '#');
}

/* returns whether there is another line that says something */
static bool next_line(struct lines *lines, struct parse_line *ret_line)
{
    while (lines->next < lines->end) {
        const char *text = lines->next;
        const char *end = memchr(text, '\n', (size_t)(lines->end - text)) ?: lines->end;

        lines->next = end < lines->end ? end + 1 : end;
        lines->number++;
        *ret_line = parse_line_trim(text, end);
        if (parse_line_counts(*ret_line, lines->has_comments))
            return true;
    }
    return false;
}

static size_t count_lines(struct lines lines)
{
    struct parse_line line;
    size_t n = 0;

    while (next_line(&lines, &line))
        n++;
    return n;
}

/* --- Requests --------------------------------------------------------------------------------- */

typedef int read_fn(struct parse_reader *reader, const struct parse_at *at, const char *text,
                    size_t length);

static int read_lines(struct parse_reader *reader, struct lines lines, read_fn *read)
{
    struct parse_at at = {.index = 0};
    struct parse_line line;
    int rc = parse_requests_begin(reader, NULL, count_lines(lines));

    while (rc == 0 && next_line(&lines, &line)) {
        reader->line = lines.number;
        rc = read(reader, &at, line.text, line.length);
        at.index++;
    }
    return rc;
}

static int read_json_line(struct parse_reader *reader, const struct parse_at *at, const char *text,
                          size_t length)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;

    return parse_load(reader, text, length, &value) ?: parse_request(reader, at, value);
}

int parse_url_list(struct parse_reader *reader, const char *text, size_t length)
{
    const struct lines lines = {.next = text, .end = text + length, .has_comments = true};

    return read_lines(reader, lines, parse_request_url);
}

int parse_ndjson(struct parse_reader *reader, const char *text, size_t length)
{
    const struct lines lines = {.next = text, .end = text + length};

    return read_lines(reader, lines, read_json_line);
}

int parse_is_ndjson(struct parse_reader *reader, const char *text, size_t length, bool *ret_is)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;
    struct lines lines = {.next = text, .end = text + length};
    struct parse_line line;
    int rc = next_line(&lines, &line) ? parse_load(reader, line.text, line.length, &value) : 0;

    *ret_is = rc == 0 && !parse_is_document(value);
    return rc == -ENOMEM ? rc : 0;
}
