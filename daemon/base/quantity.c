#include "daemon/base/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

enum {
    N_UNITS_MAX = 4,
};

static const struct kind {
    const char *description;
    struct unit units[N_UNITS_MAX + 1]; /* the smallest first, each a multiple of the one before */
} kinds[] = {
    [QUANTITY_COUNT] = {"a whole number", {{"", 1}}},
    [QUANTITY_SIZE] = {"a number of bytes, such as 512, 64K, 16M or 1G",
                       {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}}},
    [QUANTITY_DURATION] = {"a duration, such as 250ms, 30s, 5m or 1h",
                           {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}}},
};

const char *quantity_description(enum quantity kind)
{
    return kinds[kind].description;
}

static const struct unit *find_unit(const struct unit *units, const char *suffix, size_t len)
{
    if (len == 0)
        return units;
    for (; units->factor != 0; units++)
        if (strlen(units->suffix) == len && memcmp(units->suffix, suffix, len) == 0)
            return units;
    return NULL;
}

static size_t parse_digits(const char *text, size_t len, uint64_t *ret_number, bool *ret_overflow)
{
    size_t n = 0;

    *ret_number = 0;
    *ret_overflow = false;
    for (; n < len && text[n] >= '0' && text[n] <= '9'; n++)
        *ret_overflow |= __builtin_mul_overflow(*ret_number, 10, ret_number) ||
                         __builtin_add_overflow(*ret_number, text[n] - '0', ret_number);
    return n;
}

int quantity_parse(enum quantity kind, const char *text, size_t len, uint64_t *ret_number)
{
    uint64_t number;
    bool overflow;
    size_t n_digits = parse_digits(text, len, &number, &overflow);
    const struct unit *unit = find_unit(kinds[kind].units, text + n_digits, len - n_digits);

    if (n_digits == 0 || unit == NULL)
        return -EINVAL;
    if (overflow || __builtin_mul_overflow(number, unit->factor, &number))
        return -ERANGE;
    *ret_number = number;
    return 0;
}

void quantity_format(enum quantity kind, uint64_t number, char out[QUANTITY_TEXT_SIZE])
{
    const struct unit *unit = kinds[kind].units;

    while (number > 0 && unit[1].factor != 0 && number % unit[1].factor == 0)
        unit++;
    snprintf(out, QUANTITY_TEXT_SIZE, "%" PRIu64 "%s", number / unit->factor,
             number > 0 ? unit->suffix : "");
}
