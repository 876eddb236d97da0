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

/* "GET", "HEAD": a handler of GET gets both, and makes the same answer. */
const char *http_method(const struct http_exchange *exchange);

/* As on the request line, still percent-encoded, without the query. */
const char *http_path(const struct http_exchange *exchange);

/* The i-th {placeholder} of the route, decoded. */
const char *http_path_param(const struct http_exchange *exchange, size_t i);

/* The value of the first such header; NULL if there is none. */
const char *http_header(const struct http_exchange *exchange, const char *name);

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

/* Bytes that are made while they are sent. read() fills at most max bytes of the answer starting at
 * position, and returns how many (> 0) or -errno, which breaks the connection off; it must not
 * block. done(arg) is called when the answer has been sent or given up, possibly after the handler
 * has ended. */
struct http_body_source {
    ssize_t (*read)(void *arg, uint64_t position, char *bytes, size_t max);
    void (*done)(void *arg);
    void *arg;
    uint64_t length;
};

/* The answer, with a body from a source, which is copied. Returns as http_answer(): on failure
 * done() is not called. A body that is streamed must have been read before. */
int http_answer_source(struct http_exchange *exchange, int status, const char *content_type,
                       const struct http_body_source *source);
