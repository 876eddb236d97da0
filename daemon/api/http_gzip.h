/* Compresses what is sent, piece by piece: each piece can be read by the client when it has come,
 * without those after it. A compressor takes some 40 KiB, with a window that is small but larger
 * than most results: much of what we send repeats what came right before.
 *
 * source  RFC 1952 (gzip), RFC 9110, 12.5.3 (Accept-Encoding)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buffer.h"

struct http_gzip;

/* returns 0, -ENOMEM */
int http_gzip_new(struct http_gzip **ret_gzip);

/* NULL is fine. */
void http_gzip_free(struct http_gzip *gzip);

/* Appends what a piece becomes: some bytes always, and hardly more than the piece has.
 *
 * returns    0; as buffer_append(), and then there is nothing but to give up
 */
int http_gzip_write(struct http_gzip *gzip, const char *bytes, size_t n, struct buffer *out);

/* Appends the end. */
int http_gzip_end(struct http_gzip *gzip, struct buffer *out);

/* Whether bytes of this Content-Type get smaller by it. */
bool http_gzip_suits(const char *content_type);
