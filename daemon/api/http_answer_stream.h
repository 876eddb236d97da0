/* The body of an answer on its way from a handler that makes it to a client that reads it while it
 * is being made. One side writes, and waits while the client is slow; the other takes what there
 * is, without blocking, and is told when there is more.
 *
 * So a client costs ANSWER_STREAM_BYTES at most, whatever it is sent, and hardly anything while
 * there is nothing to send.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/co/sync.h"

#include "daemon/base/buffer.h"

struct http_gzip;

enum { ANSWER_STREAM_BYTES = 64 * 1024 };

struct http_answer_stream {
    struct buffer outgoing; /* and sent up to n_sent */
    size_t n_sent;
    struct http_gzip *gzip; /* NULL: it goes out as it is */
    bool is_begun;
    bool has_ended;
    int failure; /* why it has ended early; 0 */
    struct co_event room;
    void (*news)(void *arg); /* there is more to take, or the end; NULL: nobody is told */
    void *arg;
};

void http_answer_stream_init(struct http_answer_stream *stream);
void http_answer_stream_done(struct http_answer_stream *stream);

/* is_gzipped  what is written goes out compressed. returns 0, -ENOMEM */
int http_answer_stream_begin(struct http_answer_stream *stream, bool is_gzipped);

/* As http_answer_write(). */
CO_BLOCKS int http_answer_stream_write(struct http_answer_stream *stream, const char *bytes,
                                       size_t n);

/* Nothing more will be written. failure: 0, or why it is not all. */
void http_answer_stream_end(struct http_answer_stream *stream, int failure);

/* Takes up to max bytes.
 *
 * returns    how many; 0: that was all; -EAGAIN: nothing is there yet; the failure
 */
ssize_t http_answer_stream_take(struct http_answer_stream *stream, char *bytes, size_t max);
