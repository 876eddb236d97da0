/* Values of a JSON document as text, by pointer (RFC 6901). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/buffer.h"

struct json_t;

/* Appends a string as it is, anything else as JSON.
 *
 * returns    1; 0: there is nothing, or null; -ENOMEM, -EMSGSIZE
 */
int json_text_append(struct buffer *out, const struct json_t *document, const char *pointer);

/* One of a page's "data"; NULL: there are not so many. */
const struct json_t *json_text_item(const struct json_t *page, unsigned i);

/* A number; NAN: there is none. */
double json_text_number(const struct json_t *document, const char *pointer);

/* The same as a count; 0: there is none. */
uint64_t json_text_count(const struct json_t *document, const char *pointer);

/* Whether there is a true. */
bool json_text_is_true(const struct json_t *document, const char *pointer);

/* Whether there is this very string. */
bool json_text_is(const struct json_t *document, const char *pointer, const char *text);
