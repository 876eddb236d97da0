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

/* Of streams that are sent, and of connections that are resumed, in one round of libmicrohttpd:
 * what else there is to serve has its turn after a millisecond or two. */
enum { PIECES_PER_ROUND = 64 };

enum request_stage {
    REQUEST_BEGUN,
    REQUEST_RUNNING, /* its handler is */
    REQUEST_ANSWERED,
};

struct request {
    struct http_exchange exchange;
    struct http_service *service;
    struct http_connection *connection; /* NULL once closed: its handler's task owns us then */
    struct MHD_Connection *mhd;
    struct co_task *task;
    co_time began_at; /* when its head had come */
    enum request_stage stage;
    bool is_complete; /* all of it has come */
    bool is_suspended;
    struct co_list link; /* in service->to_resume */
};

static void resume_soon(struct request *request)
{
    if (request->is_suspended && !co_list_is_linked(&request->link))
        co_list_append(&request->service->to_resume, &request->link);
    co_wake_fd(request->service->wake_fd, CO_READABLE);
}

/* The stream of its answer has news. */
static void resume_later(void *arg)
{
    resume_soon(arg);
}

static struct request *request_new(struct http_service *service, struct http_connection *connection,
                                   struct MHD_Connection *mhd)
{
    struct request *request = malloc(sizeof(*request));

    if (request == NULL)
        return NULL;
    *request = (struct request){
        .service = service,
        .connection = connection,
        .mhd = mhd,
        .began_at = co_clock_now(),
    };
    http_exchange_init(&request->exchange);
    co_list_init(&request->link);
    request->exchange.answer.stream.news = resume_later;
    request->exchange.answer.stream.arg = request;
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
    request->exchange.answer.stream.news = NULL;
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
static const struct http_refusal overloaded = {
    503, "overloaded", "There are as many clients as there may be (api.max_connections)."};
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
    int rc = exchange->stream.failure == -EMSGSIZE
                 ? http_dispatch_body_too_large(exchange, &request->service->limits)
                 : http_answer_problem(exchange, why->status, why->code, "%s", why->detail);
    if (rc < 0)
        log_event(EVENT_REQUEST_UNANSWERED,
                  LOG_FIELDS({"route", exchange->route->path}, {"error", strerror(-rc)}),
                  "%s: no answer could be made: %s", exchange->route->path, strerror(-rc));
}

/* libmicrohttpd cannot answer while a body is on its way. */
static void answer_early(struct request *request)
{
    struct http_connection *connection = request->connection;

    if (http_connection_is_over(connection))
        return;
    if (request->exchange.answer.status != 0 && !connection->client_is_gone)
        http_connection_refuse(connection, &request->exchange);
    else
        http_connection_close(connection);
}

/* rc: of the handler; when the server stops, what follows something just ends. All else is broken
 * off, or it would look whole. */
static void end_stream(struct request *request, int rc)
{
    bool is_stopped =
        rc == -ECANCELED && request->service->is_stopping && request->exchange.ends_with_server;

    if (request->exchange.answer.stream.is_begun)
        http_answer_stream_end(&request->exchange.answer.stream, is_stopped ? 0 : rc);
}

static void finish(struct request *request, int rc)
{
    settle(request);
    end_stream(request, rc);
    buffer_done(&request->exchange.body); /* the client may take its time with the answer */
    http_body_stream_done(&request->exchange.stream);
    request->stage = REQUEST_ANSWERED;
    if (!request->is_complete)
        answer_early(request);
    if (request->is_suspended || !request->is_complete)
        resume_soon(request);
}

/* Never fails: that would cancel the handlers of all others. */
static int run_handler(void *arg, void **result)
{
    struct request *request = arg;
    struct http_exchange *exchange = &request->exchange;
    int rc = exchange->route->handler(exchange, request->service->handler_arg);

    (void)result;
    if (rc < 0 && rc != -ECANCELED && rc != exchange->stream.failure)
        log_event(EVENT_REQUEST_FAILED,
                  LOG_FIELDS({"route", exchange->route->path}, {"error", strerror(-rc)}),
                  "%s %s: %s", exchange->method, exchange->route->path, strerror(-rc));
    if (request->connection != NULL)
        finish(request, rc);
    else
        request_free(request);
    return 0;
}

static void suspend(struct request *request)
{
    if (!request->is_suspended)
        MHD_suspend_connection(request->mhd);
    request->is_suspended = true;
    http_connection_enter(request->connection, CONNECTION_SERVES);
    if (request->connection->client_is_gone) /* before there was a handler to cancel */
        co_cancel(request->task, "the client has gone");
}

/* A piece of a stream. When there is none yet, or others have waited long enough for theirs, the
 * connection waits: to ask again and again would keep the loop busy. */
static ssize_t read_stream(void *arg, uint64_t position, char *bytes, size_t max)
{
    struct request *request = arg;
    struct http_service *service = request->service;
    bool is_our_turn = service->n_pieces_left > 0;
    ssize_t n = is_our_turn ? http_answer_stream_take(&request->exchange.answer.stream, bytes, max)
                            : -EAGAIN;

    (void)position;
    if (n > 0) {
        service->n_pieces_left--;
        http_connection_enter(request->connection, CONNECTION_SENDS);
        return n;
    }
    if (n != -EAGAIN)
        return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    suspend(request);
    if (!is_our_turn)
        resume_soon(request);
    return 0;
}

