#include "daemon/model/parse_head.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/parse_document.h"
#include "daemon/model/parse_load.h"
#include "daemon/model/parse_value.h"

int parse_head(struct parse_reader *reader, const char *text, size_t length)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;
    struct parse_requests none;

    reader->is_kept = true;
    return parse_load(reader, text, length, &value) ?: parse_members(reader, value, &none);
}

int parse_rest(struct parse_reader *reader, struct json_t *rest,
               struct parse_requests_place *ret_place)
{
    struct parse_requests requests = {.value = rest};
    int rc = 0;

    if (json_is_object(rest))
        rc = parse_members(reader, rest, &requests) ?: parse_check_requests(reader, &requests);
    else if (!json_is_array(rest))
        rc = parse_not_document(reader, rest);
    ret_place->key = requests.key;
    ret_place->is_array = json_is_array(requests.value);
    return rc;
}

static bool is_one_of(const char *key, const char *a, const char *b)
{
    return strcmp(key, a) == 0 || strcmp(key, b) == 0;
}

const char *parse_rest_misplaced(const struct json_t *rest)
{
    bool is_behind = false;
    const char *key;
    struct json_t *value;

    json_object_foreach((struct json_t *)rest, key, value)
    {
        if (is_behind && is_one_of(key, "defaults", "on_invalid"))
            return key;
        is_behind = is_behind || is_one_of(key, "requests", "urls");
    }
    return NULL;
}

static int write_text(const struct json_t *value, char **ret_text, size_t *ret_length)
{
    size_t length = json_dumpb(value, NULL, 0, JSON_COMPACT);
    char *text = malloc(length);

    if (length == 0 || text == NULL || json_dumpb(value, text, length, JSON_COMPACT) != length) {
        free(text);
        return -ENOMEM;
    }
    *ret_text = text;
    *ret_length = length;
    return 0;
}

int parse_rest_write(struct json_t *rest, char **ret_text, size_t *ret_length)
{
    CO_CLEANUP(parse_unload)
    struct json_t *head = json_is_object(rest) ? json_incref(rest) : json_object();

    if (head == NULL)
        return -ENOMEM;
    json_object_del(head, "requests");
    json_object_del(head, "urls");
    return write_text(head, ret_text, ret_length);
}
