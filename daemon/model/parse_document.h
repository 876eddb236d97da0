/* A whole JSON document: an array of requests, or an object that says more about them. */
#pragma once

#include "daemon/model/parse_value.h"

struct json_t;

/* Requests are read last, because what the other members say of them must be known. */
struct parse_requests {
    struct json_t *value; /* NULL: there are none */
    const char *key;      /* "requests" or "urls" */
};

/* Reads all other members of the object that a document is. */
int parse_members(struct parse_reader *reader, struct json_t *object,
                  struct parse_requests *ret_requests);

/* Notes it if there are no requests, or not in an array. returns 0 */
int parse_check_requests(struct parse_reader *reader, const struct parse_requests *requests);

/* The "labels" of a job, or of what is named like one; field: the spec. */
parse_fn parse_labels;

/* Notes that this is neither an array nor an object. returns 0 */
int parse_not_document(struct parse_reader *reader, const struct json_t *value);

/* All of it. */
int parse_document(struct parse_reader *reader, struct json_t *document);

/* Whether a value is a document by itself, and not a request. */
bool parse_is_document(const struct json_t *value);
