#include "daemon/base/json_writer.h"

#include <assert.h>
#include <endian.h>

#include "daemon/base/base64.h"
#include "daemon/base/decimal.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/* Every value ends with a comma, which the end of its object or array takes back: nothing then has
 * to know whether it is the first. */

enum {
    ESCAPE_LEN_MAX = 6,
    NUMBER_LEN_MAX = DECIMAL_DIGITS_MAX + 2, /* a sign or a point, and the comma */
};

void jw_init(struct json_writer *w, struct buffer *out)
{
    *w = (struct json_writer){.out = out, .start = out->len};
}

int jw_finish(struct json_writer *w)
{
    assert(w->depth == 0 && (w->rc < 0 || w->out->len > w->start));
    w->out->len = w->rc < 0 ? w->start : w->out->len - 1;
    return w->rc;
}

char *jw_make_room(struct json_writer *w, size_t n)
{
    if (w->rc == 0)
        w->rc = buffer_reserve(w->out, n);
    return w->rc == 0 ? w->out->data + w->out->len : NULL;
}

/* The value's last byte was written before end; its room had one more, for the comma. */
static inline void end_value(struct json_writer *w, char *end)
{
    *end = ',';
    w->out->len = (size_t)(end + 1 - w->out->data);
}

static inline void put_value(struct json_writer *w, const char *json, size_t len)
{
    char *at = jw_room(w, len + 1);
    if (at == NULL)
        return;

    memcpy(at, json, len);
    end_value(w, at + len);
}

static void open_with(struct json_writer *w, char bracket)
{
    w->depth++;
    char *at = jw_room(w, 1);
    if (at == NULL)
        return;

    *at = bracket;
    w->out->len++;
}

static void close_with(struct json_writer *w, char bracket)
{
    assert(w->depth > 0);
    w->depth--;
    char *at = jw_room(w, 2);
    if (at == NULL)
        return;

    /* The bracket at least is before it: had that not fitted, two bytes would not fit now. */
    if (at[-1] == ',')
        at--;
    *at = bracket;
    end_value(w, at + 1);
}

void jw_object_begin(struct json_writer *w)
{
    open_with(w, '{');
}

void jw_object_end(struct json_writer *w)
{
    close_with(w, '}');
}

void jw_array_begin(struct json_writer *w)
{
    open_with(w, '[');
}

void jw_array_end(struct json_writer *w)
{
    close_with(w, ']');
}

void jw_name(struct json_writer *w, const char *text, size_t len)
{
    jw_string(w, text, len);
    if (w->rc == 0)
        w->out->data[w->out->len - 1] = ':';
}

/* Mark, by its top bit, the first of eight bytes that is not ASCII or cannot stand in a string as
 * it is. A subtraction borrows into the top bit of each byte that is too small; a borrow that runs
 * on can only mark bytes behind that one. */
static inline uint64_t mark_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t is_control = word - ones * 0x20;
    uint64_t is_quote = (word ^ ones * '"') - ones;
    uint64_t is_backslash = (word ^ ones * '\\') - ones;

    return (word | is_control | is_quote | is_backslash) & ones * 0x80;
}

