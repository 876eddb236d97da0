/* The bytes of an input, by lines or as they come, and the messages about them. */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/client/input.h"

struct input_reader {
    struct input_source source;
    struct buffer bytes; /* that have been read */
    size_t n_taken;      /* of these */
    unsigned long line;  /* number of the last one taken; 0: none */
    bool is_at_end;      /* the source is */
    struct err *err;
};

/* A line without its break. */
struct input_line {
    const char *text;
    size_t length;
};

void input_reader_init(struct input_reader *reader, const struct input_source *source,
                       struct err *err);
void input_reader_done(struct input_reader *reader);

/* What comes next, without taking it: n bytes, or as many as there are. returns 0; negative */
int input_reader_peek(struct input_reader *reader, size_t n, struct input_line *ret_bytes);

/* Takes n bytes that have been seen. */
void input_reader_skip(struct input_reader *reader, size_t n);

/* Takes a line, or some bytes; they are valid until the next call.
 *
 * returns    1; 0: there are no more; negative: as input_next() */
int input_reader_line(struct input_reader *reader, struct input_line *ret_line);
int input_reader_block(struct input_reader *reader, struct input_line *ret_bytes);

/* Says what is wrong in a line; 0: in all of it. returns -EINVAL */
int input_reader_refuse(const struct input_reader *reader, unsigned long line, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

struct input_line input_line_trim(struct input_line line);
