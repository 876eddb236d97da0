#include "daemon/model/parse_method.h"

#include <string.h>
#include <strings.h>

#include "daemon/model/parse_headers.h"

enum { METHOD_SIZE_MAX = 32 };

/* returns NULL: it is not in other than capitals */
static const char *in_capitals(const char *text)
{
    static const char *const known[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(text, known[i]) == 0 && strcmp(text, known[i]) != 0)
            return known[i];
    return NULL;
}

bool parse_check_method(struct parse_reader *reader, const struct parse_at *at, const char *text,
                        size_t length)
{
    const char *meant = reader->is_kept ? NULL : in_capitals(text);

    if (length > METHOD_SIZE_MAX || !parse_is_token(text, length))
        parse_defect(reader, at, "invalid_method",
                     "a method is made of 1 to %d letters, digits and !#$%%&'*+-.^_`|~",
                     METHOD_SIZE_MAX);
    else if (meant != NULL)
        parse_defect(reader, at, "invalid_method", "methods are in capitals; did you mean \"%s\"?",
                     meant);
    else
        return true;
    return false;
}
