/* Notices when clients go away. libmicrohttpd does not look at a connection that is suspended, and
 * misses an end that comes together with data.
 *
 * A client that shuts down only its sending side cannot be told from one that has closed its socket
 * and counts as gone, too.
 */
#pragma once

#include "lib/co/base.h"

struct http_watch {
    int epoll_fd;
    void (*gone)(void *arg, void *watched);
    void *arg;
};

/* gone() is called when what is watched has gone, perhaps more than once, and must not block.
 *
 * returns  0, -EMFILE, -ENOMEM, ...
 */
int http_watch_init(struct http_watch *watch, void (*gone)(void *arg, void *watched), void *arg);
void http_watch_done(struct http_watch *watch);

/* Calls gone() until it is cancelled. suspends: always */
CO_BLOCKS int http_watch_run(struct http_watch *watch);

/* Until fd is closed. A failure only means that nobody will notice. */
int http_watch_add(struct http_watch *watch, int fd, void *watched);
