#include "daemon/api/http_server_request.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/io.h"
#include "lib/co/task.h"

#include "daemon/api/http_dispatch.h"
#include "daemon/api/http_exchange_private.h"
#include "daemon/api/http_server_answer.h"
#include "daemon/api/problem.h"
#include "daemon/base/log.h"

enum request_stage {
    REQUEST_RECEIVING,
    REQUEST_RUNNING, /* its handler is */
    REQUEST_ANSWERED,
};

struct request {
    struct http_exchange exchange;
    struct http_service *service;
    struct http_connection *connection; /* NULL once closed: its handler's task owns us then */
    struct MHD_Connection *mhd;
    struct co_task *task;
    enum request_stage stage;
    bool is_suspended;
    struct co_list link; /* in service->answered */
};

static struct request *request_new(struct http_service *service, struct http_connection *connection,
                                   struct MHD_Connection *mhd)
{
    struct request *request = malloc(sizeof(*request));

    if (request == NULL)
        return NULL;
    *request = (struct request){.service = service, .connection = connection, .mhd = mhd};
    http_exchange_init(&request->exchange);
    return request;
}

static void request_free(struct request *request)
{
    http_exchange_done(&request->exchange);
    co_task_unref(request->task);
    free(request);
}

void http_request_release(struct http_connection *connection)
{
    struct request *request = connection->request;

    connection->request = NULL;
    if (request == NULL)
        return;
    request->connection = NULL;
    if (request->stage == REQUEST_RUNNING)
        co_cancel(request->task, "the client has gone");
    else
        request_free(request);
}

void http_request_client_gone(void *arg, void *watched)
{
    struct http_service *service = arg;
    struct http_connection *connection = watched;
    struct request *request = connection->request;

    http_connection_client_gone(connection);
    if (request != NULL && request->stage == REQUEST_RUNNING)
        co_cancel(request->task, "the client has gone");
    co_wake_fd(service->wake_fd, CO_READABLE); /* there may be a new deadline */
}

static const struct http_refusal stopping = {503, "shutting_down", "The server is being stopped."};
static const struct http_refusal failed = {500, "internal_error",
                                           "The server failed; see its log."};

/* Answers for a handler that has not. There is nobody to answer to if the client has gone. */
static void settle(struct request *request)
{
    const struct http_refusal *why = request->service->is_stopping ? &stopping : &failed;
    struct http_exchange *exchange = &request->exchange;

    if (exchange->answer.status != 0 || request->connection->client_is_gone)
        return;
    http_answer_reset(exchange);
    int rc = http_answer_problem(exchange, why->status, why->code, "%s", why->detail);
    if (rc < 0)
        log_error("%s: no answer could be made: %s", exchange->route->path, strerror(-rc));
}

static void finish(struct request *request)
{
    struct http_service *service = request->service;

    settle(request);
    buffer_done(&request->exchange.body); /* the client may take its time with the answer */
    request->stage = REQUEST_ANSWERED;
    if (request->is_suspended) {
        co_list_append(&service->answered, &request->link);
        co_wake_fd(service->wake_fd, CO_READABLE);
    }
}

/* Never fails: that would cancel the handlers of all others. */
static int run_handler(void *arg, void **result)
{
    struct request *request = arg;
    struct http_exchange *exchange = &request->exchange;
    int rc = exchange->route->handler(exchange, request->service->handler_arg);

    (void)result;
    if (rc < 0 && rc != -ECANCELED)
        log_error("%s %s: %s", exchange->method, exchange->route->path, strerror(-rc));
    if (request->connection != NULL)
        finish(request);
    else
        request_free(request);
    return 0;
}

static bool send_answer(struct request *request)
{
    struct http_answer *answer = &request->exchange.answer;
    struct MHD_Response *response;

    if (answer->status == 0)
        return false;
    response = http_answer_to_response(answer, request->service->is_stopping);
    if (response == NULL)
        return false;
    enum MHD_Result queued = MHD_queue_response(request->mhd, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return queued == MHD_YES;
}

static bool start_handler(struct request *request)
{
    const char *name = request->exchange.route->path;
    int rc = co_group_spawn(&request->service->tasks, name, run_handler, request, &request->task);

    if (rc < 0)
        return false;
    request->stage = REQUEST_RUNNING;
    return true;
}

static bool suspend(struct request *request)
{
    MHD_suspend_connection(request->mhd);
    request->is_suspended = true;
    if (request->connection->client_is_gone) /* before there was a handler to cancel */
        co_cancel(request->task, "the client has gone");
    return true;
}

void http_requests_resume(struct http_service *service)
{
    while (!co_list_is_empty(&service->answered)) {
        struct co_list *first = co_list_take_first(&service->answered);
        struct request *request = co_container_of(first, struct request, link);

        request->is_suspended = false;
        MHD_resume_connection(request->mhd);
    }
}

static const struct http_refusal *check_head(const struct http_service *service,
                                             const struct http_connection *connection,
                                             const struct http_head *head)
{
    return service->is_stopping ? &stopping : http_guard_check(head, &connection->site);
}

/* Refuses what is refused before its body has come; what is answered anyway waits for its turn. */
static bool admit(struct http_connection *connection, struct request *request,
                  const struct http_head *head)
{
    const struct http_service *service = request->service;
    struct http_exchange *exchange = &request->exchange;
    int rc = http_exchange_set_head(exchange, head);

    if (rc == 0)
        rc = http_dispatch(exchange, service->routes, service->n_routes, service->max_body_bytes);
    if (rc < 0)
        return false;
    if (exchange->answer.status != 0 && http_exchange_expects_body(exchange)) {
        http_connection_refuse(connection, exchange);
        http_request_release(connection);
    }
    return true;
}

/* Answering in this call would make libmicrohttpd close the connection. */
bool http_request_begin(struct http_service *service, struct http_connection *connection,
                        struct MHD_Connection *mhd, const struct http_head *head)
{
    const struct http_refusal *refusal = check_head(service, connection, head);

    if (refusal != NULL) {
        http_connection_refuse_head(connection, head->method, refusal);
        return true;
    }
    struct request *request = request_new(service, connection, mhd);
    if (request == NULL)
        return false;
    connection->request = request;
    return admit(connection, request, head);
}

bool http_request_receive(struct http_connection *connection, const char *bytes, size_t n)
{
    struct request *request = connection->request;
    struct http_exchange *exchange = &request->exchange;
    int rc = buffer_append(&exchange->body, bytes, n);

    if (rc == -EMSGSIZE) {
        rc = http_dispatch_body_too_large(exchange, request->service->max_body_bytes);
        if (rc == 0) {
            http_connection_refuse(connection, exchange);
            http_request_release(connection);
        }
    }
    return rc >= 0;
}

bool http_request_serve(struct http_connection *connection)
{
    struct request *request = connection->request;

    if (request->stage == REQUEST_RUNNING)
        return suspend(request);
    if (request->stage == REQUEST_ANSWERED)
        return send_answer(request);
    http_connection_enter(connection, CONNECTION_SERVES);
    return request->exchange.answer.status != 0 ? send_answer(request) : start_handler(request);
}
