/* Request headers: checked, and merged layer upon layer without regard to case.
 *
 * source  RFC 9110 sections 5.1 and 5.5
 */
#pragma once

#include "daemon/model/parse_value.h"

enum { PARSE_HEADERS_MAX = 100 };

struct parse_headers {
    struct co_http_header headers[PARSE_HEADERS_MAX];
    size_t n_headers;
};

/* Whether text is a token as methods and header names are. source RFC 9110 section 5.6.2 */
bool parse_is_token(const char *text, size_t length);

/* Begins with those of the options. */
void parse_headers_init(struct parse_headers *list, const struct fetch_options *options);

/* Adds a header unless the list has one of that name. That the list is full is a defect. */
void parse_headers_add_default(struct parse_reader *reader, const struct parse_at *at,
                               struct parse_headers *list, const char *name, const char *value);

/* Takes away all headers of that name. */
void parse_headers_remove(struct parse_headers *list, const char *name);

/* Puts the members of an object over the list: a string, or several in an array, take the place of
 * what the list has; null takes it away. */
int parse_headers_merge(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *object, struct parse_headers *list);

/* Whether the list is the same as that of the options. */
bool parse_headers_are(const struct parse_headers *list, const struct fetch_options *options);

/* Copies the list to the spec, for the options. */
int parse_headers_keep(struct parse_reader *reader, const struct parse_headers *list,
                       struct fetch_options *options);
