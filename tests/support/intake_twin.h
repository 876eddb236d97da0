/* A document taken in as a job by intake, next to what job_parse() makes of it as a whole. */
#pragma once

#include "daemon/model/parse.h"

struct intake_twin {
    const char *content_type;
    const char *bytes;
    size_t length;
    size_t (*next_slice)(void *arg); /* the size of the next slice, at least 1 */
    void *arg;
    bool is_streamed; /* JSON is read while it comes in, however small it is, and may be refused for
                         the order of its members */
};

/* Whether both are the same: refusal, defects, items and all of their members; and whether the
 * chunks are as they should be.
 *
 * returns    NULL: so it is; else a sentence of what is not so, until the next call
 */
const char *intake_twin_flaw(const struct parse_settings *settings, const struct intake_twin *twin);
