/* A look at the bytes of a JSON document before a parser that recurses is let at it. */
#pragma once

#include <stddef.h>

/* How deeply arrays and objects are nested: 2 in [{"a": "[["}].
 *
 * Of text that is not JSON this is true up to where a parser stops. */
size_t json_scan_depth(const char *text, size_t length);
