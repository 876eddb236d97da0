#include "daemon/api/http_target.h"

#include <string.h>
#include <strings.h>

#define SCHEME "http://"

bool http_target_split(const char *target, struct http_target *ret_target)
{
    const char *authority = NULL;
    const char *path = target;

    if (strncasecmp(target, SCHEME, strlen(SCHEME)) == 0) {
        authority = target + strlen(SCHEME);
        path = authority + strcspn(authority, "/?");
    } else if (target[0] != '/' && strcmp(target, "*") != 0) {
        return false;
    }

    size_t path_length = strcspn(path, "?");
    *ret_target = (struct http_target){
        .authority = authority,
        .authority_length = authority != NULL ? (size_t)(path - authority) : 0,
        .path = path_length > 0 ? path : "/",
        .path_length = path_length > 0 ? path_length : 1,
        .query = path[path_length] == '?' ? path + path_length + 1 : "",
    };
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What the three bytes at text stand for, or -1. */
static int escaped_byte(const char *text, size_t length)
{
    if (length < 3 || text[0] != '%')
        return -1;
    int high = digit_value(text[1]);
    int low = digit_value(text[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool http_percent_is_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '%' && escaped_byte(text + i, length - i) <= 0)
            return false;
    return true;
}

size_t http_percent_decode(const char *text, size_t length, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        int byte = escaped_byte(text + i, length - i);
        out[n++] = (char)(byte >= 0 ? byte : text[i]);
        if (byte >= 0)
            i += 2;
    }
    out[n] = '\0';
    return n;
}
