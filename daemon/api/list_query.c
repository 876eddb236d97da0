#include "daemon/api/list_query.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/problem.h"
#include "daemon/model/result_fields.h"

enum { NUMBER_DIGITS_MAX = 18 };

int list_take_number(const char *value, uint64_t *number)
{
    size_t length = strspn(value, "0123456789");

    if (length == 0 || length > NUMBER_DIGITS_MAX || value[length] != '\0')
        return -EINVAL;
    *number = strtoull(value, NULL, 10);
    return 0;
}

int list_take_limit(const char *value, size_t *limit)
{
    uint64_t number;

    if (list_take_number(value, &number) < 0 || number == 0 || number > LIST_MAX_LIMIT)
        return -EINVAL;
    *limit = number;
    return 0;
}

int list_take_fields(void *fields, const char *name, const char *value)
{
    (void)name;
    return result_fields_add_list(fields, value);
}

struct reading {
    struct http_exchange *exchange;
    const struct list_param *params;
    void *query;
    uint32_t seen; /* a bit for each of the params */
};

static char last_byte(const struct list_param *param)
{
    return param->name[strlen(param->name) - 1];
}

static const struct list_param *find(const struct list_param *params, const char *name,
                                     const char **ret_rest)
{
    for (; params->name != NULL; params++) {
        size_t length = strlen(params->name) - (last_byte(params) == '+');
        if (strncmp(name, params->name, length) == 0 &&
            (last_byte(params) == '.' || name[length] == '\0')) {
            *ret_rest = name + length;
            return params;
        }
    }
    return NULL;
}

/* One of two values would count, and nobody could tell which. */
static bool is_repeated(struct reading *reading, const struct list_param *param)
{
    uint32_t bit = UINT32_C(1) << (param - reading->params);
    bool was_seen = (reading->seen & bit) != 0;

    assert(param - reading->params < LIST_MAX_PARAMS);
    reading->seen |= bit;
    return was_seen && last_byte(param) != '.' && last_byte(param) != '+';
}

static int read_one(void *arg, const char *name, const char *value)
{
    struct reading *reading = arg;
    const char *rest;
    const struct list_param *param = find(reading->params, name, &rest);

    if (param == NULL)
        return http_answer_problem(reading->exchange, 400, "unknown_parameter",
                                   "There is no query parameter '%.100s' here.", name)
                   ?: 1;
    if (is_repeated(reading, param))
        return http_answer_problem(reading->exchange, 400, "bad_parameter",
                                   "The query parameter '%.100s' is there more than once.", name)
                   ?: 1;
    int rc = param->take(reading->query, rest, value);
    if (rc == -EINVAL)
        return http_answer_problem(reading->exchange, 400, "bad_parameter",
                                   "The query parameter '%.100s' takes %s, not '%.100s'.", name,
                                   param->expects, value)
                   ?: 1;
    return rc;
}

int list_query_read(struct http_exchange *exchange, const struct list_param *params, void *query)
{
    struct reading reading = {.exchange = exchange, .params = params, .query = query};

    return http_query_each(exchange, read_one, &reading);
}

int list_query_none(struct http_exchange *exchange)
{
    static const struct list_param none[] = {{.name = NULL}};

    return list_query_read(exchange, none, NULL);
}

/* --- The next page ---------------------------------------------------------------------------- */

static int append_encoded(struct buffer *out, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    int rc = 0;

    for (; rc == 0 && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || strchr("-._~", c) != NULL) {
            rc = buffer_append_byte(out, (char)c);
        } else {
            const char code[] = {'%', hex[c >> 4], hex[c & 15]};
            rc = buffer_append(out, code, sizeof(code));
        }
    }
    return rc;
}

static int append_param(struct buffer *out, const char *name, const char *value)
{
    int rc = append_encoded(out, name);

    if (rc == 0)
        rc = buffer_append_byte(out, '=');
    if (rc == 0)
        rc = append_encoded(out, value);
    return rc;
}

static int copy_param(void *arg, const char *name, const char *value)
{
    struct buffer *out = arg;

    if (strcmp(name, "cursor") == 0)
        return 0;
    int rc = append_param(out, name, value);
    return rc < 0 ? rc : buffer_append_byte(out, '&');
}

static int append_text(struct buffer *out, const char *text)
{
    return buffer_append(out, text, strlen(text));
}

int list_answer_next(struct http_exchange *exchange, const char *cursor)
{
    struct buffer link;

    buffer_init(&link, 8192);
    int rc = append_text(&link, "<");
    if (rc == 0)
        rc = append_text(&link, http_path(exchange));
    if (rc == 0)
        rc = append_text(&link, "?");
    if (rc == 0)
        rc = http_query_each(exchange, copy_param, &link);
    if (rc == 0)
        rc = append_param(&link, "cursor", cursor);
    if (rc == 0)
        rc = buffer_append(&link, ">; rel=\"next\"", sizeof(">; rel=\"next\""));
    if (rc == 0)
        rc = http_answer_header(exchange, "Link", link.data);
    buffer_done(&link);
    return rc == -EMSGSIZE ? 0 : rc; /* the document has the cursor, too */
}
