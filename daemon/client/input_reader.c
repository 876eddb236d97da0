#include "daemon/client/input_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    READ_SIZE = 16 * 1024,
    LINE_MAX_BYTES = 16 * 1024 * 1024, /* a daemon takes no larger request */
};

void input_reader_init(struct input_reader *reader, const struct input_source *source,
                       struct err *err)
{
    *reader = (struct input_reader){.source = *source, .err = err};
    buffer_init(&reader->bytes, LINE_MAX_BYTES);
}

void input_reader_done(struct input_reader *reader)
{
    buffer_done(&reader->bytes);
}

int input_reader_refuse(const struct input_reader *reader, unsigned long line, const char *format,
                        ...)
{
    char what[sizeof(reader->err->message)];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (line == 0)
        return err_set(reader->err, -EINVAL, "%s: %s", reader->source.name, what);
    return err_set(reader->err, -EINVAL, "%s:%lu: %s", reader->source.name, line, what);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static size_t n_left(const struct input_reader *reader)
{
    return reader->bytes.len - reader->n_taken;
}

static struct input_line rest(const struct input_reader *reader)
{
    size_t n = n_left(reader);

    /* Before anything is read there is no data to point into. */
    return (struct input_line){n > 0 ? reader->bytes.data + reader->n_taken : "", n};
}

static void drop_taken(struct input_reader *reader)
{
    if (reader->n_taken > 0)
        memmove(reader->bytes.data, reader->bytes.data + reader->n_taken, n_left(reader));
    reader->bytes.len -= reader->n_taken;
    reader->n_taken = 0;
}

/* returns 1: there are more bytes now; 0: there will be no more */
static int read_more(struct input_reader *reader)
{
    struct buffer *bytes = &reader->bytes;

    if (reader->is_at_end)
        return 0;
    drop_taken(reader);
    int rc = buffer_reserve(bytes, READ_SIZE);
    if (rc == -EMSGSIZE)
        return input_reader_refuse(reader, reader->line + 1, "the line is longer than %d MiB",
                                   LINE_MAX_BYTES >> 20);
    if (rc < 0)
        return rc;
    ssize_t n = reader->source.read(reader->source.arg, bytes->data + bytes->len, READ_SIZE);
    if (n < 0)
        return err_set(reader->err, (int)n, "%s: %s", reader->source.name, strerror((int)-n));
    bytes->len += (size_t)n;
    reader->is_at_end = n == 0;
    return n > 0;
}

int input_reader_peek(struct input_reader *reader, size_t n, struct input_line *ret_bytes)
{
    int rc = 1;

    while (rc > 0 && n_left(reader) < n)
        rc = read_more(reader);
    *ret_bytes = rest(reader);
    return rc < 0 ? rc : 0;
}

void input_reader_skip(struct input_reader *reader, size_t n)
{
    reader->n_taken += n;
}

int input_reader_block(struct input_reader *reader, struct input_line *ret_bytes)
{
    int rc = n_left(reader) > 0 ? 1 : read_more(reader);

    *ret_bytes = rest(reader);
    reader->n_taken = reader->bytes.len;
    return rc;
}

/* --- Lines ------------------------------------------------------------------------------------ */

static int take_line(struct input_reader *reader, size_t length, size_t n_break,
                     struct input_line *ret_line)
{
    *ret_line = (struct input_line){rest(reader).text, length};
    reader->n_taken += length + n_break;
    reader->line++;
    return 1;
}

int input_reader_line(struct input_reader *reader, struct input_line *ret_line)
{
    size_t n_seen = 0;
    int rc = 1;

    while (rc > 0) {
        struct input_line bytes = rest(reader);
        const char *end =
            bytes.length > n_seen ? memchr(bytes.text + n_seen, '\n', bytes.length - n_seen) : NULL;
        if (end != NULL)
            return take_line(reader, (size_t)(end - bytes.text), 1, ret_line);
        n_seen = bytes.length;
        rc = read_more(reader);
    }
    return rc == 0 && n_seen > 0 ? take_line(reader, n_seen, 0, ret_line) : rc;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct input_line input_line_trim(struct input_line line)
{
    while (line.length > 0 && is_blank(line.text[0])) {
        line.text++;
        line.length--;
    }
    while (line.length > 0 && is_blank(line.text[line.length - 1]))
        line.length--;
    return line;
}
