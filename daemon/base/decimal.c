#include "daemon/base/decimal.h"

const char decimal_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940"
    "4142434445464748495051525354555657585960616263646566676869707172737475767778798081"
    "828384858687888990919293949596979899";

static unsigned count_digits(uint64_t value)
{
    unsigned n = 1;

    for (; value >= 10000; value /= 10000)
        n += 4;
    return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *decimal_put(char *out, uint64_t value)
{
    char *end = out + count_digits(value);
    char *at = end;

    /* Two digits a division: divisions are what costs. */
    for (; value >= 100; value /= 100)
        decimal_put_pair(at -= 2, (uint32_t)(value % 100));
    if (value >= 10)
        decimal_put_pair(out, (uint32_t)value);
    else
        *out = (char)('0' + value);
    return end;
}
