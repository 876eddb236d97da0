#include "daemon/api/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/co/io.h"
#include "lib/co/task.h"
#include "lib/net/address.h"

#include "daemon/base/endpoint.h"
#include "daemon/base/log.h"

enum {
    BACKLOG = 1024,
    UNIX_MODE = 0660,
};

#define RETRY_DELAY (100 * CO_MILLISECOND)

static const char *hint(int error)
{
    static const struct {
        int error;
        const char *hint;
    } hints[] = {
        {EADDRINUSE, " (is another gatherd running?)"},
        {EADDRNOTAVAIL, " (no interface of this machine has that address)"},
        {EACCES, " (a port below 1024 takes CAP_NET_BIND_SERVICE, a path write permission)"},
        {ENOENT, " (the directory does not exist)"},
        {EEXIST, " (the file exists and is not a socket)"},
        {EAFNOSUPPORT, " (is IPv6 disabled?)"},
        {EBADF, " (this process was not given that descriptor)"},
        {ENOTSOCK, " (the descriptor is of something else than a socket)"},
        {EPROTOTYPE, " (it is not a stream socket that listens)"},
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (hints[i].error == error)
            return hints[i].hint;
    return "";
}

static int fail(struct err *err, const char *text, int rc)
{
    return err_set(err, rc, "cannot listen on %s: %s%s", text, strerror(-rc), hint(-rc));
}

static int bind_address(int fd, const struct co_address *address)
{
    struct sockaddr_storage sockaddr;
    socklen_t length = co_address_to_sockaddr(address, &sockaddr);
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address->family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -errno;
    return bind(fd, (const struct sockaddr *)&sockaddr, length) < 0 ? -errno : 0;
}

static void describe_path(struct listener *listener, const char *path)
{
    snprintf(listener->text, sizeof(listener->text), "unix:%s", path);
}

static int describe_address(struct listener *listener, const struct sockaddr *sockaddr,
                            socklen_t length)
{
    struct co_address address;
    char text[CO_ADDRESS_TEXT_SIZE];
    int rc = co_address_from_sockaddr(sockaddr, length, &address);
    if (rc < 0)
        return rc;
    snprintf(listener->text, sizeof(listener->text),
             address.family == AF_INET6 ? "[%s]:%u" : "%s:%u", co_address_format(&address, text),
             address.port);
    return 0;
}

/* Asks the socket, which knows the port that was chosen for 0. */
static int describe(struct listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_un path;
        struct sockaddr_storage room;
    } name = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof(name);

    if (getsockname(listener->fd, &name.any, &length) < 0)
        return -errno;
    if (name.any.sa_family != AF_UNIX)
        return describe_address(listener, &name.any, length);
    describe_path(listener, name.path.sun_path);
    return 0;
}

static int open_tcp(struct listener *listener, const struct co_address *address)
{
    listener->fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return -errno;
    int rc = bind_address(listener->fd, address);
    if (rc == 0)
        rc = listen(listener->fd, BACKLOG) < 0 ? -errno : describe(listener);
    return rc;
}

static const struct sockaddr *sockaddr_of(const struct sockaddr_un *path)
{
    return (const struct sockaddr *)path;
}

/* Whether the socket file is a left-over: only a refused connection proves that. */
static int remove_stale(const struct sockaddr_un *path)
{
    struct stat file;

    if (lstat(path->sun_path, &file) < 0)
        return -errno;
    if (!S_ISSOCK(file.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool is_refused = connect(fd, sockaddr_of(path), sizeof(*path)) < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!is_refused)
        return -EADDRINUSE;
    return unlink(path->sun_path) < 0 ? -errno : 0;
}

/* The mode of a socket before bind(), less the umask, is that of the file: so there is no moment in
 * which the file is open to more people than in the end. */
static int bind_path(int fd, const struct sockaddr_un *path)
{
    if (fchmod(fd, UNIX_MODE) < 0)
        return -errno;
    if (bind(fd, sockaddr_of(path), sizeof(*path)) < 0) {
        int rc = errno == EADDRINUSE ? remove_stale(path) : -errno;
        if (rc < 0)
            return rc;
        if (bind(fd, sockaddr_of(path), sizeof(*path)) < 0)
            return -errno;
    }
    return chmod(path->sun_path, UNIX_MODE) < 0 ? -errno : 0;
}

static int own_path(struct listener *listener, const struct sockaddr_un *path)
{
    struct stat file;

    if (lstat(path->sun_path, &file) < 0)
        return -errno;
    listener->path = *path;
    listener->path_device = file.st_dev;
    listener->path_inode = file.st_ino;
    describe_path(listener, path->sun_path);
    return 0;
}

static int open_unix(struct listener *listener, const char *name)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};

    assert(strlen(name) < sizeof(path.sun_path)); /* endpoint_parse() has seen to it */
    memcpy(path.sun_path, name, strlen(name));
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return -errno;
    int rc = bind_path(listener->fd, &path);
    if (rc == 0)
        rc = own_path(listener, &path);
    if (rc == 0 && listen(listener->fd, BACKLOG) < 0)
        rc = -errno;
    return rc;
}

