#include "daemon/client/json_text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "daemon/model/json_document.h"

enum { SCALAR_MAX = 64 }; /* of numbers and words; the rest of an array or object is cut off */

static int append_scalar(struct buffer *out, const struct json_t *value)
{
    char text[SCALAR_MAX];
    size_t length;
    int rc = json_value_write(value, text, sizeof(text), &length);

    if (rc < 0)
        return rc;
    if (length == 4 && memcmp(text, "null", 4) == 0)
        return 0;
    if (length > 2 && memcmp(text + length - 2, ".0", 2) == 0)
        length -= 2; /* all numbers were read as reals */
    rc = buffer_append(out, text, length);
    return rc < 0 ? rc : 1;
}

int json_text_append(struct buffer *out, const struct json_t *document, const char *pointer)
{
    const struct json_t *value = json_document_find(document, pointer);
    size_t length;

    if (value == NULL)
        return 0;
    const char *text = json_value_string(value, &length);
    if (text == NULL)
        return append_scalar(out, value);
    int rc = buffer_append(out, text, length);
    return rc < 0 ? rc : 1;
}

const struct json_t *json_text_item(const struct json_t *page, unsigned i)
{
    char pointer[32];

    snprintf(pointer, sizeof(pointer), "/data/%u", i);
    return json_document_find(page, pointer);
}

double json_text_number(const struct json_t *document, const char *pointer)
{
    const struct json_t *value = json_document_find(document, pointer);
    double number;

    return value != NULL && json_value_number(value, &number) ? number : NAN;
}

uint64_t json_text_count(const struct json_t *document, const char *pointer)
{
    double number = json_text_number(document, pointer);

    return number >= 0 ? (uint64_t)number : 0;
}

bool json_text_is(const struct json_t *document, const char *pointer, const char *text)
{
    const struct json_t *value = json_document_find(document, pointer);
    size_t length;

    if (value == NULL)
        return false;
    const char *string = json_value_string(value, &length);
    return string != NULL && length == strlen(text) && memcmp(string, text, length) == 0;
}

bool json_text_is_true(const struct json_t *document, const char *pointer)
{
    struct buffer text;

    buffer_init(&text, SCALAR_MAX);
    bool is_true = json_text_append(&text, document, pointer) == 1 && text.len == 4 &&
                   memcmp(text.data, "true", 4) == 0;
    buffer_done(&text);
    return is_true;
}
