/* Writes compact JSON into a buffer.
 *
 * Calls follow the document from left to right; commas come by themselves. The first failure sticks
 * and makes the rest do nothing, so only jw_finish() is checked. Whatever bytes a client or origin
 * sent, the output is valid JSON. Begins and ends must match, and inside an object each value needs
 * a key before it: that is the caller's to get right, and the tests' to prove.
 *
 *     jw_init(&w, &buffer);
 *     jw_object_begin(&w);
 *     jw_key(&w, "index");
 *     jw_uint(&w, 7);
 *     jw_object_end(&w);
 *     rc = jw_finish(&w); */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/buffer.h"

struct json_writer {
    struct buffer *out;
    size_t start;   /* out->len at jw_init() */
    int rc;         /* the first failure; what is written after it does not matter */
    unsigned depth; /* objects and arrays that are open */
};

/* Begin to write one value at the end of out, which must not be touched until jw_finish(). */
void jw_init(struct json_writer *w, struct buffer *out);

/* Everything that was begun must have been ended.
 *
 * returns    0: out holds the value
 *            -ENOMEM; -EMSGSIZE: out is at its maximum, or a number's length below it. Its bytes
 *            are those of jw_init() */
int jw_finish(struct json_writer *w);

void jw_object_begin(struct json_writer *w);
void jw_object_end(struct json_writer *w);
void jw_array_begin(struct json_writer *w);
void jw_array_end(struct json_writer *w);

/* A member's name: a string literal without characters that need escaping. */
#define jw_key(w, name) jw_key_literal((w), "\"" name "\":", sizeof("\"" name "\":") - 1)

/* A member's name that is only known at run time; written as jw_string() does. */
void jw_name(struct json_writer *w, const char *text, size_t len);

/* Text of any origin. Bytes that are not part of a UTF-8 character are taken for Latin-1: 0xff
 * becomes \u00ff. */
void jw_string(struct json_writer *w, const char *text, size_t len);

void jw_int(struct json_writer *w, int64_t value);
void jw_uint(struct json_writer *w, uint64_t value);
void jw_bool(struct json_writer *w, bool value);
void jw_null(struct json_writer *w);

/* NUL-terminated text, as jw_string(); NULL becomes null. */
static inline void jw_text(struct json_writer *w, const char *text)
{
    if (text == NULL)
        jw_null(w);
    else
        jw_string(w, text, strlen(text));
}

/* A duration in microseconds as milliseconds, always with three decimals: 301.234. A negative one
 * stands for "not reached" and becomes null. */
void jw_ms(struct json_writer *w, int64_t microseconds);

/* Microseconds since 1970 as RFC 3339 in UTC: "2026-01-31T12:00:00.000213Z". What is outside the
 * years 0 to 9999 (INT64_MIN, say, for "never") becomes null. */
void jw_instant(struct json_writer *w, int64_t microseconds);

/* Bytes as a string of Base64. */
void jw_base64(struct json_writer *w, const void *bytes, size_t n);

/* One value that is valid JSON already. */
void jw_raw(struct json_writer *w, const char *json, size_t len);

/* Behind the calls: where n more bytes may be written, or NULL if there is no room for them. */
char *jw_make_room(struct json_writer *w, size_t n);

static inline char *jw_room(struct json_writer *w, size_t n)
{
    struct buffer *out = w->out;

    return out->cap - out->len >= n ? out->data + out->len : jw_make_room(w, n);
}

/* Behind jw_key(): the text is `"name":`. As its length is known here, copying is a move or two. */
static inline void jw_key_literal(struct json_writer *w, const char *text, size_t len)
{
    char *at = jw_room(w, len);
    if (at == NULL)
        return;

    memcpy(at, text, len);
    w->out->len += len;
}
