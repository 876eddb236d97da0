#include "daemon/api/http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/co/io.h"
#include "lib/co/task.h"

#include "daemon/api/http_server_driver.h"
#include "daemon/api/listener.h"

/* How long the answers of handlers that were cancelled may take to be sent. */
#define FLUSH_TIME (1 * CO_SECOND)

/* Who has not asked that long after connecting may not be going to. */
#define NEWCOMER_TIME (250 * CO_MILLISECOND)

struct acceptor {
    struct http_driver *driver;
    struct listener listener;
    struct co_task *task;
};

struct http_server {
    struct http_service service;
    struct http_driver driver;
    struct co_task *driver_task;
    struct co_task *watch_task;
    bool is_told_to_stop;
    co_time grace;
    size_t n_acceptors;
    struct acceptor acceptors[];
};

static int accept_clients(void *arg, void **result)
{
    struct acceptor *acceptor = arg;
    struct sockaddr_storage client;
    socklen_t length;

    (void)result;
    for (;;) {
        int fd = listener_accept(&acceptor->listener, &client, &length);
        if (fd < 0)
            return 0; /* we are being stopped */
        /* If we have to wait, others have less time from now on. */
        co_wake_fd(acceptor->driver->service->wake_fd, CO_READABLE);
        int rc = http_connections_enter(&acceptor->driver->service->connections);
        if (rc < 0) {
            close(fd);
            return 0;
        }
        http_driver_adopt(acceptor->driver, fd, (const struct sockaddr *)&client, length);
    }
}

static int watch_clients(void *arg, void **result)
{
    (void)result;
    return http_watch_run(arg);
}

static int wait_for_work(struct http_server *server, co_time end)
{
    co_time due = http_driver_deadline(&server->driver);
    struct co_scope scope;

    if (end < due)
        due = end;
    if (due <= co_now())
        return co_sleep(0); /* the handlers get a turn */
    co_scope_enter(&scope, due == CO_NEVER ? CO_NEVER : due - co_now());
    return co_scope_exit(&scope, co_wait_fd(server->service.wake_fd, CO_READABLE));
}

static void run_until(struct http_server *server, bool (*is_done)(const struct http_server *server),
                      co_time timeout)
{
    co_time end = timeout < CO_NEVER - co_now() ? co_now() + timeout : CO_NEVER;

    for (;;) {
        http_driver_run(&server->driver);
        if (is_done(server) || end <= co_now())
            return;
        if (wait_for_work(server, end) == -ECANCELED)
            server->is_told_to_stop = true;
    }
}

static bool is_told_to_stop(const struct http_server *server)
{
    return server->is_told_to_stop;
}

static bool has_no_connections(const struct http_server *server)
{
    return server->service.connections.n_open == 0;
}

static void stop_accepting(struct acceptor *acceptor)
{
    co_cancel(acceptor->task, "the HTTP server stops");
    listener_close(&acceptor->listener);
}

static void stop_accepting_all(struct http_server *server)
{
    for (size_t i = 0; i < server->n_acceptors; i++)
        stop_accepting(&server->acceptors[i]);
}

static void close_all(struct http_server *server)
{
    for (enum connection_phase phase = 0; phase < CONNECTION_CLOSES; phase++)
        http_connections_close_all(&server->service.connections, phase);
}

static int serve(void *arg, void **result)
{
    struct http_server *server = arg;
    struct http_service *service = &server->service;
    struct co_scope shield;

    (void)result;
    co_group_enter(&service->tasks, CO_NEVER);
    run_until(server, is_told_to_stop, CO_NEVER);

    co_scope_shield(&shield, CO_NEVER); /* handlers have the grace; nothing else takes long */
    service->is_stopping = service->refuses_all = true;
    stop_accepting_all(server);
    http_connections_close_all(&service->connections, CONNECTION_KNOCKS);
    http_connections_close_all(&service->connections, CONNECTION_OPENS);
    http_connections_close_all(&service->connections, CONNECTION_IDLES);
    http_requests_stop(service);
    run_until(server, has_no_connections, server->grace);
    co_group_cancel(&service->tasks, 0, "the HTTP server stops");
    run_until(server, has_no_connections, FLUSH_TIME);
    close_all(server);
    run_until(server, has_no_connections, CO_NEVER);
    co_scope_exit(&shield, 0);
    return co_group_exit(&service->tasks, 0);
}

