/* The requests of a batch, one after the other. */
#pragma once

#include "daemon/model/parse_reader.h"

struct json_t;

/* Makes room for n requests; that there are none is a defect of what is at `at`. */
int parse_requests_begin(struct parse_reader *reader, const struct parse_at *at, size_t n);

/* Reads one of them: a URL, or a value that is a URL or an object. */
int parse_request_url(struct parse_reader *reader, const struct parse_at *at, const char *text,
                      size_t length);
int parse_request(struct parse_reader *reader, const struct parse_at *at, struct json_t *value);

/* Makes the items. */
int parse_requests_end(struct parse_reader *reader);
