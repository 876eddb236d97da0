#include "daemon/model/parse_status.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

static bool is_status(int64_t number)
{
    return number >= STATUS_MIN && number <= STATUS_MAX;
}

/* returns 0: the text does not begin with a status */
static int leading_status(const char *text)
{
    int status = 0;

    for (int i = 0; i < 3; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        status = status * 10 + text[i] - '0';
    }
    return is_status(status) ? status : 0;
}

/* returns 0: the text is no class */
static int class_begin(const char *text)
{
    bool is_class = text[0] >= '1' && text[0] <= '9' && strcasecmp(text + 1, "xx") == 0;

    return is_class ? (text[0] - '0') * 100 : 0;
}

bool parse_status_text(const char *text, struct status_set *set)
{
    int first = class_begin(text), last = first + 99;

    if (first == 0) {
        first = last = leading_status(text);
        if (first > 0 && text[3] == '-') {
            text += strlen("200-");
            last = leading_status(text);
        }
        if (first == 0 || last < first || text[3] != '\0')
            return false;
    }
    status_set_add(set, first, last);
    return true;
}

int parse_status(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                 const struct parse_member *member, void *field)
{
    static const struct parse_member range = {.min = STATUS_MIN, .max = STATUS_MAX};
    int64_t number = 0;

    (void)member;
    if (json_is_number(value)) {
        int rc = parse_integer(reader, at, value, &range, &number);
        if (is_status(number))
            status_set_add(field, (int)number, (int)number);
        return rc;
    }
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "a number or a string");
    if (parse_status_text(json_string_value(value), field))
        return 0;
    return parse_defect(reader, at, "invalid_value",
                        "must be a status such as 404, a class such as \"2xx\", or a range such as "
                        "\"200-299\"");
}

int parse_status_set(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    if (json_is_array(value) && json_array_size(value) == 0)
        return parse_defect(reader, at, "invalid_value", "must have at least one status");
    memset(field, 0, sizeof(struct status_set));
    return parse_each(reader, at, value, parse_status, member, field);
}
