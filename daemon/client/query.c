#include "daemon/client/query.h"

#include <inttypes.h>
#include <stdio.h>

static void append(struct query *query, const char *bytes, size_t n)
{
    if (query->rc == 0)
        query->rc = buffer_append(&query->text, bytes, n);
}

/* RFC 3986: all but unreserved characters. */
static void append_escaped(struct query *query, const char *text, size_t length)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < length; i++) {
        char escaped[4];
        snprintf(escaped, sizeof(escaped), "%%%02X", (unsigned char)text[i]);
        if (text[i] != '\0' && strchr(plain, text[i]) != NULL)
            append(query, text + i, 1);
        else
            append(query, escaped, 3);
    }
}

void query_begin(struct query *query, const char *path)
{
    *query = (struct query){.rc = 0};
    buffer_init(&query->text, SIZE_MAX);
    append(query, path, strlen(path));
}

static void begin_parameter(struct query *query)
{
    append(query, query->has_one ? "&" : "?", 1);
    query->has_one = true;
}

void query_add(struct query *query, const char *name, const char *value)
{
    if (value == NULL)
        return;
    begin_parameter(query);
    append(query, name, strlen(name));
    append(query, "=", 1);
    append_escaped(query, value, strlen(value));
}

void query_add_count(struct query *query, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    query_add(query, name, text);
}

void query_add_label(struct query *query, const char *label)
{
    size_t length = strcspn(label, "=");
    const char *value = label + length + (label[length] == '=');

    begin_parameter(query);
    append(query, "label.", 6);
    append_escaped(query, label, length);
    append(query, "=", 1);
    append_escaped(query, value, strlen(value));
}

int query_end(struct query *query)
{
    append(query, "", 1);
    return query->rc;
}

void query_done(struct query *query)
{
    buffer_done(&query->text);
}
