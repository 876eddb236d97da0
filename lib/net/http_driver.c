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

/* libcurl's one timer, which each call sets anew. It must not be called from here. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct co_http_session *session = arg;
    /* Before 8.4 it rounded down, and would be called over and over for the last millisecond. */
    long rounded_ms = timeout_ms > 0 ? timeout_ms + 1 : timeout_ms;

    (void)multi;
    session->timer = timeout_ms < 0 ? CO_NEVER : co_now() + rounded_ms * CO_MILLISECOND;
    return 0;
}

static void count_running(struct co_http_session *session, long change)
{
    session->n_running += change;
    /* libcurl's limit is for all connections, and comes to bear when one becomes idle, which we
     * still count as running then. */
    curl_multi_setopt(session->multi, CURLMOPT_MAXCONNECTS,
                      session->max_idle + session->n_running - 1);
}

int co_http_driver_add(struct co_http_transfer *transfer)
{
    struct co_http_session *session = transfer->session;

    if (curl_multi_add_handle(session->multi, transfer->easy) != CURLM_OK)
        return -ENOMEM;
    count_running(session, +1);
    co_wake_fd(session->sockets.epoll_fd, CO_READABLE); /* the timer was set */
    return 0;
}

void co_http_driver_remove(struct co_http_transfer *transfer)
{
    curl_multi_remove_handle(transfer->session->multi, transfer->easy);
    co_http_sockets_disown(transfer);
    count_running(transfer->session, -1);
}

/* Ends the transfers that libcurl has finished, while it is still known when that was. */
static void end_transfers(struct co_http_session *session)
{
    CURLMsg *message;
    int n_left;

    while ((message = curl_multi_info_read(session->multi, &n_left)) != NULL) {
        struct co_http_transfer *transfer;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->result = message->data.result; /* the message goes with the handle */
        transfer->over_at = co_http_clock();
        co_http_driver_remove(transfer);
        co_event_set(&transfer->over);
    }
}

void co_http_driver_act(struct co_http_session *session, curl_socket_t fd, int events)
{
    int n_running;

    curl_multi_socket_action(session->multi, fd, events, &n_running);
    end_transfers(session);
}

static void fire_timer(struct co_http_session *session)
{
    if (session->timer > co_now())
        return;
    session->timer = CO_NEVER;
    co_http_driver_act(session, CURL_SOCKET_TIMEOUT, 0);
}

/* returns whether there may be more to do */
static bool work(struct co_http_session *session)
{
    bool was_busy = co_http_sockets_poll(session) > 0;

    fire_timer(session);
    co_http_sockets_register(&session->sockets);
    return was_busy || session->timer <= co_now();
}

static co_time time_to_wait(const struct co_http_session *session)
{
    if (session->timer != CO_NEVER)
        return session->timer - co_now();
    return session->n_running > 0 ? SAFETY_TICK : CO_NEVER;
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
    session->timer = CO_NEVER;
    curl_multi_setopt(session->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(session->multi, CURLMOPT_TIMERDATA, session);
    curl_multi_setopt(session->multi, CURLMOPT_SOCKETFUNCTION, co_http_sockets_watch);
    curl_multi_setopt(session->multi, CURLMOPT_SOCKETDATA, session);
    return co_create_task("http", drive, session, &session->driver);
}

void co_http_driver_stop(struct co_http_session *session)
{
    if (session->driver == NULL)
        return;
    co_task_stop(co_take(session->driver), "the session is closed");
    co_forget_fd(session->sockets.epoll_fd);
}
