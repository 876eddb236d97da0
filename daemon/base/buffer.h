/* A growing run of bytes with a limit.
 *
 * Whoever makes one says how large it may get, because nearly all of these are filled by a client
 * or an origin. Nothing is allocated before the first byte. Appending that fails changes nothing.
 * Between calls `data[0..len)` may be read and written, and data moves when the buffer grows. */
#pragma once

#include <stddef.h>
#include <string.h>

struct buffer {
    char *data; /* NULL until something is appended; not NUL-terminated */
    size_t len;
    size_t cap;
    size_t max; /* len never gets above this */
};

void buffer_init(struct buffer *buffer, size_t max);

/* Frees the bytes; the buffer is as after buffer_init() then, with the same maximum. */
void buffer_done(struct buffer *buffer);

/* Make room for n more bytes, which may then be written at data + len.
 *
 * returns    0
 *            -EMSGSIZE: with them it would exceed its maximum
 *            -ENOMEM */
int buffer_reserve(struct buffer *buffer, size_t n);

/* Append n bytes, which are not in the buffer itself. Returns as buffer_reserve(). */
static inline int buffer_append(struct buffer *buffer, const void *bytes, size_t n)
{
    if (n > buffer->cap - buffer->len) {
        int rc = buffer_reserve(buffer, n);
        if (rc < 0)
            return rc;
    }
    if (n > 0)
        memcpy(buffer->data + buffer->len, bytes, n);
    buffer->len += n;
    return 0;
}

static inline int buffer_append_byte(struct buffer *buffer, char byte)
{
    if (buffer->len == buffer->cap) {
        int rc = buffer_reserve(buffer, 1);
        if (rc < 0)
            return rc;
    }
    buffer->data[buffer->len++] = byte;
    return 0;
}

/* Hand the bytes over to the caller, who frees them. The buffer is as after buffer_init() then.
 *
 * returns    NULL if nothing was ever appended */
char *buffer_take(struct buffer *buffer, size_t *ret_len);
