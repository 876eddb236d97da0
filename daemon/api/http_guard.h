/* Which requests are refused for their head alone: those that two programs could read in two ways,
 * and those that some web page may have made a browser send.
 *
 * libmicrohttpd takes nearly all of them. A proxy in front of us that disagrees with it about where
 * a request ends lets one client speak in another's name, so whatever is not plainly well-formed is
 * refused and its connection closed: what follows may not be what it seems. A name server that
 * answers 127.0.0.1 makes any page "same origin" with us, but its Host still tells.
 *
 * source  RFC 9112 sections 2.2, 3.2, 5.1, 6.1, 6.3, 11.2; RFC 9110 sections 5.5, 7.2
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/api/http_site.h"

enum { HTTP_MAX_FIELDS = 100 };

/* A header field, as it was sent. */
struct http_field {
    const char *name;
    const char *value;
    size_t name_length;
    size_t value_length;
};

struct http_head {
    const char *method;
    const char *target;
    const char *version;
    const struct http_field *fields;
    size_t n_fields;     /* if there are more than HTTP_MAX_FIELDS, fields is not looked at */
    bool has_lost_bytes; /* it is not all here: a NUL cut something off, a line was folded, ... */
};

struct http_refusal {
    int status;
    const char *code;
    const char *detail;
};

/* returns  NULL: it may be served; else why not, the first reason in order of danger */
const struct http_refusal *http_guard_check(const struct http_head *head,
                                            const struct http_site *site);
