/* The target of a request line: splitting it, and undoing its percent-encoding.
 *
 * source  RFC 9112 section 3.2, RFC 3986 section 2.1
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Parts of the text that was split; none is NULL but authority, and query ends in a NUL. */
struct http_target {
    const char *authority; /* "host:port" of "http://host:port/path"; NULL in every other form */
    size_t authority_length;
    const char *path; /* "/v1/jobs", or "*" */
    size_t path_length;
    const char *query; /* "" when there is none */
};

/* returns  false: neither "/path", nor "http://host/path", nor "*" */
bool http_target_split(const char *target, struct http_target *ret_target);

/* Whether each % begins two hexadecimal digits that stand for something else than NUL. */
bool http_percent_is_valid(const char *text, size_t length);

/* Decodes what is valid, and adds a NUL. out has room for length + 1 bytes and may be text itself.
 *
 * returns  the decoded length
 */
size_t http_percent_decode(const char *text, size_t length, char *out);
