#include "daemon/base/json_writer.h"

#include <assert.h>
#include <endian.h>

#include "daemon/base/base64.h"
#include "daemon/base/decimal.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

enum {
    ESCAPE_LEN_MAX = 6,
    SHORT_LEN_MAX = 512, /* texts that are worth a try with all of it, since few need an escape */
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

static inline uint64_t copy_word(char *to, const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    memcpy(to, &word, sizeof(word));
    return mark_special(le64toh(word));
}

/* Sixteen bytes at once; a block is all zero where the text is plain. */
typedef signed char block __attribute__((vector_size(16)));

static inline block copy_block(char *to, const char *text)
{
    block bytes;

    memcpy(&bytes, text, sizeof(bytes));
    memcpy(to, &bytes, sizeof(bytes));
    return (block)((bytes < 0x20) | (bytes == '"') | (bytes == '\\')); /* not ASCII: negative */
}

/* Sixteen bytes or more; the last block overlaps the one before. */
static inline uint64_t copy_blocks(char *to, const char *text, size_t len)
{
    block marks = copy_block(to + len - sizeof(marks), text + len - sizeof(marks));
    uint64_t halves[2];

    for (size_t i = 0; i + sizeof(marks) < len; i += sizeof(marks))
        marks |= copy_block(to + i, text + i);
    memcpy(halves, &marks, sizeof(halves));
    return halves[0] | halves[1];
}

/* Eight to sixteen, in two words that overlap. */
static inline uint64_t copy_words(char *to, const char *text, size_t len)
{
    size_t last = len - sizeof(uint64_t);

    return copy_word(to, text) | copy_word(to + last, text + last);
}

/* Four to seven, in two halves that overlap. */
static inline uint64_t copy_halves(char *to, const char *text, size_t len)
{
    uint32_t first, last;

    memcpy(&first, text, sizeof(first));
    memcpy(&last, text + len - sizeof(last), sizeof(last));
    memcpy(to, &first, sizeof(first));
    memcpy(to + len - sizeof(last), &last, sizeof(last));
    return mark_special((uint64_t)first << 32 | last);
}

/* Copy a short text without a branch for each byte.
 *
 * returns    whether it is plain ASCII: can stand in a string as it is */
static inline bool copy_if_plain(char *to, const char *text, size_t len)
{
    if (len >= sizeof(block))
        return copy_blocks(to, text, len) == 0;
    if (len >= sizeof(uint64_t))
        return copy_words(to, text, len) == 0;
    if (len >= sizeof(uint32_t))
        return copy_halves(to, text, len) == 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_plain_byte((unsigned char)text[i]))
            return false;
        to[i] = text[i];
    }
    return true;
}

/* Copy up to the first byte that is not plain ASCII; returns how many those are. */
static size_t copy_plain_ascii(char *to, const char *text, size_t len)
{
    size_t i = 0;

    while (len - i >= sizeof(uint64_t)) {
        uint64_t marks = copy_word(to + i, text + i);
        if (marks != 0)
            return i + (size_t)__builtin_ctzll(marks) / 8;
        i += sizeof(uint64_t);
    }
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

/* A string that is long, has something to escape, or needs more room. Kept apart, so that what
 * nearly all strings take is a short way without a call. */
static __attribute__((noinline)) void put_any_string(struct json_writer *w, const char *text,
                                                     size_t len)
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

void jw_string(struct json_writer *w, const char *text, size_t len)
{
    struct buffer *out = w->out;
    bool is_short = len <= SHORT_LEN_MAX && len + 3 <= out->cap - out->len;

    if (!is_short || !copy_if_plain(out->data + out->len + 1, text, len)) {
        put_any_string(w, text, len);
        return;
    }
    char *at = out->data + out->len;
    at[0] = at[len + 1] = '"';
    end_value(w, at + len + 2);
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

void jw_put_ms(struct json_writer *w, uint64_t microseconds)
{
    char *at = jw_room(w, NUMBER_LEN_MAX);
    if (at == NULL)
        return;

    uint32_t fraction = (uint32_t)(microseconds % 1000);
    at = decimal_put(at, microseconds / 1000);
    *at++ = '.';
    *at++ = (char)('0' + fraction / 100);
    end_value(w, decimal_put_pair(at, fraction % 100));
}

void jw_instant(struct json_writer *w, int64_t microseconds)
{
    char *at = jw_room(w, INSTANT_TEXT_LEN + 3);
    if (at == NULL)
        return;

    size_t len = instant_format(microseconds, at + 1);
    if (len == 0) {
        jw_null(w);
        return;
    }
    at[0] = at[len + 1] = '"';
    end_value(w, at + len + 2);
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
