#include "daemon/exposure.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/net/address.h"

#include "daemon/base/endpoint.h"

static bool is_loopback(const struct co_address *address)
{
    static const char *const loopback[] = {"127.0.0.0/8", "::1/128"};
    struct co_cidr range;

    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++)
        if (co_cidr_parse(loopback[i], &range) == 0 && co_cidr_contains(&range, address))
            return true;
    return false;
}

int exposure_check_address(const struct config *config, const char *text, struct err *err)
{
    struct endpoint endpoint;
    int rc = endpoint_parse(text, &endpoint, err);

    if (rc < 0 || config->api.tokens_file[0] != '\0' || endpoint.address.family == AF_UNSPEC ||
        is_loopback(&endpoint.address))
        return rc;
    return err_set(err, -EINVAL,
                   "api.listen: %s can be reached from other machines, and without tokens whoever "
                   "reaches it may use it: set api.tokens_file, or listen on a loopback address or "
                   "a unix socket",
                   text);
}

int exposure_check(const struct config *config, struct err *err)
{
    const struct string_list *listen = &config->api.listen;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < listen->n; i++)
        rc = exposure_check_address(config, listen->items[i], err);
    return rc;
}
