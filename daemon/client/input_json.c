/* An array of URLs and requests, as one JSON document: read element by element. */
#include <errno.h>

#include "daemon/client/input_feed.h"
#include "daemon/client/input_formats.h"
#include "daemon/model/json_split.h"

enum {
    HEAD_MAX = 64, /* of an array that is "[]" and white space */
    ELEMENT_MAX = 16 * 1024 * 1024,
};

struct array {
    struct input_feed *feed;
    struct json_split split;
};

static int take_element(void *arg, const char *text, size_t length)
{
    struct array *array = arg;
    unsigned long line = json_split_place(&array->split).line;

    return input_feed_json(array->feed, line, text, length);
}

static int refuse(const struct array *array, const char *what)
{
    return input_reader_refuse(&array->feed->reader, 0, "%s", what);
}

static int check_beginning(const struct array *array)
{
    struct input_line start;
    int rc = input_reader_peek(&array->feed->reader, HEAD_MAX, &start);

    if (rc < 0)
        return rc;
    start = input_line_trim(start);
    return start.length > 0 && start.text[0] == '['
               ? 0
               : refuse(array, "it is no JSON array of URLs and requests");
}

/* What is left when the elements have been taken out is nothing but the brackets. */
static int check_head(const struct array *array)
{
    const struct buffer *head = &array->split.head;
    struct input_line rest = input_line_trim((struct input_line){head->data, head->len});
    struct input_line inside = {rest.text + 1, rest.length - 2};
    bool is_array = rest.length >= 2 && rest.text[0] == '[' && rest.text[rest.length - 1] == ']';

    if (!array->split.is_broken && is_array && input_line_trim(inside).length == 0)
        return 0;
    return refuse(array, "it is not JSON, or goes on behind the array");
}

static int read_array(struct array *array)
{
    struct input_line bytes;
    int rc = check_beginning(array);

    if (rc < 0)
        return rc;
    while ((rc = input_reader_block(&array->feed->reader, &bytes)) > 0) {
        rc = json_split_write(&array->split, bytes.text, bytes.length);
        if (rc < 0)
            break;
    }
    if (rc == 0)
        rc = json_split_end(&array->split);
    if (rc == -EMSGSIZE)
        rc = refuse(array, "it is not JSON, or goes on behind the array");
    return rc < 0 ? rc : check_head(array);
}

int input_read_json(struct co_gen *self, void *arg, void **ret_result)
{
    struct array array = {.feed = arg};

    (void)self;
    (void)ret_result;
    json_split_init(&array.split, HEAD_MAX, ELEMENT_MAX, take_element, &array);
    int rc = read_array(&array);
    json_split_done(&array.split);
    return rc;
}
