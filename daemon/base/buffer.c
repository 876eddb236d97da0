#include "daemon/base/buffer.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CAP_MIN = 256,
};

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_done(struct buffer *buffer)
{
    if (buffer == NULL)
        return;
    free(buffer->data);
    buffer_init(buffer, buffer->max);
}

/* Doubling, so that n appended bytes are copied about n times in all. */
static size_t grown_cap(const struct buffer *buffer, size_t needed)
{
    size_t doubled = buffer->cap > buffer->max / 2 ? buffer->max : buffer->cap * 2;
    size_t cap = doubled > needed ? doubled : needed;

    if (cap < CAP_MIN)
        cap = CAP_MIN;
    return cap < buffer->max ? cap : buffer->max;
}

int buffer_reserve(struct buffer *buffer, size_t n)
{
    if (n <= buffer->cap - buffer->len)
        return 0;
    if (n > buffer->max - buffer->len)
        return -EMSGSIZE;

    size_t cap = grown_cap(buffer, buffer->len + n);
    char *data = realloc(buffer->data, cap);
    if (data == NULL)
        return -ENOMEM;
    buffer->data = data;
    buffer->cap = cap;
    return 0;
}

char *buffer_take(struct buffer *buffer, size_t *ret_len)
{
    char *data = buffer->data;

    *ret_len = buffer->len;
    buffer_init(buffer, buffer->max);
    return data;
}
