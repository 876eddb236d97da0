/* The body of a request on its way to a handler that reads it while it comes. One side adds pieces
 * of any size, without blocking; the other reads all that is there, or waits. Who adds stops while
 * it is full, and is told when something was taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/co/sync.h"

#include "daemon/base/buffer.h"

/* How far the client may be ahead of the handler; it is full from then on. */
enum { BODY_STREAM_AHEAD = 64 * 1024 };

struct http_body_stream {
    struct buffer incoming; /* not read yet */
    struct buffer lent;     /* what was read last */
    uint64_t n_left;        /* bytes that may still come */
    bool is_complete;
    int failure; /* -EMSGSIZE: more came; 0 */
    struct co_event news;
    void (*taken)(void *arg); /* NULL: nobody is told */
    void *arg;
};

void http_body_stream_init(struct http_body_stream *stream, uint64_t max_bytes);

/* Frees what is in it; more may be added or read, of a stream that is empty. */
void http_body_stream_done(struct http_body_stream *stream);

/* More than max_bytes are thrown away, and the reader is told.
 *
 * returns  0, -ENOMEM
 */
int http_body_stream_add(struct http_body_stream *stream, const char *bytes, size_t n);
void http_body_stream_complete(struct http_body_stream *stream);

bool http_body_stream_is_full(const struct http_body_stream *stream);

/* As http_body_read(). */
CO_BLOCKS ssize_t http_body_stream_read(struct http_body_stream *stream, const char **ret_bytes);
