#include "daemon/engine/fetch_setup.h"

#include <errno.h>
#include <stdio.h>

enum { MAX_SERVERS_TEXT = 1024 };

int fetch_setup_dns(const struct config *config, struct co_dns **ret_dns, struct err *err)
{
    const struct string_list *servers = &config->fetch.dns_servers;
    char text[MAX_SERVERS_TEXT] = "";
    size_t length = 0;

    for (size_t i = 0; i < servers->n; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i > 0 ? "," : "",
                                   servers->items[i]);
        if (length >= sizeof(text))
            return err_set(err, -EINVAL, "fetch.dns_servers is too long");
    }
    const struct co_dns_options options = {
        .servers = text,
        .timeout = (co_time)config->fetch.dns_timeout_ms * CO_MILLISECOND,
    };
    int rc = co_dns_new(ret_dns, &options);
    return rc == -EINVAL ? err_set(err, rc, "fetch.dns_servers cannot be read: %s", text) : rc;
}

int fetch_setup_session(const struct config *config, struct co_dns *dns,
                        struct co_http_session **ret_session)
{
    const struct co_http_session_options options = {
        .dns = dns,
        .ca_file = config->fetch.ca_file,
        .max_idle_connections = (unsigned)config->fetch.max_idle_connections,
    };

    return co_http_session_new(ret_session, &options);
}

struct fetcher fetch_setup_fetcher(const struct config *config, struct co_http_session *session,
                                   const struct egress *egress,
                                   const struct credentials *credentials)
{
    return (struct fetcher){
        .session = session,
        .egress = egress,
        .credentials = credentials,
        .max_header_bytes = config->fetch.max_header_bytes,
        .max_body_bytes = config->fetch.max_body_bytes,
        .max_decode_ratio = (unsigned)config->fetch.max_decode_ratio,
    };
}
