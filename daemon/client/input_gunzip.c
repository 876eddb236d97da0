#include "daemon/client/input_gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    READ_SIZE = 16 * 1024,
    WINDOW_BITS = MAX_WBITS + 16, /* 16: gzip, not zlib */
};

struct input_gunzip {
    struct input_source source;
    z_stream stream;
    bool is_inside; /* of a member, of which there may be several */
    char *bytes;    /* compressed */
};

bool input_is_gzip(const char *bytes, size_t n_bytes)
{
    static const char magic[] = {'\x1f', '\x8b'};

    return n_bytes >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
}

void input_gunzip_free(struct input_gunzip *gunzip)
{
    if (gunzip == NULL)
        return;
    inflateEnd(&gunzip->stream);
    free(gunzip->bytes);
    free(gunzip);
}

int input_gunzip_new(struct input_gunzip **ret_gunzip, const struct input_source *source,
                     const char *bytes, size_t n_bytes)
{
    struct input_gunzip *gunzip = calloc(1, sizeof(*gunzip));

    if (gunzip == NULL)
        return -ENOMEM;
    gunzip->source = *source;
    gunzip->bytes = malloc(n_bytes > READ_SIZE ? n_bytes : READ_SIZE);
    if (gunzip->bytes == NULL || inflateInit2(&gunzip->stream, WINDOW_BITS) != Z_OK) {
        input_gunzip_free(gunzip);
        return -ENOMEM;
    }
    memcpy(gunzip->bytes, bytes, n_bytes);
    gunzip->stream.next_in = (Bytef *)gunzip->bytes;
    gunzip->stream.avail_in = (uInt)n_bytes;
    *ret_gunzip = gunzip;
    return 0;
}

/* returns 1: there are compressed bytes; 0: there are no more */
static int read_more(struct input_gunzip *gunzip)
{
    if (gunzip->stream.avail_in > 0)
        return 1;
    ssize_t n = gunzip->source.read(gunzip->source.arg, gunzip->bytes, READ_SIZE);
    if (n < 0)
        return (int)n;
    gunzip->stream.next_in = (Bytef *)gunzip->bytes;
    gunzip->stream.avail_in = (uInt)n;
    return n > 0;
}

static int inflate_some(struct input_gunzip *gunzip)
{
    int rc = inflate(&gunzip->stream, Z_NO_FLUSH);

    gunzip->is_inside = rc != Z_STREAM_END;
    if (rc == Z_STREAM_END)
        rc = inflateReset(&gunzip->stream);
    return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : rc == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

ssize_t input_gunzip_read(void *arg, char *bytes, size_t max)
{
    struct input_gunzip *gunzip = arg;
    z_stream *stream = &gunzip->stream;
    int rc = 1;

    stream->next_out = (Bytef *)bytes;
    stream->avail_out = (uInt)max;
    while (rc >= 0 && stream->avail_out == max) {
        rc = read_more(gunzip);
        if (rc == 0)
            return gunzip->is_inside ? -EBADMSG : 0;
        if (rc > 0)
            rc = inflate_some(gunzip);
    }
    return rc < 0 ? rc : (ssize_t)(max - stream->avail_out);
}
