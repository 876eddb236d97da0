#include "daemon/api/http_server_driver.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/co/io.h"
#include "lib/co/task.h"

#include "daemon/api/http_server_head.h"
#include "daemon/base/log.h"

enum {
    /* Per connection; bounds the head of a request. All of it is cleared for every request. */
    POOL_BYTES = 16 * 1024,
    POOL_INCREMENT_BYTES = 4 * 1024,
    SMALLEST_PAGE = 4 * 1024,
};

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* A client has connected, or its socket is about to be closed. */
static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_driver *driver = cls;
    struct http_connection *connection = *socket_context;

    (void)mhd;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = connection = co_take(driver->newcomer);
        (void)http_watch_add(&driver->service->watch, connection->fd, connection);
    } else {
        http_connection_free(connection);
    }
}

/* A request line has come. What is returned is *request_context in the calls below. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http_connection *connection = connection_of(mhd);

    (void)cls;
    free(connection->target);
    connection->target = strdup(target != NULL ? target : "");
    http_connection_enter(connection, CONNECTION_BEGINS);
    return connection;
}

static bool begin(struct http_driver *driver, struct http_connection *connection,
                  struct MHD_Connection *mhd, const char *method, const char *path,
                  const char *version)
{
    struct http_head_buffer buffer;

    if (connection->target == NULL) /* no memory */
        return false;
    http_head_read(&buffer, mhd, method, path, connection->target, version);
    return http_request_begin(driver->service, connection, mhd, &buffer.head);
}

/* Called when the head has come, for each piece of the body, and from its end on until there is an
 * answer. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *path,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *n_bytes, void **request_context)
{
    struct http_connection *connection = *request_context;
    size_t n = *n_bytes;
    bool goes_on;

    *n_bytes = 0; /* all of it is taken */
    http_connection_receive(connection, n);
    if (http_connection_is_over(connection))
        goes_on = http_connection_discard(connection, n);
    else if (connection->request == NULL)
        goes_on = begin(cls, connection, mhd, method, path, version);
    else
        goes_on =
            n > 0 ? http_request_receive(connection, bytes, n) : http_request_serve(connection);
    return goes_on ? MHD_YES : MHD_NO;
}

/* The answer has been sent, or never will be. */
static void on_request_end(void *cls, struct MHD_Connection *mhd, void **request_context,
                           enum MHD_RequestTerminationCode code)
{
    const struct http_driver *driver = cls;
    struct http_connection *connection = *request_context;

    (void)mhd;
    (void)code;
    http_request_release(connection);
    free(co_take(connection->target));
    if (driver->service->is_stopping && !http_connection_is_over(connection))
        http_connection_close(connection);
    else
        http_connection_enter(connection, CONNECTION_IDLES);
}

/* We decode paths and queries ourselves: libmicrohttpd would cut them at %00. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static void log_message(void *cls, const char *format, va_list arguments)
{
    char message[512];

    (void)cls;
    if (!log_is_wanted(EVENT_HTTP_DIAGNOSTIC))
        return;
    vsnprintf(message, sizeof(message), format, arguments);
    message[strcspn(message, "\n")] = '\0';
    log_event(EVENT_HTTP_DIAGNOSTIC, LOG_NO_FIELDS, "libmicrohttpd: %s", message);
}

/* Before 1.0, being strict adds nothing to http_guard.h, and who is not is told so by two heads. */
#if MHD_VERSION >= 0x01000000
#define OPTION_STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL
#define STRICTNESS        1
#else
#define OPTION_STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT
#define STRICTNESS        0
#endif

#if MHD_VERSION >= 0x00097707
#define FLAG_ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define FLAG_ONE_THREAD 0
#endif

static struct MHD_Daemon *start_mhd(struct http_driver *driver, unsigned max_connections)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | FLAG_ONE_THREAD;
    /* The logger comes first, for what it may have to say of the others. The limit is ours to keep;
     * this one has room for a connection that is not quite gone. */
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_message, NULL},
        {OPTION_STRICTNESS, STRICTNESS, NULL},
        {MHD_OPTION_CONNECTION_LIMIT,
         (intptr_t)max_connections + http_connections_extra(max_connections) + 1, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_LIMIT / CO_SECOND, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_INCREMENT, POOL_INCREMENT_BYTES, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, driver},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_request_end, driver},
        {MHD_OPTION_END, 0, NULL},
    };

    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, driver, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

int http_driver_start(struct http_driver *driver, struct http_service *service,
                      unsigned max_connections)
{
    *driver = (struct http_driver){.service = service};
    errno = ENOMEM; /* libmicrohttpd does not always say */
    driver->mhd = start_mhd(driver, max_connections);
    if (driver->mhd == NULL)
        return -errno;
    service->wake_fd = MHD_get_daemon_info(driver->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return 0;
}

void http_driver_stop(struct http_driver *driver)
{
    if (driver->mhd == NULL)
        return;
    co_forget_fd(driver->service->wake_fd);
    MHD_stop_daemon(driver->mhd);
    driver->mhd = NULL;
}

/* The pool of a connection is cleared when its first answer has been sent. What libmicrohttpd takes
 * for it next is brought in now, one client at a time, not while thousands that have waited for a
 * job are answered: its faults took a quarter of that. */
static void bring_in_next_pool(void)
{
    volatile char *pool = malloc(POOL_BYTES);

    for (size_t i = 0; pool != NULL && i < POOL_BYTES; i += SMALLEST_PAGE)
        pool[i] = 0;
    free((void *)pool);
}

/* libmicrohttpd closes the socket when it fails, before or after on_connection(). */
void http_driver_adopt(struct http_driver *driver, int fd, const struct sockaddr *client,
                       socklen_t length)
{
    struct http_connections *connections = &driver->service->connections;

    if (http_connection_new(&driver->newcomer, connections, fd) < 0) {
        http_connections_leave(connections);
        close(fd);
        return;
    }
    bring_in_next_pool();
    (void)MHD_add_connection(driver->mhd, fd, client, length);
    http_connection_free(co_take(driver->newcomer));
    co_wake_fd(driver->service->wake_fd, CO_READABLE); /* there is a new deadline */
}

void http_driver_run(struct http_driver *driver)
{
    http_requests_resume(driver->service);
    http_connections_end_overdue(&driver->service->connections);
    (void)MHD_run(driver->mhd);
}

co_time http_driver_deadline(const struct http_driver *driver)
{
    co_time deadline = http_connections_deadline(&driver->service->connections);
    MHD_UNSIGNED_LONG_LONG ms;

    if (!co_list_is_empty(&driver->service->to_resume))
        return co_now();
    if (MHD_get_timeout(driver->mhd, &ms) == MHD_YES) {
        co_time due = co_now() + (co_time)ms * CO_MILLISECOND;
        if (due < deadline)
            deadline = due;
    }
    return deadline;
}