static inline bool is_plain_byte(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static inline size_t copy_plain_word(char *to, const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    memcpy(to, &word, sizeof(word));
    uint64_t marks = mark_special(le64toh(word));
    return marks == 0 ? sizeof(word) : (size_t)__builtin_ctzll(marks) / 8;
}

static size_t copy_plain_ascii(char *to, const char *text, size_t len)
{
    size_t i = 0;
    size_t n = sizeof(uint64_t);

    for (; len - i >= sizeof(uint64_t) && n == sizeof(uint64_t); i += n)
        n = copy_plain_word(to + i, text + i);
    for (; i < len && is_plain_byte((unsigned char)text[i]); i++)
        to[i] = text[i];
    return i;
}

static size_t copy_wide(char *to, const char *text, size_t len)
{
    uint32_t code_point;
    size_t i = 0;

    for (size_t n; (n = utf8_decode(text + i, len - i, &code_point)) > 1;)
        i += n;
    memcpy(to, text, i);
    return i;
}

/* Copy what can stand in a string as it is, up to the first byte that cannot.
 *
 * returns    how many bytes that was */
static size_t copy_plain(char *to, const char *text, size_t len)
{
    size_t i = copy_plain_ascii(to, text, len);

    for (size_t n; i < len && (n = copy_wide(to + i, text + i, len - i)) > 0;) {
        i += n;
        i += copy_plain_ascii(to + i, text + i, len - i);
    }
    return i;
}

static char *put_escape(char *at, unsigned char byte)
{
    static const char short_forms[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };
    static const char hex[] = "0123456789abcdef";

    *at++ = '\\';
    if (short_forms[byte] != 0) {
        *at++ = short_forms[byte];
        return at;
    }
    memcpy(at, "u00", 3);
    at[3] = hex[byte >> 4];
    at[4] = hex[byte & 15];
    return at + 5;
}

/* From the first byte that needs an escape to the end, quote included. */
static void put_escaped(struct json_writer *w, const char *text, size_t len)
{
    while (len > 0) {
        char *at = jw_room(w, ESCAPE_LEN_MAX + len);
        if (at == NULL)
            return;

        at = put_escape(at, (unsigned char)*text);
        size_t n = copy_plain(at, text + 1, len - 1);
        w->out->len = (size_t)(at + n - w->out->data);
        text += 1 + n;
        len -= 1 + n;
    }
    char *at = jw_room(w, 2);
    if (at != NULL) {
        *at = '"';
        end_value(w, at + 1);
    }
}

void jw_string(struct json_writer *w, const char *text, size_t len)
{
    char *at = jw_room(w, len + 3);
    if (at == NULL)
        return;

    *at++ = '"';
    size_t n = copy_plain(at, text, len);
    if (n == len) {
        at[n] = '"';
        end_value(w, at + n + 1);
    } else {
        w->out->len += 1 + n;
        put_escaped(w, text + n, len - n);
    }
}

void jw_uint(struct json_writer *w, uint64_t value)
{
    char *at = jw_room(w, NUMBER_LEN_MAX);
    if (at != NULL)
        end_value(w, decimal_put(at, value));
}

void jw_int(struct json_writer *w, int64_t value)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char *at = jw_room(w, NUMBER_LEN_MAX);
    if (at == NULL)
        return;

    *at = '-';
    end_value(w, decimal_put(at + (value < 0), magnitude));
}

void jw_bool(struct json_writer *w, bool value)
{
    if (value)
        put_value(w, "true", 4);
    else
        put_value(w, "false", 5);
}

void jw_null(struct json_writer *w)
{
    put_value(w, "null", 4);
}

void jw_ms(struct json_writer *w, int64_t microseconds)
{
    if (microseconds < 0) {
        jw_null(w);
        return;
    }
    char *at = jw_room(w, NUMBER_LEN_MAX);
    if (at == NULL)
        return;

    uint32_t fraction = (uint32_t)(microseconds % 1000);
    at = decimal_put(at, (uint64_t)microseconds / 1000);
    *at++ = '.';
    *at++ = (char)('0' + fraction / 100);
    end_value(w, decimal_put_pair(at, fraction % 100));
}

void jw_instant(struct json_writer *w, int64_t microseconds)
{
    char text[INSTANT_TEXT_LEN + 2];
    size_t len = instant_format(microseconds, text + 1);

    text[0] = text[len + 1] = '"';
    if (len > 0)
        put_value(w, text, sizeof(text));
    else
        jw_null(w);
}

void jw_base64(struct json_writer *w, const void *bytes, size_t n)
{
    char *at = jw_room(w, base64_encoded_len(n) + 3);
    if (at == NULL)
        return;

    *at++ = '"';
    at = base64_encode(at, bytes, n);
    *at++ = '"';
    end_value(w, at);
}

void jw_raw(struct json_writer *w, const char *json, size_t len)
{
    put_value(w, json, len);
}
