#include "daemon/base/endpoint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"
#define FD_PREFIX   "fd:"

enum { FD_LENGTH_MAX = 6 };

static bool parse_port(const char *text, uint16_t *ret_port)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long port = strtoul(text, &end, 10);
    if (*end != '\0' || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* An IPv6 address needs its brackets: without them its last part could be the port. */
static bool parse_host(const char *host, struct co_address *ret_address)
{
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    return (host[0] == '[' || strchr(host, ':') == NULL) &&
           co_address_parse(host, ret_address) == 0;
}

static bool parse_address(const char *text, struct co_address *ret_address)
{
    const char *colon = strrchr(text, ':');
    char host[CO_ADDRESS_TEXT_SIZE + 2];
    uint16_t port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || !parse_port(colon + 1, &port))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (!parse_host(host, ret_address))
        return false;
    ret_address->port = port;
    return true;
}

static bool parse_path(const char *text, const char **ret_path)
{
    size_t prefix = strlen(UNIX_PREFIX);

    if (strncmp(text, UNIX_PREFIX, prefix) != 0 || text[prefix] != '/')
        return false;
    *ret_path = text + prefix;
    return strlen(*ret_path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static bool parse_fd(const char *text, int *ret_fd)
{
    const char *number = text + strlen(FD_PREFIX);

    if (strncmp(text, FD_PREFIX, strlen(FD_PREFIX)) != 0)
        return false;
    if (number[0] == '\0' || number[strspn(number, "0123456789")] != '\0' ||
        strlen(number) > FD_LENGTH_MAX)
        return false;
    *ret_fd = atoi(number);
    return true;
}

int endpoint_parse(const char *text, struct endpoint *ret_endpoint, struct err *err)
{
    struct endpoint endpoint = {.fd = -1};

    if (!parse_path(text, &endpoint.path) && !parse_fd(text, &endpoint.fd) &&
        !parse_address(text, &endpoint.address))
        return err_set(err, -EINVAL,
                       "'%s' is not HOST:PORT with an address for HOST, [IPV6]:PORT, unix:/PATH "
                       "or fd:NUMBER",
                       text);
    *ret_endpoint = endpoint;
    return 0;
}

/* --- Who can reach them ----------------------------------------------------------------------- */

static bool is_loopback(const struct co_address *address)
{
    static const char *const loopback[] = {"127.0.0.0/8", "::1/128"};
    struct co_cidr range;

    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++)
        if (co_cidr_parse(loopback[i], &range) == 0 && co_cidr_contains(&range, address))
            return true;
    return false;
}

int endpoints_check_local(const char *const *listen, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct endpoint endpoint = {0};
        int rc = endpoint_parse(listen[i], &endpoint, err);
        if (rc < 0)
            return rc;
        if (endpoint.address.family != AF_UNSPEC && !is_loopback(&endpoint.address))
            return err_set(err, -EINVAL,
                           "api.listen: %s can be reached from other machines, and without tokens "
                           "whoever reaches it may use it: set api.tokens_file, or listen on a "
                           "loopback address or a unix socket",
                           listen[i]);
    }
    return 0;
}
