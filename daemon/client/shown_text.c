#include "daemon/client/shown_text.h"

#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#include "daemon/base/utf8.h"

enum { ESCAPE_MAX = sizeof("\\u{10ffff}") };

/* Characters that have no shape of their own, or change where others are shown: sorted. */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_seen(uint32_t character)
{
    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
        if (character <= unseen[i].last)
            return character < unseen[i].first;
    return true;
}

static bool is_plain(uint32_t character, bool is_utf8)
{
    if (character < 0x80)
        return character >= ' ' && character != 0x7f;
    return is_utf8 && is_seen(character) && wcwidth((wchar_t)character) >= 0;
}

/* What C calls it, or NULL. */
static const char *name_of(uint32_t character)
{
    static const char *const names[] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r"};

    return character < sizeof(names) / sizeof(names[0]) ? names[character] : NULL;
}

static int append_escape(struct buffer *out, uint32_t character, bool is_byte)
{
    char escape[ESCAPE_MAX];
    const char *name = is_byte ? NULL : name_of(character);

    if (name != NULL)
        return buffer_append(out, name, strlen(name));
    int length = snprintf(escape, sizeof(escape),
                          is_byte || character < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)character);
    return buffer_append(out, escape, (size_t)length);
}

/* Takes the next character off a text. returns 0: it is a byte that belongs to none */
static size_t take_character(const char *text, size_t length, uint32_t *ret_character)
{
    size_t n = utf8_decode(text, length, ret_character);

    if (n == 0)
        *ret_character = (unsigned char)text[0];
    return n;
}

int shown_text_append(struct buffer *out, const char *text, size_t length, bool is_utf8)
{
    int rc = 0;

    while (length > 0 && rc == 0) {
        uint32_t character;
        size_t n = take_character(text, length, &character);
        if (n > 0 && is_plain(character, is_utf8))
            rc = buffer_append(out, text, n);
        else
            rc = append_escape(out, character, n == 0);
        n = n > 0 ? n : 1;
        text += n;
        length -= n;
    }
    return rc;
}

static size_t width_of(uint32_t character)
{
    int width = character < 0x80 ? 1 : wcwidth((wchar_t)character);

    return width > 0 ? (size_t)width : 0;
}

size_t shown_text_fit(const char *text, size_t length, size_t max_width)
{
    size_t at = 0, width = 0;

    while (at < length) {
        uint32_t character;
        size_t n = take_character(text + at, length - at, &character);
        width += width_of(character);
        if (width > max_width)
            break;
        at += n > 0 ? n : 1;
    }
    return at;
}

size_t shown_text_width(const char *text, size_t length)
{
    size_t at = 0, width = 0;

    while (at < length) {
        uint32_t character;
        size_t n = take_character(text + at, length - at, &character);
        width += width_of(character);
        at += n > 0 ? n : 1;
    }
    return width;
}
