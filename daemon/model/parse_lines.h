/* Texts of a request a line: NDJSON, and lists of URLs. Blank lines are skipped.
 *
 * source  RFC 2483 section 5, text/uri-list; ndjson-spec 1.0.0
 */
#pragma once

#include "daemon/model/parse_reader.h"

/* A line without the blanks around it. */
struct parse_line {
    const char *text;
    size_t length;
};

struct parse_line parse_line_trim(const char *text, const char *end);

/* Whether there is a request on it. */
bool parse_line_counts(struct parse_line line, bool has_comments);

/* A URL a line; lines that begin with # are skipped. */
int parse_url_list(struct parse_reader *reader, const char *text, size_t length);

/* A URL in quotes or an object a line. */
int parse_ndjson(struct parse_reader *reader, const char *text, size_t length);

/* Whether text is NDJSON and not a JSON document, which its first line tells. returns 0, -ENOMEM */
int parse_is_ndjson(struct parse_reader *reader, const char *text, size_t length, bool *ret_is);
