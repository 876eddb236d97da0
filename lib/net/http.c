#include "lib/net/http.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/http_private.h"

enum { DEFAULT_MAX_IDLE = 256 };

static int open_dns(struct co_http_session *session, struct co_dns *borrowed)
{
    static const struct co_dns_options defaults;
    int rc = borrowed == NULL ? co_dns_new(&session->own_dns, &defaults) : 0;

    session->dns = borrowed == NULL ? session->own_dns : borrowed;
    return rc;
}

static int open_session(struct co_http_session *session,
                        const struct co_http_session_options *options)
{
    co_list_init(&session->idle);
    co_list_init(&session->poked);
    session->max_idle =
        options->max_idle_connections != 0 ? options->max_idle_connections : DEFAULT_MAX_IDLE;
    int rc = co_http_sockets_init(&session->sockets);
    if (rc == 0)
        rc = open_dns(session, options->dns);
    if (rc == 0 && options->ca_file != NULL) {
        session->ca_file = strdup(options->ca_file);
        rc = session->ca_file != NULL ? 0 : -ENOMEM;
    }
    if (rc == 0)
        rc = co_http_origins_init(&session->origins);
    if (rc == 0)
        rc = co_http_shards_open(session);
    return rc == 0 ? co_http_driver_start(session) : rc;
}

int co_http_session_new(struct co_http_session **ret_session,
                        const struct co_http_session_options *options)
{
    static const struct co_http_session_options defaults;
    struct co_http_session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return -ENOMEM;
    int rc = open_session(session, options != NULL ? options : &defaults);
    if (rc == 0)
        *ret_session = session;
    else
        co_http_session_free(session);
    return rc;
}

void co_http_session_free(struct co_http_session *session)
{
    if (session == NULL)
        return;
    assert(session->n_running == 0);
    co_http_driver_stop(session);
    while (!co_list_is_empty(&session->idle))
        co_http_transfer_free(
            co_container_of(co_list_take_first(&session->idle), struct co_http_transfer, idle));
    co_http_shards_close(session);
    co_http_origins_done(&session->origins);
    co_http_sockets_done(&session->sockets);
    co_dns_free(session->own_dns);
    free(session->ca_file);
    free(session);
}

void co_http_session_freep(struct co_http_session **session)
{
    co_http_session_free(*session);
}
