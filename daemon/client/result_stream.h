/* Results on their way: the lines of a stream, as bytes come, into a sink, counted.
 *
 * Every source of results is such lines: a gather's stream, a job's, and those of --local.
 */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/client/result_sink.h"

struct co_task;

struct result_stream {
    struct result_sink sink;
    struct buffer rest;     /* of a line that has not come whole */
    struct co_task *reader; /* canceled when a line cannot be taken */
    struct buffer last;     /* the line that ends the stream */
    struct json_t *ending;  /* the same, read; NULL: it has not come */
    bool ending_came;
    uint64_t n_results, n_failed;
    uint64_t n_unreadable; /* lines */
    uint64_t n_enough;     /* results after which `reading` is given up; 0: all are wanted */
    struct co_scope *reading;
    char last_seq[32]; /* of the last result: where to go on */
    bool only_failed;  /* others are counted, and left out */
    int rc;            /* why a line could not be taken: 0, negative */
};

/* The caller is who reads. returns 0; as result_sink_begin() */
int result_stream_begin(struct result_stream *ret_stream, const struct options *options,
                        struct output *output);

/* Takes bytes as they come; fits into a co_http_tap. What goes wrong is in stream->rc then. */
void result_stream_take(void *stream, const void *bytes, size_t n);

/* Shows what has come so far, and how far it is: what a ticker calls for a person who waits. What
 * goes wrong is in stream->rc then. */
void result_stream_show(void *stream);

/* Whether stream->n_enough results have come. */
bool result_stream_has_enough(const struct result_stream *stream);

/* Forgets the piece of a line that a connection broke off in. */
void result_stream_cut(struct result_stream *stream);

/* Says that lines could not be read. returns CLIENT_OUTPUT */
int result_stream_complain(const struct result_stream *stream);

/* returns stream->rc, or what ending the sink failed with */
int result_stream_end(struct result_stream *stream);
