#include "tests/support/fake_origin.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/net.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { MAX_HEADER = 8192 };

struct connection {
    struct fake_origin *origin;
    int fd;
};

static size_t body_length(const char *header)
{
    const char *field = strcasestr(header, "\r\nContent-Length:");

    return field != NULL ? strtoul(strchr(field, ':') + 1, NULL, 10) : 0;
}

/* Of a body that does not fit the rest is read and forgotten. */
static bool receive_body(struct fake_origin *origin, int fd, size_t n_left)
{
    char rest[4096];

    while (n_left > 0) {
        size_t n_free = sizeof(origin->request) - 1 - origin->request_length;
        char *to = n_free > 0 ? origin->request + origin->request_length : rest;
        size_t size = n_free > 0 ? n_free : sizeof(rest);
        ssize_t n = co_read(fd, to, size < n_left ? size : n_left);
        if (n <= 0)
            return false;
        if (n_free > 0)
            origin->request_length += (size_t)n;
        n_left -= (size_t)n;
    }
    origin->request[origin->request_length] = '\0';
    return true;
}

/* Up to the empty line, byte by byte so as not to take anything of what follows. */
static bool receive_header(int fd, char header[static MAX_HEADER])
{
    size_t length = 0;

    do {
        if (length == MAX_HEADER - 1 || co_read(fd, header + length, 1) <= 0)
            return false;
        header[++length] = '\0';
    } while (length < 4 || strcmp(header + length - 4, "\r\n\r\n") != 0);
    return true;
}

bool fake_origin_receive(struct fake_origin *origin, int fd)
{
    char header[MAX_HEADER];

    if (!receive_header(fd, header))
        return false;
    origin->n_requests++;
    origin->request_length = strlen(header);
    memcpy(origin->request, header, origin->request_length + 1);
    bool is_whole = receive_body(origin, fd, body_length(header));
    wind(origin->winds);
    co_event_set(&origin->asked);
    return is_whole;
}

void fake_origin_send_bytes(int fd, const void *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = co_write(fd, bytes, n);
        if (done < 0)
            return;
        bytes = (const char *)bytes + done;
        n -= (size_t)done;
    }
}

void fake_origin_send(int fd, const char *text)
{
    fake_origin_send_bytes(fd, text, strlen(text));
}

void fake_origin_linger(int fd)
{
    char bytes[4096];

    while (co_read(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

void fake_origin_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void fake_origin_answer_all(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd))
        fake_origin_send(fd, origin->reply != NULL ? origin->reply : OK);
}

static int converse(void *arg, void **result)
{
    struct connection *connection = arg;
    struct fake_origin *origin = connection->origin;

    (void)result;
    origin->n_open++;
    (origin->talk != NULL ? origin->talk : fake_origin_answer_all)(origin, connection->fd);
    origin->n_open--;
    co_close(connection->fd);
    free(connection);
    return 0;
}

/* A test may have made allocations fail: then the connection is closed at once. */
static void welcome(struct fake_origin *origin, int fd)
{
    struct connection *connection = malloc(sizeof(*connection));

    origin->n_connections++;
    if (connection != NULL) {
        *connection = (struct connection){origin, fd};
        if (co_group_spawn(&origin->connections, "connection", converse, connection, NULL) == 0)
            return;
    }
    free(connection);
    close(fd);
}

static int accept_all(void *arg, void **result)
{
    struct fake_origin *origin = arg;
    int fd;

    (void)result;
    co_group_enter(&origin->connections, CO_NEVER);
    while ((fd = co_accept(origin->listener, NULL, NULL)) >= 0)
        welcome(origin, fd);
    int rc = co_group_exit(&origin->connections, 0);
    return rc == -ECANCELED ? 0 : rc;
}

static int listen_on_loopback(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_ok(bind(fd, (struct sockaddr *)&address, length));
    assert_ok(listen(fd, backlog));
    assert_ok(getsockname(fd, (struct sockaddr *)&address, &length));
    *ret_port = ntohs(address.sin_port);
    return fd;
}

void fake_origin_start(struct fake_origin *origin)
{
    co_event_init(&origin->asked);
    origin->listener = listen_on_loopback(SOMAXCONN, &origin->port);
    assert_ok(co_create_task("fake origin", accept_all, origin, &origin->task));
}

void fake_origin_stop(struct fake_origin *origin)
{
    co_cancel(origin->task, "the test is over");
    assert_ok(co_task_await(origin->task, NULL));
    co_task_unref(origin->task);
    co_close(origin->listener);
}

/* A backlog of 0 holds one connection; Linux drops the requests for more. */
uint16_t fake_black_hole(int ret_fds[3])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint16_t port;

    ret_fds[0] = listen_on_loopback(0, &port);
    address.sin_port = htons(port);
    for (int i = 1; i < 3; i++) {
        ret_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(ret_fds[i], (struct sockaddr *)&address, sizeof(address));
    }
    return port;
}
