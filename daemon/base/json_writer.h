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

#include <assert.h>
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

static inline void jw_object_begin(struct json_writer *w);
static inline void jw_object_end(struct json_writer *w);
static inline void jw_array_begin(struct json_writer *w);
static inline void jw_array_end(struct json_writer *w);

/* A member's name: a string literal without characters that need escaping. */
#define jw_key(w, name) jw_literal((w), "\"" name "\":")

/* A piece of the document that is the same in every document, as a string literal: whole members,
 * each with its comma, and maybe the key of one more. What it opens it closes. */
#define jw_literal(w, json) jw_put_literal((w), (json), sizeof(json) - 1)

/* A member's name that is only known at run time; written as jw_string() does. */
void jw_name(struct json_writer *w, const char *text, size_t len);

/* Text of any origin. Bytes that are not part of a UTF-8 character are taken for Latin-1: 0xff
 * becomes \u00ff. */
void jw_string(struct json_writer *w, const char *text, size_t len);

void jw_int(struct json_writer *w, int64_t value);
void jw_uint(struct json_writer *w, uint64_t value);
static inline void jw_bool(struct json_writer *w, bool value);
static inline void jw_null(struct json_writer *w);

/* NUL-terminated text, as jw_string(); NULL becomes null. */
static inline void jw_text(struct json_writer *w, const char *text);

/* A duration in microseconds as milliseconds, always with three decimals: 301.234. A negative one
 * stands for "not reached" and becomes null. */
static inline void jw_ms(struct json_writer *w, int64_t microseconds);

/* Microseconds since 1970 as RFC 3339 in UTC: "2026-01-31T12:00:00.000213Z". What is outside the
 * years 0 to 9999 (INT64_MIN, say, for "never") becomes null. */
void jw_instant(struct json_writer *w, int64_t microseconds);

/* Bytes as a string of Base64. */
void jw_base64(struct json_writer *w, const void *bytes, size_t n);

/* One value that is valid JSON already. */
void jw_raw(struct json_writer *w, const char *json, size_t len);

/* Makes jw_finish() fail, because the caller could not make what was to be written. */
static inline void jw_fail(struct json_writer *w, int rc)
{
    if (w->rc == 0)
        w->rc = rc;
}

/* --- Behind the calls, in line because there are dozens of them in a result ------------------- */

/* Where n more bytes may be written, or NULL if there is no room for them. */
char *jw_make_room(struct json_writer *w, size_t n);

static inline char *jw_room(struct json_writer *w, size_t n)
{
    struct buffer *out = w->out;

    return out->cap - out->len >= n ? out->data + out->len : jw_make_room(w, n);
}

/* As the length is known here, copying is a move or two. */
static inline void jw_put_literal(struct json_writer *w, const char *json, size_t len)
{
    char *at = jw_room(w, len);
    if (at == NULL)
        return;

    memcpy(at, json, len);
    w->out->len += len;
}

static inline void jw_open(struct json_writer *w, char bracket)
{
    char *at = jw_room(w, 1);

    w->depth++;
    if (at == NULL)
        return;
    *at = bracket;
    w->out->len++;
}

/* Every value ends with a comma, which the end of its object or array takes back: nothing then has
 * to know whether it is the first. */
static inline void jw_close(struct json_writer *w, char bracket)
{
    char *at = jw_room(w, 2);

    assert(w->depth > 0);
    w->depth--;
    if (at == NULL)
        return;
    /* The bracket at least is before it: had that not fitted, two bytes would not fit now. */
    at -= at[-1] == ',';
    at[0] = bracket;
    at[1] = ',';
    w->out->len = (size_t)(at + 2 - w->out->data);
}

static inline void jw_object_begin(struct json_writer *w)
{
    jw_open(w, '{');
}

static inline void jw_object_end(struct json_writer *w)
{
    jw_close(w, '}');
}

static inline void jw_array_begin(struct json_writer *w)
{
    jw_open(w, '[');
}

static inline void jw_array_end(struct json_writer *w)
{
    jw_close(w, ']');
}

static inline void jw_bool(struct json_writer *w, bool value)
{
    if (value)
        jw_literal(w, "true,");
    else
        jw_literal(w, "false,");
}

static inline void jw_null(struct json_writer *w)
{
    jw_literal(w, "null,");
}

static inline void jw_text(struct json_writer *w, const char *text)
{
    if (text == NULL)
        jw_null(w);
    else
        jw_string(w, text, strlen(text));
}

void jw_put_ms(struct json_writer *w, uint64_t microseconds);

static inline void jw_ms(struct json_writer *w, int64_t microseconds)
{
    if (microseconds < 0)
        jw_null(w);
    else
        jw_put_ms(w, (uint64_t)microseconds);
}
