#include "lib/net/url_plain.h"

#include <string.h>

#include "lib/net/host.h"

enum { LETTER = 1, DIGIT = 2, IN_LABEL = 4, IN_PATH = 8, IN_QUERY = 16 };

#define LOWER  (LETTER | IN_LABEL | IN_PATH | IN_QUERY)
#define UPPER  (IN_PATH | IN_QUERY)
#define NUMBER (DIGIT | IN_LABEL | IN_PATH | IN_QUERY)
#define DASH   (IN_LABEL | IN_PATH | IN_QUERY)
#define MARK   (IN_PATH | IN_QUERY)

static const unsigned char classes[256] = {
    ['a' ... 'z'] = LOWER, ['A' ... 'Z'] = UPPER, ['0' ... '9'] = NUMBER, ['-'] = DASH,
    ['_'] = DASH,          ['.'] = MARK,          ['~'] = MARK,           ['/'] = MARK,
    ['!'] = MARK,          ['$'] = MARK,          ['&'] = MARK,           ['\''] = MARK,
    ['('] = MARK,          [')'] = MARK,          ['*'] = MARK,           ['+'] = MARK,
    [','] = MARK,          [';'] = MARK,          ['='] = MARK,           [':'] = MARK,
    ['@'] = MARK,          ['?'] = IN_QUERY,
};

static bool is(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

/* Reads on while characters are of a class. */
static const char *skip(const char *at, const char *end, unsigned class)
{
    while (at < end && is(*at, class))
        at++;
    return at;
}

static const char *skip_scheme(const char *text, const char *end, bool *ret_is_https)
{
    static const char http[] = "http://", https[] = "https://";
    size_t length = (size_t)(end - text);

    *ret_is_https = length > strlen(https) && memcmp(text, https, strlen(https)) == 0;
    if (*ret_is_https)
        return text + strlen(https);
    return length > strlen(http) && memcmp(text, http, strlen(http)) == 0 ? text + strlen(http)
                                                                          : NULL;
}

/* An address is what co_address_parse() takes for one, and then it stands there as it would write
 * it: that is strict. */
static bool read_ipv4(const char *start, const char *end, struct co_address *ret_address)
{
    char text[sizeof("255.255.255.255")];
    size_t length = (size_t)(end - start);

    if (length >= sizeof(text))
        return false;
    memcpy(text, start, length);
    text[length] = '\0';
    return co_address_parse(text, ret_address) == 0;
}

/* A name whose last part begins with a letter is no number in any notation. */
static const char *skip_host(const char *start, const char *end, struct co_address *ret_address)
{
    enum { MAX_LABEL_LENGTH = 63 };
    const char *label, *at = start - 1;

    do {
        label = at + 1;
        at = skip(label, end, IN_LABEL);
        if (at == label || at - label > MAX_LABEL_LENGTH)
            return NULL;
    } while (at < end && *at == '.');
    if (at - start > CO_HOST_MAX_LENGTH)
        return NULL;
    return is(*label, LETTER) || read_ipv4(start, at, ret_address) ? at : NULL;
}

/* Digits as one would write them, of a port that is worth mentioning. */
static const char *skip_port(const char *start, const char *end, uint16_t default_port,
                             uint16_t *ret_port)
{
    enum { MAX_DIGITS = 5 };
    const char *at = skip(start, end, DIGIT);
    unsigned long port = 0;

    if (at == start || at - start > MAX_DIGITS || *start == '0')
        return NULL;
    for (const char *digit = start; digit < at; digit++)
        port = 10 * port + (unsigned long)(*digit - '0');
    if (port > UINT16_MAX || port == default_port)
        return NULL;
    *ret_port = (uint16_t)port;
    return at;
}

static bool is_path(const char *at, const char *end)
{
    if (at == end || *at != '/')
        return false;
    for (; at < end && is(*at, IN_PATH); at++)
        if (*at == '/' && at + 1 < end && (at[1] == '.' || at[1] == '/'))
            return false;
    if (at == end)
        return true;
    return *at == '?' && at + 1 < end && skip(at + 1, end, IN_QUERY) == end;
}

bool co_url_plain_read(const char *text, size_t length, struct co_url_plain *ret_plain)
{
    struct co_url_plain plain = {.address.family = AF_UNSPEC};
    const char *end = text + length;
    const char *host = skip_scheme(text, end, &plain.is_https);
    const char *at = host != NULL ? skip_host(host, end, &plain.address) : NULL;

    if (at == NULL)
        return false;
    plain.host_start = (size_t)(host - text);
    plain.host_end = (size_t)(at - text);
    plain.port = plain.is_https ? 443 : 80;
    if (at < end && *at == ':')
        at = skip_port(at + 1, end, plain.port, &plain.port);
    if (at == NULL || !is_path(at, end))
        return false;
    plain.path_start = (size_t)(at - text);
    if (plain.address.family != AF_UNSPEC)
        plain.address.port = plain.port;
    *ret_plain = plain;
    return true;
}
