/* Descriptors: waiting until one may be ready, and the calls built on that.
 *
 * A descriptor is registered with epoll once, edge-triggered, at its first wait, and stays
 * registered until it is closed: so waiting costs no system call. The rule that follows is: try
 * the operation first, and wait only after it said EAGAIN. At most one task may wait to read a
 * descriptor and one to write it.
 */
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include "base.h"

enum co_io { CO_READABLE = 1, CO_WRITABLE = 2 };

CO_API_BEGIN

/* Waits until fd may have become ready since it was last waited for; it may also return early. An
 * error or hang-up on fd makes it both readable and writable.
 *
 * returns    0; -EBUSY: another task waits for that; -EPERM: not a kind of file one can wait for;
 *            -EBADF: co_close() was called meanwhile; -ENOMEM
 * suspends   unless something happened since the last wait
 */
CO_BLOCKS int co_wait_fd(int fd, enum co_io direction);

/* Makes a wait for fd, one going on or else the next, return 0 now. */
void co_wake_fd(int fd, enum co_io direction);

/* Wakes who waits for fd with -EBADF, forgets it, and closes it. Every fd that was waited for ends
 * here, or in co_forget_fd() where somebody else closes it. Returns as close(2), with -errno. */
int co_close(int fd);
void co_forget_fd(int fd);

/* As the system calls of these names, on non-blocking descriptors; they wait instead of EAGAIN. A
 * task for which they keep succeeding at once is made to let the others run now and then. Writing
 * to where nobody reads raises SIGPIPE, unless it is ignored. What co_accept() returns is
 * non-blocking, and closed on exec.
 *
 * returns    what the system call returns, or -errno
 */
CO_BLOCKS ssize_t co_read(int fd, void *bytes, size_t n);
CO_BLOCKS ssize_t co_write(int fd, const void *bytes, size_t n);
CO_BLOCKS int co_accept(int fd, struct sockaddr *address, socklen_t *length);
CO_BLOCKS int co_connect(int fd, const struct sockaddr *address, socklen_t length);

CO_API_END
