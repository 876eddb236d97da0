/* JSON that an origin sent, for who wants to look something up in it. It is read as most readers
 * do: of a key that is there twice the last one counts, and a byte order mark is skipped. What is
 * not JSON, not UTF-8, has a number beyond all range, is nested deeper than
 * JSON_DOCUMENT_DEPTH_MAX, or would take more memory than JSON_DOCUMENT_MEMORY_MAX, is no document.
 *
 * Pure: may be used on any thread. Takes some 20 ms for a MiB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct json_t;

enum {
    JSON_DOCUMENT_DEPTH_MAX = 128,
    JSON_DOCUMENT_MEMORY_MAX = 64 * 1024 * 1024,
};

/* returns 0: the caller owes one json_document_free(); 1: it is no document; -ENOMEM */
int json_document_load(const char *bytes, size_t length, struct json_t **ret_document);

/* NULL is fine. */
void json_document_free(struct json_t *document);

/* Follows a pointer.
 *
 * returns    what is there, borrowed from the document; NULL: it leads nowhere, or document is NULL
 * source     RFC 6901
 */
const struct json_t *json_document_find(const struct json_t *document, const char *pointer);

/* Whether two values are the same: numbers by value (1 is 1.0), objects without regard to order. */
bool json_value_equals(const struct json_t *a, const struct json_t *b);

/* returns 1: the string has the string in it, or the array an element that equals it; 0: it has
 * not; -EINVAL: it is nothing that could contain it */
int json_value_contains(const struct json_t *value, const struct json_t *part);

/* returns false: it is no number */
bool json_value_number(const struct json_t *value, double *ret_number);

/* returns the bytes of a string, which may have NULs among them; NULL: it is no string */
const char *json_value_string(const struct json_t *value, size_t *ret_length);

/* Writes compact JSON, as much as there is room for.
 *
 * returns    0; 1: it is cut off; -ENOMEM
 */
int json_value_write(const struct json_t *value, char *text, size_t size, size_t *ret_length);
