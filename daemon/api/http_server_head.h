/* The head of a request, out of libmicrohttpd. */
#pragma once

#include "daemon/api/http_guard.h"

struct MHD_Connection;

struct http_head_buffer {
    struct http_head head;
    struct http_field fields[HTTP_MAX_FIELDS];
    const char *next_line; /* where the line behind those that were read must begin */
};

/* method, path and version are as libmicrohttpd passes them to its request callback, and target as
 * to its callback for the request line. */
void http_head_read(struct http_head_buffer *buffer, struct MHD_Connection *mhd, const char *method,
                    const char *path, const char *target, const char *version);
