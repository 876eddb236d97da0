/* Whole numbers with units, as people write them: 64M, 30s. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum quantity {
    QUANTITY_COUNT,    /* no unit */
    QUANTITY_SIZE,     /* bytes; K, M and G are powers of 1024 */
    QUANTITY_DURATION, /* milliseconds; ms, s, m, h */
};

enum {
    QUANTITY_TEXT_SIZE = 24,
};

/* "a duration, such as 250ms, 30s, 5m or 1h" */
const char *quantity_description(enum quantity kind);

/* Read digits and a unit, with nothing around or between them. A bare number is in the smallest
 * unit.
 *
 * returns    0
 *            -EINVAL: the text is something else
 *            -ERANGE: the number does not fit into 64 bits */
int quantity_parse(enum quantity kind, const char *text, size_t len, uint64_t *ret_number);

/* Write the number in the largest unit that leaves it whole. */
void quantity_format(enum quantity kind, uint64_t number, char out[QUANTITY_TEXT_SIZE]);
