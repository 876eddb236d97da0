/* "expect": what a response must be like. */
#pragma once

#include "daemon/model/parse_value.h"

/* const struct expect *; what it was is merged with; null takes it away.
 *
 * Merging goes by the members of the object: a status replaces the one from below, and so do the
 * arrays "header" and "json"; of "body", timings and "tls_expires_in_ms" each operator does. null
 * takes away what a member stands for. */
parse_fn parse_expect;
