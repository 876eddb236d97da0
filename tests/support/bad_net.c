/* A kernel that is short of everything, for LD_PRELOAD: of each call about the network, one in
 * $BAD_NET_EVERY fails, with one after the other of the errors it can have, until $BAD_NET_TIMES
 * calls have failed; then all is well.
 *
 * An error is told instead of the call; so the peer of a connection that is said to be reset does
 * not know it. Only what a kernel could say is told: EINTR of what waits, and EAGAIN of nothing,
 * since who waits for an edge after it is right to expect one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? strtol(text, NULL, 10) : 0;
}

/* Whether the call fails; sets errno. errors: ends with 0 */
static bool fails(atomic_long *n_calls, const int *errors)
{
    static atomic_long n_failed;
    static long every, times;
    size_t n_errors = 0;

    if (every == 0) {
        times = number("BAD_NET_TIMES");
        every = number("BAD_NET_EVERY");
    }
    long n = atomic_fetch_add(n_calls, 1) + 1;
    if (every <= 0 || n % every != 0 || atomic_fetch_add(&n_failed, 1) >= times)
        return false;
    while (errors[n_errors] != 0)
        n_errors++;
    errno = errors[(size_t)(n / every - 1) % n_errors];
    return true;
}

#define FAILS(...)                                                                                 \
    ({                                                                                             \
        static atomic_long n_calls;                                                                \
        fails(&n_calls, (const int[]){__VA_ARGS__, 0});                                            \
    })

static bool is_socket(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* --- Connections ------------------------------------------------------------------------------ */

int socket(int domain, int type, int protocol)
{
    return FAILS(EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES) ? -1
                                                          : REAL(socket)(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    bool is_refused =
        FAILS(ECONNREFUSED, EADDRNOTAVAIL, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, ENOBUFS, EPERM);

    return is_refused ? -1 : REAL(connect)(fd, address, length);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    bool is_none = FAILS(EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM);

    return is_none ? -1 : REAL(accept4)(fd, address, length, flags);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    return FAILS(ENOMEM, ENOBUFS, ENOPROTOOPT) ? -1
                                               : REAL(setsockopt)(fd, level, name, value, length);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return FAILS(ENOBUFS) ? -1 : REAL(getsockname)(fd, address, length);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    return FAILS(ENOBUFS, ENOTCONN) ? -1 : REAL(getpeername)(fd, address, length);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

#define RECEIVE_ERRORS ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH
#define SEND_ERRORS    EPIPE, ECONNRESET, ENOBUFS, ENOMEM, ETIMEDOUT

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    return FAILS(RECEIVE_ERRORS) ? -1 : REAL(recv)(fd, bytes, size, flags);
}

ssize_t recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *address,
                 socklen_t *length)
{
    return FAILS(RECEIVE_ERRORS) ? -1 : REAL(recvfrom)(fd, bytes, size, flags, address, length);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    return FAILS(SEND_ERRORS) ? -1 : REAL(send)(fd, bytes, size, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address,
               socklen_t length)
{
    return FAILS(SEND_ERRORS) ? -1 : REAL(sendto)(fd, bytes, size, flags, address, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return FAILS(SEND_ERRORS) ? -1 : REAL(sendmsg)(fd, message, flags);
}

ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    return is_socket(fd) && FAILS(SEND_ERRORS) ? -1 : REAL(writev)(fd, pieces, n);
}

ssize_t sendfile64(int out, int in, off64_t *offset, size_t size)
{
    return FAILS(SEND_ERRORS) ? -1 : REAL(sendfile64)(out, in, offset, size);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    bool has_no_room = op == EPOLL_CTL_ADD && is_socket(fd) && FAILS(ENOMEM, ENOSPC);

    return has_no_room ? -1 : REAL(epoll_ctl)(epoll, op, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
    return timeout != 0 && FAILS(EINTR) ? -1 : REAL(epoll_wait)(epoll, events, max, timeout);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    bool is_interrupted = timeout != 0 && FAILS(EINTR);

    return is_interrupted || FAILS(ENOMEM) ? -1 : REAL(poll)(fds, n, timeout);
}
