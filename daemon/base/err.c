#include "daemon/base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/base/utf8.h"

int err_set(struct err *err, int rc, const char *format, ...)
{
    if (err == NULL || err->message[0] != '\0')
        return rc;

    va_list args;
    va_start(args, format);
    int len = vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    if (len >= (int)sizeof(err->message))
        err->message[utf8_whole(err->message, sizeof(err->message) - 1)] = '\0';
    return rc;
}
