#include "daemon/api/http_answer_stream.h"

#include <errno.h>
#include <string.h>

#include "lib/co/scope.h"

#include "daemon/api/http_gzip.h"

enum {
    PIECE_BYTES = 16 * 1024, /* written at once */
    SLACK_BYTES = 2 * 1024,  /* by which compressing may make a piece larger, or its room */
    FULL_BYTES = ANSWER_STREAM_BYTES - PIECE_BYTES - SLACK_BYTES,
    LOW_BYTES = FULL_BYTES / 2, /* from here on down a writer that waits goes on */
};

void http_answer_stream_init(struct http_answer_stream *stream)
{
    *stream = (struct http_answer_stream){.n_sent = 0};
    buffer_init(&stream->outgoing, ANSWER_STREAM_BYTES);
    co_event_init(&stream->room);
}

void http_answer_stream_done(struct http_answer_stream *stream)
{
    buffer_done(&stream->outgoing);
    http_gzip_free(stream->gzip);
    stream->gzip = NULL;
    stream->n_sent = 0;
}

static void tell(const struct http_answer_stream *stream)
{
    if (stream->news != NULL)
        stream->news(stream->arg);
}

int http_answer_stream_begin(struct http_answer_stream *stream, bool is_gzipped)
{
    int rc = is_gzipped ? http_gzip_new(&stream->gzip) : 0;

    if (rc < 0)
        return rc;
    stream->is_begun = true;
    tell(stream);
    return 0;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static size_t n_waiting(const struct http_answer_stream *stream)
{
    return stream->outgoing.len - stream->n_sent;
}

static void move_up(struct http_answer_stream *stream)
{
    struct buffer *outgoing = &stream->outgoing;

    if (stream->n_sent == 0)
        return;
    outgoing->len = n_waiting(stream);
    memmove(outgoing->data, outgoing->data + stream->n_sent, outgoing->len);
    stream->n_sent = 0;
}

static int add(struct http_answer_stream *stream, const char *bytes, size_t n)
{
    move_up(stream);
    int rc = stream->gzip != NULL ? http_gzip_write(stream->gzip, bytes, n, &stream->outgoing)
                                  : buffer_append(&stream->outgoing, bytes, n);
    if (rc == 0)
        tell(stream);
    return rc;
}

static CO_BLOCKS int wait_for_room(struct http_answer_stream *stream)
{
    int rc = co_checkpoint();

    while (rc == 0 && stream->failure == 0 && n_waiting(stream) > FULL_BYTES) {
        co_event_clear(&stream->room);
        rc = co_event_wait(&stream->room);
    }
    return rc < 0 ? rc : stream->failure;
}

int http_answer_stream_write(struct http_answer_stream *stream, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t part = n < PIECE_BYTES ? n : PIECE_BYTES;
        int rc = wait_for_room(stream);
        if (rc == 0)
            rc = add(stream, bytes, part);
        if (rc < 0)
            return rc;
        bytes += part;
        n -= part;
    }
    return 0;
}

void http_answer_stream_end(struct http_answer_stream *stream, int failure)
{
    if (stream->has_ended)
        return;
    if (failure == 0 && stream->gzip != NULL) {
        move_up(stream);
        failure = http_gzip_end(stream->gzip, &stream->outgoing);
    }
    stream->failure = failure;
    stream->has_ended = true;
    tell(stream);
}

/* --- Taking ----------------------------------------------------------------------------------- */

/* Keeps no memory for a client that there is nothing for. */
static ssize_t take_nothing(struct http_answer_stream *stream)
{
    buffer_done(&stream->outgoing);
    stream->n_sent = 0;
    return stream->failure < 0 ? stream->failure : stream->has_ended ? 0 : -EAGAIN;
}

ssize_t http_answer_stream_take(struct http_answer_stream *stream, char *bytes, size_t max)
{
    size_t n = n_waiting(stream) < max ? n_waiting(stream) : max;

    if (n == 0)
        return take_nothing(stream);
    memcpy(bytes, stream->outgoing.data + stream->n_sent, n);
    stream->n_sent += n;
    if (n_waiting(stream) <= LOW_BYTES)
        co_event_set(&stream->room);
    return (ssize_t)n;
}
