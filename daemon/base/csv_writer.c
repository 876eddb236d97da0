#include "daemon/base/csv_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/instant.h"

void csv_init(struct csv_writer *csv, struct buffer *out)
{
    *csv = (struct csv_writer){.out = out};
}

static void put(struct csv_writer *csv, const char *bytes, size_t n)
{
    if (csv->rc == 0)
        csv->rc = buffer_append(csv->out, bytes, n);
}

static void begin_cell(struct csv_writer *csv)
{
    if (csv->is_in_row)
        put(csv, ",", 1);
    csv->is_in_row = true;
}

static bool is_formula(const char *text, size_t length)
{
    return length > 0 && memchr("=+-@\t\r", text[0], 6) != NULL;
}

static bool needs_quotes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (memchr(",\"\r\n", text[i], 4) != NULL)
            return true;
    return false;
}

/* Each quote within is doubled. */
static void put_escaped(struct csv_writer *csv, const char *text, size_t length)
{
    const char *quote;

    while ((quote = memchr(text, '"', length)) != NULL) {
        size_t n = (size_t)(quote - text) + 1;
        put(csv, text, n);
        put(csv, "\"", 1);
        text += n;
        length -= n;
    }
    put(csv, text, length);
}

void csv_string(struct csv_writer *csv, const char *text, size_t length)
{
    bool is_quoted = needs_quotes(text, length);

    begin_cell(csv);
    if (is_quoted)
        put(csv, "\"", 1);
    if (is_formula(text, length))
        put(csv, "'", 1);
    put_escaped(csv, text, length);
    if (is_quoted)
        put(csv, "\"", 1);
}

void csv_text(struct csv_writer *csv, const char *text)
{
    csv_string(csv, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

void csv_uint(struct csv_writer *csv, uint64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%" PRIu64, value);

    csv_string(csv, text, (size_t)length);
}

void csv_ms(struct csv_writer *csv, int64_t microseconds)
{
    char text[32];
    int length = microseconds < 0 ? 0
                                  : snprintf(text, sizeof(text), "%" PRId64 ".%03" PRId64,
                                             microseconds / 1000, microseconds % 1000);

    csv_string(csv, text, (size_t)length);
}

void csv_instant(struct csv_writer *csv, int64_t microseconds)
{
    char text[INSTANT_TEXT_LEN];

    csv_string(csv, text, instant_format(microseconds, text));
}

void csv_empty(struct csv_writer *csv)
{
    csv_string(csv, "", 0);
}

void csv_end_row(struct csv_writer *csv)
{
    put(csv, "\r\n", 2);
    csv->is_in_row = false;
}
