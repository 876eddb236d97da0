/* Single values of a JSON document, checked by what a table says of the member they belong to. */
#pragma once

#include "daemon/model/parse_reader.h"

struct json_t;
struct parse_member;

/* Reads the value of a member into its field, which stays as it was if there is a defect. */
typedef int parse_fn(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field);

struct parse_member {
    const char *name;
    parse_fn *read;
    size_t offset;            /* of the field, in the target of its layer */
    int64_t min, max;         /* of a number, or of the bytes of a text */
    const char *const *words; /* that are allowed; ends with NULL */
    bool is_required;
};

/* Durations of the contract, in microseconds. */
#define PARSE_DAY_US        (INT64_C(86400) * 1000000)
#define PARSE_TIMEOUT_RANGE .min = 1, .max = PARSE_DAY_US

parse_fn parse_integer;  /* int64_t; a whole number from min to max */
parse_fn parse_unsigned; /* unsigned, likewise */
parse_fn parse_duration; /* int64_t microseconds, from milliseconds */
parse_fn parse_bool;     /* bool */
parse_fn parse_text;     /* const char *, copied */
parse_fn parse_switch;   /* bool: the first of two words is false, the second is true */
parse_fn parse_enum;     /* an enum: the index of the word */

/* Reads one of the words. returns its index; -1: there is a defect */
int parse_word(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const char *const *words);

/* Calls take() for a string, or for each string of an array. */
typedef int parse_string_fn(struct parse_reader *reader, const struct parse_at *at,
                            const char *text, size_t length, void *arg);
int parse_strings(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                  parse_string_fn *take, void *arg);

/* Reads the value, or each element if it is an array, into the same field. */
int parse_each(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               parse_fn *read, const struct parse_member *member, void *field);

/* Writes a value as compact JSON into the spec; flags: more of jansson's. */
int parse_write_json(struct parse_reader *reader, const struct json_t *value, size_t flags,
                     const char **ret_text, size_t *ret_length);

/* Notes that the value is not `expected`: "a string". returns 0 */
int parse_wrong_type(struct parse_reader *reader, const struct parse_at *at,
                     const struct json_t *value, const char *expected);

/* Notes a text of more than max bytes. returns whether it is */
bool parse_is_too_long(struct parse_reader *reader, const struct parse_at *at, size_t length,
                       size_t max);
