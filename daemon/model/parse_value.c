#include "daemon/model/parse_value.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- Types ------------------------------------------------------------------------------------ */

int parse_wrong_type(struct parse_reader *reader, const struct parse_at *at,
                     const struct json_t *value, const char *expected)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    return parse_defect(reader, at, "wrong_type", "must be %s, not %s", expected,
                        names[json_typeof(value)]);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* 5.0 is a whole number, as in JSON Schema; what is too large for an int64_t is the largest one. */
static bool is_whole(const json_t *value, int64_t *ret_number)
{
    const double limit = 9223372036854775808.0; /* the first that is too large */
    double real = json_real_value(value);

    if (json_is_integer(value)) {
        *ret_number = json_integer_value(value);
        return true;
    }
    if (!json_is_real(value))
        return false;
    if (real >= limit || real < -limit) {
        *ret_number = real < 0 ? INT64_MIN : INT64_MAX;
        return true;
    }
    *ret_number = (int64_t)real;
    return (double)*ret_number == real;
}

int parse_integer(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                  const struct parse_member *member, void *field)
{
    int64_t number;

    if (!is_whole(value, &number))
        return json_is_real(value)
                   ? parse_defect(reader, at, "wrong_type", "must be a whole number")
                   : parse_wrong_type(reader, at, value, "a whole number");
    if (number < member->min || number > member->max)
        return parse_defect(reader, at, "out_of_range", "must be from %lld to %lld",
                            (long long)member->min, (long long)member->max);
    *(int64_t *)field = number;
    return 0;
}

int parse_unsigned(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                   const struct parse_member *member, void *field)
{
    int64_t number = *(unsigned *)field;
    int rc = parse_integer(reader, at, value, member, &number);

    *(unsigned *)field = (unsigned)number;
    return rc;
}

int parse_duration(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                   const struct parse_member *member, void *field)
{
    double us = json_number_value(value) * 1e3;

    if (!json_is_number(value))
        return parse_wrong_type(reader, at, value, "a number of milliseconds");
    if (us < (double)member->min || us > (double)member->max)
        return parse_defect(reader, at, "out_of_range", "must be from %.15g to %.15g milliseconds",
                            (double)member->min / 1e3, (double)member->max / 1e3);
    *(int64_t *)field = (int64_t)(us + 0.5);
    return 0;
}

int parse_bool(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const struct parse_member *member, void *field)
{
    (void)member;
    if (!json_is_boolean(value))
        return parse_wrong_type(reader, at, value, "true or false");
    *(bool *)field = json_is_true(value);
    return 0;
}

/* --- Texts ------------------------------------------------------------------------------------ */

bool parse_is_too_long(struct parse_reader *reader, const struct parse_at *at, size_t length,
                       size_t max)
{
    if (length > max)
        parse_defect(reader, at, "too_long", "must have at most %zu bytes, not %zu", max, length);
    return length > max;
}

int parse_text(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const struct parse_member *member, void *field)
{
    size_t length = json_string_length(value);

    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    if (parse_is_too_long(reader, at, length, (size_t)member->max))
        return 0;
    return parse_copy(reader, json_string_value(value), length, field);
}

/* `"all", "first_success"` */
static void list_words(const char *const *words, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; words[i] != NULL && length < size; i++)
        length +=
            (size_t)snprintf(text + length, size - length, "%s\"%s\"", i > 0 ? ", " : "", words[i]);
}

int parse_word(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const char *const *words)
{
    char list[256];

    if (!json_is_string(value)) {
        parse_wrong_type(reader, at, value, "a string");
        return -1;
    }
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], json_string_value(value)) == 0)
            return i;
    list_words(words, list, sizeof(list));
    parse_defect(reader, at, "invalid_value", "must be one of %s", list);
    return -1;
}

int parse_switch(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                 const struct parse_member *member, void *field)
{
    int index = parse_word(reader, at, value, member->words);

    if (index >= 0)
        *(bool *)field = index == 1;
    return 0;
}

static_assert(sizeof(enum fetch_hash) == sizeof(unsigned), "enums are stored as unsigned");

int parse_enum(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const struct parse_member *member, void *field)
{
    int index = parse_word(reader, at, value, member->words);

    if (index >= 0)
        *(unsigned *)field = (unsigned)index;
    return 0;
}

int parse_write_json(struct parse_reader *reader, const struct json_t *value, size_t flags,
                     const char **ret_text, size_t *ret_length)
{
    flags |= JSON_COMPACT | JSON_ENCODE_ANY;
    size_t length = json_dumpb(value, NULL, 0, flags);
    if (length == 0)
        return -ENOMEM;
    char *text = arena_alloc(&reader->spec->arena, length);
    if (text == NULL)
        return parse_no_room(reader, length);
    if (json_dumpb(value, text, length, flags) != length)
        return -ENOMEM;
    *ret_text = text;
    *ret_length = length;
    return 0;
}

/* --- Several of them -------------------------------------------------------------------------- */

int parse_each(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               parse_fn *read, const struct parse_member *member, void *field)
{
    struct json_t *element;
    size_t i;
    int rc = 0;

    if (!json_is_array(value))
        return read(reader, at, value, member, field);
    json_array_foreach(value, i, element)
    {
        const struct parse_at place = {.parent = at, .index = i};
        rc = rc ?: read(reader, &place, element, member, field);
    }
    return rc;
}

int parse_strings(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                  parse_string_fn *take, void *arg)
{
    struct json_t *element;
    size_t i;

    if (json_is_string(value))
        return take(reader, at, json_string_value(value), json_string_length(value), arg);
    if (!json_is_array(value))
        return parse_wrong_type(reader, at, value, "a string or an array of strings");
    json_array_foreach(value, i, element)
    {
        const struct parse_at place = {.parent = at, .index = i};
        int rc = json_is_string(element) ? take(reader, &place, json_string_value(element),
                                                json_string_length(element), arg)
                                         : parse_wrong_type(reader, &place, element, "a string");
        if (rc < 0)
            return rc;
    }
    return 0;
}
