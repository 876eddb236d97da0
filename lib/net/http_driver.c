/* The task that drives libcurl.
 *
 * It does what there is to do until there is nothing left, and only then waits for the epoll
 * descriptor of the sockets: that wait is edge-triggered, so what was there before would not end
 * it.
 */
#include "lib/net/http_private.h"

#include <errno.h>

#include "lib/co/io.h"
#include "lib/co/scope.h"
#include "lib/co/task.h"

/* libcurl 8.10 can forget to ask for a call; and waiting can fail for want of memory. */
#define SAFETY_TICK (1 * CO_SECOND)

enum {
    BUFFER_BUDGET = 8 * 1024 * 1024,
    LARGEST_BUFFER = 16 * 1024,
    SMALLEST_BUFFER = 1024, /* libcurl has none that is smaller */
    ONE_BUFFER = 64 * 1024,
};

/* Where libcurl has a buffer for each transfer, those share a budget: few transfers are few system
 * calls for a large body, and thousands that wait for somebody take little. */
static long buffer_size(const struct co_http_session *session)
{
    long size = LARGEST_BUFFER;

    if (co_http_libcurl_has_one_buffer())
        return ONE_BUFFER;
    while (size > SMALLEST_BUFFER && size * session->n_running > BUFFER_BUDGET)
        size /= 2;
    return size;
}

static void set_buffer(struct co_http_transfer *transfer)
{
    long size = buffer_size(transfer->session);

    if (size != transfer->buffer_size)
        curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, size);
    transfer->buffer_size = size;
}

int co_http_driver_add(struct co_http_transfer *transfer)
{
    set_buffer(transfer);
    if (curl_multi_add_handle(transfer->place->shard->multi, transfer->easy) != CURLM_OK)
        return -ENOMEM;
    co_wake_fd(transfer->session->sockets.epoll_fd, CO_READABLE); /* the timer was set */
    return 0;
}

void co_http_driver_remove(struct co_http_transfer *transfer)
{
    curl_multi_remove_handle(transfer->place->shard->multi, transfer->easy);
    co_http_sockets_disown(transfer);
    co_list_remove(&transfer->poked);
    co_http_place_leave(transfer);
}

/* When an address does not answer, or refuses, libcurl 7.88 turns to the next one, but opens its
 * socket only when it is called again, which may be never. A pause that ends asks for that call. */
static void look_again(struct co_http_session *session)
{
    while (!co_list_is_empty(&session->poked)) {
        const struct co_http_transfer *transfer =
            co_container_of(co_list_take_first(&session->poked), struct co_http_transfer, poked);
        curl_easy_pause(transfer->easy, CURLPAUSE_RECV);
        curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    }
}

/* returns whether there may be more to do */
static bool work(struct co_http_session *session)
{
    bool was_busy = co_http_sockets_poll(session) > 0;

    co_http_shards_fire(session);
    look_again(session);
    co_http_sockets_register(&session->sockets);
    return was_busy || co_http_shards_next(session) <= co_now();
}

static co_time time_to_wait(const struct co_http_session *session)
{
    co_time next = co_http_shards_next(session);

    if (next != CO_NEVER)
        next -= co_now();
    return session->n_running > 0 && next > SAFETY_TICK ? SAFETY_TICK : next;
}

static int wait_for_work(struct co_http_session *session)
{
    struct co_scope scope;

    co_scope_enter(&scope, time_to_wait(session));
    int rc = co_wait_fd(session->sockets.epoll_fd, CO_READABLE);
    rc = co_scope_exit(&scope, rc);
    if (rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED)
        return rc;
    return co_sleep(SAFETY_TICK);
}

static int drive(void *arg, void **result)
{
    struct co_http_session *session = arg;
    int rc = 0;

    (void)result;
    while (rc != -ECANCELED)
        rc = work(session) ? co_sleep(0) : wait_for_work(session);
    return 0;
}

int co_http_driver_start(struct co_http_session *session)
{
    return co_create_task("http", drive, session, &session->driver);
}

void co_http_driver_stop(struct co_http_session *session)
{
    if (session->driver == NULL)
        return;
    co_task_stop(co_take(session->driver), "the session is closed");
    co_forget_fd(session->sockets.epoll_fd);
}
