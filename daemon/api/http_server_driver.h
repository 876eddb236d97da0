/* libmicrohttpd, driven from outside: it parses what comes in and sends what goes out whenever its
 * epoll descriptor is readable or the deadline has passed, and http_driver_run() is called. It gets
 * its connections from us, and has no socket that listens.
 */
#pragma once

#include <sys/socket.h>

#include "daemon/api/http_connection.h"
#include "daemon/api/http_server_request.h"

struct MHD_Daemon;

struct http_driver {
    struct http_service *service;
    struct MHD_Daemon *mhd;
    struct http_connection *newcomer; /* while libmicrohttpd is given one */
};

/* Sets service->wake_fd.
 *
 * returns  0, -ENOMEM, -EMFILE, ...
 */
int http_driver_start(struct http_driver *driver, struct http_service *service,
                      unsigned max_connections);

/* There are no connections left. One that was not started, but zeroed, is fine. */
void http_driver_stop(struct http_driver *driver);

/* Takes the socket over, and what http_connections_enter() allowed. */
void http_driver_adopt(struct http_driver *driver, int fd, const struct sockaddr *client,
                       socklen_t length);

/* One round: resumes, ends what takes too long, reads, calls http_request_*(), writes. */
void http_driver_run(struct http_driver *driver);

/* When http_driver_run() is due even if nothing happens; in the past: at once. */
co_time http_driver_deadline(const struct http_driver *driver);