/* What is refused counts with its connection. */
static void count_answer(const struct request *request)
{
    const struct http_exchange *exchange = &request->exchange;
    struct http_traffic *traffic = request->service->traffic;

    http_traffic_count(traffic, exchange->route, exchange->answer.status);
    http_traffic_time(traffic, exchange->route,
                      (co_clock_now() - request->began_at) / CO_MICROSECOND);
}

static bool send_answer(struct request *request)
{
    struct http_answer *answer = &request->exchange.answer;
    struct MHD_Response *response;

    if (answer->status == 0)
        return false;
    response = http_answer_to_response(
        &request->exchange, request->service->is_stopping || request->connection->is_extra,
        read_stream, request);
    if (response == NULL)
        return false;
    enum MHD_Result queued = MHD_queue_response(request->mhd, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    if (queued == MHD_NO)
        return false;
    count_answer(request);
    http_connection_enter(request->connection, CONNECTION_SENDS);
    return true;
}

/* For the time when the server is being stopped. */
static void cancel_endless(struct request *request)
{
    if (request != NULL && request->stage == REQUEST_RUNNING && request->exchange.ends_with_server)
        co_cancel(request->task, "the server stops");
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

void http_requests_resume(struct http_service *service)
{
    service->n_pieces_left = PIECES_PER_ROUND;
    for (unsigned n = 0; n < PIECES_PER_ROUND && !co_list_is_empty(&service->to_resume); n++) {
        struct co_list *first = co_list_take_first(&service->to_resume);
        struct request *request = co_container_of(first, struct request, link);

        request->is_suspended = false;
        if (!request->is_complete)
            http_connection_enter(request->connection, CONNECTION_RECEIVES);
        MHD_resume_connection(request->mhd);
    }
}

/* The handler has taken something from the stream. */
static void let_more_come(void *arg)
{
    struct request *request = arg;

    if (request->is_suspended && !request->is_complete)
        resume_soon(request);
}

static bool start_streaming(struct request *request)
{
    request->exchange.stream.taken = let_more_come;
    request->exchange.stream.arg = request;
    return start_handler(request);
}

static const struct http_refusal *check_head(const struct http_service *service,
                                             const struct http_connection *connection,
                                             const struct http_head *head)
{
    return service->refuses_all ? &stopping : http_guard_check(head, &connection->site);
}

static bool is_turned_away(const struct request *request)
{
    const struct http_route *route = request->exchange.route;

    return !http_connection_take_place(request->connection) &&
           (route == NULL || !route->answers_always);
}

/* Refuses what is refused before its body has come; what is answered anyway waits for its turn. */
static bool admit(struct http_connection *connection, struct request *request,
                  const struct http_head *head)
{
    const struct http_service *service = request->service;
    struct http_exchange *exchange = &request->exchange;
    int rc = http_exchange_set_head(exchange, head);

    if (rc == 0)
        rc = http_dispatch(exchange, service->routes, service->n_routes, &service->gate,
                           &service->limits);
    if (rc < 0)
        return false;
    if (is_turned_away(request)) {
        http_connection_refuse_head(connection, head->method, &overloaded);
        http_request_release(connection);
        return true;
    }
    http_connection_enter(connection, CONNECTION_RECEIVES);
    if (exchange->answer.status == 0)
        return !exchange->route->streams_body || start_streaming(request);
    if (http_exchange_expects_body(exchange)) {
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

static bool collect(struct request *request, const char *bytes, size_t n)
{
    struct http_connection *connection = request->connection;
    struct http_exchange *exchange = &request->exchange;
    int rc = buffer_append(&exchange->body, bytes, n);

    if (rc == -EMSGSIZE) {
        rc = http_dispatch_body_too_large(exchange, &request->service->limits);
        if (rc == 0) {
            http_connection_refuse(connection, exchange);
            http_request_release(connection);
        }
    }
    return rc >= 0;
}

/* May be called once more for pieces that libmicrohttpd has received before it was suspended. */
static bool pass_on(struct request *request, const char *bytes, size_t n)
{
    struct http_body_stream *stream = &request->exchange.stream;

    if (http_body_stream_add(stream, bytes, n) < 0)
        return false;
    http_connection_enter(request->connection, CONNECTION_RECEIVES);
    if (http_body_stream_is_full(stream))
        suspend(request);
    return true;
}

bool http_request_receive(struct http_connection *connection, const char *bytes, size_t n)
{
    struct request *request = connection->request;
    const struct http_route *route = request->exchange.route;

    return route->streams_body ? pass_on(request, bytes, n) : collect(request, bytes, n);
}

static bool complete(struct request *request)
{
    request->is_complete = true;
    http_connection_enter(request->connection, CONNECTION_SERVES);
    http_body_stream_complete(&request->exchange.stream);
    if (request->stage != REQUEST_BEGUN)
        return true;
    return request->exchange.answer.status != 0 ? send_answer(request) : start_handler(request);
}

bool http_request_serve(struct http_connection *connection)
{
    struct request *request = connection->request;

    if (!request->is_complete)
        return complete(request);
    if (request->exchange.answer.stream.is_begun || request->stage == REQUEST_ANSWERED)
        return send_answer(request);
    suspend(request);
    return true;
}

void http_requests_stop(struct http_service *service)
{
    for (enum connection_phase phase = 0; phase < CONNECTION_N_PHASES; phase++) {
        const struct co_list *all = &service->connections.phases[phase];
        for (struct co_list *at = all->next; at != all; at = at->next) {
            struct http_connection *connection = co_container_of(at, struct http_connection, link);
            cancel_endless(connection->request);
        }
    }
}
