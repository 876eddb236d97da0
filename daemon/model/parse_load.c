#include "daemon/model/parse_load.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/utf8.h"
#include "daemon/model/json_memory.h"
#include "daemon/model/json_scan.h"

enum {
    QUOTED_SIZE_MAX = 64, /* of a key in a sentence */
};

void parse_load_init(void)
{
    json_memory_init();
}

/* --- Bad JSON --------------------------------------------------------------------------------- */

/* What jansson finds wrong, in our words. */
static const struct problem {
    enum json_error_code jansson;
    const char *code;
    const char *sentence;
} problems[] = {
    {json_error_premature_end_of_input, "invalid_json", "the document ends too early"},
    {json_error_end_of_input_expected, "invalid_json", "something follows the document"},
    {json_error_duplicate_key, "duplicate_key", "a key is there twice"},
    {json_error_null_character, "nul_character", "\\u0000 is not allowed"},
    {json_error_null_byte_in_key, "nul_character", "\\u0000 is not allowed"},
    {json_error_numeric_overflow, "number_out_of_range", "a number is too large"},
    {json_error_invalid_utf8, "invalid_utf8", "this is not UTF-8"},
};

static const struct problem not_json = {json_error_invalid_syntax, "invalid_json",
                                        "this is not JSON"};

/* What curl -d sends of a file of URLs. */
static const struct problem bare_urls = {
    json_error_invalid_syntax, "invalid_json",
    "this is not JSON (URLs as they are, one a line, have the Content-Type text/uri-list)"};

static const struct problem nothing = {json_error_premature_end_of_input, "invalid_json",
                                       "the document is empty"};

static const struct problem byte_order_mark = {
    json_error_invalid_syntax, "invalid_json",
    "the document begins with a byte order mark, which JSON may not have"};

static bool is_blank(const char *bytes, size_t length)
{
    size_t n = 0;

    while (n < length && strchr(" \t\r\n", bytes[n]) != NULL && bytes[n] != '\0')
        n++;
    return n == length;
}

static const struct problem *find_problem(enum json_error_code code, const char *bytes,
                                          size_t length)
{
    if (is_blank(bytes, length))
        return &nothing;
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        return &byte_order_mark;
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
        if (problems[i].jansson == code)
            return &problems[i];
    return length > 4 && memcmp(bytes, "http", 4) == 0 ? &bare_urls : &not_json;
}

/* Finds the string that ends at `end`, which is behind its closing quote. A quote with an even
 * number of backslashes before it can only be the opening one. */
static const char *find_string(const char *bytes, const char *end, size_t *ret_length)
{
    const char *start = end - 1;

    while (start > bytes) {
        const char *quote = memrchr(bytes, '"', (size_t)(start - bytes));
        const char *before = quote;
        if (quote == NULL)
            break;
        while (before > bytes && before[-1] == '\\')
            before--;
        start = quote;
        if ((quote - before) % 2 == 0)
            break;
    }
    *ret_length = (size_t)(end - start);
    return start;
}

static bool is_before(struct text_place a, struct text_place b)
{
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

/* Where in the document a place of the text is. */
static struct text_place find_place(const struct parse_reader *reader, struct text_place place)
{
    const struct text_cut *cut = NULL;

    for (size_t i = 0; i < reader->n_cuts; i++)
        if (!is_before(place, reader->cuts[i].here))
            cut = &reader->cuts[i];
    if (reader->line > 0)
        return (struct text_place){reader->line, place.column};
    if (cut == NULL)
        return place;
    if (place.line == cut->here.line)
        place.column += cut->there.column - cut->here.column;
    place.line += cut->there.line - cut->here.line;
    return place;
}

static int refuse_duplicate(struct parse_reader *reader, const char *bytes, struct text_place place,
                            const json_error_t *error)
{
    size_t length;
    const char *key = find_string(bytes, bytes + error->position, &length);
    bool is_cut = length > QUOTED_SIZE_MAX;

    length = utf8_whole(key, is_cut ? QUOTED_SIZE_MAX : length);
    return parse_refuse(reader, 400, "duplicate_key",
                        "Line %zu, column %zu: the key %.*s%s is there twice.", place.line,
                        place.column, (int)length, key, is_cut ? "..." : "");
}

static int refuse(struct parse_reader *reader, const char *bytes, size_t length,
                  const json_error_t *error)
{
    const struct problem *problem = find_problem(json_error_code(error), bytes, length);
    struct text_place place =
        find_place(reader, (struct text_place){(size_t)error->line, (size_t)error->column});

    reader->is_cut_off = problem->jansson == json_error_premature_end_of_input;
    if (problem->jansson == json_error_duplicate_key)
        return refuse_duplicate(reader, bytes, place, error);
    return parse_refuse(reader, 400, problem->code, "Line %zu, column %zu: %s.", place.line,
                        place.column, problem->sentence);
}

/* --- Loading ---------------------------------------------------------------------------------- */

static size_t max_memory(const struct parse_reader *reader, size_t length)
{
    size_t room = reader->settings->json_room;
    bool is_unlimited = length > (SIZE_MAX - room) / PARSE_JSON_RATIO;

    return is_unlimited ? SIZE_MAX : room + length * PARSE_JSON_RATIO;
}

/* Columns are characters, as jansson counts them. */
static struct text_place place_of(const char *text, const char *at)
{
    struct text_place place = {1, 1};

    for (; text < at; text++) {
        if (*text == '\n')
            place = (struct text_place){place.line + 1, 1};
        else if ((*text & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

static int refuse_depth(struct parse_reader *reader, const char *bytes, const char *bracket)
{
    struct text_place place = find_place(reader, place_of(bytes, bracket));

    return parse_refuse(reader, 400, "too_deep",
                        "Line %zu, column %zu: arrays and objects may be nested at most %d deep.",
                        place.line, place.column, PARSE_DEPTH_MAX);
}

static int refuse_memory(struct parse_reader *reader, size_t length)
{
    return parse_refuse(reader, 413, "too_large",
                        "These %zu bytes of JSON hold so many small values that they would take "
                        "more than %zu bytes of memory: send fewer of them at once, and JSON that "
                        "is only to be passed on as text (\"body\").",
                        length, max_memory(reader, length));
}

int parse_load(struct parse_reader *reader, const char *bytes, size_t length,
               struct json_t **ret_value)
{
    json_error_t error;

    const char *bracket = json_scan_deeper(bytes, length, PARSE_DEPTH_MAX - reader->depth);
    if (bracket != NULL)
        return refuse_depth(reader, bytes, bracket);
    json_memory_watch(max_memory(reader, length));
    struct json_t *value =
        json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    bool was_short = json_memory_was_short(), was_exceeded = json_memory_was_exceeded();
    json_memory_watch(SIZE_MAX);
    if (was_short || was_exceeded) {
        json_decref(value);
        return was_short ? -ENOMEM : refuse_memory(reader, length);
    }
    *ret_value = value;
    return value != NULL ? 0 : refuse(reader, bytes, length, &error);
}

void parse_unload(struct json_t **value)
{
    json_decref(*value);
}
