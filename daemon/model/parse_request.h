/* The requests of a batch, one after the other. */
#pragma once

#include "daemon/model/parse_reader.h"

struct json_t;

/* Makes room for n requests; that there are none is a defect of what is at `at`. */
int parse_requests_begin(struct parse_reader *reader, const struct parse_at *at, size_t n);

/* Makes room alone; there need not be as many. */
int parse_requests_room(struct parse_reader *reader, size_t n);

/* Refuses more than settings allow. returns PARSE_REFUSED */
int parse_too_many_items(struct parse_reader *reader);

/* Notes that there are none. returns 0 */
int parse_no_requests(struct parse_reader *reader, const struct parse_at *at);

/* Reads one of them: a URL, an object that has nothing but that, or a value that is a URL or an
 * object. */
int parse_request_url(struct parse_reader *reader, const struct parse_at *at, const char *text,
                      size_t length);
int parse_request_url_member(struct parse_reader *reader, const struct parse_at *at,
                             const char *text, size_t length);
int parse_request(struct parse_reader *reader, const struct parse_at *at, struct json_t *value);

/* Makes the items. */
int parse_requests_end(struct parse_reader *reader);
