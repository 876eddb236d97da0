#include "daemon/api/http_body_stream.h"

#include <errno.h>

#include "lib/co/scope.h"

/* What may be added to one that is nearly full, or is filled up at once. */
enum { LARGEST_PIECE = 64 * 1024 };

void http_body_stream_init(struct http_body_stream *stream, uint64_t max_bytes)
{
    *stream = (struct http_body_stream){.n_left = max_bytes};
    buffer_init(&stream->incoming, BODY_STREAM_AHEAD + LARGEST_PIECE);
    buffer_init(&stream->lent, BODY_STREAM_AHEAD + LARGEST_PIECE);
    co_event_init(&stream->news);
}

void http_body_stream_done(struct http_body_stream *stream)
{
    buffer_done(&stream->incoming);
    buffer_done(&stream->lent);
}

static void fail(struct http_body_stream *stream, int failure)
{
    stream->failure = failure;
    co_event_set(&stream->news);
}

int http_body_stream_add(struct http_body_stream *stream, const char *bytes, size_t n)
{
    if (n > stream->n_left)
        fail(stream, -EMSGSIZE);
    if (stream->failure < 0)
        return 0;
    int rc = buffer_append(&stream->incoming, bytes, n);
    if (rc < 0)
        return rc;
    stream->n_left -= n;
    co_event_set(&stream->news);
    return 0;
}

void http_body_stream_complete(struct http_body_stream *stream)
{
    stream->is_complete = true;
    co_event_set(&stream->news);
}

bool http_body_stream_is_full(const struct http_body_stream *stream)
{
    return stream->incoming.len >= BODY_STREAM_AHEAD || stream->failure < 0;
}

static int wait_for_news(struct http_body_stream *stream)
{
    co_event_clear(&stream->news);
    return co_event_wait(&stream->news);
}

/* The two buffers change places, so that nothing is copied. */
static ssize_t lend(struct http_body_stream *stream, const char **ret_bytes)
{
    struct buffer empty = stream->lent;

    empty.len = 0;
    stream->lent = stream->incoming;
    stream->incoming = empty;
    *ret_bytes = stream->lent.data;
    if (stream->taken != NULL)
        stream->taken(stream->arg);
    return (ssize_t)stream->lent.len;
}

ssize_t http_body_stream_read(struct http_body_stream *stream, const char **ret_bytes)
{
    int rc = co_checkpoint();

    while (rc == 0 && stream->failure == 0) {
        if (stream->incoming.len > 0)
            return lend(stream, ret_bytes);
        if (stream->is_complete) {
            http_body_stream_done(stream); /* the handler may go on for long */
            return 0;
        }
        rc = wait_for_news(stream);
    }
    return rc < 0 ? rc : stream->failure;
}
