/* A request on a line, the form in which it is kept: a URL as it was written, or the JSON of an
 * object, or of a string that would not be a line or would be taken for JSON.
 */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/model/parse_reader.h"

/* Reads a request from what a client has written, which is JSON. */
int request_json_read(struct parse_reader *reader, const struct parse_at *at, const char *text,
                      size_t length);

/* Reads one from a line that was kept. */
int request_line_read(struct parse_reader *reader, const struct parse_at *at, const char *line,
                      size_t length);

/* Appends the line for a request that has been read from JSON. returns as buffer_append() */
int request_line_append(struct buffer *lines, const char *text, size_t length);
