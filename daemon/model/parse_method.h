/* The names of methods.
 *
 * source  RFC 9110 section 9
 */
#pragma once

#include "daemon/model/parse_reader.h"

/* Checks the name of a method. Other names than those of RFC 9110 are fine, but not these in other
 * than capitals: to an origin "get" is a method it does not know.
 *
 * returns    whether it is one; if not, there is a defect
 */
bool parse_check_method(struct parse_reader *reader, const struct parse_at *at, const char *text,
                        size_t length);
