/* A line of a configuration of curl: an option and its value.
 *
 *     url = "https://one.example/"
 *     header: "Accept: text/plain"
 *     -L
 *
 * source  curl(1), --config
 */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/client/input_reader.h"

struct curl_line {
    const char *name; /* without dashes; not NUL-terminated */
    size_t name_length;
    bool is_letter; /* "-H" */
    bool has_value;
    struct buffer value; /* NUL-terminated; the NUL is not counted */
};

/* Reads a line that is neither blank nor a comment, into one whose value has been initialized. What
 * it has of the text is borrowed.
 *
 * returns    0; -EINVAL: *ret_problem says what is wrong; -ENOMEM */
int curl_line_read(struct input_line text, struct curl_line *line, const char **ret_problem);

/* The same of the option alone. returns what is behind it, and what separates them */
struct input_line curl_line_read_name(struct input_line text, struct curl_line *line);
