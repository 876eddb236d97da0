#include "daemon/model/parse_characters.h"

#include <string.h>

#include "daemon/base/utf8.h"

static size_t count_lines(const char *text, const char *end)
{
    size_t n = 0;

    while (text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        text++;
        n++;
    }
    return n;
}

static const char *find_invalid(const char *text, size_t length)
{
    uint32_t code_point;
    size_t n;

    while ((n = utf8_decode(text, length, &code_point)) > 0) {
        text += n;
        length -= n;
    }
    return text;
}

static int refuse_nul(struct parse_reader *reader, size_t line)
{
    return parse_refuse(reader, 400, "nul_character", "Line %zu: the body has a NUL character.",
                        line);
}

static int refuse_not_utf8(struct parse_reader *reader, size_t line)
{
    return parse_refuse(reader, 400, "invalid_utf8", "Line %zu: the body is not UTF-8.", line);
}

static int check_nul(struct parse_reader *reader, const char *text, size_t length, size_t n_lines)
{
    const char *nul = length > 0 ? memchr(text, '\0', length) : NULL;

    return nul == NULL ? 0 : refuse_nul(reader, n_lines + count_lines(text, nul) + 1);
}

static int check_utf8(struct parse_reader *reader, const char *text, size_t length, size_t n_lines)
{
    if (utf8_is_valid(text, length))
        return 0;
    const char *invalid = find_invalid(text, length);
    return refuse_not_utf8(reader, n_lines + count_lines(text, invalid) + 1);
}

int parse_check_characters(struct parse_reader *reader, const char *text, size_t length)
{
    return check_nul(reader, text, length, 0) ?: check_utf8(reader, text, length, 0);
}

/* --- In slices -------------------------------------------------------------------------------- */

static bool is_incomplete(const struct parse_characters *characters)
{
    return characters->n_cut > 0 && utf8_whole(characters->cut, characters->n_cut) == 0;
}

/* Completes the character that the slice before has begun. returns how much of the slice it takes
 */
static size_t complete(struct parse_characters *characters, const char *slice, size_t length)
{
    uint32_t code_point;
    size_t i = 0;

    while (is_incomplete(characters) && i < length) {
        characters->cut[characters->n_cut++] = slice[i++];
        if (utf8_decode(characters->cut, characters->n_cut, &code_point) > 0)
            characters->n_cut = 0;
    }
    return i;
}

int parse_characters_next(struct parse_characters *characters, struct parse_reader *reader,
                          const char *slice, size_t length)
{
    size_t n_lines = characters->n_lines;
    size_t start = complete(characters, slice, length);
    size_t whole = start + utf8_whole(slice + start, length - start);
    int rc = check_nul(reader, slice, length, n_lines);

    if (rc == 0 && characters->n_cut > 0 && !is_incomplete(characters))
        rc = refuse_not_utf8(reader, n_lines + 1);
    rc = rc ?: check_utf8(reader, slice + start, whole - start, n_lines);
    if (rc < 0)
        return rc;
    memcpy(characters->cut + characters->n_cut, slice + whole, length - whole);
    characters->n_cut += length - whole;
    characters->n_lines += count_lines(slice, slice + length);
    return 0;
}

int parse_characters_end(struct parse_characters *characters, struct parse_reader *reader)
{
    return characters->n_cut == 0 ? 0 : refuse_not_utf8(reader, characters->n_lines + 1);
}
