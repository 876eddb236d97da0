/* Integers as decimal digits, several times faster than snprintf. Nothing here writes a NUL. */
#pragma once

#include <stdint.h>
#include <string.h>

enum {
    DECIMAL_DIGITS_MAX = 20, /* of an unsigned 64-bit number */
};

extern const char decimal_pairs[201]; /* "000102...99" */

/* Write value, below 100, as two digits.
 *
 * returns    where they end */
static inline char *decimal_put_pair(char *out, uint32_t value)
{
    memcpy(out, &decimal_pairs[2 * value], 2);
    return out + 2;
}

/* Write value with as many digits as it takes, at most DECIMAL_DIGITS_MAX.
 *
 * returns    where they end */
char *decimal_put(char *out, uint64_t value);
