#include "daemon/base/decimal.h"

const char decimal_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940"
    "4142434445464748495051525354555657585960616263646566676869707172737475767778798081"
    "828384858687888990919293949596979899";

static char *put_up_to_four(char *out, uint32_t value)
{
    uint32_t high = value / 100;

    if (high >= 10)
        out = decimal_put_pair(out, high);
    else if (high > 0)
        *out++ = (char)('0' + high);
    if (value >= 10)
        return decimal_put_pair(out, value % 100);
    *out = (char)('0' + value);
    return out + 1;
}

/* Four digits a division: divisions are what costs.
 *
 * NOLINTNEXTLINE(misc-no-recursion): at most five deep */
char *decimal_put(char *out, uint64_t value)
{
    if (value < 10000)
        return put_up_to_four(out, (uint32_t)value);
    uint32_t low = (uint32_t)(value % 10000);
    out = decimal_put(out, value / 10000);
    return decimal_put_pair(decimal_put_pair(out, low / 100), low % 100);
}
