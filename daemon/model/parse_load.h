/* Bytes to a JSON value. */
#pragma once

#include "daemon/model/parse_reader.h"

struct json_t;

/* See job_parse_init(). */
void parse_load_init(void);

/* Loads a value of any type; the caller owes a json_decref(). What would take more memory than it
 * may is refused. returns 0, PARSE_REFUSED, -ENOMEM */
int parse_load(struct parse_reader *reader, const char *bytes, size_t length,
               struct json_t **ret_value);

/* For CO_CLEANUP. */
void parse_unload(struct json_t **value);
