#include "daemon/model/json_scan.h"

#include <stdbool.h>
#include <string.h>

/* A quote is part of its string if the number of backslashes before it is odd. */
static bool is_escaped(const char *start, const char *quote)
{
    const char *at = quote;

    while (at > start && at[-1] == '\\')
        at--;
    return (quote - at) % 2 != 0;
}

/* Returns what follows the string that starts behind an opening quote. */
static const char *skip_string(const char *start, const char *end)
{
    const char *at = start;
    const char *quote;

    while ((quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
        at = quote + 1;
        if (!is_escaped(start, quote))
            return at;
    }
    return end;
}

const char *json_scan_deeper(const char *text, size_t length, size_t max)
{
    const char *end = text + length;
    size_t depth = 0;

    for (const char *at = text; at < end;) {
        char c = *at++;

        if (c == '"')
            at = skip_string(at, end);
        else if ((c == '[' || c == '{') && ++depth > max)
            return at - 1;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return NULL;
}
