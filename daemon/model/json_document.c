#include "daemon/model/json_document.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/model/json_memory.h"
#include "daemon/model/json_scan.h"

enum { REAL_DIGITS = 15 }; /* what a double has for sure: 301.234 stays 301.234 */

/* --- Loading ---------------------------------------------------------------------------------- */

static void skip_byte_order_mark(const char **bytes, size_t *length)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = strlen(mark);

    if (*length >= n && memcmp(*bytes, mark, n) == 0) {
        *bytes += n;
        *length -= n;
    }
}

/* Reads within the limit. returns 0, 1, -ENOMEM */
static int load(const char *bytes, size_t length, size_t flags, json_t **ret_document,
                enum json_error_code *ret_code)
{
    json_error_t error;

    json_memory_watch(JSON_DOCUMENT_MEMORY_MAX);
    json_t *document = json_loadb(bytes, length, flags | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool is_whole = !json_memory_was_short() && !json_memory_was_exceeded();
    int rc = json_memory_was_short() ? -ENOMEM : document == NULL || !is_whole;
    json_memory_watch(SIZE_MAX);
    if (rc != 0) {
        json_decref(document);
        *ret_code = is_whole ? json_error_code(&error) : json_error_unknown;
        return rc;
    }
    *ret_document = document;
    return 0;
}

int json_document_load(const char *bytes, size_t length, struct json_t **ret_document)
{
    enum json_error_code code = json_error_unknown;

    skip_byte_order_mark(&bytes, &length);
    if (json_scan_deeper(bytes, length, JSON_DOCUMENT_DEPTH_MAX) != NULL)
        return 1;
    int rc = load(bytes, length, 0, ret_document, &code);
    /* Whole numbers above 2^63 are read as other readers do: roughly. */
    if (rc == 1 && code == json_error_numeric_overflow)
        rc = load(bytes, length, JSON_DECODE_INT_AS_REAL, ret_document, &code);
    return rc;
}

void json_document_free(struct json_t *document)
{
    json_decref(document);
}

/* --- Pointers --------------------------------------------------------------------------------- */

/* Whether a key is written like this: '/' as ~1, and '~' as ~0. */
static bool is_written(const char *key, size_t key_length, const char *token, size_t length)
{
    const char *end = token + length;

    for (size_t i = 0; i < key_length; i++) {
        if (token == end)
            return false;
        bool is_escape = end - token > 1 && token[0] == '~' && (token[1] == '0' || token[1] == '1');
        const char *meant = is_escape ? &"~/"[token[1] - '0'] : token;
        if (*meant != key[i])
            return false;
        token += is_escape ? 2 : 1;
    }
    return token == end;
}

static const json_t *member(const json_t *object, const char *token, size_t length)
{
    const char *key;
    size_t key_length;
    json_t *value;

    if (memchr(token, '~', length) == NULL)
        return json_object_getn(object, token, length);
    json_object_keylen_foreach((json_t *)object, key, key_length,
                               value) if (is_written(key, key_length, token, length)) return value;
    return NULL;
}

static const json_t *element(const json_t *array, const char *token, size_t length)
{
    bool has_leading_zero = token[0] == '0' && length > 1;

    if (length == 0 || strspn(token, "0123456789") < length || has_leading_zero)
        return NULL;
    errno = 0;
    unsigned long index = strtoul(token, NULL, 10);
    return errno == 0 ? json_array_get(array, index) : NULL;
}

const struct json_t *json_document_find(const struct json_t *document, const char *pointer)
{
    const json_t *value = document;

    while (value != NULL && *pointer == '/') {
        const char *token = pointer + 1;
        size_t length = strcspn(token, "/");
        value = json_is_array(value) ? element(value, token, length) : member(value, token, length);
        pointer = token + length;
    }
    return *pointer == '\0' ? value : NULL;
}

/* --- Comparing -------------------------------------------------------------------------------- */

/* NOLINTBEGIN(misc-no-recursion): a document is no deeper than what read it allows.
 */
static bool objects_equal(const json_t *a, const json_t *b)
{
    const char *key;
    size_t length;
    json_t *value;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_keylen_foreach((json_t *)a, key, length, value)
    {
        const json_t *other = json_object_getn(b, key, length);
        if (other == NULL || !json_value_equals(value, other))
            return false;
    }
    return true;
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a);

    if (n != json_array_size(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!json_value_equals(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

bool json_value_equals(const struct json_t *a, const struct json_t *b)
{
    if (json_is_object(a) && json_is_object(b))
        return objects_equal(a, b);
    if (json_is_array(a) && json_is_array(b))
        return arrays_equal(a, b);
    if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}
/* NOLINTEND(misc-no-recursion) */

static bool array_contains(const json_t *array, const json_t *part)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_value_equals(json_array_get(array, i), part))
            return true;
    return false;
}

int json_value_contains(const struct json_t *value, const struct json_t *part)
{
    if (json_is_array(value))
        return array_contains(value, part);
    if (!json_is_string(value) || !json_is_string(part))
        return -EINVAL;
    return memmem(json_string_value(value), json_string_length(value), json_string_value(part),
                  json_string_length(part)) != NULL;
}

/* --- Showing ---------------------------------------------------------------------------------- */

bool json_value_number(const struct json_t *value, double *ret_number)
{
    if (!json_is_number(value))
        return false;
    *ret_number = json_number_value(value);
    return true;
}

const char *json_value_string(const struct json_t *value, size_t *ret_length)
{
    if (!json_is_string(value))
        return NULL;
    *ret_length = json_string_length(value);
    return json_string_value(value);
}

struct sink {
    char *text;
    size_t size;
    size_t length;
    bool is_full;
};

/* What does not fit ends the dump at once, however large the value is. */
static int write_to_sink(const char *bytes, size_t n, void *arg)
{
    struct sink *sink = arg;
    size_t left = sink->size - sink->length;

    sink->is_full = n > left;
    n = sink->is_full ? left : n;
    memcpy(sink->text + sink->length, bytes, n);
    sink->length += n;
    return sink->is_full ? -1 : 0;
}

int json_value_write(const struct json_t *value, char *text, size_t size, size_t *ret_length)
{
    struct sink sink = {.text = text, .size = size};
    int rc = json_dump_callback(value, write_to_sink, &sink,
                                JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));

    *ret_length = sink.length;
    if (sink.is_full)
        return 1;
    return rc == 0 ? 0 : -ENOMEM; /* there is nothing else that could fail */
}
