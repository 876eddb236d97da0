/* A look at the bytes of a JSON document before a parser that recurses is let at it. */
#pragma once

#include <stddef.h>

/* The first bracket within more than max others: the last one of [{"a": "[["}, [[ for a max of 2.
 * NULL if there is none.
 *
 * Of text that is not JSON this is true up to where a parser stops. */
const char *json_scan_deeper(const char *text, size_t length, size_t max);
