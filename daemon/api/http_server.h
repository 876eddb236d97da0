/* The API's HTTP side: libmicrohttpd on our loop, with every request handled by a task.
 *
 * One driver task waits on libmicrohttpd's epoll descriptor and runs it; each listener has an
 * accepting task. A request whose head passes the checks of http_guard.h, and whose body has come,
 * is given to its route's handler, in a task of its own; one that streams the body need not wait
 * for it. When the client goes away, that task is cancelled.
 *
 * A request that is refused before it is complete closes its connection, since nobody can be sure
 * where the next one begins: http_guard.h says which are, and so are bodies that are too large, not
 * taken or encoded (413, 400, 415), requests that take longer than request_timeout (408), and all
 * that come while the server is being stopped (503). Only what is no HTTP at all, has a head of
 * more than some 15 KiB or a Content-Length that is no number gets the bare answers of
 * libmicrohttpd.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/co/base.h"

#include "daemon/api/http_dispatch.h"
#include "daemon/api/http_exchange.h"
#include "daemon/api/http_traffic.h"
#include "daemon/api/router.h"
#include "daemon/base/err.h"
#include "daemon/base/setting.h"

struct http_server;

struct http_server_options {
    const char *const *listen; /* as listener.h has them */
    size_t n_listen;
    const struct http_route *routes; /* this and the lists below live as long as the server */
    size_t n_routes;
    void *handler_arg;            /* given to every handler */
    struct http_traffic *traffic; /* of these routes: what is answered counts; NULL: does not */
    struct http_gate gate;        /* who may use which route */
    uint64_t max_body_bytes;      /* of routes that take a body */
    uint64_t max_stream_bytes;    /* of those that stream it */
    unsigned
        max_connections; /* above, the one that has idled longest is closed, or newcomers wait */
    co_time request_timeout; /* a client's time to send head and body; between two pieces of a body
                                that is streamed */
    /* These may change at any time; NULL: none. */
    const struct string_list *allowed_hosts;   /* besides loopback names and what we listen on */
    const struct string_list *allowed_origins; /* besides our own pages */
};

/* Binds, and starts the tasks that serve.
 *
 * returns    0; -errno with a message for the operator in err: what could not be bound, and why
 * suspends   only when it fails
 */
int http_server_new(struct http_server **ret_server, const struct http_server_options *options,
                    struct err *err);

/* The i-th bound address as text ("127.0.0.1:7480"); NULL past the last. Tells the port chosen for
 * 0. */
const char *http_server_address(const struct http_server *server, size_t i);

/* Changes how large bodies may be, of requests that are yet to come. */
void http_server_set_body_limits(struct http_server *server, uint64_t max_body_bytes,
                                 uint64_t max_stream_bytes);

/* The end is near: from now on connections are closed behind their answers, and handlers that
 * follow something end, see http_cancel_when_stopping(). Who comes to a socket that was passed to
 * us waits there for whoever gets it next; what else comes is served as ever.
 *
 * returns    false: there is no other socket, so only those that are connected can still ask
 */
bool http_server_drain(struct http_server *server);

/* No request is being received or handled, and nobody has only just connected. */
bool http_server_is_idle(const struct http_server *server);

/* Stops accepting, lets requests that are being handled finish for `grace`, then cancels them, and
 * frees everything. NULL is fine. suspends; is not disturbed by cancellation. */
void http_server_free(struct http_server *server, co_time grace);
