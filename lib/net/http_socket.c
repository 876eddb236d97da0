/* The sockets of libcurl and an epoll descriptor that holds them.
 *
 * libcurl asks to forget a socket after each transfer, only to ask for the same one again with the
 * next. So what it wants is written down, and epoll is told the net change before it is polled: for
 * connections that are kept alive, nothing at all. A socket nobody wants stays registered until it
 * reports something, which is that the other side has closed it.
 *
 * Sockets are level-triggered, since libcurl does not promise to read one until it is empty.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_PER_POLL = 64 }; /* some milliseconds of work, before the others get a turn */

int co_http_sockets_init(struct co_http_sockets *sockets)
{
    *sockets = (struct co_http_sockets){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    co_list_init(&sockets->changed);
    return sockets->epoll_fd >= 0 ? 0 : -errno;
}

static struct co_http_socket *find(const struct co_http_sockets *sockets, int fd)
{
    return fd >= 0 && (size_t)fd < sockets->n_fds ? sockets->by_fd[fd] : NULL;
}

static void disown(struct co_http_socket *socket)
{
    co_list_remove(&socket->opened);
    socket->opener = NULL;
}

static void forget(struct co_http_sockets *sockets, int fd)
{
    struct co_http_socket *socket = find(sockets, fd);

    if (socket == NULL)
        return;
    disown(socket);
    co_list_remove(&socket->changed);
    sockets->by_fd[fd] = NULL;
    co_http_place_closed(socket->place, socket->is_shared);
    free(socket);
}

void co_http_sockets_drop(const struct co_http_shard *shard)
{
    struct co_http_sockets *sockets = &shard->session->sockets;

    for (size_t fd = 0; fd < sockets->n_fds; fd++)
        if (sockets->by_fd[fd] != NULL && sockets->by_fd[fd]->place->shard == shard)
            forget(sockets, (int)fd);
}

int co_http_sockets_next(const struct co_http_shard *shard, const struct co_http_place *place,
                         int fd)
{
    const struct co_http_sockets *sockets = &shard->session->sockets;

    for (fd++; (size_t)fd < sockets->n_fds; fd++)
        if (sockets->by_fd[fd] != NULL && sockets->by_fd[fd]->place == place &&
            sockets->by_fd[fd]->wanted != 0)
            return fd;
    return -1;
}

void co_http_sockets_done(struct co_http_sockets *sockets)
{
    free(sockets->by_fd);
    if (sockets->epoll_fd >= 0)
        close(sockets->epoll_fd);
}

static int grow(struct co_http_sockets *sockets, size_t n_wanted)
{
    size_t n = sockets->n_fds != 0 ? sockets->n_fds : 64;

    while (n < n_wanted)
        n *= 2;
    struct co_http_socket **by_fd = realloc(sockets->by_fd, n * sizeof(*by_fd));
    if (by_fd == NULL)
        return -ENOMEM;
    memset(by_fd + sockets->n_fds, 0, (n - sockets->n_fds) * sizeof(*by_fd));
    sockets->by_fd = by_fd;
    sockets->n_fds = n;
    return 0;
}

static int add(struct co_http_transfer *opener, int fd, const struct co_address *address)
{
    struct co_http_session *session = opener->session;
    struct co_http_sockets *sockets = &session->sockets;

    if ((size_t)fd >= sockets->n_fds && grow(sockets, (size_t)fd + 1) < 0)
        return -ENOMEM;
    /* libcurl 7.88 closes some sockets that never connected without telling us. */
    forget(sockets, fd);
    struct co_http_socket *socket = malloc(sizeof(*socket));
    if (socket == NULL)
        return -ENOMEM;

    *socket = (struct co_http_socket){.session = session,
                                      .fd = fd,
                                      .generation = ++sockets->n_opened,
                                      .place = opener->place,
                                      .opener = opener,
                                      .address = *address,
                                      .is_plain = !opener->request->url->is_https};
    co_list_init(&socket->changed);
    co_list_append(&opener->sockets, &socket->opened);
    sockets->by_fd[fd] = socket;
    co_http_place_opened(socket->place);
    return 0;
}

static void connected(struct co_http_socket *socket)
{
    struct co_http_transfer *opener = socket->opener;

    if (opener == NULL)
        return;
    opener->connected_fd = socket->fd;
    co_http_transfer_connected(opener, &socket->address);
    disown(socket);
}

void co_http_sockets_share(struct co_http_transfer *transfer)
{
    struct co_http_socket *socket = find(&transfer->session->sockets, transfer->connected_fd);

    if (socket == NULL || socket->place != transfer->place || socket->is_shared)
        return;
    socket->is_shared = true;
    co_http_place_shared(socket->place);
}

void co_http_sockets_disown(struct co_http_transfer *transfer)
{
    while (!co_list_is_empty(&transfer->sockets))
        disown(co_container_of(transfer->sockets.next, struct co_http_socket, opened));
}

/* --- What libcurl calls -------------------------------------------------------------------- */

/* Whether the transfer may connect there; of a socket without an address, there is none. */
static bool may_connect(struct co_http_transfer *transfer, const struct curl_sockaddr *peer,
                        struct co_address *ret_address)
{
    *ret_address = (struct co_address){.family = AF_UNSPEC};
    if (transfer->request->unix_path != NULL)
        return peer->family == AF_UNIX;
    return co_address_from_sockaddr(&peer->addr, peer->addrlen, ret_address) == 0 &&
           co_http_transfer_may_connect(transfer, ret_address);
}

/* What it was connecting with has gone, or is one of several: see look_again(). */
static void poke(struct co_http_transfer *transfer)
{
    if (!co_list_is_linked(&transfer->poked))
        co_list_append(&transfer->session->poked, &transfer->poked);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *peer)
{
    struct co_http_transfer *transfer = arg;
    struct co_address address;

    (void)purpose;
    if (!may_connect(transfer, peer, &address))
        return CURL_SOCKET_BAD;

    int fd = socket(peer->family, peer->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, peer->protocol);
    if (fd < 0 || add(transfer, fd, &address) < 0) {
        transfer->socket_errno = fd < 0 ? errno : ENOMEM;
        if (fd >= 0)
            close(fd);
        return CURL_SOCKET_BAD;
    }
    if (transfer->opened)
        poke(transfer);
    co_http_transfer_opened(transfer);
    return fd;
}

/* libcurl keeps arg with the connection, which outlives the handle: so it is the session. */
static int close_socket(void *arg, curl_socket_t fd)
{
    struct co_http_session *session = arg;
    const struct co_http_socket *socket = find(&session->sockets, fd);

    if (socket != NULL && socket->opener != NULL)
        poke(socket->opener);
    forget(&session->sockets, fd); /* epoll does by itself, when it is closed */
    return close(fd);
}

void co_http_sockets_attach(struct co_http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->session);
}

