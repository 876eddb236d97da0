#include "daemon/api/http_gzip_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/http_gzip.h"
#include "daemon/base/buffer.h"

enum { PIECE_BYTES = 16 * 1024, MAX_PENDING_BYTES = 64 * 1024 };

struct gzip_source {
    struct http_gzip *gzip;
    struct http_body_source plain;
    uint64_t position; /* in plain */
    bool has_ended;
    struct buffer pending; /* compressed, and sent up to n_sent */
    size_t n_sent;
    char piece[PIECE_BYTES];
};

static ssize_t get_piece(struct gzip_source *source, size_t max, const char **ret_piece)
{
    const struct http_body_source *plain = &source->plain;

    if (plain->bytes != NULL) {
        *ret_piece = plain->bytes + source->position;
        return (ssize_t)max;
    }
    *ret_piece = source->piece;
    return plain->read(plain->arg, source->position, source->piece, max);
}

static int compress_more(struct gzip_source *source)
{
    uint64_t left = source->plain.length - source->position;

    if (left == 0) {
        source->has_ended = true;
        return http_gzip_end(source->gzip, &source->pending);
    }
    const char *piece;
    ssize_t n = get_piece(source, left < PIECE_BYTES ? left : PIECE_BYTES, &piece);
    if (n <= 0)
        return n < 0 ? (int)n : -EIO;
    source->position += (uint64_t)n;
    return http_gzip_write(source->gzip, piece, (size_t)n, &source->pending);
}

static ssize_t read_gzip(void *arg, uint64_t position, char *bytes, size_t max)
{
    struct gzip_source *source = arg;
    struct buffer *pending = &source->pending;

    (void)position; /* reads are in sequence */
    if (source->n_sent == pending->len) {
        source->n_sent = pending->len = 0;
        int rc = source->has_ended ? 0 : compress_more(source);
        if (rc < 0)
            return rc;
    }
    size_t n = pending->len - source->n_sent;
    if (n > max)
        n = max;
    if (n > 0)
        memcpy(bytes, pending->data + source->n_sent, n);
    source->n_sent += n;
    return (ssize_t)n;
}

static void gzip_done(void *arg)
{
    struct gzip_source *source = arg;

    source->plain.done(source->plain.arg);
    http_gzip_free(source->gzip);
    buffer_done(&source->pending);
    free(source);
}

int http_gzip_source_init(struct http_body_source *ret_source, const struct http_body_source *plain)
{
    struct gzip_source *source = malloc(sizeof(*source));

    if (source == NULL)
        return -ENOMEM;
    *source = (struct gzip_source){.plain = *plain};
    buffer_init(&source->pending, MAX_PENDING_BYTES);
    if (http_gzip_new(&source->gzip) < 0) {
        free(source);
        return -ENOMEM;
    }
    *ret_source = (struct http_body_source){
        .read = read_gzip,
        .done = gzip_done,
        .arg = source,
        .length = HTTP_LENGTH_UNKNOWN,
    };
    return 0;
}
