#include "daemon/api/http_site.h"

#include <string.h>
#include <strings.h>

/* How much of "host:port" is the host. */
static size_t host_length(const char *authority, size_t length)
{
    bool has_brackets = length > 0 && authority[0] == '[';
    const char *end = memchr(authority, has_brackets ? ']' : ':', length);

    return end != NULL ? (size_t)(end - authority) + has_brackets : length;
}

static bool is_name(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

static bool is_loopback_name(const char *host, size_t length)
{
    return is_name(host, length, "localhost") || is_name(host, length, "127.0.0.1") ||
           is_name(host, length, "[::1]");
}

/* Whether text is ":port" with any port, or nothing. */
static bool is_any_port(const char *text, size_t length)
{
    size_t i = 1;

    while (i < length && text[i] >= '0' && text[i] <= '9')
        i++;
    return length == 0 || (text[0] == ':' && i == length);
}

static bool is_listed_host(const struct http_site *site, const char *authority, size_t length)
{
    size_t host = host_length(authority, length);
    bool has_port = is_any_port(authority + host, length - host);

    for (size_t i = 0; i < site->hosts->n; i++) {
        const char *listed = site->hosts->items[i];
        bool any_port = host_length(listed, strlen(listed)) == strlen(listed);
        if (is_name(authority, any_port && has_port ? host : length, listed))
            return true;
    }
    return false;
}

/* Whether text is ":port", or nothing where that means the same. */
static bool is_port(const char *text, size_t length, uint16_t port)
{
    enum { HTTP_PORT = 80, MAX_DIGITS = 5 };
    uint32_t value = 0;

    if (length == 0)
        return port == HTTP_PORT;
    if (text[0] != ':' || length == 1 || length > 1 + MAX_DIGITS)
        return false;
    for (size_t i = 1; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    return value == port;
}

bool http_site_has_host(const struct http_site *site, const char *authority, size_t length)
{
    size_t host = host_length(authority, length);

    if (is_listed_host(site, authority, length))
        return true;
    if (site->address == NULL) /* no port is wrong where there is none */
        return is_any_port(authority + host, length - host) && is_loopback_name(authority, host);
    return is_port(authority + host, length - host, site->port) &&
           (is_name(authority, host, site->address) || is_loopback_name(authority, host));
}

static bool is_listed_origin(const struct http_site *site, const char *origin)
{
    for (size_t i = 0; i < site->origins->n; i++)
        if (strcasecmp(origin, site->origins->items[i]) == 0)
            return true;
    return false;
}

bool http_site_trusts_origin(const struct http_site *site, const char *origin, const char *host)
{
    static const char scheme[] = "http://";
    size_t length = strlen(scheme);
    bool is_own = host != NULL && strncasecmp(origin, scheme, length) == 0 &&
                  strcasecmp(origin + length, host) == 0;

    return is_own || is_listed_origin(site, origin);
}
