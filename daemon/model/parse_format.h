/* In which form a document comes, as its type and its first characters say. */
#pragma once

#include "daemon/model/parse_reader.h"

enum parse_format {
    FORMAT_JSON,
    FORMAT_NDJSON,  /* or JSON, as the first line tells: parse_is_ndjson() */
    FORMAT_LIST,    /* or JSON, as parse_looks_like_json() tells */
    FORMAT_UNKNOWN, /* JSON, or nothing that could be read */
};

/* content_type: NULL: not said */
enum parse_format parse_format_of(const char *content_type);

/* Whether it begins as a JSON document of requests would, which no URL does. */
bool parse_looks_like_json(const char *text, size_t length);

/* Of a type that is unknown, what is not even like JSON is refused for its type. rc: of reading it
 * as JSON; returns it, or PARSE_REFUSED with that refusal */
int parse_refuse_type(struct parse_reader *reader, int rc, const char *text, size_t length);
