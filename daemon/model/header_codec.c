#include "daemon/model/header_codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/decimal.h"
#include "daemon/base/http_date.h"

#define US_PER_SECOND INT64_C(1000000)

enum {
    NUMBER_DIGITS_MAX = 18, /* so that no number overflows */
    HEX_DIGITS_MAX = 15,
};

/* Of the years 0 to 9999. */
#define FIRST_SECOND INT64_C(-62167219200)
#define LAST_SECOND  INT64_C(253402300799)

/* Makes a value of what is in a row. returns NULL: no memory, or the row is bad */
typedef const char *unpack_fn(struct unpacker *row, const struct header_context *context,
                              struct arena *arena);

/* returns whether the value is of this form, and is in the row now */
typedef bool pack_fn(struct packer *row, const struct header_context *context, const char *value);

/* --- Texts ------------------------------------------------------------------------------------ */

static bool pack_as_text(struct packer *row, const struct header_context *context,
                         const char *value)
{
    (void)context;
    pack_text(row, value);
    return true;
}

static const char *unpack_as_text(struct unpacker *row, const struct header_context *context,
                                  struct arena *arena)
{
    const char *text = unpack_text(row);

    (void)context;
    (void)arena;
    row->is_bad |= text == NULL;
    return text;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* Reads what decimal_put() would write. returns whether it is that */
static bool read_number(const char *value, uint64_t *ret_number)
{
    size_t length = strspn(value, "0123456789");
    uint64_t number = 0;

    if (length == 0 || length > NUMBER_DIGITS_MAX || value[length] != '\0' ||
        (value[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (uint64_t)(value[i] - '0');
    *ret_number = number;
    return true;
}

static const char *write_number(uint64_t number, struct arena *arena)
{
    char *text = arena_alloc(arena, DECIMAL_DIGITS_MAX + 1);

    if (text != NULL)
        *decimal_put(text, number) = '\0';
    return text;
}

static bool pack_number(struct packer *row, const struct header_context *context, const char *value)
{
    uint64_t number;

    (void)context;
    if (!read_number(value, &number))
        return false;
    pack_uint(row, number);
    return true;
}

static const char *unpack_number(struct unpacker *row, const struct header_context *context,
                                 struct arena *arena)
{
    (void)context;
    return write_number(unpack_uint(row), arena);
}

static bool pack_length(struct packer *row, const struct header_context *context, const char *value)
{
    uint64_t number;

    (void)row;
    return read_number(value, &number) && number == context->encoded_bytes;
}

static const char *unpack_length(struct unpacker *row, const struct header_context *context,
                                 struct arena *arena)
{
    (void)row;
    return write_number(context->encoded_bytes, arena);
}

/* --- Dates ------------------------------------------------------------------------------------ */

static bool pack_date(struct packer *row, const struct header_context *context, const char *value)
{
    int64_t instant;

    if (http_date_parse_fixdate(value, &instant) < 0)
        return false;
    pack_int(row, instant / US_PER_SECOND - context->finished_at / US_PER_SECOND);
    return true;
}

static const char *unpack_date(struct unpacker *row, const struct header_context *context,
                               struct arena *arena)
{
    int64_t second;
    char *text;

    row->is_bad |=
        __builtin_add_overflow(unpack_int(row), context->finished_at / US_PER_SECOND, &second) ||
        second < FIRST_SECOND || second > LAST_SECOND;
    if (row->is_bad)
        return NULL;
    text = arena_alloc(arena, HTTP_DATE_SIZE);
    if (text != NULL)
        http_date_format(second * US_PER_SECOND, text);
    return text;
}

/* --- Entity tags: "65a1b2c3-264", W/"65a1b2c3-264" -------------------------------------------- */

static const char weak[] = "W/";

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads a number without needless zeros, and what ends it. returns where it goes on; NULL: it is no
 * such number */
static const char *read_hex(const char *text, char end, uint64_t *ret_number)
{
    const char *start = text;
    uint64_t number = 0;

    for (; hex_digit(*text) >= 0; text++)
        number = number << 4 | (uint64_t)hex_digit(*text);
    if (text == start || text - start > HEX_DIGITS_MAX || *text != end ||
        (*start == '0' && text - start > 1))
        return NULL;
    *ret_number = number;
    return text + 1;
}

static bool pack_etag(struct packer *row, const struct header_context *context, const char *value)
{
    bool is_weak = strncmp(value, weak, strlen(weak)) == 0;
    uint64_t first, second;

    (void)context;
    value += is_weak ? strlen(weak) : 0;
    if (*value++ != '"')
        return false;
    value = read_hex(value, '-', &first);
    if (value != NULL)
        value = read_hex(value, '"', &second);
    if (value == NULL || *value != '\0')
        return false;
    pack_uint(row, first << 1 | is_weak);
    pack_uint(row, second);
    return true;
}

static const char *unpack_etag(struct unpacker *row, const struct header_context *context,
                               struct arena *arena)
{
    char text[sizeof("W/\"-\"") + 2 * (HEX_DIGITS_MAX + 1)];
    uint64_t first = unpack_uint(row);
    uint64_t second = unpack_below(row, UINT64_C(1) << 4 * HEX_DIGITS_MAX);
    int length = snprintf(text, sizeof(text), "%s\"%" PRIx64 "-%" PRIx64 "\"",
                          (first & 1) != 0 ? weak : "", first >> 1, second);

    (void)context;
    return arena_copy(arena, text, (size_t)length);
}

/* --- Which, and how --------------------------------------------------------------------------- */

static const struct {
    pack_fn *pack;
    unpack_fn *unpack;
} forms[HEADER_N_FORMS] = {
    [HEADER_TEXT] = {pack_as_text, unpack_as_text}, [HEADER_NUMBER] = {pack_number, unpack_number},
    [HEADER_LENGTH] = {pack_length, unpack_length}, [HEADER_DATE] = {pack_date, unpack_date},
    [HEADER_ETAG] = {pack_etag, unpack_etag},
};

/* What differs nearly each time, and its forms, the best first; HEADER_TEXT always fits. */
struct varying {
    const char *name;
    size_t length;
    enum header_form forms[3];
};

#define VARYING(name, ...)                                                                         \
    {                                                                                              \
        (name), sizeof(name) - 1,                                                                  \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct varying names[] = {
    VARYING("age", HEADER_NUMBER, HEADER_TEXT),
    VARYING("cf-ray", HEADER_TEXT),
    VARYING("content-length", HEADER_LENGTH, HEADER_NUMBER, HEADER_TEXT),
    VARYING("content-md5", HEADER_TEXT),
    VARYING("content-range", HEADER_TEXT),
    VARYING("date", HEADER_DATE, HEADER_TEXT),
    VARYING("etag", HEADER_ETAG, HEADER_TEXT),
    VARYING("expires", HEADER_DATE, HEADER_TEXT),
    VARYING("last-modified", HEADER_DATE, HEADER_TEXT),
    VARYING("link", HEADER_TEXT),
    VARYING("location", HEADER_TEXT),
    VARYING("report-to", HEADER_TEXT),
    VARYING("retry-after", HEADER_NUMBER, HEADER_DATE, HEADER_TEXT),
    VARYING("server-timing", HEADER_TEXT),
    VARYING("set-cookie", HEADER_TEXT),
    VARYING("traceparent", HEADER_TEXT),
    VARYING("x-runtime", HEADER_TEXT),
    VARYING("x-timer", HEADER_TEXT),
};

/* How names end of which each response has another value: "x-request-id". */
static const struct varying endings[] = {
    VARYING("-id", HEADER_TEXT),
    VARYING("-id-2", HEADER_TEXT),
    VARYING("-time", HEADER_TEXT),
};

static const struct varying *find_varying(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].length == length && memcmp(names[i].name, name, length) == 0)
            return &names[i];
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
        if (endings[i].length < length &&
            strcmp(name + length - endings[i].length, endings[i].name) == 0)
            return &endings[i];
    return NULL;
}

enum header_form header_pack(struct packer *row, const struct header_context *context,
                             const char *name, const char *value)
{
    const struct varying *kind = find_varying(name);
    const enum header_form *form;

    if (kind == NULL)
        return HEADER_SAME;
    for (form = kind->forms; !forms[*form].pack(row, context, value);)
        form++;
    return *form;
}

const char *header_unpack(struct unpacker *row, const struct header_context *context,
                          enum header_form form, struct arena *arena)
{
    return forms[form].unpack(row, context, arena);
}
