/* A whole JSON document: an array of requests, or an object that says more about them. */
#pragma once

#include "daemon/model/parse_reader.h"

struct json_t;

int parse_document(struct parse_reader *reader, struct json_t *document);

/* Whether a value is a document by itself, and not a request. */
bool parse_is_document(const struct json_t *value);