static uint32_t epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

/* Descriptors that are not ours are some versions' own signals to themselves, which somebody who
 * tells libcurl of sockets and time need not watch. `easy` may be a handle of libcurl's own. */
int co_http_sockets_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct co_http_session *session = arg;
    struct co_http_socket *socket = find(&session->sockets, fd);

    (void)easy, (void)unused;
    if (socket == NULL)
        return 0;
    socket->wanted = what == CURL_POLL_REMOVE ? 0 : epoll_events(what);
    if (socket->wanted == 0 && socket->opener != NULL)
        poke(socket->opener);
    if (socket->wanted & EPOLLIN)
        connected(socket); /* until it is, libcurl waits to write */
    if (!co_list_is_linked(&socket->changed))
        co_list_append(&session->sockets.changed, &socket->changed);
    return 0;
}

/* --- What the driver calls ----------------------------------------------------------------- */

static uint64_t tag(const struct co_http_socket *socket)
{
    return (uint64_t)socket->generation << 32 | (uint32_t)socket->fd;
}

/* returns whether the kernel had room for it, or it is closed: see add() */
static bool enter(int epoll_fd, struct co_http_socket *socket, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = tag(socket)};
    int operation = socket->registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (epoll_ctl(epoll_fd, operation, socket->fd, &event) == 0)
        socket->registered = events;
    else
        return errno == EBADF || errno == ENOENT;
    return true;
}

/* Of a connection nobody uses we want to know when something comes all the same. */
static uint32_t events_of(const struct co_http_socket *socket)
{
    return socket->wanted != 0 ? socket->wanted : EPOLLIN;
}

static struct co_http_socket *take_changed(struct co_list *changed)
{
    return co_container_of(co_list_take_first(changed), struct co_http_socket, changed);
}

/* Those that there is no room for have their turn again when the driver comes by. */
void co_http_sockets_register(struct co_http_sockets *sockets)
{
    struct co_list refused;

    co_list_init(&refused);
    while (!co_list_is_empty(&sockets->changed)) {
        struct co_http_socket *socket = take_changed(&sockets->changed);
        uint32_t events = events_of(socket);
        if (socket->registered != events && !enter(sockets->epoll_fd, socket, events))
            co_list_append(&refused, &socket->changed);
    }
    while (!co_list_is_empty(&refused))
        co_list_append(&sockets->changed, &take_changed(&refused)->changed);
}

static int curl_events(uint32_t events)
{
    return (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP) ? CURL_CSELECT_IN : 0) |
           (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
}

/* libcurl looks at the next byte to see whether a connection is alive. */
static void spend(int fd)
{
    char waste[4096];

    (void)shutdown(fd, SHUT_RDWR);
    while (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0)
        ;
}

/* What was reported may have been read meanwhile, when libcurl was called for another socket. */
static bool has_come(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

/* Nobody asked, and still something came: the end of the connection, or bytes that the next
 * request must not take for its answer, as libcurl would. TLS has things of its own to say. */
static void report_on_idle(const struct co_http_sockets *sockets, struct co_http_socket *socket)
{
    if (!has_come(socket->fd))
        return;
    if (socket->is_plain)
        spend(socket->fd);
    (void)epoll_ctl(sockets->epoll_fd, EPOLL_CTL_DEL, socket->fd, NULL);
    socket->registered = 0;
}

static void dispatch(struct co_http_session *session, const struct epoll_event *event)
{
    struct co_http_sockets *sockets = &session->sockets;
    struct co_http_socket *socket = find(sockets, (int)(uint32_t)event->data.u64);

    if (socket == NULL || socket->generation != event->data.u64 >> 32)
        return; /* closed by what came before it in this batch */
    if (socket->wanted == 0) {
        report_on_idle(sockets, socket);
        return;
    }
    if ((event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == EPOLLOUT)
        connected(socket);
    co_http_shard_act(socket->place->shard, socket->fd, curl_events(event->events));
}

int co_http_sockets_poll(struct co_http_session *session)
{
    struct epoll_event events[EVENTS_PER_POLL];
    int n = epoll_wait(session->sockets.epoll_fd, events, EVENTS_PER_POLL, 0);

    for (int i = 0; i < n; i++)
        dispatch(session, &events[i]);
    return n;
}
