#include "daemon/model/parse_check.h"

#include <jansson.h>
#include <string.h>

#include "daemon/model/parse_tables.h"

enum { TEXT_SIZE_MAX = 64 * 1024 };

/* --- Checks ----------------------------------------------------------------------------------- */

/* Whether a check is one of those that the pattern stands for, with any operator. A pattern has a
 * name where all checks of its subject do. */
static bool is_like(const struct expect_check *check, const struct expect_check *pattern)
{
    return check->subject == pattern->subject &&
           (pattern->name == NULL || strcmp(check->name, pattern->name) == 0);
}

/* Keeps those of another operator, unless that is all the same. */
static void drop(struct parse_checks *checks, const struct expect_check *pattern,
                 bool is_of_any_operator)
{
    size_t n_left = 0;

    for (size_t i = 0; i < checks->n; i++)
        if (!is_like(&checks->list[i], pattern) ||
            (!is_of_any_operator && checks->list[i].op != pattern->op))
            checks->list[n_left++] = checks->list[i];
    checks->n = n_left;
}

void parse_checks_drop(struct parse_checks *checks, const struct expect_check *pattern)
{
    drop(checks, pattern, true);
}

static int add(struct parse_reader *reader, const struct parse_at *at,
               const struct parse_operand *operand)
{
    struct parse_checks *checks = operand->checks;

    if (checks->n == PARSE_CHECKS_MAX)
        return parse_defect(reader, at, "too_many", "at most %d things can be expected",
                            PARSE_CHECKS_MAX);
    checks->list[checks->n++] = operand->check;
    return 0;
}

/* --- Operators -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum expect_operator op;
} operators[] = {
    {"equals", EXPECT_EQUALS},
    {"not_equals", EXPECT_NOT_EQUALS},
    {"contains", EXPECT_CONTAINS},
    {"not_contains", EXPECT_NOT_CONTAINS},
    {"lt", EXPECT_LT},
    {"lte", EXPECT_LTE},
    {"gt", EXPECT_GT},
    {"gte", EXPECT_GTE},
};

/* Has the operand make checks with the operator of a member. returns whether the client wants any
 */
static bool begin_operator(struct parse_operand *operand, const char *name,
                           const struct json_t *value)
{
    size_t i = 0;

    while (strcmp(operators[i].name, name) != 0)
        i++;
    operand->check.op = operators[i].op;
    if (operand->replaces)
        drop(operand->checks, &operand->check, false);
    return !operand->replaces || !json_is_null(value);
}

static int take_text(struct parse_reader *reader, const struct parse_at *at, const char *text,
                     size_t length, void *arg)
{
    struct parse_operand *operand = arg;

    if (parse_is_too_long(reader, at, length, TEXT_SIZE_MAX))
        return 0;
    operand->check.length = length;
    return parse_copy(reader, text, length, &operand->check.text) ?: add(reader, at, operand);
}

static int read_text(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    if (!begin_operator(field, member->name, value))
        return 0;
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a string");
    return take_text(reader, at, json_string_value(value), json_string_length(value), field);
}

/* Several texts are several checks. */
static int read_texts(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                      const struct parse_member *member, void *field)
{
    return begin_operator(field, member->name, value)
               ? parse_strings(reader, at, value, take_text, field)
               : 0;
}

static int read_json_value(struct parse_reader *reader, const struct parse_at *at,
                           struct json_t *value, const struct parse_member *member, void *field)
{
    struct parse_operand *operand = field;
    struct expect_check *check = &operand->check;

    begin_operator(operand, member->name, value);
    int rc = parse_write_json(reader, value, JSON_SORT_KEYS, &check->text, &check->length);
    if (rc < 0 || parse_is_too_long(reader, at, check->length, TEXT_SIZE_MAX))
        return rc;
    return add(reader, at, operand);
}

static int read_number(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_operand *operand = field;

    if (!begin_operator(operand, member->name, value))
        return 0;
    if (!json_is_number(value))
        return parse_wrong_type(reader, at, value, "a number");
    operand->check.text = NULL;
    operand->check.number = json_number_value(value);
    return add(reader, at, operand);
}

static int read_duration(struct parse_reader *reader, const struct parse_at *at,
                         struct json_t *value, const struct parse_member *member, void *field)
{
    struct parse_operand *operand = field;
    const struct parse_member range = {.max = operand->max_us};
    uint64_t n_defects = reader->defects->n_found;
    int64_t us = 0;

    if (!begin_operator(operand, member->name, value))
        return 0;
    int rc = parse_duration(reader, at, value, &range, &us);
    if (rc < 0 || reader->defects->n_found > n_defects)
        return rc;
    operand->check.number = (double)us;
    return add(reader, at, operand);
}

static int read_exists(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct parse_operand *operand = field;

    (void)member;
    if (!json_is_boolean(value))
        return parse_wrong_type(reader, at, value, "true or false");
    operand->check.op = json_is_true(value) ? EXPECT_PRESENT : EXPECT_ABSENT;
    operand->check.text = "";
    operand->check.length = 0;
    return add(reader, at, operand);
}

#define TEXT_OPERATORS                                                                             \
    {"equals", .read = read_text}, {"not_equals", .read = read_text},                              \
        {"contains", .read = read_texts},                                                          \
    {                                                                                              \
        "not_contains", .read = read_texts                                                         \
    }

static const struct parse_member body_operators[] = {TEXT_OPERATORS};
const struct parse_table parse_body_operator_table = PARSE_TABLE("BodyChecks", body_operators);

static const struct parse_member header_operators[] = {
    TEXT_OPERATORS,
    {"exists", .read = read_exists},
};
const struct parse_table parse_header_operator_table = PARSE_TABLE("HeaderCheck", header_operators);

static const struct parse_member json_operators[] = {
    {"equals", .read = read_json_value},   {"not_equals", .read = read_json_value},
    {"contains", .read = read_json_value}, {"not_contains", .read = read_json_value},
    {"exists", .read = read_exists},       {"lt", .read = read_number},
    {"lte", .read = read_number},          {"gt", .read = read_number},
    {"gte", .read = read_number},
};
const struct parse_table parse_json_operator_table = PARSE_TABLE("JsonCheck", json_operators);

static const struct parse_member duration_operators[] = {
    {"lt", .read = read_duration},
    {"lte", .read = read_duration},
    {"gt", .read = read_duration},
    {"gte", .read = read_duration},
};
const struct parse_table parse_duration_operator_table =
    PARSE_TABLE("DurationChecks", duration_operators);

struct parse_layer parse_body_operators(struct parse_operand *operand)
{
    return (struct parse_layer)PARSE_LAYER(body_operators, operand);
}

struct parse_layer parse_header_operators(struct parse_operand *operand)
{
    return (struct parse_layer)PARSE_LAYER(header_operators, operand);
}

struct parse_layer parse_json_operators(struct parse_operand *operand)
{
    return (struct parse_layer)PARSE_LAYER(json_operators, operand);
}

struct parse_layer parse_duration_operators(struct parse_operand *operand)
{
    return (struct parse_layer)PARSE_LAYER(duration_operators, operand);
}
