#include "daemon/base/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_group(char *out, uint32_t bits)
{
    *out++ = alphabet[bits >> 18 & 63];
    *out++ = alphabet[bits >> 12 & 63];
    *out++ = alphabet[bits >> 6 & 63];
    *out++ = alphabet[bits & 63];
    return out;
}

char *base64_encode(char *out, const void *bytes, size_t n)
{
    const unsigned char *in = bytes;

    for (; n >= 3; n -= 3, in += 3)
        out = put_group(out, (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2]);
    if (n > 0) {
        out = put_group(out, (uint32_t)in[0] << 16 | (n == 2 ? (uint32_t)in[1] << 8 : 0));
        memset(out - (3 - n), '=', 3 - n);
    }
    return out;
}

/* The value of a character; -1: it has none. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bits of n_digits characters, as those of four; -1: they are no digits. */
static int32_t get_group(const char *text, size_t n_digits)
{
    int32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < n_digits ? value_of(text[i]) : 0;
        if (value < 0)
            return -1;
        bits = bits << 6 | value;
    }
    return bits;
}

int base64_decode(void *out, const char *text, size_t len, size_t *ret_n)
{
    unsigned char *end = out;

    if (len % 4 != 0)
        return -EINVAL;
    for (const char *at = text; at < text + len; at += 4) {
        bool is_last = at + 4 == text + len;
        size_t n_padding = is_last && at[3] == '=' ? at[2] == '=' ? 2 : 1 : 0;
        int32_t bits = get_group(at, 4 - n_padding);

        if (bits < 0 || (bits & ((1 << 8 * n_padding) - 1)) != 0)
            return -EINVAL;
        for (size_t i = 0; i < 3 - n_padding; i++)
            *end++ = (unsigned char)(bits >> (16 - 8 * i));
    }
    *ret_n = (size_t)(end - (unsigned char *)out);
    return 0;
}
