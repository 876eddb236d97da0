#include "daemon/base/utf8.h"

#include <string.h>

enum {
    N_BYTES_MAX = 4,
};

static const uint32_t smallest[N_BYTES_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};

/* The number of leading ones in its first byte tells how long a sequence is; 0 if it cannot begin
 * one. */
static unsigned sequence_length(unsigned char first)
{
    unsigned n_ones = (unsigned)__builtin_clz(~((unsigned)first << 24));

    if (n_ones == 0)
        return 1;
    return n_ones >= 2 && n_ones <= N_BYTES_MAX ? n_ones : 0;
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

static bool is_character(uint32_t code_point, unsigned n_bytes)
{
    bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;

    return code_point >= smallest[n_bytes] && code_point <= 0x10ffff && !is_surrogate;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *ret_code_point)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned n = len > 0 ? sequence_length(bytes[0]) : 0;

    if (n == 0 || n > len)
        return 0;

    uint32_t code_point = n == 1 ? bytes[0] : bytes[0] & (0x7fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if (!is_continuation(bytes[i]))
            return 0;
        code_point = code_point << 6 | (bytes[i] & 0x3f);
    }
    if (!is_character(code_point, n))
        return 0;
    *ret_code_point = code_point;
    return n;
}

static bool is_ascii_word(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_valid(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint32_t code_point;
        bool skips_word = len - i >= sizeof(uint64_t) && is_ascii_word(text + i);
        size_t n = skips_word ? sizeof(uint64_t) : utf8_decode(text + i, len - i, &code_point);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t utf8_whole(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n_after = 0; /* bytes after the last that can begin a character */

    while (n_after < len && n_after < N_BYTES_MAX && is_continuation(bytes[len - 1 - n_after]))
        n_after++;
    if (n_after == len || n_after == N_BYTES_MAX)
        return len;
    size_t first = len - 1 - n_after;
    return sequence_length(bytes[first]) > n_after + 1 ? first : len;
}
