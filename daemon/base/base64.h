/* Base64 with padding, the standard alphabet.
 *
 * source     RFC 4648, section 4 */
#pragma once

#include <stddef.h>

static inline size_t base64_encoded_len(size_t n_bytes)
{
    return (n_bytes + 2) / 3 * 4;
}

/* Write base64_encoded_len(n) characters, without a NUL.
 *
 * returns    where they end */
char *base64_encode(char *out, const void *bytes, size_t n);

static inline size_t base64_decoded_max(size_t n_characters)
{
    return n_characters / 4 * 3;
}

/* Write at most base64_decoded_max(len) bytes. Only what base64_encode() writes is accepted:
 * padding is needed, white space is not allowed, and unused bits are zero.
 *
 * returns    0; -EINVAL, and what was written means nothing */
int base64_decode(void *out, const char *text, size_t len, size_t *ret_n);
