/* One request and its answer, as a handler sees them.
 *
 * An exchange is valid while its handler runs, even if the client has gone meanwhile, and so is
 * every text borrowed from it. A handler answers once; the answer is sent when the handler returns,
 * and one that returns without gets a 500 sent.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/co/base.h"

#include "daemon/base/buffer.h"

struct http_exchange;
struct token;

/* "GET", "HEAD": a handler of GET gets both, and makes the same answer. */
const char *http_method(const struct http_exchange *exchange);

/* As on the request line, still percent-encoded, without the query. */
const char *http_path(const struct http_exchange *exchange);

/* The i-th {placeholder} of the route, decoded. */
const char *http_path_param(const struct http_exchange *exchange, size_t i);

/* The value of the first such header; NULL if there is none. */
const char *http_header(const struct http_exchange *exchange, const char *name);

/* The value of the next one after `after`, which is such a value; NULL: the first. */
const char *http_header_next(const struct http_exchange *exchange, const char *name,
                             const char *after);

/* The token that the request has shown, see access.h; NULL: none was asked for. The exchange keeps
 * it. */
struct token *http_token(const struct http_exchange *exchange);
void http_set_token(struct http_exchange *exchange, struct token *token);

void http_body(const struct http_exchange *exchange, const char **ret_bytes, size_t *ret_length);

/* The next bytes of the body, for a handler whose route streams it: as many as have come, some 64
 * KiB at most; valid until the next call. While the handler does not read, the client is made to
 * wait. One that answers without having read all has its connection closed behind the answer. A
 * negative result is for the handler to return: the server answers for it.
 *
 * returns    how many; 0: that was all; -EMSGSIZE: the body is larger than it may be; -ECANCELED:
 *            the client has gone, perhaps before it had sent all, or the server stops
 * suspends   until some have come
 */
CO_BLOCKS ssize_t http_body_read(struct http_exchange *exchange, const char **ret_bytes);

/* Calls each(arg, name, value) for every query parameter in order, decoded; value is "" when there
 * is none. Stops at and returns the first result that is not 0. */
int http_query_each(const struct http_exchange *exchange,
                    int (*each)(void *arg, const char *name, const char *value), void *arg);

/* Adds a header to the answer; copied. It must come before the answer itself, and takes the place
 * of a header that every answer is given (Cache-Control, Content-Security-Policy, ...).
 *
 * returns  0, -EMSGSIZE (more than 8 KiB of headers), -ENOMEM
 */
int http_answer_header(struct http_exchange *exchange, const char *name, const char *value);

/* The answer, with the buffer's bytes, which are taken over: the buffer is left empty.
 *
 * content_type  NULL: there is no body
 * body          NULL: nothing
 * returns       0; as http_answer_header(), and then there is no answer and the body is the
 * caller's
 */
int http_answer(struct http_exchange *exchange, int status, const char *content_type,
                struct buffer *body);

/* Bytes that are made while they are sent, or that others send, too. read() fills at most max bytes
 * of the answer starting at position, and returns how many (> 0) or -errno, which breaks the
 * connection off; it must not block. done(arg) is called when the answer has been sent or given up,
 * possibly after the handler has ended. */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX

struct http_body_source {
    const char *bytes; /* all of it, until done(), which spares reading; NULL: read it */
    ssize_t (*read)(void *arg, uint64_t position, char *bytes, size_t max);
    void (*done)(void *arg);
    void *arg;
    uint64_t length; /* or HTTP_LENGTH_UNKNOWN: then read() returns 0 at its end */
};

/* The answer, with a body from a source, which is copied. Returns as http_answer(): on failure
 * done() is not called. A body that is streamed must have been read before. */
int http_answer_source(struct http_exchange *exchange, int status, const char *content_type,
                       const struct http_body_source *source);

/* Begins an answer whose body the handler makes while it is sent: a stream, which ends when the
 * handler does. If that has failed, or is cancelled, the connection is broken off instead, so that
 * the client sees that something is missing.
 *
 * returns    0; 1: the client wants the head alone (HEAD), so the handler is to return; as
 *            http_answer_header(), and then there is no answer
 */
int http_answer_stream(struct http_exchange *exchange, int status, const char *content_type);

/* Adds to a stream what the client can have at once.
 *
 * returns    0; -ECANCELED: the client has gone, or the server stops; -ENOMEM
 * suspends   while the client is slow: so much of the stream is kept, and no more
 */
CO_BLOCKS int http_answer_write(struct http_exchange *exchange, const void *bytes, size_t n);

/* For a handler that waits for what may never come, or follows something without an end: it is
 * cancelled as soon as the server is being stopped, not only when its grace is over. Its stream
 * then ends as if it had returned 0. */
void http_cancel_when_stopping(struct http_exchange *exchange);
