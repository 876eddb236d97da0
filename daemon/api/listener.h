/* A socket that clients connect to.
 *
 *     127.0.0.1:7480        one address, IPv4
 *     [::1]:7480            one address, IPv6
 *     0.0.0.0:80 [::]:80    all of them; [::] is IPv6 only, so the two go together
 *     localhost:7480        127.0.0.1
 *     unix:/run/x.sock      for the owner and the group (mode 0660)
 *     fd:3                  one of the above that somebody else has bound and listens on, for us to
 *                           accept from: it stays theirs, with its file
 *
 * Names are not looked up, and port 0 is one that is free.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/co/base.h"

#include "daemon/base/err.h"

struct listener {
    int fd;                  /* -1: none */
    char text[128];          /* what it is bound to, in the form above, never fd:N */
    struct sockaddr_un path; /* of a unix socket: to be unlinked, if it is still this file */
    dev_t path_device;
    ino_t path_inode;
    bool is_passed;  /* fd:N */
    bool is_failing; /* accepting does, and that was logged */
};

/* A unix socket that nobody listens on any more is replaced.
 *
 * returns  0; -errno with a message in err: what cannot be bound, and why
 */
int listener_open(struct listener *ret_listener, const char *text, struct err *err);

/* Wakes who waits in listener_accept(), and removes a unix socket's file. Half-built is fine. */
void listener_close(struct listener *listener);

/* Waits for a client. When descriptors or memory run out it waits for those, too: the client stays
 * in the kernel's queue.
 *
 * returns    a descriptor; -ECANCELED; -EBADF once closed
 */
CO_BLOCKS int listener_accept(struct listener *listener, struct sockaddr_storage *ret_client,
                              socklen_t *ret_length);
