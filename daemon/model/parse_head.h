/* The head of a document: all of it but its requests. */
#pragma once

#include "daemon/model/parse_reader.h"

struct json_t;

/* Reads one that was kept. */
int parse_head(struct parse_reader *reader, const char *text, size_t length);

/* The functions below are for a client's document whose requests have been taken out of their
 * array: what is left of it, read as JSON. */

/* Where the requests were. */
struct parse_requests_place {
    const char *key; /* NULL: the document itself is their array */
    bool is_array;
};

/* Reads all that says how requests are to be read. What is wrong is noted, too. */
int parse_rest(struct parse_reader *reader, struct json_t *rest,
               struct parse_requests_place *ret_place);

/* What should be before the requests but is behind them: a key; NULL: nothing. */
const char *parse_rest_misplaced(const struct json_t *rest);

/* Writes it as it is to be kept; it has no requests any more then. The text is owed one free().
 * returns 0, -ENOMEM */
int parse_rest_write(struct json_t *rest, char **ret_text, size_t *ret_length);
