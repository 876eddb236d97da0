#include "daemon/api/http_gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    WINDOW_BITS = 12,
    GZIP_FORMAT = 16, /* added to the window's */
    MEMORY_LEVEL = 5,
    ROOM = 1024, /* made at once for what comes out */
};

struct http_gzip {
    z_stream stream;
};

static void *allocate(void *arg, unsigned n, unsigned size)
{
    (void)arg;
    return calloc(n, size);
}

static void release(void *arg, void *block)
{
    (void)arg;
    free(block);
}

int http_gzip_new(struct http_gzip **ret_gzip)
{
    struct http_gzip *gzip = calloc(1, sizeof(*gzip));

    if (gzip == NULL)
        return -ENOMEM;
    gzip->stream.zalloc = allocate;
    gzip->stream.zfree = release;
    if (deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + GZIP_FORMAT,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return -ENOMEM;
    }
    *ret_gzip = gzip;
    return 0;
}

void http_gzip_free(struct http_gzip *gzip)
{
    if (gzip == NULL)
        return;
    deflateEnd(&gzip->stream);
    free(gzip);
}

/* All has come out when there is room left. */
static int compress_all(struct http_gzip *gzip, const char *bytes, size_t n, int flush,
                        struct buffer *out)
{
    z_stream *stream = &gzip->stream;

    stream->next_in = (unsigned char *)bytes;
    stream->avail_in = (unsigned)n;
    do {
        int rc = buffer_reserve(out, ROOM);
        if (rc < 0)
            return rc;
        stream->next_out = (unsigned char *)out->data + out->len;
        stream->avail_out = (unsigned)(out->cap - out->len);
        deflate(stream, flush);
        out->len = (size_t)((char *)stream->next_out - out->data);
    } while (stream->avail_out == 0);
    return 0;
}

int http_gzip_write(struct http_gzip *gzip, const char *bytes, size_t n, struct buffer *out)
{
    return compress_all(gzip, bytes, n, Z_SYNC_FLUSH, out);
}

int http_gzip_end(struct http_gzip *gzip, struct buffer *out)
{
    return compress_all(gzip, NULL, 0, Z_FINISH, out);
}

bool http_gzip_suits(const char *content_type)
{
    static const char *const kinds[] = {"text/", "application/json", "application/x-ndjson",
                                        "application/problem+json"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(content_type, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}
