/* Which handler a method and a path belong to. Pure: the routes are a table, nothing is registered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/tokens.h"

struct http_exchange;

/* Runs as a task; answers by http_answer*(). Its result is logged, nothing else: -errno when the
 * daemon itself failed, -ECANCELED when the client went away. */
typedef int http_handler(struct http_exchange *exchange, void *arg);

struct http_route {
    const char *method;
    const char *path; /* "/v1/jobs/{id}/results": a {placeholder} is one whole segment */
    http_handler *handler;
    bool takes_body;
    bool starts_work;    /* not while the daemon ends */
    bool streams_body;   /* the handler starts when the head has come, see http_body_read() */
    bool answers_always; /* also to clients for which there is no room, see http_connection.h */
    bool shows_work;     /* that is stored: takes RIGHT_READ as well */
    enum token_right needs;
};

enum { ROUTE_MAX_PARAMS = 4, ROUTE_MAX_ALLOW = 64 };

struct route_match {
    const struct http_route *route; /* NULL unless ROUTE_FOUND */
    struct {
        const char *text; /* within the path, still percent-encoded */
        size_t length;
    } params[ROUTE_MAX_PARAMS];
    size_t n_params;
    char allow[ROUTE_MAX_ALLOW]; /* "GET, HEAD, DELETE": of ROUTE_WRONG_METHOD */
};

enum route_outcome { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_WRONG_METHOD };

/* HEAD is answered by GET's route. path is as on the request line, without query. */
enum route_outcome route_find(const struct http_route *routes, size_t n_routes, const char *method,
                              const char *path, struct route_match *ret_match);