static bool has_option(int fd, int option, int value)
{
    int is;
    socklen_t length = sizeof(is);

    return getsockopt(fd, SOL_SOCKET, option, &is, &length) == 0 && is == value;
}

static int adopt(struct listener *listener, int fd)
{
    struct stat file;

    if (fstat(fd, &file) < 0)
        return -errno;
    if (!S_ISSOCK(file.st_mode))
        return -ENOTSOCK;
    if (!has_option(fd, SO_TYPE, SOCK_STREAM) || !has_option(fd, SO_ACCEPTCONN, 1))
        return -EPROTOTYPE;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return -errno;
    listener->fd = fd;
    listener->is_passed = true;
    return describe(listener);
}

static int open_endpoint(struct listener *listener, const struct endpoint *endpoint)
{
    if (endpoint->path != NULL)
        return open_unix(listener, endpoint->path);
    if (endpoint->fd >= 0)
        return adopt(listener, endpoint->fd);
    return open_tcp(listener, &endpoint->address);
}

int listener_open(struct listener *ret_listener, const char *text, struct err *err)
{
    struct endpoint endpoint;

    *ret_listener = (struct listener){.fd = -1};
    int rc = endpoint_parse(text, &endpoint, err);
    if (rc < 0)
        return rc;
    rc = open_endpoint(ret_listener, &endpoint);
    if (rc == 0)
        return 0;
    listener_close(ret_listener);
    return fail(err, text, rc);
}

static bool owns_path(const struct listener *listener)
{
    const char *path = listener->path.sun_path;
    struct stat file;

    return path[0] != '\0' && lstat(path, &file) == 0 && file.st_dev == listener->path_device &&
           file.st_ino == listener->path_inode;
}

void listener_close(struct listener *listener)
{
    if (owns_path(listener))
        unlink(listener->path.sun_path);
    if (listener->fd >= 0)
        co_close(listener->fd);
    *listener = (struct listener){.fd = -1};
}

/* Once for each time that it happens, not for each attempt. */
static void report(struct listener *listener, int rc)
{
    if (rc < 0 && !listener->is_failing)
        log_event(EVENT_LISTENER_FAILING,
                  LOG_FIELDS({"address", listener->text}, {"error", strerror(-rc)}),
                  "%s: cannot accept connections for now: %s", listener->text, strerror(-rc));
    else if (rc >= 0 && listener->is_failing)
        log_event(EVENT_LISTENER_RECOVERED, LOG_FIELDS({"address", listener->text}),
                  "%s: accepting connections again", listener->text);
    listener->is_failing = rc < 0;
}

int listener_accept(struct listener *listener, struct sockaddr_storage *ret_client,
                    socklen_t *ret_length)
{
    for (;;) {
        *ret_length = sizeof(*ret_client);
        int rc = co_accept(listener->fd, (struct sockaddr *)ret_client, ret_length);

        if (rc == -ECANCELED || rc == -EBADF)
            return rc;
        if (rc == -ECONNABORTED)
            continue; /* a client that left while it was queued */
        report(listener, rc);
        if (rc >= 0)
            return rc;
        rc = co_sleep(RETRY_DELAY);
        if (rc < 0)
            return rc;
    }
}