static int create(struct http_server **ret_server, const struct http_server_options *options)
{
    static const struct string_list none;
    size_t n = options->n_listen;
    struct http_server *server = calloc(1, sizeof(*server) + n * sizeof(server->acceptors[0]));
    struct http_site names = {
        .hosts = options->allowed_hosts ?: &none,
        .origins = options->allowed_origins ?: &none,
    };

    if (server == NULL)
        return -ENOMEM;
    server->service = (struct http_service){
        .routes = options->routes,
        .n_routes = options->n_routes,
        .handler_arg = options->handler_arg,
        .traffic = options->traffic,
        .gate = options->gate,
        .limits = {options->max_body_bytes, options->max_stream_bytes},
        .watch.epoll_fd = -1,
    };
    co_list_init(&server->service.to_resume);
    http_connections_init(&server->service.connections, options->max_connections,
                          options->request_timeout, &names, http_request_release);
    server->service.connections.traffic = options->traffic;
    *ret_server = server;
    return 0;
}

static int listen_all(struct http_server *server, const struct http_server_options *options,
                      struct err *err)
{
    for (size_t i = 0; i < options->n_listen; i++) {
        struct acceptor *acceptor = &server->acceptors[i];
        acceptor->driver = &server->driver;
        int rc = listener_open(&acceptor->listener, options->listen[i], err);
        if (rc < 0)
            return rc;
        server->n_acceptors++;
    }
    return 0;
}

static int start(struct http_server *server, unsigned max_connections)
{
    int rc = http_watch_init(&server->service.watch, http_request_client_gone, &server->service);

    if (rc == 0)
        rc = http_driver_start(&server->driver, &server->service, max_connections);
    if (rc == 0)
        rc = co_create_task("http client watch", watch_clients, &server->service.watch,
                            &server->watch_task);
    for (size_t i = 0; i < server->n_acceptors && rc == 0; i++)
        rc = co_create_task("http listener", accept_clients, &server->acceptors[i],
                            &server->acceptors[i].task);
    return rc < 0 ? rc : co_create_task("http server", serve, server, &server->driver_task);
}

int http_server_new(struct http_server **ret_server, const struct http_server_options *options,
                    struct err *err)
{
    struct http_server *server;
    int rc = create(&server, options);

    if (rc == 0) {
        rc = listen_all(server, options, err);
        if (rc == 0)
            rc = start(server, options->max_connections);
        if (rc < 0)
            http_server_free(server, 0);
    }
    if (rc < 0)
        return err_set(err, rc, "cannot start the HTTP server: %s", strerror(-rc));
    *ret_server = server;
    return 0;
}

const char *http_server_address(const struct http_server *server, size_t i)
{
    return i < server->n_acceptors ? server->acceptors[i].listener.text : NULL;
}

void http_server_set_body_limits(struct http_server *server, uint64_t max_body_bytes,
                                 uint64_t max_stream_bytes)
{
    server->service.limits = (struct http_body_limits){max_body_bytes, max_stream_bytes};
}

/* returns whether there are others */
static bool stop_accepting_from_passed(struct http_server *server)
{
    size_t n_own = 0;

    for (size_t i = 0; i < server->n_acceptors; i++) {
        if (server->acceptors[i].listener.is_passed)
            stop_accepting(&server->acceptors[i]);
        else
            n_own++;
    }
    return n_own > 0;
}

bool http_server_drain(struct http_server *server)
{
    server->service.is_stopping = true;
    http_requests_stop(&server->service);
    return stop_accepting_from_passed(server);
}

/* The last one in a phase is the one that has entered it last. */
static bool has_newcomer(const struct co_list *phase)
{
    return !co_list_is_empty(phase) &&
           co_now() - co_container_of(phase->previous, struct http_connection, link)->since <
               NEWCOMER_TIME;
}

bool http_server_is_idle(const struct http_server *server)
{
    const struct co_list *phases = server->service.connections.phases;

    return co_list_is_empty(&phases[CONNECTION_BEGINS]) &&
           co_list_is_empty(&phases[CONNECTION_RECEIVES]) &&
           co_list_is_empty(&phases[CONNECTION_SERVES]) &&
           co_list_is_empty(&phases[CONNECTION_SENDS]) &&
           !has_newcomer(&phases[CONNECTION_KNOCKS]) && !has_newcomer(&phases[CONNECTION_OPENS]);
}

static void join(struct co_task *task)
{
    struct co_scope shield;

    if (task == NULL)
        return;
    co_scope_shield(&shield, CO_NEVER); /* the task was told to end */
    co_scope_exit(&shield, co_task_await(task, NULL));
    co_task_unref(task);
}

void http_server_free(struct http_server *server, co_time grace)
{
    if (server == NULL)
        return;
    server->is_told_to_stop = true;
    server->grace = grace;
    if (server->driver_task != NULL)
        co_wake_fd(server->service.wake_fd, CO_READABLE);
    join(server->driver_task);
    co_task_stop(server->watch_task, "the HTTP server has ended");
    for (size_t i = 0; i < server->n_acceptors; i++) {
        co_task_stop(server->acceptors[i].task, "the HTTP server has ended");
        listener_close(&server->acceptors[i].listener);
    }
    http_driver_stop(&server->driver);
    http_watch_done(&server->service.watch);
    free(server);
}
