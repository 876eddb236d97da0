/* A request on its way through the server.
 *
 * Its head is checked (http_guard.h), made into an exchange and given a route (http_dispatch.h);
 * its body is collected; then its handler runs, in a task. If it has not answered by the time
 * libmicrohttpd asks again, which is one round of the loop later, the connection is suspended, and
 * resumed when it has. So a handler that need not wait costs no suspending, which is two system
 * calls.
 *
 * A handler that streams the body runs from the head on. The connection is also suspended while it
 * is behind, so that its client has to wait; and while the client is waited for, its time is
 * counted from the last piece that came.
 *
 * These are what libmicrohttpd's callbacks do, so they never block. Where one returns false, the
 * connection is to be closed at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/group.h"
#include "lib/co/list.h"

#include "daemon/api/http_connection.h"
#include "daemon/api/http_dispatch.h"
#include "daemon/api/http_guard.h"
#include "daemon/api/http_server_watch.h"
#include "daemon/api/http_traffic.h"
#include "daemon/api/router.h"

struct MHD_Connection;

/* What all requests share. */
struct http_service {
    const struct http_route *routes;
    size_t n_routes;
    void *handler_arg;
    struct http_traffic *traffic; /* NULL: nobody wants to know */
    struct http_gate gate;
    struct http_body_limits limits;
    bool is_stopping; /* connections are closed behind their answers, and streams end */
    bool refuses_all; /* and whatever comes is refused */

    struct co_group tasks; /* handlers run in it */
    struct http_connections connections;
    struct http_watch watch;  /* of the clients of all connections */
    struct co_list to_resume; /* requests whose connections are */
    unsigned n_pieces_left;   /* of streams, to be sent in this round */
    int wake_fd;              /* whoever is to resume them waits for this to be readable */
};

/* The head has come. */
bool http_request_begin(struct http_service *service, struct http_connection *connection,
                        struct MHD_Connection *mhd, const struct http_head *head);

/* A piece of the body has. */
bool http_request_receive(struct http_connection *connection, const char *bytes, size_t n);

/* All of it has; called again until there is an answer. */
bool http_request_serve(struct http_connection *connection);

/* The connection has no more to do with its request, whose handler is cancelled if it still runs.
 */
void http_request_release(struct http_connection *connection);

/* For http_watch_init(), with the service and its connections. */
void http_request_client_gone(void *service, void *connection);

/* Before each round of libmicrohttpd. What is not resumed now is in the next one, at once. */
void http_requests_resume(struct http_service *service);

/* Cancels handlers that are not to be waited for, when is_stopping has been set. */
void http_requests_stop(struct http_service *service);
