#include "daemon/model/parse_body.h"

#include <jansson.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/base/base64.h"
#include "daemon/base/buffer.h"

#include "daemon/model/parse_tables.h"

/* returns whether this is the first body; if not, there is a defect */
static bool claim(struct parse_reader *reader, const struct parse_at *at, struct parse_body *body)
{
    if (body->member != NULL) {
        parse_defect(reader, at, "conflicting_members",
                     "a request has one body at most, and this one has \"%s\"", body->member);
        return false;
    }
    body->member = at->key;
    return true;
}

/* --- Text, base64, JSON ----------------------------------------------------------------------- */

static int read_text(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    struct parse_body *body = field;

    (void)member;
    if (!claim(reader, at, body))
        return 0;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    body->length = json_string_length(value);
    return parse_copy(reader, json_string_value(value), body->length, &body->bytes);
}

static int read_base64(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_body *body = field;
    size_t length = json_string_length(value);

    (void)member;
    if (!claim(reader, at, body))
        return 0;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    char *bytes = arena_alloc(&reader->spec->arena, base64_decoded_max(length));
    if (bytes == NULL)
        return parse_no_room(reader, base64_decoded_max(length));
    if (base64_decode(bytes, json_string_value(value), length, &body->length) < 0)
        return parse_defect(reader, at, "invalid_base64",
                            "must be base64 with padding and without white space");
    body->bytes = bytes;
    return 0;
}

static int read_json(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    struct parse_body *body = field;

    (void)member;
    if (!claim(reader, at, body))
        return 0;
    body->content_type = "application/json";
    return parse_write_json(reader, value, 0, &body->bytes, &body->length);
}

/* --- Forms ------------------------------------------------------------------------------------ */

struct form {
    struct buffer encoded;
    const char *name; /* of the field that is being read */
};

/* source  WHATWG URL, application/x-www-form-urlencoded percent-encode set */
static bool is_kept(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*' ||
           c == '-' || c == '.' || c == '_';
}

static int encode(struct buffer *encoded, const char *text, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        const char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        int rc = is_kept(c) ? buffer_append_byte(encoded, text[i])
                 : c == ' ' ? buffer_append_byte(encoded, '+')
                            : buffer_append(encoded, escape, sizeof(escape));
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int take_form_value(struct parse_reader *reader, const struct parse_at *at, const char *text,
                           size_t length, void *arg)
{
    struct form *form = arg;
    struct buffer *encoded = &form->encoded;
    int rc = encoded->len > 0 ? buffer_append_byte(encoded, '&') : 0;

    (void)at;
    rc = rc ?: encode(encoded, form->name, strlen(form->name)) ?: buffer_append_byte(encoded, '=')
         ?: encode(encoded, text, length);
    return rc == -EMSGSIZE ? parse_no_room(reader, encoded->max) : rc;
}

static void form_done(struct form *form)
{
    buffer_done(&form->encoded);
}

static int read_form(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    CO_CLEANUP(form_done) struct form form = {0};
    struct parse_body *body = field;
    struct json_t *child;

    (void)member;
    if (!claim(reader, at, body))
        return 0;
    if (!json_is_object(value))
        return parse_wrong_type(reader, at, value, "an object");
    buffer_init(&form.encoded, reader->settings->max_arena_bytes);
    json_object_foreach(value, form.name, child)
    {
        const struct parse_at place = {.parent = at, .key = form.name};
        int rc = parse_strings(reader, &place, child, take_form_value, &form);
        if (rc < 0)
            return rc;
    }
    body->length = form.encoded.len;
    body->content_type = "application/x-www-form-urlencoded";
    return parse_copy(reader, form.encoded.data, body->length, &body->bytes);
}

static const struct parse_member body_members[] = {
    {"body", .read = read_text},
    {"body_base64", .read = read_base64},
    {"json", .read = read_json},
    {"form", .read = read_form},
};
const struct parse_table parse_body_table = PARSE_TABLE("Request", body_members);

struct parse_layer parse_body_layer(struct parse_body *body)
{
    return (struct parse_layer)PARSE_LAYER(body_members, body);
}
