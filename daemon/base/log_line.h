/* The bytes of one record, on the stack: whoever logs may have no memory.
 *
 * Text of any origin goes in as log_line_put_text() makes it: so that it cannot forge a second
 * record, drive a terminal or turn other text around. */
#pragma once

#include <stddef.h>

enum {
    LOG_LINE_MAX = 4096, /* PIPE_BUF: a pipe takes it whole or not at all */
};

struct log_line {
    size_t len;
    char bytes[LOG_LINE_MAX];
};

/* There must be room for it. */
void log_line_put(struct log_line *line, const char *bytes, size_t n);
void log_line_put_string(struct log_line *line, const char *text);

enum log_quoting {
    LOG_PLAIN,
    LOG_JSON, /* for between the quotes of a JSON string */
};

/* Control characters, those that change the direction of text, and bytes that are not UTF-8 are
 * written like \x1b, a backslash like \\. What would take more than max bytes is cut, and marked as
 * cut. There must be room for max. */
void log_line_put_text(struct log_line *line, const char *text, size_t max,
                       enum log_quoting quoting);
